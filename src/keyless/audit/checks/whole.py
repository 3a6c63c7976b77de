"""Findings from a whole project: which of its roles are too wide for its code, and whether it has a vault at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.checks.releases import check_package
from keyless.audit.facts import Package, Resource, Use
from keyless.audit.finding import found
from keyless.audit.rules.roles import MANAGING, SECRETS_USER, WIDE
from keyless.audit.rules.rule import rule
from keyless.audit.values import mentions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact, Place
    from keyless.audit.finding import Finding

# Whoever deploys, or a person, may need the role for more than the code does.
_PEOPLE: Final = re.compile(
    r"(?i)deployer\(|client_config|(current|signed_?in)_?user|user_?(object|principal)_?id|admin|developer|operator|group|pipeline"
)
_IDENTITY: Final = re.compile(r"(?i)user_?assigned_?identit\w*|user_?identit\w*")
_OTHERS: Final = frozenset({"nuget", "npm", "maven"})


class Whole:
    """The facts about a project so far, file by file. It keeps no syntax tree alive."""

    def __init__(self) -> None:
        self._uses: list[Use] = []
        self._wide: list[tuple[str, Place]] = []
        self._providers: list[Package] = []
        self._has_other_code = False
        self._has_vault = False

    def learn(self, fact: Fact) -> None:
        """Note what one thing shows about the whole."""
        match fact:
            case Use():
                self._uses.append(fact)
            case Package(ecosystem="terraform"):
                self._providers.append(fact)
            case Package():
                self._has_other_code |= fact.ecosystem in _OTHERS
            case Resource(dialect="terraform") if fact.type.startswith("Microsoft.KeyVault/"):
                self._has_vault = True
            case Resource() if fact.has_type("Microsoft.Authorization/roleAssignments"):
                role = _wide_role(fact)
                if role and not _is_a_persons(fact):
                    self._wide.append((role, fact.place))

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with the whole."""
        # A provider is for all of Azure.
        for package in self._providers if self._has_vault else ():
            yield from check_package(package)
        reads = [use.place for use in self._uses if use.reads]
        # Code in another language may change secrets, and it is not read.
        if not reads or any(use.changes for use in self._uses) or self._has_other_code:
            return
        reader = min(reads)
        for role, place in self._wide:
            what = f"{role} is given, and the code only reads secrets ({reader.path}:{reader.line})"
            write = f"{SECRETS_USER[0]} (`{SECRETS_USER[1]}`), for the one secret or the vault"
            yield found(rule("KA-601"), place, what, write)


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
    kinds = set(mentions(assignment.body.get("properties.principalType")).lower().split())
    principal = _IDENTITY.sub("", mentions(assignment.body.get("properties.principalId")))
    return bool(kinds & {"user", "group"}) or _PEOPLE.search(principal) is not None
