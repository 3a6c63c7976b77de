"""Roles that allow more than the project's code does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package, Resource, Use
from keyless.audit.finding import found
from keyless.audit.rules.roles import MANAGING, SECRETS_USER, WIDE
from keyless.audit.rules.rule import rule
from keyless.audit.values import mentions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.finding import Finding

# Whoever deploys, or a person, may need the role for more than the code does.
_PEOPLE: Final = re.compile(
    r"(?i)deployer\(|client_config|(?<!system)(?<!system_)\b(?!user_?assigned|useridentity|useri?d?_?mi)"
    r"\w*(current_?user|user_?(object|principal)|admin|developer|operator|group|pipeline|owner|principalid$)"
)
_OTHERS: Final = frozenset({"nuget", "npm", "maven"})


def check(facts: Iterable[Fact]) -> Iterator[Finding]:
    """Yield the wide roles that a project gives, where its code is known to read secrets and no more."""
    told = list(facts)
    uses = [fact for fact in told if isinstance(fact, Use)]
    # Code in another language may change secrets, and it is not read.
    others = any(isinstance(fact, Package) and fact.ecosystem in _OTHERS for fact in told)
    if not any(use.reads for use in uses) or any(use.changes for use in uses) or others:
        return
    reader = min(use.place for use in uses if use.reads)
    for fact in told:
        if isinstance(fact, Resource) and fact.has_type("Microsoft.Authorization/roleAssignments"):
            role = _wide_role(fact)
            if role and not _is_a_persons(fact):
                what = f"{role} is given, and the code only reads secrets ({reader.path}:{reader.line})"
                yield found(
                    rule("KA-601"),
                    fact.place,
                    what,
                    f"{SECRETS_USER[0]} (`{SECRETS_USER[1]}`), for the one secret or the vault",
                )


def _wide_role(assignment: Resource) -> str | None:
    text = mentions(assignment.body.get("properties.roleDefinitionId")).lower()
    for ids, needs_vault in ((WIDE, False), (MANAGING, True)):
        for number, name in ids.items():
            if number in text or text == name.lower():
                return name if not needs_vault or _is_on_vault(assignment) else None
    return None


def _is_on_vault(assignment: Resource) -> bool:
    scope = mentions(assignment.body.get("scope")).lower()
    return "microsoft.keyvault/vaults" in scope or "azurerm_key_vault." in scope


def _is_a_persons(assignment: Resource) -> bool:
    kind = mentions(assignment.body.get("properties.principalType")).lower()
    principal = mentions(assignment.body.get("properties.principalId"))
    return kind in {"user", "group"} or _PEOPLE.search(principal) is not None
