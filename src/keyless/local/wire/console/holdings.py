"""The contents of the vaults: secrets without their values, keys, versions, what is deleted, and when things expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.record import Record
from keyless.local.wire.console.asked import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.azure import Azure, Vault
    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectProperties
    from keyless.local.azure.keyvault.objects.vault_objects import VaultObjects
    from keyless.local.operations import Kind
    from keyless.local.wire.console.asked import Asked

_MOST: Final = 500
_NEAR: Final = 30 * 86_400


class Expiry(Record, frozen=True, kw_only=True):
    """The expiry of a version of an object.

    Attributes:
        vault: The vault's name.
        kind: What it is.
        name: Its name.
        at: When, in Unix seconds.
        left: For how long yet; negative where it is over.
        share: Where it is on a line of the coming year, from 0 to 1000.
    """

    vault: str
    kind: Kind
    name: str
    at: float
    left: float
    share: int

    @property
    def is_near(self) -> bool:
        """Whether it is over, or will be within a month, when Event Grid sends an event."""
        return self.left <= _NEAR


def objects_of(vault: Vault) -> tuple[VaultObjects, ...]:
    """Return what a vault holds, by kind: certificates where the vault has them."""
    found = (getattr(vault, name, None) for name in ("secrets", "keys", "certificates"))
    return tuple(each for each in found if each is not None)


def expiries(azure: Azure) -> list[Expiry]:
    """Return what expires, the first first."""
    now, year = azure.clock.now(), 365 * 86_400
    return sorted(
        (
            Expiry(
                vault=vault.name,
                kind=held.kind,
                name=each.name,
                at=at,
                left=at - now,
                share=round(1000 * min(1, max(0, (at - now) / year))),
            )
            for vault in azure.vaults.values()
            for held in objects_of(vault)
            for each in held
            if (at := each.attributes.expires_on) is not None
        ),
        key=lambda found: found.at,
    )


def vaults(asked: Asked) -> Page:
    """Show the vaults."""
    return Page(
        "vaults",
        "Vaults",
        {
            "vaults": [
                {
                    "vault": vault,
                    "held": [
                        {"kind": held.kind, "objects": list(_described(held)), "deleted": _deleted(held)}
                        for held in objects_of(vault)
                    ],
                }
                for vault in asked.azure.vaults.values()
            ],
            "expiries": expiries(asked.azure),
        },
    )


def _described(held: VaultObjects) -> Iterator[dict[str, object]]:
    for number, each in enumerate(held):
        if number == _MOST:
            return
        yield {"found": each, "type": _type(held.kind, each)}


def _type(kind: Kind, found: ObjectProperties) -> str:
    if kind == "key":
        return KeyFacts.of(found.facts).kty
    return found.attributes.content_type or ""


def _deleted(held: VaultObjects) -> list[DeletedObject]:
    return list(held.page_of_deleted(start="", size=_MOST))[:_MOST]


def held_in(asked: Asked, vault: str, kind: str) -> VaultObjects:
    """Return the objects of a kind in a vault.

    Raises:
        LocalAzureError: If there is no such vault, or it has no such kind.
    """
    for held in objects_of(asked.azure.vault(vault)):
        if held.kind == kind:
            return held
    raise LocalAzureError(
        f"There are no objects of the kind {kind!r}.", cause="A vault has none.", remedy="Use the links of the page."
    )


def versions(asked: Asked) -> Page:
    """Show the versions of one object."""
    vault, kind, name = (asked.path[part] for part in ("vault", "kind", "name"))
    found = held_in(asked, vault, kind).page_of_versions(name, start="", size=_MOST)
    if not found:
        raise LocalAzureError(
            f"The vault {vault} has no {kind} {name!r}.", cause="It is not there.", remedy="Go back to the vaults."
        )
    newest = sorted(found, key=lambda each: each.created_on, reverse=True)
    latest = held_in(asked, vault, kind).find(name)
    return Page(
        "versions",
        f"{vault}/{name}",
        {"vault": vault, "kind": kind, "name": name, "versions": newest, "latest": latest and latest.version},
    )


def reveal(asked: Asked) -> Page:
    """Show the value of one version of one secret, which was asked for."""
    vault, name = asked.azure.vault(asked.required("vault")), asked.required("name")
    found = vault.get_secret(name, asked.form.get("version") or None)
    return Page("value", name, {"vault": vault.name, "name": name, "version": found.version, "value": found.value})


def hide(asked: Asked) -> Page:
    """Take the value away again."""
    facts = {each: asked.required(each) for each in ("vault", "name")}
    return Page("hidden", asked.required("name"), {**facts, "version": asked.form.get("version", "")})
