"""App Service's report to an app about its Key Vault references: which settings are some, and what came of them.

Source: https://learn.microsoft.com/en-us/azure/app-service/reference-app-settings#key-vault-references
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from keyless.clouds import vault_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.secret import Secret

VARIABLE: Final = "WEBSITE_KEYVAULT_REFERENCES"
_STATUS = r"[A-Za-z]{1,40}"


def statuses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the status of each reference by the name of its setting, such as ``MSINotEnabled``."""
    told = {name: str(reference.get("status", "")) for name, reference in _told(environment).items()}
    return {name: status for name, status in told.items() if re.fullmatch(_STATUS, status)}


def stale_settings(environment: Mapping[str, str], secret: Secret) -> list[str]:
    """Return the settings that are references to the latest version of a secret, and hold another value than it."""
    meant = (
        {f"secreturi={secret.vault_url}/secrets/{secret.name}".lower()},
        {f"vaultname={vault_name(secret.vault_url)}".lower(), f"secretname={secret.name}".lower()},
    )
    return [
        name
        for name, reference in _told(environment).items()
        if _parts(str(reference.get("rawReference", ""))) in meant
        and environment.get(name, secret.value) != secret.value
        and not environment[name].lower().startswith("@microsoft.keyvault(")
    ]


def _parts(reference: str) -> set[str]:
    inner = re.fullmatch(r"\s*@microsoft\.keyvault\((.*)\)\s*", reference.lower())
    return {part.strip().rstrip("/") for part in inner[1].split(";") if part.strip()} if inner else set()


def _told(environment: Mapping[str, str]) -> dict[str, dict[str, object]]:
    try:
        told = json.loads(environment.get(VARIABLE, ""))
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    return {str(name): reference for name, reference in told.items() if isinstance(reference, dict)}
