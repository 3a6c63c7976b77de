"""Which source of managed identities each SDK picks: they read the same variables in different orders.

Each table is in the order of the SDK, the first line whose variables are there counts. Sources: msal/managed_identity.py,
azure/identity/_credentials/managed_identity.py, @azure/msal-node ManagedIdentityClient.ts, and
microsoft-authentication-library-for-go apps/managedidentity, all on GitHub.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_SERVICE: Final = "virtual machine (IMDS)"
NONE: Final = "none at all"
_ENDPOINT, _HEADER, _THUMBPRINT = "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"
_MSI, _MSI_SECRET, _IMDS = "MSI_ENDPOINT", "MSI_SECRET", "IMDS_ENDPOINT"
_TOKEN_FILE, _TENANT = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"
_SERVICE_FABRIC = ("Service Fabric", (_ENDPOINT, _HEADER, _THUMBPRINT))
_APP_SERVICE = ("App Service", (_ENDPOINT, _HEADER))
_MACHINE_LEARNING = ("Azure Machine Learning", (_MSI, _MSI_SECRET))
_CLOUD_SHELL = ("Cloud Shell", (_MSI,))
_ARC = ("Azure Arc", (_ENDPOINT, _IMDS))


@dataclass(frozen=True, slots=True)
class _Sdk:
    """How an SDK looks.

    Attributes:
        order: Sources and the variables that each needs, in the SDK's order.
        blank_counts: Whether a variable counts that is there and empty.
    """

    order: tuple[tuple[str, tuple[str, ...]], ...]
    blank_counts: bool = False


_SDKS: Final[Mapping[str, _Sdk]] = MappingProxyType(
    {
        "MSAL for Python, Keyless": _Sdk((_SERVICE_FABRIC, _APP_SERVICE, _MACHINE_LEARNING, _ARC), blank_counts=True),
        "azure-identity for Python": _Sdk(
            (
                _SERVICE_FABRIC,
                _APP_SERVICE,
                _ARC,
                (NONE, (_ENDPOINT,)),
                _MACHINE_LEARNING,
                _CLOUD_SHELL,
                ("workload identity", ("AZURE_AUTHORITY_HOST", _TENANT, _TOKEN_FILE)),
            )
        ),
        "@azure/identity for JavaScript": _Sdk(
            (
                ("workload identity", (_TENANT, _TOKEN_FILE, "AZURE_CLIENT_ID")),
                _SERVICE_FABRIC,
                _APP_SERVICE,
                _MACHINE_LEARNING,
                _CLOUD_SHELL,
                _ARC,
            )
        ),
        "Go": _Sdk((_SERVICE_FABRIC, _APP_SERVICE, _MACHINE_LEARNING, _CLOUD_SHELL, _ARC)),
        ".NET": _Sdk((_SERVICE_FABRIC, _APP_SERVICE, _MACHINE_LEARNING, _CLOUD_SHELL, _ARC)),
    }
)
OURS: Final = next(iter(_SDKS))


def picked(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the source that each SDK picks in an environment."""
    return {name: _first(sdk, environment) for name, sdk in _SDKS.items()}


def _first(sdk: _Sdk, environment: Mapping[str, str]) -> str:
    for source, required in sdk.order:
        if all(name in environment if sdk.blank_counts else environment.get(name) for name in required):
            return source
    return METADATA_SERVICE
