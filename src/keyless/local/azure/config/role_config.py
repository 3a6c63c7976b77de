"""The custom roles of a keyless.toml."""

from __future__ import annotations

import uuid
from difflib import get_close_matches
from typing import TYPE_CHECKING

from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, MANAGEMENT_ROLES, Role
from keyless.local.azure.config.texts import texts
from keyless.local.operations.certificates import AUTHORITIES, CERTIFICATE_ACTIONS, CERTIFICATES, CONTACTS
from keyless.local.operations.keys import KEY_ACTIONS, KEYS, ROTATION_POLICIES
from keyless.local.operations.secrets import SECRET_ACTIONS, SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.config.declaration import RoleTable
    from keyless.local.azure.config.declared import Wrong

_KEY_VAULT = "microsoft.keyvault/"
_ACTIONS = (*SECRET_ACTIONS, *KEY_ACTIONS, *CERTIFICATE_ACTIONS)
_KNOWN = tuple(each.lower() for each in (SECRETS, KEYS, ROTATION_POLICIES, CERTIFICATES, AUTHORITIES, CONTACTS))


def roles_of(tables: Mapping[str, RoleTable], *, wrong: Wrong) -> tuple[Role, ...]:
    """Return the custom roles.

    Raises:
        ConfigurationError: If one has the name of one of Azure's own, or gives an action that does not exist, or none.
    """
    return tuple(_role(name, table, wrong=wrong) for name, table in tables.items())


def _role(name: str, table: RoleTable, *, wrong: Wrong) -> Role:
    if any(name.lower() in {role.name.lower(), role.id} for role in (*BUILT_IN_ROLES, *MANAGEMENT_ROLES)):
        raise wrong(("roles", name), "Azure has a built-in role of that name", "a name of its own")
    data_actions, management = texts(table.data_actions), texts(table.actions)
    if not data_actions and not management:
        raise wrong(("roles", name), "the role has no data_actions", table.example)
    for action in data_actions:
        if not _exists(action):
            near = get_close_matches(action, _ACTIONS, n=1, cutoff=0.4)
            path = ("roles", name, "data_actions")
            raise wrong(path, f"there is no data action {action!r}", near[0] if near else table.example)
    return Role(
        name,
        str(uuid.uuid5(uuid.NAMESPACE_DNS, f"role.{name.lower()}.keyless")),
        data_actions,
        management,
        texts(table.not_actions),
        texts(table.not_data_actions),
    )


def _exists(action: str) -> bool:
    """Return whether Azure may have a data action; those of other services do nothing here, and are let be."""
    if any(Role("", "", (action,)).allows(known) for known in _ACTIONS):
        return True
    wanted = action.lower()
    if wanted.startswith(_KEY_VAULT):
        return wanted.startswith(f"{_KEY_VAULT}vaults/") and not wanted.startswith(_KNOWN)
    return "/" in wanted
