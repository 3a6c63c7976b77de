"""Events that fall due as time passes: keys rotate, certificates are issued and renewed, and vaults announce what expires.

https://learn.microsoft.com/en-us/azure/event-grid/event-schema-key-vault
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from keyless.local.azure.keyvault.keys.rotation import RotationPolicy
from keyless.local.azure.keyvault.objects.stored import Expiring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.keyvault.objects.store import ObjectStore
    from keyless.local.azure.keyvault.objects.stored import Happened
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.clock import Clock

_NEAR_SECONDS: Final = 30 * 86_400


class Lifetimes:
    """Does what falls due, each thing once. Safe to use from any thread.

    Args:
        store: What the vaults hold.
        clock: The time.
        vaults: Returns the vaults by name.
    """

    def __init__(self, store: ObjectStore, *, clock: Clock, vaults: Callable[[], Mapping[str, Vault]]) -> None:
        self._store = store
        self._clock = clock
        self._vaults = vaults
        self._lock = threading.Lock()
        self._acted_until = clock.now()

    def restart(self) -> None:
        """Go by the time that it is now, which a reset has set back."""
        self._acted_until = self._clock.now()

    def act(self) -> None:
        """Do what has fallen due since the last time; rotations and renewals that were missed are made good."""
        with self._lock:
            after, now = self._acted_until, self._clock.now()
            if now <= after:
                return
            self._acted_until = now
            vaults = {name.lower(): vault for name, vault in self._vaults().items()}
            for which in self._store.with_policy(now=now):
                vault = vaults.get(which.vault.lower())
                if vault is not None and which.kind == "key":
                    vault.keys.rotate_if_due(which.name, until=now)
                elif vault is not None:
                    vault.certificates.renew_if_due(which.name, until=now)
            for _, happened, found in sorted(self._expiries(after, now), key=lambda due: due[0]):
                if found.vault.lower() in vaults:
                    vaults[found.vault.lower()].tell(happened, found.kind, found.properties)

    def _expiries(self, after: float, now: float) -> list[tuple[float, Happened, Expiring]]:
        near = {"after": after + _NEAR_SECONDS, "until": now + _NEAR_SECONDS}
        expired: list[tuple[float, Happened, Expiring]] = [
            (found.properties.attributes.expires_on or 0, "Expired", found)
            for found in self._store.expiring(after=after, until=now, now=now)
        ]
        about_to: list[tuple[float, Happened, Expiring]] = [
            ((found.properties.attributes.expires_on or 0) - _NEAR_SECONDS, "NearExpiry", found)
            for found in self._store.expiring(**near, now=now)
            if (found.policy is None or found.kind != "key") and not _is_on_its_way(found)
        ]
        return [*expired, *about_to, *self._notified(after, now)]

    def _notified(self, after: float, now: float) -> list[tuple[float, Happened, Expiring]]:
        """Return the keys whose policies send an event, each at a time of its own."""
        due: list[tuple[float, Happened, Expiring]] = []
        for which in self._store.with_policy(now=now):
            latest = self._store.get(which, now=now)
            notify = RotationPolicy.of(self._store.policy(which)).action("Notify") if which.kind == "key" else None
            if latest is None or notify is None:
                continue
            moment = notify.due(created_on=latest.created_on, expires_on=latest.attributes.expires_on)
            if moment is not None and after < moment <= now:
                due.append((moment, "NearExpiry", Expiring(which.vault, which.kind, None, latest)))
        return due


def _is_on_its_way(found: Expiring) -> bool:
    """Return whether this is a certificate that is not there yet."""
    return found.kind == "certificate" and not found.properties.facts
