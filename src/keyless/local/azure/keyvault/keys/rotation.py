"""The rotation policy of a key: what happens to it, and when.

https://learn.microsoft.com/en-us/azure/key-vault/keys/how-to-configure-key-rotation
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from msgspec import to_builtins

from keyless.local.azure.keyvault.keys.durations import days_in, shifted
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Action = Literal["Rotate", "Notify"]
_ACTIONS: Final[Mapping[str, Action]] = MappingProxyType({"rotate": "Rotate", "notify": "Notify"})
_SHORTEST_DAYS = 7
_SHORTEST_LIFE_DAYS = 28


class LifetimeAction(Record, frozen=True):
    """One action of a policy.

    Attributes:
        action: What happens.
        after_create: How long after the version was made; None where the other is given.
        before_expiry: How long before the version expires; None where the other is given.
    """

    action: Action
    after_create: str | None = None
    before_expiry: str | None = None

    def due(self, *, created_on: float, expires_on: float | None) -> float | None:
        """Return when it happens to a version, in Unix seconds; None where it never does."""
        try:
            if self.after_create is not None:
                return shifted(created_on, self.after_create)
            if self.before_expiry is not None and expires_on is not None:
                return shifted(expires_on, self.before_expiry, sign=-1)
        except OverflowError:
            return None
        return None


# What a key has before anything is set, and what is added to a policy that only rotates. Recorded.
DEFAULT_ACTION: Final = LifetimeAction("Notify", before_expiry="P30D")


class RotationPolicy(Record, frozen=True):
    """The rotation policy of a key.

    Attributes:
        actions: What happens, and when.
        expiry_time: How long a new version is valid; None means for ever.
        created_on: When the policy was first set, in Unix seconds; None where it never was.
        updated_on: When it was last set.
    """

    actions: tuple[LifetimeAction, ...] = (DEFAULT_ACTION,)
    expiry_time: str | None = None
    created_on: int | None = None
    updated_on: int | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self:
        """Read what a store has; None means that nothing was set."""
        if kept is None:
            return cls()
        return cls(**{**kept, "actions": tuple(LifetimeAction(**action) for action in kept["actions"])})

    def to_json(self) -> dict[str, Any]:
        """Return the policy as a store has it."""
        found: dict[str, Any] = to_builtins(self)
        return found

    def action(self, name: Action) -> LifetimeAction | None:
        """Return an action of the policy; None where it has none of that name."""
        return next((found for found in self.actions if found.action == name), None)

    def expiry_of(self, created_on: float) -> int | None:
        """Return when a version expires that is made at a moment; None where it never does."""
        if self.expiry_time is None:
            return None
        return int(shifted(created_on, self.expiry_time))

    def rotations(self, *, created_on: int, expires_on: int | None, until: float) -> list[int]:
        """Return when a key is rotated, from its latest version to a moment.

        Args:
            created_on: When that version was made.
            expires_on: When it expires; None where it does not.
            until: The moment.
        """
        found: list[int] = []
        rotate = self.action("Rotate")
        if rotate is None:
            return found
        made, expires = created_on, expires_on
        while (due := rotate.due(created_on=made, expires_on=expires)) is not None and made < due <= until:
            made = int(due)
            expires = self.expiry_of(made)
            found.append(made)
        return found


def read_policy(body: Mapping[str, Any], *, now: int, before: RotationPolicy) -> RotationPolicy:
    """Read the policy that a client sets, in place of all that there was.

    Args:
        body: The JSON.
        now: The time, in Unix seconds.
        before: The policy until now.

    Raises:
        RefusedKeyError: If no key can have such a policy.
    """
    attributes = _table(body.get("attributes"), "attributes")
    expiry = _duration(attributes, "expiryTime", shortest=_SHORTEST_LIFE_DAYS)
    items = body.get("lifetimeActions") or []
    if not isinstance(items, list):
        raise RefusedKeyError("lifetimeActions is of the wrong type.", allowed="a list of them")
    actions = tuple(_action(_table(item, "a lifetime action"), expiry) for item in items)
    if len({found.action for found in actions}) != len(actions):
        raise RefusedKeyError("An action is given twice.", allowed="one action of each type")
    if [found.action for found in actions] == ["Rotate"]:
        actions = (*actions, DEFAULT_ACTION)
    return RotationPolicy(actions, expiry, before.created_on if before.created_on is not None else now, now)


def _action(item: Mapping[str, Any], expiry: str | None) -> LifetimeAction:
    name = _ACTIONS.get(str(_table(item.get("action"), "action").get("type", "")).lower())
    if name is None:
        raise RefusedKeyError("The type of an action is unknown.", allowed="the types Rotate and Notify")
    trigger = _table(item.get("trigger"), "trigger")
    created = _duration(trigger, "timeAfterCreate", shortest=_SHORTEST_DAYS)
    expires = _duration(trigger, "timeBeforeExpiry", shortest=_SHORTEST_DAYS)
    if (created is None) is (expires is None):
        raise RefusedKeyError("A trigger has no time, or two.", allowed="timeAfterCreate or timeBeforeExpiry")
    if name == "Notify" and created is not None:
        raise RefusedKeyError("Notify has timeAfterCreate.", allowed="timeBeforeExpiry for Notify")
    if name == "Rotate" and expires is not None:
        if expiry is None:
            raise RefusedKeyError(
                "There is no expiryTime to rotate before.", allowed="timeBeforeExpiry with expiryTime"
            )
        if days_in(expiry) - days_in(expires) < _SHORTEST_DAYS:
            raise RefusedKeyError("The key would rotate as it is made.", allowed="rotation from 7 days of age on")
    return LifetimeAction(name, created, expires)


def _duration(table: Mapping[str, Any], name: str, *, shortest: int) -> str | None:
    found = table.get(name) or None
    if found is None:
        return None
    if not isinstance(found, str):
        raise RefusedKeyError(f"{name} is of the wrong type.", allowed="a duration such as P90D")
    if days_in(found) < shortest:
        raise RefusedKeyError(f"{name} is too short.", allowed=f"a {name} from P{shortest}D")
    return found


def _table(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedKeyError(f"{name} is of the wrong type.", allowed="an object")
    return value
