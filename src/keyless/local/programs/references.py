"""Key Vault references: settings that hold the address of a secret, and that App Service turns into the secret.

Source: https://learn.microsoft.com/en-us/azure/app-service/app-service-key-vault-references
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

from keyless.clouds import CLOUDS
from keyless.errors import (
    AccessDeniedError,
    ConfigurationError,
    IdentityRefusedError,
    IdentityUnavailableError,
    KeylessError,
    SecretNotFoundError,
    VaultUnreachableError,
)
from keyless.local.programs.local_settings import local_settings
from keyless.secret_id import SecretId, check_secret_name, check_vault_url, check_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OPENING: Final = "@Microsoft.KeyVault("
Status = Literal[
    "InvalidSyntax",
    "VaultNotFound",
    "SecretNotFound",
    "SecretVersionNotFound",
    "AccessToKeyVaultDenied",
    "MSINotEnabled",
    "OtherReasons",
]
"""What App Service calls the failures of references.

Source: https://learn.microsoft.com/en-us/rest/api/appservice/web-apps/get-app-setting-key-vault-reference (ResolveStatus)
"""
_STATUSES: Final[tuple[tuple[type[KeylessError], Status], ...]] = (
    (AccessDeniedError, "AccessToKeyVaultDenied"),
    (VaultUnreachableError, "VaultNotFound"),
    (IdentityRefusedError, "MSINotEnabled"),
    (IdentityUnavailableError, "MSINotEnabled"),
)
_WRITE: Final = (
    "Write @Microsoft.KeyVault(SecretUri=https://VAULT.vault.azure.net/secrets/NAME) or "
    "@Microsoft.KeyVault(VaultName=VAULT;SecretName=NAME), with a version if it is to stay the same."
)


def is_reference(value: str) -> bool:
    """Return whether a setting is a Key Vault reference, rightly written or not: its whole value, and nothing around it."""
    return value.lower().startswith(_OPENING.lower()) and value == value.rstrip()


def is_misplaced(value: str) -> bool:
    """Return whether a setting holds a Key Vault reference in a longer value, in quotation marks or beside blanks.

    Nobody resolves those: App Service takes a reference that is the whole value.
    """
    return _OPENING.lower() in value.lower() and not is_reference(value)


def parse_reference(value: str, *, vault_urls: Mapping[str, str]) -> SecretId:
    """Return the secret that a reference means.

    Args:
        value: The setting's value.
        vault_urls: The addresses of vaults by their names; any other name is one in Azure's public cloud.

    Raises:
        ConfigurationError: If it is none that App Service understands.

    >>> str(parse_reference("@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=db-password)", vault_urls={}))
    'https://contoso-kv.vault.azure.net/secrets/db-password'
    """
    parts = _parts(value)
    if set(parts) == {"secreturi"}:
        return SecretId.parse(parts["secreturi"])
    if {"vaultname", "secretname"} <= set(parts) <= {"vaultname", "secretname", "secretversion"}:
        name, version = parts["vaultname"], parts.get("secretversion")
        url = vault_urls.get(name.lower()) or check_vault_url(f"https://{name}.{CLOUDS[0].vault_suffix}")
        return SecretId(url, check_secret_name(parts["secretname"]), check_version(version) if version else None)
    raise _wrong(f"it has {', '.join(parts) or 'nothing'}, and must have SecretUri, or VaultName and SecretName")


def _parts(value: str) -> dict[str, str]:
    if not value.endswith(")"):
        raise _wrong("it does not end with a parenthesis")
    pairs = [part.partition("=") for part in value[len(_OPENING) : -1].split(";") if part.strip()]
    if not all(equals for _, equals, _ in pairs):
        raise _wrong("a part of it has no equals sign")
    parts = {name.strip().lower(): given.strip() for name, _, given in pairs}
    if len(parts) != len(pairs):
        raise _wrong("it has a part twice")
    return parts


def _wrong(problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"The Key Vault reference is not valid: {problem}.", cause="It cannot be read.", remedy=_WRITE
    )


def status_of(error: KeylessError, secret: SecretId | None) -> Status:
    """Return what App Service calls the failure of a reference.

    Args:
        error: Why it does not resolve.
        secret: What it means; None where it cannot be read.
    """
    if secret is None:
        return "InvalidSyntax"
    if isinstance(error, SecretNotFoundError):
        return "SecretVersionNotFound" if secret.version else "SecretNotFound"
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return "OtherReasons"


def told(references: Mapping[str, str], failed: Mapping[str, Status]) -> str:
    """Return what App Service reports to an app about its references, in ``WEBSITE_KEYVAULT_REFERENCES``.

    Args:
        references: References by the names of their settings.
        failed: The status of each that did not resolve.
    """
    return json.dumps(
        {
            name: {"rawReference": reference, "status": failed.get(name, "Resolved")}
            for name, reference in references.items()
        }
    )


def local_references(file: Path) -> dict[str, str]:
    """Return the references among the settings of a ``local.settings.json``; all else the Functions tools read themselves.

    Raises:
        ConfigurationError: If it holds references and cannot be read.
    """
    try:
        settings = local_settings(file)
    except ConfigurationError:
        if _mentions_none(file):
            return {}
        raise
    return {name: value for name, value in settings.items() if is_reference(value)}


def _mentions_none(file: Path) -> bool:
    try:
        return _OPENING.lower() not in file.read_text("utf-8", errors="replace").lower()
    except OSError:
        return False
