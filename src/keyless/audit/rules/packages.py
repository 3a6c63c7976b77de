"""Releases of tools and libraries with a known fault, or that call what stops."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Ecosystem = Literal["pypi", "npm", "nuget", "maven", "az", "powershell", "terraform", "bicep"]
Version = tuple[int, ...]

_ARC: Final = "https://github.com/AzureAD/microsoft-authentication-library-for-python/issues/814"
_FABRIC: Final = "https://github.com/AzureAD/microsoft-authentication-library-for-python/pull/952"
_ELEVATION: Final = "https://github.com/advisories/GHSA-m5vv-6r4h-3vj9"
_ELEVATES: Final = "an elevation of privilege (CVE-2024-35255)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault in some releases of one package.

    Attributes:
        rule: The code of the rule that it falls under.
        ecosystem: Where the package comes from.
        name: The package's name, in lower case.
        fixed: The first release without it; None where none is known.
        since: The first release with it.
        until: The last release that is known to have it, where ``fixed`` is not known.
        why: What is wrong, as the end of "NAME VERSION has ...".
        source: Where that is said.
    """

    rule: str
    ecosystem: Ecosystem
    name: str
    why: str
    source: str
    fixed: str | None = None
    since: str = "0"
    until: str | None = None

    def covers(self, version: str) -> bool:
        """Return whether a release has it.

        Example::

            >>> [fault.fixed for fault in faults_of("pypi", "msal") if fault.covers("1.32.2")]
            ['1.32.3', '1.38.0']
        """
        number = numbers(version)
        if number < numbers(self.since):
            return False
        return number < numbers(self.fixed) if self.fixed else self.until is None or number <= numbers(self.until)

    @property
    def remedy(self) -> str:
        """The text to write instead."""
        if self.fixed:
            return f"{self.name} {self.fixed} or newer"
        return f"a release of {self.name} after {self.until}, which by its notes uses API version 2026-02-01"


def _api(ecosystem: Ecosystem, name: str, *, fixed: str | None = None, until: str | None = None, source: str) -> Fault:
    code: dict[str, str] = {
        "az": "KA-102",
        "powershell": "KA-103",
        "terraform": "KA-105",
        "bicep": "KA-105",
    }
    return Fault(
        rule="KA-102" if name == "azure-cli" else code.get(ecosystem, "KA-104"),
        ecosystem=ecosystem,
        name=name,
        why="a version of Key Vault's management API that stops on 2027-02-27",
        source=source,
        fixed=fixed,
        until=until,
    )


def _elevation(ecosystem: Ecosystem, name: str, fixed: str) -> Fault:
    return Fault(
        rule="KA-301", ecosystem=ecosystem, name=name, why=_ELEVATES, source=_ELEVATION, fixed=fixed
    )  # fmt: skip


FAULTS: Final[tuple[Fault, ...]] = (
    _api("az", "azure-cli", fixed="2.90.0", source="https://github.com/Azure/azure-cli/issues/34020"),
    _api("pypi", "azure-cli", fixed="2.90.0", source="https://github.com/Azure/azure-cli/issues/34020"),
    _api("powershell", "az.keyvault", fixed="6.6.0", source="https://github.com/Azure/azure-powershell/issues/30098"),
    # Read in the packages themselves: 13.0.0 calls 2025-05-01, 14.0.0 calls 2026-02-01.
    _api("pypi", "azure-mgmt-keyvault", fixed="14.0.0", source="https://pypi.org/project/azure-mgmt-keyvault/"),
    # 4.0.0 calls 2025-05-01, 5.0.0 calls 2026-02-01.
    _api("npm", "@azure/arm-keyvault", fixed="5.0.0", source="https://www.npmjs.com/package/@azure/arm-keyvault"),
    # 2.54.1 calls 2025-05-01; no newer one was seen.
    _api(
        "maven",
        "com.azure.resourcemanager:azure-resourcemanager-keyvault",
        until="2.54.1",
        source="https://central.sonatype.com/artifact/com.azure.resourcemanager/azure-resourcemanager-keyvault",
    ),
    # Of 2025-12-04: older than the version of the API. Which release of 2026 moved was not seen.
    _api(
        "terraform",
        "hashicorp/azurerm",
        until="4.55.0",
        source="https://github.com/hashicorp/terraform-provider-azurerm/pull/32320",
    ),
    # 0.14.0 deploys vaults@2024-11-01.
    _api(
        "bicep",
        "avm/res/key-vault/vault",
        until="0.14.0",
        source="https://github.com/Azure/bicep-registry-modules/pull/7334",
    ),
    Fault(
        rule="KA-301",
        ecosystem="pypi",
        name="msal",
        why="a fault: managed identities do not work on Azure Arc",
        source=_ARC,
        since="1.32.1",
        fixed="1.32.3",
    ),
    Fault(
        rule="KA-302",
        ecosystem="pypi",
        name="msal",
        why="no support for Service Fabric's certificate: there every token fails",
        source=_FABRIC,
        fixed="1.38.0",
    ),
    Fault(
        rule="KA-302",
        ecosystem="pypi",
        name="azure-identity",
        why="no retry when the metadata service is renewed (410), which happens about once a month",
        source="https://github.com/Azure/azure-sdk-for-python/pull/42330",
        fixed="1.24.0",
    ),
    _elevation("pypi", "azure-identity", "1.16.1"),
    _elevation("npm", "@azure/identity", "4.2.1"),
    _elevation("npm", "@azure/msal-node", "2.9.2"),
    _elevation("nuget", "azure.identity", "1.11.4"),
    _elevation("nuget", "microsoft.identity.client", "4.61.3"),
    _elevation("maven", "com.azure:azure-identity", "1.12.2"),
)


def numbers(version: str) -> Version:
    """Return a version's numbers, to be compared; what follows them counts for nothing.

    Example::

        >>> numbers("v1.32.0b2") < numbers("1.32.1"), numbers("2.90") == numbers("2.90.0")
        (True, True)
    """
    found = re.match(r"[vV=\s]*(\d+(?:\.\d+)*)", version)
    parts = [int(part) for part in found[1].split(".")] if found else []
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def canonical(name: str, ecosystem: Ecosystem) -> str:
    """Return a package's name as the rules spell it."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "pypi" else name.lower()


def faults_of(ecosystem: Ecosystem, name: str) -> tuple[Fault, ...]:
    """Return all that is known against releases of a package, the gravest first."""
    wanted = canonical(name, ecosystem)
    known = (fault for fault in FAULTS if fault.ecosystem == ecosystem and fault.name == wanted)
    return tuple(sorted(known, key=lambda fault: fault.rule))
