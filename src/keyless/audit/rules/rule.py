"""The rules: what each looks for, what its finding means, since when it is known, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Effect = Literal["stops", "changes", "exposes", "advice"]

_RBAC_DEFAULT: Final = "https://learn.microsoft.com/azure/key-vault/general/access-control-default"
_CLI: Final = "https://github.com/Azure/azure-cli/issues/34020"
_POWERSHELL: Final = "https://github.com/Azure/azure-powershell/issues/30098"
_RBAC_GUIDE: Final = "https://learn.microsoft.com/azure/key-vault/general/rbac-guide"
_FUNCTIONS: Final = "https://learn.microsoft.com/azure/azure-functions/supported-languages"
_BICEP_SECRETS: Final = "https://learn.microsoft.com/azure/azure-resource-manager/bicep/scenarios-secrets"
_REFERENCES: Final = "https://learn.microsoft.com/azure/app-service/app-service-key-vault-references"

RETIREMENT: Final = date(2027, 2, 27)
"""From this day on the control plane of Key Vault serves no version before 2026-02-01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the audit.

    Attributes:
        code: The stable code, such as ``KA-101``.
        name: The stable name, for people.
        effect: ``stops`` for what ends on a day; ``changes`` for what goes on, but otherwise than before; ``exposes`` for a
            secret that others can read; ``advice`` for what could be better.
        title: What a finding means, in one sentence.
        source: Where it was announced or is documented.
        seen: The day of the announcement, where it has one; else the day on which the rule was written.
        on: The day on which it takes effect; None where there is none, or where each finding has its own.
        ahead: How many days before its day it is reported: every version ends some day. None means always.
    """

    code: str
    name: str
    effect: Effect
    title: str
    source: str
    seen: date
    on: date | None = None
    ahead: int | None = None


_SEEN: Final = date(2026, 11, 27)

CATALOG: Final[tuple[Rule, ...]] = (
    Rule(
        code="KA-001",
        name="ignore-without-reason",
        effect="advice",
        title="A comment ignores a rule without a reason, or a rule that does not exist. It has no effect.",
        source="https://github.com/keyless-azure/keyless/blob/main/docs/audit.md",
        seen=_SEEN,
    ),
    Rule(
        code="KA-101",
        name="control-plane-version",
        effect="stops",
        title="Key Vault's control plane stops serving every API version before 2026-02-01.",
        source=_RBAC_DEFAULT,
        seen=date(2026, 4, 10),
        on=RETIREMENT,
    ),
    Rule(
        code="KA-102",
        name="old-az",
        effect="stops",
        title="Azure CLI before 2.90 manages vaults with a version of the API that stops.",
        source=_CLI,
        seen=date(2026, 9, 2),
        on=RETIREMENT,
    ),
    Rule(
        code="KA-103",
        name="old-az-powershell",
        effect="stops",
        title="Az.KeyVault before 6.6.0 manages vaults with a version of the API that stops.",
        source=_POWERSHELL,
        seen=date(2026, 9, 2),
        on=RETIREMENT,
    ),
    Rule(
        code="KA-104",
        name="old-management-sdk",
        effect="stops",
        title="This release of the management SDK calls a version of the API that stops.",
        source=_RBAC_DEFAULT,
        seen=_SEEN,
        on=RETIREMENT,
    ),
    Rule(
        code="KA-105",
        name="old-module",
        effect="stops",
        title="This release of a provider, module or task calls a version of the API that stops.",
        source=_RBAC_DEFAULT,
        seen=_SEEN,
        on=RETIREMENT,
    ),
    Rule(
        code="KA-201",
        name="access-model-not-said",
        effect="changes",
        title="A new vault that does not set how access is decided uses roles from version 2026-02-01 on, not access policies.",
        source=_RBAC_DEFAULT,
        seen=date(2026, 4, 10),
        on=RETIREMENT,
    ),
    Rule(
        code="KA-202",
        name="access-policies",
        effect="advice",
        title="The vault uses access policies. They stay supported; roles are the default and are advised.",
        source="https://learn.microsoft.com/azure/key-vault/general/rbac-access-policy",
        seen=date(2026, 4, 10),
    ),
    Rule(
        code="KA-203",
        name="policies-without-effect",
        effect="changes",
        title="The vault decides by roles, so its access policies do nothing.",
        source=_RBAC_GUIDE,
        seen=date(2026, 4, 10),
    ),
    Rule(
        code="KA-301",
        name="sdk-fault",
        effect="changes",
        title="This release of an SDK has a known fault with managed identities.",
        source="https://github.com/AzureAD/microsoft-authentication-library-for-python/releases",
        seen=_SEEN,
    ),
    Rule(
        code="KA-302",
        name="sdk-limit",
        effect="advice",
        title="This release of an SDK cannot do what a newer one can.",
        source="https://github.com/AzureAD/microsoft-authentication-library-for-python/pull/952",
        seen=_SEEN,
    ),
    Rule(
        code="KA-401",
        name="language-ends",
        effect="stops",
        title="Azure stops supporting this version of the language. Apps go on running, without fixes.",
        source=_FUNCTIONS,
        seen=_SEEN,
        ahead=365,
    ),
    Rule(
        code="KA-402",
        name="functions-host-ends",
        effect="stops",
        title="Azure stops supporting this version of the Functions host.",
        source="https://learn.microsoft.com/azure/azure-functions/functions-versions",
        seen=_SEEN,
    ),
    Rule(
        code="KA-403",
        name="linux-consumption-ends",
        effect="stops",
        title="The Consumption plan on Linux ends on this day, and runs Python up to 3.12 only.",
        source="https://learn.microsoft.com/azure/azure-functions/consumption-plan",
        seen=_SEEN,
        on=date(2028, 9, 30),
    ),
    Rule(
        code="KA-501",
        name="parameter-not-secure",
        effect="exposes",
        title="A parameter for a secret is not marked secure: its value stays readable in the deployment's history or in logs.",
        source=_BICEP_SECRETS,
        seen=_SEEN,
    ),
    Rule(
        code="KA-502",
        name="secret-in-file",
        effect="exposes",
        title="The value of a secret is written in the file.",
        source=_BICEP_SECRETS,
        seen=_SEEN,
    ),
    Rule(
        code="KA-503",
        name="secret-in-setting",
        effect="exposes",
        title="A setting holds what looks like a secret, in clear text.",
        source=_REFERENCES,
        seen=_SEEN,
    ),
    Rule(
        code="KA-601",
        name="role-too-wide",
        effect="advice",
        title="A role allows more than the project's code does.",
        source=_RBAC_GUIDE,
        seen=_SEEN,
    ),
)


def rule(code: str) -> Rule:
    """Return the rule with a code.

    Raises:
        KeyError: There is none.

    Example::

        >>> rule("KA-101").on.isoformat()
        '2027-02-27'
    """
    for each in CATALOG:
        if each.code == code:
            return each
    raise KeyError(code)
