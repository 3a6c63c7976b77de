"""Findings about variables of this process that hold a Key Vault reference instead of a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless._remedies import remedies
from keyless.doctor.finding import Finding, well
from keyless.doctor.references import VARIABLE, statuses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless._remedies.host import Host

_STAGE: Final = "environment"
_REFERENCE: Final = "@microsoft.keyvault("


def check_references(variables: Mapping[str, str], host: Host | None) -> list[Finding]:
    """Look for references that were not resolved, and for those that nobody resolves where they stand."""
    holding = {name: value.lower() for name, value in variables.items() if _REFERENCE in value.lower()}
    # App Service's report on references holds them, too.
    left = sorted(name for name, value in holding.items() if value.startswith(_REFERENCE) and value == value.rstrip())
    misplaced = sorted(set(holding) - set(left) - {VARIABLE})
    found = [_check_left(variables, left, host)] if left or not misplaced else []
    return [*found, _misplaced(misplaced)] if misplaced else found


def _misplaced(names: list[str]) -> Finding:
    return Finding(
        stage=_STAGE,
        check="misplaced-references",
        status="fail",
        code="KL-607",
        evidence=f"A Key Vault reference is in a longer value, in quotation marks or beside blanks: {', '.join(names)}.",
        cause="Nobody resolves it there: App Service takes a reference that is the whole value, and so does `keyless run`.",
        remedy="Make the reference a setting of its own, without anything around it, and put the value together in the program.",
    )


def _check_left(variables: Mapping[str, str], left: list[str], host: Host | None) -> Finding:
    status = statuses(variables)

    def described(name: str) -> str:
        return f"{name} (status {status[name]})" if name in status else name

    if not left:
        return well(_STAGE, "references", "No variable is an unresolved Key Vault reference.")
    return Finding(
        stage=_STAGE,
        check="references",
        status="fail",
        code="KL-607",
        evidence=f"The program sees a Key Vault reference as it is written in {', '.join(map(described, left))}.",
        cause="The platform did not resolve it: the identity it resolves references with is missing or has no role, the vault's "
        "firewall stops it, or the address is wrong. On a laptop nothing resolves references. "
        "(A resolved value is kept for a day. Code that reads the secret follows a rotation sooner.)",
        remedy=remedies.set_reference_identity(host),
    )
