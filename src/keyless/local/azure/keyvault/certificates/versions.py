"""Versions of certificates: as they are while they wait, as they are once they are there, and when others follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from keyless.local.azure.keyvault.certificates.facts import CertificateFacts
from keyless.local.azure.keyvault.certificates.issuing import Life
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography import x509

    from keyless.local.azure.keyvault.certificates.pending import PendingOperation
    from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties

_T = TypeVar("_T")


def version_of(
    name: str,
    version: str,
    leaf: x509.Certificate,
    *,
    enabled: bool,
    tags: Mapping[str, str],
    preserve_order: bool,
    created_on: int,
    updated_on: int,
) -> ObjectVersion:
    """Return a version of a certificate that is there."""
    life = Life.of(leaf)
    return ObjectVersion(
        name=name,
        version=version,
        attributes=Attributes(enabled=enabled, not_before=life.not_before, expires_on=life.expires_on, tags=tags),
        created_on=created_on,
        updated_on=updated_on,
        facts=CertificateFacts.about(leaf, preserve_order=preserve_order).to_json(),
        value="",
    )


def incomplete_version(ordered: PendingOperation, policy: CertificatePolicy) -> ObjectVersion:
    """Return the first version of a certificate while it is on its way, with the times that it will have. Recorded."""
    life = Life.beginning(ordered.created_on, months=policy.months)
    return ObjectVersion(
        name=ordered.name,
        version=ordered.version,
        attributes=Attributes(enabled=False, not_before=life.not_before, expires_on=life.expires_on, tags=ordered.tags),
        created_on=ordered.created_on,
        updated_on=ordered.created_on,
        value="",
    )


def renewals(latest: ObjectVersion, policy: CertificatePolicy, *, until: float) -> list[int]:
    """Return when a certificate is renewed, from its latest version to a moment."""
    found: list[int] = []
    made, said = latest.created_on, latest.attributes
    life = Life(said.not_before or made, said.expires_on or made)
    while (
        due := policy.renews_on(not_before=life.not_before, expires_on=life.expires_on)
    ) is not None and made < due <= until:
        made = int(due)
        life = Life.beginning(made, months=policy.months)
        found.append(made)
    return found


def page_of_whole(
    source: Callable[..., list[_T]],
    properties: Callable[[_T], ObjectProperties],
    *,
    start: str,
    size: int,
    whole: bool,
    by_version: bool = False,
) -> list[_T]:
    """Return a page from a source, and the item after it: of all, or of those alone that are there.

    Args:
        source: Returns a page of all, and the item after it.
        properties: Returns those of an item.
        start: The name that the page begins with.
        size: How many items are wanted.
        whole: Whether to leave out what is on its way.
        by_version: Whether the items are versions of one certificate, so that the page begins with the id of one.
    """
    found: list[_T] = []
    while len(found) <= size:
        page = source(start=start, size=size)
        found += [each for each in page[:size] if properties(each).facts or not whole]
        if len(page) <= size:
            break
        following = properties(page[size])
        start = following.version if by_version else following.name
    return found[: size + 1]
