"""Brings the applications and groups of a configuration into the directory of a local Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.identities.application import Application
from keyless.local.azure.identities.directory import Group

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.authorization.role_assignments import RoleAssignments
    from keyless.local.azure.authorization.roles import AnyScope, HasScope
    from keyless.local.azure.config.application_config import ApplicationConfig, GroupConfig
    from keyless.local.azure.config.config import Config
    from keyless.local.azure.config.identity_config import IdentityConfig
    from keyless.local.azure.identities.directory import Directory


def enrol(
    directory: Directory,
    config: Config,
    *,
    role_assignments: RoleAssignments,
    scope: Callable[[HasScope | str], AnyScope],
) -> None:
    """Make the groups and applications that a configuration has, put members into groups, and give roles at once.

    Raises:
        LocalAzureError: If a name or an id is taken.
    """
    for wanted in config.groups.values():
        directory.add_group(
            Group(wanted.name, object_id=wanted.object_id, role_assignments=role_assignments, scope=scope)
        )
    for asked in config.applications.values():
        made = directory.add_application(
            Application(
                asked.name,
                client_id=asked.client_id,
                object_id=asked.object_id,
                role_assignments=role_assignments,
                scope=scope,
            )
        )
        made.certificates, made.federated = asked.certificates, asked.federated
        for secret in asked.secrets:
            made.add_secret(secret)
    members: tuple[IdentityConfig | ApplicationConfig, ...] = (
        *config.identities.values(),
        *config.applications.values(),
    )
    by_name = {found.name: found for found in directory.principals()}
    for member in members:
        for group in member.groups:
            directory.add_member(directory.group(group), by_name[member.name])
    holders: tuple[GroupConfig | ApplicationConfig, ...] = (*config.groups.values(), *config.applications.values())
    for holder in holders:
        for found in holder.roles:
            role_assignments.grant(
                by_name[holder.name].object_id,
                found.role,
                scope(str(found.scope)),
                condition=found.condition,
                at_once=True,
            )
