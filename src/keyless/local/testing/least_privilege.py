"""The least that each identity needs, from what it asked of the vaults: the smallest built-in role at the smallest scope."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING

from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, Role
from keyless.local.operations import VAULT_OPERATIONS
from keyless.local.operations.certificates import CERTIFICATE_ACTIONS
from keyless.local.operations.keys import KEY_ACTIONS
from keyless.local.operations.secrets import SECRET_ACTIONS
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyless.local.instruments.journal_entry import Entry

_MERELY_READS = ("/read", "/readmetadata/action")
_ACTIONS = {operation.name: operation for operation in VAULT_OPERATIONS}


class Use(Record, frozen=True, order=True):
    """Something that an identity asked of a vault.

    Attributes:
        identity: The identity's name.
        vault: The vault's name.
        item: The secret's name, or ``keys/NAME`` or ``certificates/NAME``; empty where it asked about the vault as a whole.
        operation: What it asked, such as ``getSecret``.
        denied: Whether it was refused.
        application: The client id, where the identity is an application's.
    """

    identity: str
    vault: str
    item: str
    operation: str
    denied: bool
    application: str = ""


class Need(Record, frozen=True):
    """A role assignment that suffices.

    Attributes:
        identity: The identity's name.
        role: The role.
        vault: The vault's name.
        item: The secret's name, or ``keys/NAME`` or ``certificates/NAME``; empty where the role must hold for the whole vault.
        application: The client id, where the identity is an application's.
    """

    identity: str
    role: Role
    vault: str
    item: str
    application: str = ""


def uses(entries: Iterable[Entry]) -> Counter[Use]:
    """Return what known identities asked of vaults, and how often."""
    return Counter(
        Use(
            entry.identity,
            entry.vault.lower(),
            _item(entry),
            entry.operation,
            entry.is_denial,
            entry.application or "",
        )
        for entry in entries
        if entry.service == "vault" and entry.identity and entry.vault and entry.operation in _ACTIONS
    )


def needs(found: Iterable[Use]) -> list[Need]:
    """Return the fewest and smallest role assignments that allow what was asked, denied or not."""
    made = []
    for (identity, vault), group in itertools.groupby(sorted(found), key=lambda use: (use.identity, use.vault)):
        here = list(group)
        application = here[0].application
        wide = _smallest({_ACTIONS[use.operation].action for use in here if _is_wide(use)})
        if wide is not None:
            made.append(Need(identity, wide, vault, "", application))
        for item in sorted({use.item for use in here if not _is_wide(use)}):
            actions = {_ACTIONS[use.operation].action for use in here if use.item == item and not _is_wide(use)}
            left = {action for action in actions if wide is None or not wide.allows(action)}
            role = _smallest(left)
            if role is not None:
                made.append(Need(identity, role, vault, item, application))
    return made


def report(found: Mapping[Use, int]) -> str:
    """Return what each identity did, the least that it needs, and the lines that give it that in Azure."""
    if not found:
        return "No identity asked anything of a vault."
    required = needs(found)
    lines = []
    for identity, group in itertools.groupby(sorted(found), key=lambda use: use.identity):
        lines.append(f"{identity}:")
        lines += [f"  {_said(use)} {_times(found[use])}" for use in group]
        lines += [f"  needs {need.role.name} on {_where(need)}" for need in required if need.identity == identity]
    az = ["", "With az (APP and GROUP are yours):", *(f"  {az_line(need)}" for need in required)]
    return "\n".join([*lines, *az, "", "In Bicep:", *(f"  {line}".rstrip() for line in bicep(required))])


def az_line(need: Need) -> str:
    """Return the command that makes a role assignment."""
    found = f"az identity show --name {need.identity} --resource-group GROUP --query principalId"
    if need.application:
        found = f"az ad sp show --id {need.application} --query id"
    elif need.identity == "system":
        found = "az functionapp identity show --name APP --resource-group GROUP --query principalId"
    principal = f"$({found} -o tsv)"
    item = f"/{_path(need.item)}" if need.item else ""
    scope = f"$(az keyvault show --name {need.vault} --query id -o tsv){item}"
    return (
        f'az role assignment create --role "{need.role.name}" --assignee-object-id "{principal}" '
        f'--assignee-principal-type ServicePrincipal --scope "{scope}"'
    )


def bicep(required: Iterable[Need]) -> list[str]:
    """Return the lines of Bicep that make role assignments, and the parameters and resources that they refer to."""
    required = list(required)
    lines = [
        f"param {_symbol(identity)}PrincipalId string" for identity in sorted({need.identity for need in required})
    ]
    for vault in sorted({need.vault for need in required}):
        lines += _existing(_symbol(vault), "Microsoft.KeyVault/vaults@2026-02-01", vault)
    for vault, item in sorted({(need.vault, need.item) for need in required if need.item}):
        collection, _, name = _path(item).partition("/")
        kind = f"Microsoft.KeyVault/vaults/{collection}@2024-11-01"
        lines += _existing(_symbol(vault, item), kind, name, parent=_symbol(vault))
    for need in required:
        scope = _symbol(need.vault, need.item)
        principal = f"{_symbol(need.identity)}PrincipalId"
        symbol = _symbol(need.identity, need.vault, need.item, need.role.name)
        lines += [
            f"// {need.identity}: {need.role.name} on {_where(need)}",
            f"resource {symbol} 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{",
            f"  name: guid({scope}.id, {principal}, '{need.role.id}')",
            f"  scope: {scope}",
            "  properties: {",
            f"    principalId: {principal}",
            "    principalType: 'ServicePrincipal'",
            f"    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{need.role.id}')",
            "  }",
            "}",
        ]
    return lines


def _existing(symbol: str, kind: str, name: str, *, parent: str = "") -> list[str]:
    within = [f"  parent: {parent}"] if parent else []
    return [f"resource {symbol} '{kind}' existing = {{", *within, f"  name: '{name}'", "}"]


def _symbol(*words: str) -> str:
    first, *rest = re.split(r"[^0-9A-Za-z]+", " ".join(word for word in words if word))
    return first.lower() + "".join(word[:1].upper() + word[1:] for word in rest if word)


def _is_wide(use: Use) -> bool:
    return _ACTIONS[use.operation].level == "vault"


def _smallest(actions: set[str]) -> Role | None:
    """Return the role that allows all this, and the least beside it."""
    if not actions:
        return None
    enough = [role for role in BUILT_IN_ROLES if all(role.allows(action) for action in actions)]
    return min(enough, key=_size)


def _size(role: Role) -> tuple[int, int]:
    """Return how much a role allows: first what is more than to read what things are called and how they are set up."""
    allowed = [action for action in (*SECRET_ACTIONS, *KEY_ACTIONS, *CERTIFICATE_ACTIONS) if role.allows(action)]
    return sum(not action.lower().endswith(_MERELY_READS) for action in allowed), len(allowed)


def _item(entry: Entry) -> str:
    if not entry.name:
        return ""
    return entry.name.lower() if entry.kind == "secret" else f"{entry.kind}s/{entry.name.lower()}"


def _path(item: str) -> str:
    return item if "/" in item else f"secrets/{item}"


def _said(use: Use) -> str:
    what = "/".join(part for part in (use.vault, use.item) if part)
    return f"{use.operation} {what}{' (denied)' if use.denied else ''}"


def _where(need: Need) -> str:
    return f"{need.vault}/{need.item}" if need.item else need.vault


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
