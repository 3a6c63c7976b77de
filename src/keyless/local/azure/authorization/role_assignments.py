"""Role assignments, and from when on they take effect: in Azure a role that is given or taken takes effect after minutes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyless.errors import LocalAzureError
from keyless.local.azure.authorization.conditions.expressions import Facts
from keyless.local.azure.authorization.roles import (
    BUILT_IN_ROLES,
    MANAGEMENT_ROLES,
    AnyScope,
    Decision,
    Role,
    RoleAssignment,
    Scope,
    decide,
    role_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from keyless.local.azure.authorization.conditions.condition import Condition
    from keyless.local.azure.authorization.resource_scope import HasArmId
    from keyless.local.clock import Clock


class RoleAssignments:
    """The role assignments of a local Azure. Safe to use from any thread.

    Args:
        clock: Tells the time.
        make_id: Makes an assignment's GUID from words.
        custom_roles: The roles that there are beside the built-in ones.
        groups_of: Tells the object ids of the groups that someone is in.

    Attributes:
        propagation_seconds: How long it takes until a role that is given, or taken, takes effect at the vaults; none by default.
            Azure says up to ten minutes:
            https://learn.microsoft.com/en-us/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
    """

    def __init__(
        self,
        clock: Clock,
        *,
        make_id: Callable[..., str],
        custom_roles: Iterable[Role] = (),
        groups_of: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        self.propagation_seconds = 0.0
        self._clock = clock
        self._make_id = make_id
        self._groups_of = groups_of
        self._custom_roles = tuple(custom_roles)
        self._lock = threading.Lock()
        # By the object id of the identity, so that a decision costs the same however many assignments there are.
        self._held: dict[str, tuple[RoleAssignment, ...]] = {}

    def role(self, name: str) -> Role:
        """Return a role by its name or GUID.

        Raises:
            LocalAzureError: If there is none.
        """
        return role_named(name, self._custom_roles)

    def held_by(self, object_id: str) -> tuple[RoleAssignment, ...]:
        """Return what an identity has been given, in effect already or not."""
        return tuple(found for found in self._held.get(object_id, ()) if found.until == float("inf"))

    def grant(
        self, object_id: str, role: str, scope: AnyScope, *, condition: Condition | None = None, at_once: bool = False
    ) -> RoleAssignment:
        """Give an identity a role at a scope, once; in effect at once or after the propagation delay.

        Raises:
            LocalAzureError: If there is no such role, or the identity has it there under another condition.
        """
        wanted = self.role(role)
        with self._lock:
            held = self.refuse_other_condition(object_id, role, scope, condition)
            if held is not None:
                return held
            since = 0.0 if at_once else self._clock.now() + self.propagation_seconds
            assignment_id = self._make_id("assignment", object_id, wanted.id, str(scope))
            made = RoleAssignment(assignment_id, object_id, wanted, scope, since=since, condition=condition)
            self._held[object_id] = (*self._held.get(object_id, ()), made)
        return made

    def refuse_other_condition(
        self, object_id: str, role: str, scope: AnyScope, condition: Condition | None
    ) -> RoleAssignment | None:
        """Return the assignment of a role at a scope that an identity has; None where it has none.

        Raises:
            LocalAzureError: If there is no such role, or the identity has it there under another condition.
        """
        wanted = self.role(role)
        held = (found for found in self.held_by(object_id) if found.role == wanted and found.scope == scope)
        found = next(held, None)
        if found is not None and found.condition != condition:
            raise LocalAzureError(
                f"{found.role.name} on {found.scope} is assigned already, with another condition.",
                cause="An identity can have a role at a scope once: with one condition, or without.",
                remedy="Revoke it first, then grant it with the condition that you want.",
            )
        return found

    def revoke(self, object_id: str, identity: str, role: str, scope: AnyScope) -> None:
        """Take a role at a scope from an identity.

        Raises:
            LocalAzureError: If the identity does not have that role there.
        """
        wanted = self.role(role)
        with self._lock:
            held = self.held_by(object_id)
            gone = [found for found in held if found.role == wanted and found.scope == scope]
            if not gone:
                has = ", ".join(str(found) for found in held)
                raise LocalAzureError(
                    f"{identity} does not have {wanted.name} on {scope}.",
                    cause=f"Its roles are: {has}." if has else "It has no role.",
                    remedy="Revoke a role where it was granted.",
                )
            self._end(object_id, gone)

    def _end(self, object_id: str, gone: list[RoleAssignment]) -> None:
        until = self._clock.now() + self.propagation_seconds
        ending = [replace(found, until=until) for found in gone if self.propagation_seconds > 0]
        kept = (found for found in self._held[object_id] if found not in gone)
        self._held[object_id] = (*kept, *ending)

    def all(self) -> Iterator[RoleAssignment]:
        """Go through the assignments of everyone, in effect already or not."""
        for object_id in list(self._held):
            yield from self.held_by(object_id)

    def find(self, assignment_id: str) -> RoleAssignment | None:
        """Return an assignment by its GUID; None where there is none."""
        return next((found for found in self.all() if found.id == assignment_id.lower()), None)

    def put(self, wanted: RoleAssignment) -> RoleAssignment:
        """Have an assignment in place of the one with its GUID, if there is one; it takes effect as with ``grant``."""
        with self._lock:
            held = self._held.get(wanted.object_id, ())
            before = next((found for found in held if found.id == wanted.id and found.until == float("inf")), None)
            since = self._clock.now() + self.propagation_seconds if before is None else before.since
            made = replace(wanted, since=since)
            self._held[wanted.object_id] = (*(found for found in held if found is not before), made)
            return made

    def remove(self, assignment_id: str) -> RoleAssignment | None:
        """Take an assignment away by its GUID, and return it; None where there is none."""
        with self._lock:
            found = self.find(assignment_id)
            if found is not None:
                self._end(found.object_id, [found])
            return found

    @property
    def roles(self) -> tuple[Role, ...]:
        """Every role that there is, custom ones first."""
        return (*self._custom_roles, *BUILT_IN_ROLES, *MANAGEMENT_ROLES)

    def is_custom(self, role: Role) -> bool:
        """Return whether a role is none of Azure's own."""
        return any(found.id == role.id for found in self._custom_roles)

    def put_role(self, role: Role) -> None:
        """Have a custom role in place of the one with its GUID, if there is one; who has it has what it allows now."""
        with self._lock:
            self._custom_roles = (*(found for found in self._custom_roles if found.id != role.id), role)
            self._held = {
                object_id: tuple(replace(each, role=role) if each.role.id == role.id else each for each in held)
                for object_id, held in self._held.items()
            }

    def remove_role(self, role: Role) -> None:
        """Have a custom role no more."""
        with self._lock:
            self._custom_roles = tuple(found for found in self._custom_roles if found.id != role.id)

    def allows_management(self, object_id: str, action: str, on: HasArmId) -> bool:
        """Return whether someone, or one of the groups that they are in, may do something in the management plane now."""
        now, facts = self._clock.now(), Facts(action, {}, {})
        return any(
            held.since <= now < held.until
            and held.role.allows_management(action)
            and _covers(held.scope, on)
            and (held.condition is None or held.condition.allows(facts))
            for held in self.with_groups(object_id)
        )

    def with_groups(self, object_id: str) -> tuple[RoleAssignment, ...]:
        """Return what someone was given, and the groups that they are in; also what has no effect any more, or not yet."""
        found = self._held.get(object_id, ())
        for group in self._groups_of(object_id):
            found = (*found, *self._held.get(group, ()))
        return found

    def decide(self, *, object_id: str, identity: str, scope: Scope, facts: Facts) -> Decision:
        """Decide whether an identity, or one of the groups that it is in, may perform a data action now."""
        now = self._clock.now()
        all_ = self.with_groups(object_id)
        in_effect = [found for found in all_ if found.since <= now < found.until]
        found = decide(in_effect, identity=identity, scope=scope, facts=facts)
        if found.allowed:
            return found
        coming = [held for held in all_ if held.since > now and held.until == float("inf") and held.scope.covers(scope)]
        if not coming:
            return found
        wait = max(held.since for held in coming) - now
        return replace(found, reason=f"{found.reason} A role that it was given takes effect in {wait:.0f} s.")


def _covers(scope: AnyScope, on: HasArmId) -> bool:
    return on.arm_id == scope.arm_id or on.arm_id.startswith(f"{scope.arm_id}/")
