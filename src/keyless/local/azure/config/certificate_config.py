"""The certificates of a keyless.toml: what is made or imported at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field

from keyless.errors import ConfigurationError
from keyless.local.azure.config.declaration import CertificateTable
from keyless.local.azure.keyvault.objects.attributes import AttributeChange
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.config.declared import Wrong


class CertificateConfig(Record, frozen=True, kw_only=True):
    """A certificate that a vault makes or imports at the start; what is imported is in no representation.

    Attributes:
        name: Its name.
        policy: Its policy; where the certificate is imported, what differs from the policy.
        value: PFX in base64, or PEM; None where it is made.
        password: What that is encrypted with.
        attributes: What is said of it.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"value", "password"})

    name: str
    policy: Mapping[str, Any]
    value: str | None = None
    password: str | None = None
    attributes: AttributeChange = field(default_factory=AttributeChange)


def certificate_of(
    name: str, said: str | CertificateTable, *, path: tuple[str, ...], wrong: Wrong
) -> CertificateConfig:
    """Return a certificate.

    Raises:
        ConfigurationError: If no vault can make or import it.
    """
    from keyless.local.azure.keyvault.certificates.imports import derived_policy  # noqa: PLC0415 (few runs have a certificate, and it takes long to load)
    from keyless.local.azure.keyvault.certificates.package import read_package  # noqa: PLC0415 (as above)
    from keyless.local.azure.keyvault.certificates.policy import read_policy  # noqa: PLC0415 (as above)

    table = CertificateTable(subject=said) if isinstance(said, str) else said
    found = config_of_table(name, table)
    try:
        if found.value is None:
            read_policy(found.policy, now=0)
        else:
            derived_policy(read_package(found.value, found.password), found.policy, now=0)
    except ConfigurationError as error:
        raise wrong(path, error.what.removesuffix("."), error.cause.removesuffix(".")) from None
    return found


def config_of_table(name: str, table: CertificateTable) -> CertificateConfig:
    """Return what a table says, in the words of the REST API, unchecked."""
    is_made = table.value is None
    x509 = {
        "subject": table.subject,
        "sans": {"dns_names": table.dns_names} if table.dns_names else None,
        "validity_months": table.validity_months,
    }
    key = {
        "kty": table.kty,
        "key_size": table.size,
        "crv": table.curve,
        "exportable": table.exportable,
        "reuse_key": table.reuse_key,
    }
    issuer = table.issuer or ("Self" if is_made else None)
    parts = {
        "x509_props": _given(x509),
        "key_props": _given(key),
        "secret_props": _given({"contentType": table.content_type}),
        "issuer": _given({"name": issuer}),
    }
    return CertificateConfig(
        name=name,
        policy=_given(parts),
        value=table.value,
        password=table.password,
        attributes=AttributeChange(enabled=table.enabled, tags=dict(table.tags) or None),
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}
