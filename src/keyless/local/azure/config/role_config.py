"""The custom roles of a keyless.toml."""

from __future__ import annotations

import uuid
from difflib import get_close_matches
from typing import TYPE_CHECKING

from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, Role
from keyless.local.operations.secrets import SECRET_ACTIONS, SECRETS

if TYPE_CHECKING:
    from keyless.local.azure.config.toml_table import Table

_EXAMPLE = f'such as ["{SECRETS}getSecret/action"]'
_KEY_VAULT = "microsoft.keyvault/"


def read_roles(roles: Table) -> tuple[Role, ...]:
    """Read the custom roles of a keyless.toml.

    Raises:
        ConfigurationError: If one has the name of another or of Azure's own, or gives an action that does not exist.
    """
    roles.refuse_twins()
    return tuple(_role(roles, name) for name in roles)


def _role(roles: Table, name: str) -> Role:
    if any(name.lower() in {role.name.lower(), role.id} for role in BUILT_IN_ROLES):
        raise roles.wrong(name, "Azure has a built-in role of that name", "a name of its own")
    table = roles.table(name)
    table.check_keys(("data_actions",))
    actions = table.texts("data_actions")
    if not actions:
        raise roles.wrong(name, "the role has no data_actions", _EXAMPLE)
    role = Role(name, str(uuid.uuid5(uuid.NAMESPACE_DNS, f"role.{name.lower()}.keyless")), actions)
    for action in actions:
        if not _exists(action):
            near = get_close_matches(action, SECRET_ACTIONS, n=1, cutoff=0.4)
            raise table.wrong("data_actions", f"there is no data action {action!r}", near[0] if near else _EXAMPLE)
    return role


def _exists(action: str) -> bool:
    """Say whether Azure may have a data action; those on keys and of other services do nothing here, and are let be."""
    if any(Role("", "", (action,)).allows(known) for known in SECRET_ACTIONS):
        return True
    wanted = action.lower()
    if wanted.startswith(_KEY_VAULT):
        return wanted.startswith(f"{_KEY_VAULT}vaults/") and not wanted.startswith(SECRETS.lower())
    return "/" in wanted
