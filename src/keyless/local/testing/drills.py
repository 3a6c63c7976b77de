"""Drills: what happens to every program in Azure sooner or later, made to happen now, and an account of how it went."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.record import Record
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.sources import SourceName

# Seconds. Clients take a token for expired in its last five minutes, so that this one is renewed after half a minute.
_SHORT_LIFE = 330


class Drill(Record, frozen=True, kw_only=True):
    """Something that happens, and is over again.

    Attributes:
        name: Its name.
        says: What happens, in a sentence.
        begin: Lets it happen; returns what ends it.
        from_start: Whether it only means something before the program's first request.
        source: On which kind of host it happens.
    """

    name: str
    says: str
    begin: Callable[[Azure], Callable[[], None]]
    from_start: bool = False
    source: SourceName = "app-service"


def _fault(name: str, *, times: int | None = None) -> Callable[[Azure], Callable[[], None]]:
    def begin(azure: Azure) -> Callable[[], None]:
        made = azure.faults.add_named(name, times=times)

        def end() -> None:
            # One that struck as often as it was to is gone already.
            if any(active.id == made.id for active in azure.faults.active()):
                azure.faults.remove(made.id)

        return end

    return begin


def _rotate(azure: Azure) -> Callable[[], None]:
    for vault in azure.vaults.values():
        for secret in list(vault.list_secrets()):
            before = vault.get_secret(secret.name)
            if before.attributes.enabled:
                vault.secrets.set(secret.name, f"{before.value}-rotated", before.attributes.without_times())
    return lambda: None


def _remove_identities(azure: Azure) -> Callable[[], None]:
    removed = [identity for identity in azure.identities.values() if identity.assigned]
    for identity in removed:
        identity.unassign()

    def end() -> None:
        for identity in removed:
            identity.assign()

    return end


def _shorten_tokens(azure: Azure) -> Callable[[], None]:
    before = dict(azure.token_lifetimes)
    azure.token_lifetimes.update(dict.fromkeys(SOURCES, _SHORT_LIFE))

    def end() -> None:
        azure.token_lifetimes.update(before)

    return end


DRILLS: Final[Mapping[str, Drill]] = MappingProxyType(
    {
        drill.name: drill
        for drill in (
            Drill(
                name="rotation",
                says="Every secret gets a new version; the old value, with -rotated at its end.",
                begin=_rotate,
            ),
            Drill(name="vault-outage", says="The vaults answer 503.", begin=_fault("vault-outage")),
            Drill(name="throttling", says="The vaults answer 429 without Retry-After.", begin=_fault("throttled")),
            Drill(
                name="imds-cold-start",
                says="The identity endpoint answers 410 to the first three requests.",
                begin=_fault("imds-upgrade", times=3),
                from_start=True,
                source="imds",
            ),
            Drill(
                name="identity-removed",
                says="No managed identity is assigned to the host any more; a program goes on with the token that it has.",
                begin=_remove_identities,
            ),
            Drill(
                name="role-not-propagated",
                says="Roles have no effect on the vaults yet: 403 ForbiddenByRbac.",
                begin=_fault("role-not-propagated"),
                from_start=True,
            ),
            Drill(
                name="token-expiring",
                says=f"New tokens are good for {_SHORT_LIFE} seconds: clients renew them after half a minute.",
                begin=_shorten_tokens,
                from_start=True,
            ),
        )
    }
)


def find_drill(name: str) -> Drill:
    """Return a drill by its name.

    Raises:
        LocalAzureError: If there is none; the error lists those that exist.
    """
    if name not in DRILLS:
        raise LocalAzureError(
            f"There is no drill {name!r}.",
            cause="The name is not one of those that Keyless knows.",
            remedy=f"Use one of: {', '.join(DRILLS)}.",
        )
    return DRILLS[name]
