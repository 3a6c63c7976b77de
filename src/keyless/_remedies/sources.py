"""The sources of tokens that a host offers: MSAL's sources of managed identities, and workload identity.

A variable that names an endpoint counts first, as in MSAL and in azure-identity's ManagedIdentityCredential. Workload identity
comes next, and last what is found without a variable: the agent of Azure Arc, or the metadata service of virtual machines.
Sources: msal/managed_identity.py and azure/identity/_credentials/managed_identity.py, both on GitHub.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_SERVICE: Final = "virtual machine (IMDS)"
WORKLOAD_IDENTITY: Final = "workload identity"
ARC: Final = "Azure Arc"
_ENDPOINT, _HEADER = "IDENTITY_ENDPOINT", "IDENTITY_HEADER"


class Source(NamedTuple):
    """A source of tokens, and the variables that lead to it.

    Attributes:
        name: Its everyday name.
        variables: What must be set.
    """

    name: str
    variables: tuple[str, ...] = ()


SERVICE_FABRIC: Final = Source("Service Fabric", (_ENDPOINT, _HEADER, "IDENTITY_SERVER_THUMBPRINT"))
APP_SERVICE: Final = Source("App Service", (_ENDPOINT, _HEADER))
MACHINE_LEARNING: Final = Source("Azure Machine Learning", ("MSI_ENDPOINT", "MSI_SECRET"))
ARC_BY_VARIABLES: Final = Source(ARC, (_ENDPOINT, "IMDS_ENDPOINT"))
WORKLOAD: Final = Source(WORKLOAD_IDENTITY, ("AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID"))
# In MSAL's order. A variable that is there and blank counts.
MANAGED: Final = (SERVICE_FABRIC, APP_SERVICE, MACHINE_LEARNING, ARC_BY_VARIABLES)


def arc_agent() -> Path | None:
    """Return the agent of Azure Arc, where it is installed: some SDKs go by that alone, without any variable."""
    windows = os.path.expandvars(r"${ProgramFiles}\AzureConnectedMachineAgent\himds.exe")
    agent = Path(windows if sys.platform == "win32" else "/opt/azcmagent/bin/himds")
    return agent if agent.exists() else None


def managed_source(environment: Mapping[str, str], *, agent: Path | None) -> Source:
    """Return the source of managed identities that MSAL picks.

    Args:
        environment: The variables.
        agent: The agent of Azure Arc; None where there is none.
    """
    for source in MANAGED:
        if all(name in environment for name in source.variables):
            return source
    return Source(ARC if agent else METADATA_SERVICE)


def offered_source(environment: Mapping[str, str], *, agent: Path | None) -> Source:
    """Return the source that a reader takes which was given no identity; arguments as for ``managed_source``."""
    managed = managed_source(environment, agent=agent)
    is_pod = all(environment.get(name, "").strip() for name in WORKLOAD.variables)
    return WORKLOAD if is_pod and not managed.variables else managed
