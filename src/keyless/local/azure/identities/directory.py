"""The principals of the tenant beside the managed identities: applications and groups, and the members of each group."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.azure.identities.managed_identity import Identity, derived_guid
from keyless.local.azure.identities.principal import Principal
from keyless.local.azure.names import missing, taken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.authorization.role_assignments import RoleAssignments
    from keyless.local.azure.authorization.roles import AnyScope, HasScope
    from keyless.local.azure.identities.application import Application


class Group(Principal):
    """A group: what it may, its members may.

    Args:
        name: Its name.
        object_id: Its object id; None means one derived from the name.
        role_assignments: Where its roles are kept.
        scope: Finds the scope that a vault or a text means.
    """

    def __init__(
        self,
        name: str,
        *,
        object_id: str | None,
        role_assignments: RoleAssignments,
        scope: Callable[[HasScope | str], AnyScope],
    ) -> None:
        super().__init__(
            name, object_id=object_id or derived_guid("group", name), role_assignments=role_assignments, scope=scope
        )

    def __repr__(self) -> str:
        return f"Group({self.name!r}, object_id={self.object_id!r})"


class Directory:
    """The applications and groups of the tenant.

    Args:
        identities: Tells the managed identities, which are members of the tenant as well.
    """

    def __init__(self, identities: Callable[[], Mapping[str, Identity]]) -> None:
        self._identities = identities
        self._applications: dict[str, Application] = {}
        self._groups: dict[str, Group] = {}
        self._direct: dict[str, tuple[str, ...]] = {}
        # The object ids of the groups that someone is in, by that one's: a read looks here, whatever groups there are.
        self._groups_of: dict[str, tuple[str, ...]] = {}

    @property
    def applications(self) -> Mapping[str, Application]:
        """The applications by name."""
        return MappingProxyType(self._applications)

    @property
    def groups(self) -> Mapping[str, Group]:
        """The groups by name."""
        return MappingProxyType(self._groups)

    def application(self, name: str) -> Application:
        """Return an application by its name.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        if name not in self._applications:
            raise missing("application", name, self._applications)
        return self._applications[name]

    def group(self, name: str) -> Group:
        """Return a group by its name.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        if name not in self._groups:
            raise missing("group", name, self._groups)
        return self._groups[name]

    def principals(self) -> tuple[Identity | Application | Group, ...]:
        """Return everyone that a role can be given to."""
        return (*self._identities().values(), *self._applications.values(), *self._groups.values())

    def named(self, name: str) -> Identity | Application:
        """Return the identity or the application of a name.

        Raises:
            LocalAzureError: If there is neither; the error lists the identities that exist.
        """
        found = self._applications.get(name) or self._identities().get(name)
        if found is None:
            raise missing("identity", name, self._identities())
        return found

    def client(self, client_id: str) -> Identity | Application | None:
        """Return who signs in with a client id, in any case; None where nobody does."""
        everyone: tuple[Identity | Application, ...] = (*self._applications.values(), *self._identities().values())
        return next((found for found in everyone if found.client_id.lower() == client_id.lower()), None)

    def principal_of(self, object_id: str) -> Identity | Application | Group | None:
        """Return who has an object id, in any case; None where nobody has."""
        return next((found for found in self.principals() if found.object_id.lower() == object_id.lower()), None)

    def groups_of(self, object_id: str) -> tuple[str, ...]:
        """Return the object ids of the groups that someone is in, also by a group that is in another."""
        return self._groups_of.get(object_id, ())

    def members_of(self, group: Group) -> tuple[Identity | Application | Group, ...]:
        """Return who was put into a group."""
        return tuple(found for found in self.principals() if group.object_id in self._direct.get(found.object_id, ()))

    def add_application(self, application: Application) -> Application:
        """Have one more application.

        Raises:
            LocalAzureError: If its name or an id of it is taken.
        """
        self._refuse_taken(application, client_id=application.client_id)
        self._applications = {**self._applications, application.name: application}
        return application

    def add_group(self, group: Group) -> Group:
        """Have one more group.

        Raises:
            LocalAzureError: If its name or its id is taken.
        """
        self._refuse_taken(group)
        self._groups = {**self._groups, group.name: group}
        return group

    def add_member(self, group: Group, member: Principal) -> None:
        """Put someone into a group. What the group may, the member may from now on."""
        held = self._direct.get(member.object_id, ())
        if group.object_id not in held:
            self._direct = {**self._direct, member.object_id: (*held, group.object_id)}
            self._work_out()

    def remove_member(self, group: Group, member: Principal) -> None:
        """Take someone out of a group."""
        held = self._direct.get(member.object_id, ())
        self._direct = {**self._direct, member.object_id: tuple(each for each in held if each != group.object_id)}
        self._work_out()

    def remove(self, gone: Application | Group) -> None:
        """Have an application or a group no more; role assignments of it stay, as in Azure."""
        self._applications = {name: found for name, found in self._applications.items() if found is not gone}
        self._groups = {name: found for name, found in self._groups.items() if found is not gone}
        self._direct = {
            member: tuple(each for each in held if each != gone.object_id)
            for member, held in self._direct.items()
            if member != gone.object_id
        }
        self._work_out()

    def _work_out(self) -> None:
        """Work out in which groups everyone is, so that no read has to."""
        found: dict[str, tuple[str, ...]] = {}
        for member, direct in self._direct.items():
            seen: dict[str, None] = {}
            ahead = list(direct)
            while ahead:
                group = ahead.pop()
                if group not in seen:
                    seen[group] = None
                    ahead += self._direct.get(group, ())
            found[member] = tuple(seen)
        self._groups_of = found

    def _refuse_taken(self, made: Principal, *, client_id: str = "") -> None:
        for known in self.principals():
            if known.name == made.name:
                raise taken("principal", made.name)
            ids = {known.object_id.lower(), getattr(known, "client_id", "").lower()} - {""}
            for each in (made.object_id, client_id):
                if each.lower() in ids:
                    raise LocalAzureError(
                        f"{made.name!r} cannot have the id {each}.",
                        cause=f"{known.name!r} has it.",
                        remedy="Give each identity, application and group ids of its own, or none.",
                    )
