"""The source of managed identities that each SDK picks: they read the same variables in different orders.

Each table is in the order of the SDK, the first line whose variables are there counts. Sources: msal/managed_identity.py,
azure/identity/_credentials/managed_identity.py, @azure/msal-node ManagedIdentityClient.ts,
microsoft-authentication-library-for-go apps/managedidentity, ManagedIdentityClient.cs and ManagedIdentityCredential.java of
the Azure SDKs, msal4j ManagedIdentityClient.java, and azure_identity managed_identity_credential.rs, all on GitHub.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless._remedies.sources import (
    APP_SERVICE,
    ARC,
    ARC_BY_VARIABLES,
    MACHINE_LEARNING,
    MANAGED,
    METADATA_SERVICE,
    SERVICE_FABRIC,
    WORKLOAD,
    WORKLOAD_IDENTITY,
    offered_source,
)
from keyless._remedies.sources import Source as _Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NONE: Final = "none at all"
ARC_ADDRESS: Final = "http://localhost:40342"
OURS: Final = "Keyless"
_CLOUD_SHELL = _Source("Cloud Shell", ("MSI_ENDPOINT",))
_TOKEN_FILE, _TENANT = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"


@dataclass(frozen=True, slots=True)
class _Sdk:
    """An SDK's way to look for a source.

    Attributes:
        order: Sources and the variables that each needs, in the SDK's order.
        blank_counts: Whether a variable counts that is there and empty.
        finds_arc: Whether it looks for the agent of Azure Arc where no variable leads anywhere.
    """

    order: tuple[_Source, ...]
    blank_counts: bool = False
    finds_arc: bool = False


_SDKS: Final[Mapping[str, _Sdk]] = MappingProxyType(
    {
        "MSAL for Python": _Sdk(MANAGED, blank_counts=True, finds_arc=True),
        "azure-identity for Python": _Sdk(
            (
                SERVICE_FABRIC,
                APP_SERVICE,
                ARC_BY_VARIABLES,
                _Source(NONE, ("IDENTITY_ENDPOINT",)),
                MACHINE_LEARNING,
                _CLOUD_SHELL,
                _Source(WORKLOAD_IDENTITY, ("AZURE_AUTHORITY_HOST", _TENANT, _TOKEN_FILE)),
            )
        ),
        "@azure/identity for JavaScript": _Sdk(
            (
                WORKLOAD,
                SERVICE_FABRIC,
                APP_SERVICE,
                MACHINE_LEARNING,
                _CLOUD_SHELL,
                ARC_BY_VARIABLES,
            ),
            finds_arc=True,
        ),
        "Go": _Sdk((SERVICE_FABRIC, APP_SERVICE, MACHINE_LEARNING, _CLOUD_SHELL, ARC_BY_VARIABLES), finds_arc=True),
        ".NET": _Sdk(
            (WORKLOAD, SERVICE_FABRIC, APP_SERVICE, MACHINE_LEARNING, _CLOUD_SHELL, ARC_BY_VARIABLES), finds_arc=True
        ),
        "Java": _Sdk(
            (
                _Source(WORKLOAD_IDENTITY, (_TENANT, _TOKEN_FILE)),
                SERVICE_FABRIC,
                APP_SERVICE,
                _CLOUD_SHELL,
                ARC_BY_VARIABLES,
            )
        ),
        "Rust": _Sdk(
            (
                SERVICE_FABRIC,
                APP_SERVICE,
                ARC_BY_VARIABLES,
                _Source(METADATA_SERVICE, ("IDENTITY_ENDPOINT",)),
                MACHINE_LEARNING,
                _CLOUD_SHELL,
            ),
            blank_counts=True,
        ),
    }
)


def picked(environment: Mapping[str, str], *, agent: Path | None = None) -> dict[str, str]:
    """Return the source that each SDK picks in an environment.

    Args:
        environment: The variables.
        agent: The agent of Azure Arc; None where there is none.
    """
    found = {name: _first(sdk, environment, agent) for name, sdk in _SDKS.items()}
    first, *others = found
    ours = offered_source(environment, agent=agent).name
    return {first: found[first], OURS: ours, **{name: found[name] for name in others}}


def why(environment: Mapping[str, str], *, agent: Path | None) -> str:
    """Return why Keyless picks its source; arguments as for ``picked``."""
    source, required = offered_source(environment, agent=agent)
    if required:
        also = ", and no variable names an endpoint" if source == WORKLOAD_IDENTITY else ""
        return f"{', '.join(required)} are set{also}"
    if source == ARC:
        return f"no variable names an endpoint, and {agent} is installed"
    override = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    at = f"; it is asked at the address in {override}" if environment.get(override) else ""
    return f"no variable names another endpoint{at}"


def beyond_ours(environment: Mapping[str, str], *, agent: Path | None) -> str | None:
    """Return the source that is there and that Keyless does not know; None where it knows what is there."""
    chosen = picked(environment, agent=agent)
    is_shell = _CLOUD_SHELL.name in chosen.values() and chosen[OURS] == METADATA_SERVICE
    return _CLOUD_SHELL.name if is_shell else None


def not_known(source: str) -> str:
    """Report a source that MSAL for Python does not know."""
    return (
        f"What is here is {source}: MSAL for Python, and so Keyless, does not know it, and asks the metadata service."
    )


def _first(sdk: _Sdk, environment: Mapping[str, str], agent: Path | None) -> str:
    for source, required in sdk.order:
        if all(name in environment if sdk.blank_counts else environment.get(name) for name in required):
            return source
    return ARC if agent and sdk.finds_arc else METADATA_SERVICE
