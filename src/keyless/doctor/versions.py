"""The releases that are installed beside this program, held against those that have a known fault or call what stops."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Final

from keyless.audit.rules import faults_of
from keyless.doctor.finding import Finding, well

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.audit.rules import Fault

_PACKAGES: Final = ("msal", "azure-identity", "azure-mgmt-keyvault")
# What only lacks something is reported where that is missed.
_LACKS: Final = "KA-302"
_FABRIC: Final = "IDENTITY_SERVER_THUMBPRINT"


def check_versions(variables: Mapping[str, str], installed: Callable[[str], str] = metadata.version) -> Finding:
    """Look at the installed releases of what reads secrets and manages vaults.

    Args:
        variables: The environment.
        installed: Returns a package's release, and raises ``PackageNotFoundError`` where it is not installed.
    """
    releases: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            releases[name] = installed(name)
        except metadata.PackageNotFoundError:
            continue
    wrong = [
        (f"{name} {release} is installed. It has {fault.why}", fault)
        for name, release in releases.items()
        for fault in faults_of("pypi", name)
        if fault.covers(release) and _matters(fault, variables)
    ]
    told = ", ".join(f"{name} {release}" for name, release in releases.items())
    if not wrong:
        return well("environment", "versions", f"No fault is known in the installed releases: {told}.")
    evidence, causes = [said for said, _ in wrong], [fault.source for _, fault in wrong]
    packages = " ".join(f'"{fault.name}>={fault.fixed}"' for _, fault in wrong if fault.fixed)
    return Finding(
        stage="environment",
        check="versions",
        status="warn",
        code="KL-641",
        evidence=f"{'. '.join(evidence)}.",
        cause=f"The fault is in the release, and was reported: {', '.join(dict.fromkeys(causes))}.",
        remedy=f"Install a newer one: `pip install {packages}`.",
    )


def _matters(fault: Fault, variables: Mapping[str, str]) -> bool:
    return fault.rule != _LACKS or (fault.name == "msal" and _FABRIC in variables)
