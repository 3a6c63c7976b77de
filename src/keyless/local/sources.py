"""The names of the sources of managed identity, and for how long each one's tokens are good."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

SourceName = Literal[
    "app-service",
    "app-service-2017",
    "imds",
    "arc",
    "service-fabric",
    "cloud-shell",
    "machine-learning",
    "workload",
]
Real = Literal["arm"]
"""What ``--real`` and ``real`` can name: ``arm`` is Azure Resource Manager, Microsoft Entra ID and Microsoft Graph."""
SOURCES: Final[tuple[SourceName, ...]] = get_args(SourceName)

_DAY = 86_400
_HOUR = 3_600
LIFETIMES: Final[Mapping[SourceName, int]] = MappingProxyType(
    {name: _HOUR if name == "cloud-shell" else _DAY for name in SOURCES}
)
"""Seconds for which each source's tokens are good, unless ``Azure.token_lifetimes`` sets another.

Managed identities get tokens for a day, Cloud Shell for an hour:
https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/managed-identities-faq
"""
