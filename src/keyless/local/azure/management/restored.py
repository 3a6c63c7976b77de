"""Brings into an Azure what the management plane received before a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.management import identities, kept_sites, role_assignments, role_definitions, sites, vaults
from keyless.local.azure.management.refusals import ArmError

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body


def restore(azure: Azure) -> None:
    """Have what was put, and not what was deleted, whatever a keyless.toml says of it.

    What cannot be had any more, such as a role on a vault that the file no longer has, is left out.
    """
    kept = list(azure.documents.all())
    for order in range(_LAST):
        for resource_id, body in kept:
            if _order(resource_id) == order:
                _restore(azure, resource_id, body)


_LAST = 4


def _order(resource_id: str) -> int:
    """Return when something comes: roles, then vaults and identities, then who has which role, then the function app."""
    kinds = (
        (role_definitions.TYPE,),
        (vaults.TYPE, identities.TYPE),
        (role_assignments.TYPE,),
        (sites.TYPE,),
    )
    path = resource_id.rpartition("/")[0]
    found = [order for order, types in enumerate(kinds) for each in types if path.endswith(each.lower())]
    return found[0] if found else _LAST


def _restore(azure: Azure, resource_id: str, body: Body | None) -> None:
    by_type = {
        role_definitions.TYPE: role_definitions.restore,
        vaults.TYPE: vaults.restore,
        identities.TYPE: identities.restore,
        role_assignments.TYPE: role_assignments.restore,
    }
    path = resource_id.rpartition("/")[0]
    try:
        for kind, act in by_type.items():
            if path.endswith(kind.lower()):
                act(azure, resource_id, body)
                return
        if body is not None:
            (kept_sites if "group" in body else sites).restore(azure, body)
    except ArmError:
        return
