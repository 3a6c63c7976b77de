"""The applications and groups of a local Azure, in the words of a keyless.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.application import Application
    from keyless.local.azure.identities.principal import Principal


def exported_directory(azure: Azure, *, with_values: bool) -> dict[str, Any]:
    """Return the applications and groups; what federated tokens are checked with is left out.

    Args:
        azure: The local Azure.
        with_values: Whether the applications have their secrets.
    """
    applications = {
        name: _application(azure, found, with_values=with_values)
        for name, found in azure.directory.applications.items()
    }
    groups = {}
    for name, group in azure.directory.groups.items():
        has = what_it_has(azure, group)
        has.pop("groups", None)  # A keyless.toml puts no group into another.
        groups[name] = {"object_id": group.object_id, **has}
    made = {"applications": applications, "groups": groups}
    return {name: found for name, found in made.items() if found}


def what_it_has(azure: Azure, principal: Principal) -> dict[str, Any]:
    """Return the roles that someone has, and the groups that someone is in."""
    roles: dict[str, list[Any]] = {}
    for held in azure.role_assignments.held_by(principal.object_id):
        name, condition = held.role.name, held.condition
        found = name if condition is None else {"role": name, "condition": condition.text}
        roles.setdefault(str(held.scope), []).append(found)
    groups = [name for name, group in azure.directory.groups.items() if principal in azure.directory.members_of(group)]
    return {**({"roles": roles} if roles else {}), **({"groups": groups} if groups else {})}


def _application(azure: Azure, found: Application, *, with_values: bool) -> dict[str, Any]:
    secrets = [each.value for each in found.secrets] if with_values else []
    certificates = [each.public_bytes(Encoding.PEM).decode("ascii") for each in found.certificates]
    federated = [
        {"issuer": each.issuer, "subject": each.subject, "audience": each.audience}
        for each in found.federated
        if each.keys is None
    ]
    parts = {"secret": secrets, "certificate": certificates, "federated": federated}
    return {
        "client_id": found.client_id,
        "object_id": found.object_id,
        **{name: part for name, part in parts.items() if part},
        **what_it_has(azure, found),
    }
