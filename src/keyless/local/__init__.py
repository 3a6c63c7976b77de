"""The local Azure: managed identity and Key Vault on this machine. What users import is here.

A name is loaded when it is first used, so that a program which wants one fault does not load a web server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.azure.azure import Identity, Vault
    from keyless.local.azure.config.config import Config, default_config, load_config, read_config
    from keyless.local.azure.keyvault.firewall import Firewall
    from keyless.local.azure.keyvault.objects.life import ObjectState, ObjectStateError
    from keyless.local.azure.keyvault.settings import VaultSettings
    from keyless.local.clock import Clock
    from keyless.local.functions.host import FunctionHost
    from keyless.local.instruments.faults import Fault
    from keyless.local.instruments.journal import Journal
    from keyless.local.instruments.journal_entry import Entry
    from keyless.local.programs.variables import IDENTITY_VARIABLES
    from keyless.local.server import LocalAzure
    from keyless.local.sources import SOURCES
    from keyless.local.testing.drill_account import DrillRun

_ROOMS = {
    "Clock": "clock",
    "Config": "azure.config.config",
    "DrillRun": "testing.drill_account",
    "Entry": "instruments.journal_entry",
    "Fault": "instruments.faults",
    "Firewall": "azure.keyvault.firewall",
    "FunctionHost": "functions.host",
    "IDENTITY_VARIABLES": "programs.variables",
    "Identity": "azure.azure",
    "Journal": "instruments.journal",
    "LocalAzure": "server",
    "ObjectState": "azure.keyvault.objects.life",
    "ObjectStateError": "azure.keyvault.objects.life",
    "SOURCES": "sources",
    "Vault": "azure.azure",
    "VaultSettings": "azure.keyvault.settings",
    "default_config": "azure.config.config",
    "load_config": "azure.config.config",
    "read_config": "azure.config.config",
}
__all__ = [
    "IDENTITY_VARIABLES",
    "SOURCES",
    "Clock",
    "Config",
    "DrillRun",
    "Entry",
    "Fault",
    "Firewall",
    "FunctionHost",
    "Identity",
    "Journal",
    "LocalAzure",
    "ObjectState",
    "ObjectStateError",
    "Vault",
    "VaultSettings",
    "default_config",
    "load_config",
    "read_config",
]


# A type checker that saw it would take every misspelt name for one that is there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return getattr(import_module(f"keyless.local.{_ROOMS[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
