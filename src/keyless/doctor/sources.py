"""Which source of managed identities each SDK picks: they read the same variables in different orders.

Each table is in the order of the SDK, the first line whose variables are there counts. Sources: msal/managed_identity.py,
azure/identity/_credentials/managed_identity.py, @azure/msal-node ManagedIdentityClient.ts,
microsoft-authentication-library-for-go apps/managedidentity, ManagedIdentityClient.cs and ManagedIdentityCredential.java of
the Azure SDKs, msal4j ManagedIdentityClient.java, and azure_identity managed_identity_credential.rs, all on GitHub.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_SERVICE: Final = "virtual machine (IMDS)"
SERVICE_FABRIC: Final = "Service Fabric"
WORKLOAD_IDENTITY: Final = "workload identity"
NONE: Final = "none at all"
ARC: Final = "Azure Arc"
ARC_ADDRESS: Final = "http://localhost:40342"
_ENDPOINT, _HEADER, _THUMBPRINT = "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"
_MSI, _MSI_SECRET, _IMDS = "MSI_ENDPOINT", "MSI_SECRET", "IMDS_ENDPOINT"
_TOKEN_FILE, _TENANT = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"
_SERVICE_FABRIC = (SERVICE_FABRIC, (_ENDPOINT, _HEADER, _THUMBPRINT))
_APP_SERVICE = ("App Service", (_ENDPOINT, _HEADER))
_MACHINE_LEARNING = ("Azure Machine Learning", (_MSI, _MSI_SECRET))
_CLOUD_SHELL = ("Cloud Shell", (_MSI,))
_ARC = (ARC, (_ENDPOINT, _IMDS))
_WORKLOAD = (WORKLOAD_IDENTITY, (_TENANT, _TOKEN_FILE, "AZURE_CLIENT_ID"))


@dataclass(frozen=True, slots=True)
class _Sdk:
    """How an SDK looks.

    Attributes:
        order: Sources and the variables that each needs, in the SDK's order.
        blank_counts: Whether a variable counts that is there and empty.
        finds_arc: Whether it looks for the agent of Azure Arc where no variable leads anywhere.
    """

    order: tuple[tuple[str, tuple[str, ...]], ...]
    blank_counts: bool = False
    finds_arc: bool = False


_SDKS: Final[Mapping[str, _Sdk]] = MappingProxyType(
    {
        "MSAL for Python, Keyless": _Sdk(
            (_SERVICE_FABRIC, _APP_SERVICE, _MACHINE_LEARNING, _ARC), blank_counts=True, finds_arc=True
        ),
        "azure-identity for Python": _Sdk(
            (
                _SERVICE_FABRIC,
                _APP_SERVICE,
                _ARC,
                (NONE, (_ENDPOINT,)),
                _MACHINE_LEARNING,
                _CLOUD_SHELL,
                (WORKLOAD_IDENTITY, ("AZURE_AUTHORITY_HOST", _TENANT, _TOKEN_FILE)),
            )
        ),
        "@azure/identity for JavaScript": _Sdk(
            (
                _WORKLOAD,
                _SERVICE_FABRIC,
                _APP_SERVICE,
                _MACHINE_LEARNING,
                _CLOUD_SHELL,
                _ARC,
            ),
            finds_arc=True,
        ),
        "Go": _Sdk((_SERVICE_FABRIC, _APP_SERVICE, _MACHINE_LEARNING, _CLOUD_SHELL, _ARC), finds_arc=True),
        ".NET": _Sdk((_WORKLOAD, _SERVICE_FABRIC, _APP_SERVICE, _MACHINE_LEARNING, _CLOUD_SHELL, _ARC), finds_arc=True),
        "Java": _Sdk(((WORKLOAD_IDENTITY, (_TENANT, _TOKEN_FILE)), _SERVICE_FABRIC, _APP_SERVICE, _CLOUD_SHELL, _ARC)),
        "Rust": _Sdk(
            (
                _SERVICE_FABRIC,
                _APP_SERVICE,
                _ARC,
                (METADATA_SERVICE, (_ENDPOINT,)),
                _MACHINE_LEARNING,
                _CLOUD_SHELL,
            ),
            blank_counts=True,
        ),
    }
)
OURS: Final = next(iter(_SDKS))


def arc_agent() -> Path | None:
    """Return the agent of Azure Arc, where it is installed: some SDKs go by that alone, without any variable."""
    windows = os.path.expandvars(r"${ProgramFiles}\AzureConnectedMachineAgent\himds.exe")
    agent = Path(windows if sys.platform == "win32" else "/opt/azcmagent/bin/himds")
    return agent if agent.exists() else None


def picked(environment: Mapping[str, str], *, agent: Path | None = None) -> dict[str, str]:
    """Return the source that each SDK picks in an environment.

    Args:
        environment: The variables.
        agent: The agent of Azure Arc; None where there is none.
    """
    return {name: _first(sdk, environment, agent)[0] for name, sdk in _SDKS.items()}


def why(environment: Mapping[str, str], *, agent: Path | None) -> str:
    """Return why MSAL for Python, and so Keyless, picks its source."""
    source, required = _first(_SDKS[OURS], environment, agent)
    if required:
        return f"{', '.join(required)} are set"
    if source == ARC:
        return f"no variable names an endpoint, and {agent} is installed"
    override = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    at = f"; it is asked at the address in {override}" if environment.get(override) else ""
    return f"no variable names another endpoint{at}"


def beyond_msal(environment: Mapping[str, str], *, agent: Path | None) -> str | None:
    """Return the source that is there and that MSAL for Python does not know; None where it knows what is there."""
    chosen = picked(environment, agent=agent)
    others = set(chosen.values()) & {WORKLOAD_IDENTITY, _CLOUD_SHELL[0]}
    return others.pop() if len(others) == 1 and chosen[OURS] == METADATA_SERVICE else None


def not_known(source: str) -> str:
    """Say that a source is there which MSAL for Python does not know."""
    return (
        f"What is here is {source}: MSAL for Python, and so Keyless, does not know it, and asks the metadata service."
    )


def _first(sdk: _Sdk, environment: Mapping[str, str], agent: Path | None) -> tuple[str, tuple[str, ...]]:
    for source, required in sdk.order:
        if all(name in environment if sdk.blank_counts else environment.get(name) for name in required):
            return source, required
    return ARC if agent and sdk.finds_arc else METADATA_SERVICE, ()
