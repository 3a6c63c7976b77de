"""The journal's names for the requests to each service."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from keyless.local.operations import VAULT_OPERATIONS
from keyless.local.operations.management import INERT_OPERATIONS, MANAGEMENT_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

Service = Literal["identity", "vault", "arm", "graph", "control", "event-grid"]
IdentityOperation = Literal["getToken", "getChallenge", "probe", "discover"]
GraphOperation = Literal["readDirectory", "changeDirectory"]
Check = Literal["token", "path", "fault", "parameters", "network", "limit", "access", "object"]
CHECKS: Final[tuple[Check, ...]] = get_args(Check)
"""The checks of a vault in Azure's order; a fault strikes between them, and ``object`` is whether it exists and can be used."""
CHALLENGE: Final = "getChallenge"
"""A request that shows no token, as the first one of official SDKs to a vault, and of clients of Arc."""
UNKNOWN: Final = "unknown"
"""A request to a vault that is none of its operations, or one to any service that failed before it was known."""

ON_VAULTS: Final[tuple[str, ...]] = tuple(dict.fromkeys(operation.name for operation in VAULT_OPERATIONS))
OPERATIONS: Final[Mapping[Service, tuple[str, ...]]] = MappingProxyType(
    {
        "vault": (*ON_VAULTS, CHALLENGE, UNKNOWN),
        "arm": (
            *dict.fromkeys(each.name for each in (*MANAGEMENT_OPERATIONS, *INERT_OPERATIONS.values())),
            UNKNOWN,
        ),
        "identity": (*get_args(IdentityOperation), UNKNOWN),
        "graph": (*get_args(GraphOperation), UNKNOWN),
        "control": (UNKNOWN,),
        "event-grid": ("deliverEvent",),
    }
)
