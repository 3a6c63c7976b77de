"""Resolves Key Vault references into the environment of a command."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msal

from keyless import SecretReader
from keyless.errors import ConfigurationError, KeylessError
from keyless.local.programs.local_settings import SETTINGS_FILE
from keyless.local.programs.references import is_reference, local_references, parse_reference
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from collections.abc import Mapping

# In seconds: a person waits.
_TIMEOUT = 30.0
_PARALLEL = 8

keep_unresolved_option = click.option(
    "--keep-unresolved",
    is_flag=True,
    help="Leave a Key Vault reference that does not resolve as it is, as Azure does, and go on.",
)
reference_identity_option = click.option(
    "--reference-identity",
    metavar="RESOURCE_ID",
    help="Resolve references as this user-assigned identity, as keyVaultReferenceIdentity says in Azure.",
)


def find_references(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the references by the names of their settings; the environment goes before ``local.settings.json``."""
    in_file = {name: value for name, value in local_references(Path(SETTINGS_FILE)).items() if name not in environment}
    return {**in_file, **{name: value for name, value in environment.items() if is_reference(value)}}


def resolve(
    references: Mapping[str, str],
    *,
    vault_urls: Mapping[str, str],
    identity: str | None,
    keep_unresolved: bool,
) -> dict[str, str]:
    """Return the secrets that references mean, read with the identity that this process has.

    Args:
        references: References by the names of their settings.
        vault_urls: The addresses of vaults by their names.
        identity: The resource id of a user-assigned identity; None for the system-assigned.
        keep_unresolved: Whether one that does not resolve stays as it is, and is named on stderr.

    Raises:
        ConfigurationError: If some do not resolve; all of them are named.
    """
    chosen = (
        msal.UserAssignedManagedIdentity(resource_id=identity) if identity else msal.SystemAssignedManagedIdentity()
    )
    meant = {name: _parsed(reference, vault_urls) for name, reference in references.items()}
    vaults = {secret.vault_url for secret in meant.values() if isinstance(secret, SecretId)}
    with ExitStack() as stack, ThreadPoolExecutor(_PARALLEL) as pool:
        readers = {
            vault: stack.enter_context(
                SecretReader(vault, identity=chosen, timeout=_TIMEOUT, on_event=lambda _event: None)
            )
            for vault in vaults
        }
        outcomes = dict(zip(meant, pool.map(lambda secret: _read(readers, secret), meant.values()), strict=True))
    failed = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, KeylessError)}
    if failed and not keep_unresolved:
        raise ConfigurationError(
            f"The command was not started: Key Vault references do not resolve: {', '.join(failed)}.",
            cause=" ".join(f"{name}: {error}" for name, error in failed.items()),
            remedy="Mend each one as it says, or give --keep-unresolved to leave them as they are, as Azure does.",
        )
    for name, error in failed.items():
        sys.stderr.write(f"keyless: the Key Vault reference {name} is left as it is. {error}\n")
    return {name: references[name] if isinstance(found, KeylessError) else found for name, found in outcomes.items()}


def _parsed(reference: str, vault_urls: Mapping[str, str]) -> SecretId | KeylessError:
    try:
        return parse_reference(reference, vault_urls=vault_urls)
    except KeylessError as error:
        return error


def _read(readers: Mapping[str, SecretReader], secret: SecretId | KeylessError) -> str | KeylessError:
    if isinstance(secret, KeylessError):
        return secret
    try:
        value = readers[secret.vault_url].get(secret.name, secret.version).value
    except KeylessError as error:
        return error
    if "\0" in value:
        return ConfigurationError(
            f"The secret {secret} cannot be an environment variable.",
            cause="It holds a character NUL.",
            remedy="Read it in the program rather than by a Key Vault reference.",
        )
    return value
