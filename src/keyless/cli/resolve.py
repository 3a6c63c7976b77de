"""Resolves Key Vault references into the environment of a command."""

from __future__ import annotations

import sys
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import click

from keyless.errors import ConfigurationError, KeylessError
from keyless.local.programs.local_settings import SETTINGS_FILE
from keyless.local.programs.references import (
    is_misplaced,
    is_reference,
    local_references,
    parse_reference,
    status_of,
)
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless import SecretReader
    from keyless.local.programs.references import Status

# In seconds: a person waits.
_TIMEOUT = 30.0
_PARALLEL = 8
_NO_SYSTEM = (
    "References are read with the system-assigned identity. Where a host has user-assigned ones alone, name one: "
    "--reference-identity RESOURCE_ID here, keyVaultReferenceIdentity in Azure. "
)

keep_unresolved_option = click.option(
    "--keep-unresolved",
    is_flag=True,
    help="Leave a Key Vault reference that does not resolve as it is, as Azure does, and go on.",
)
reference_identity_option = click.option(
    "--reference-identity",
    metavar="RESOURCE_ID",
    help="Resolve references as this user-assigned identity, like keyVaultReferenceIdentity in Azure.",
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The result of resolving references.

    Attributes:
        values: The secrets by the names of their settings; one that did not resolve is still the reference.
        failed: The status of each that did not, as App Service calls it.
    """

    values: Mapping[str, str] = field(repr=False)
    failed: Mapping[str, Status]


def find_references(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the references by the names of their settings; the environment goes before ``local.settings.json``.

    One in a place where nobody resolves it is named on stderr.
    """
    for name in sorted(name for name, value in environment.items() if is_misplaced(value)):
        sys.stderr.write(
            f"keyless: {name} holds a Key Vault reference that nobody resolves: it must be the whole value, without anything "
            "before or after it. Make it a setting of its own, and put the value together in the program.\n"
        )
    in_file = {name: value for name, value in local_references(Path(SETTINGS_FILE)).items() if name not in environment}
    return {**in_file, **{name: value for name, value in environment.items() if is_reference(value)}}


def resolve(
    references: Mapping[str, str],
    *,
    vault_urls: Mapping[str, str],
    identity: str | None,
    keep_unresolved: bool,
) -> Resolved:
    """Return the secrets that references mean, read with the identity that this process has.

    Args:
        references: References by the names of their settings.
        vault_urls: The addresses of vaults by their names.
        identity: The resource id of a user-assigned identity; None for what the host offers.
        keep_unresolved: Whether one that does not resolve stays as it is, and is named on stderr.

    Raises:
        ConfigurationError: If some do not resolve; all of them are named.
    """
    import msal  # noqa: PLC0415 (it takes long to load, and most commands have no references)

    from keyless import SecretReader  # noqa: PLC0415 (as above)

    chosen = msal.UserAssignedManagedIdentity(resource_id=identity) if identity else None
    meant = {name: _parsed(reference, vault_urls) for name, reference in references.items()}
    vaults = {secret.vault_url for secret in meant.values() if isinstance(secret, SecretId)}
    with ExitStack() as stack:
        readers = {
            vault: stack.enter_context(
                SecretReader(vault, identity=chosen, timeout=_TIMEOUT, on_event=lambda _event: None)
            )
            for vault in vaults
        }
        outcomes = _read_all(readers, meant)
    errors = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, KeylessError)}
    failed = {name: status_of(error, _secret(meant[name])) for name, error in errors.items()}
    if errors and not keep_unresolved:
        another = _NO_SYSTEM if identity is None and "MSINotEnabled" in failed.values() else ""
        raise ConfigurationError(
            f"The command was not started: Key Vault references do not resolve: {', '.join(errors)}.",
            cause=" ".join(f"{name} ({failed[name]}): {error.line}" for name, error in errors.items()),
            remedy=f"{another}Fix each one as its error shows. Or give --keep-unresolved to leave them as they are, "
            "as Azure does.",
        )
    for name, error in errors.items():
        sys.stderr.write(f"keyless: the Key Vault reference {name} is left as it is ({failed[name]}). {error}\n")
    values = {name: references[name] if isinstance(found, KeylessError) else found for name, found in outcomes.items()}
    return Resolved(values, failed)


def _read_all(
    readers: Mapping[str, SecretReader], meant: Mapping[str, SecretId | KeylessError]
) -> dict[str, str | KeylessError]:
    """Read in threads that a program does not wait for when it must end."""
    wanted: SimpleQueue[str] = SimpleQueue()
    outcomes: dict[str, Future[str | KeylessError]] = {name: Future() for name in meant}
    for name in meant:
        wanted.put(name)

    def work() -> None:
        while True:
            try:
                name = wanted.get_nowait()
            except Empty:
                return
            try:
                outcomes[name].set_result(_read(readers, meant[name]))
            except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
                outcomes[name].set_exception(error)

    for _ in range(min(_PARALLEL, len(meant))):
        Thread(target=work, name="keyless-references", daemon=True).start()
    return {name: outcome.result() for name, outcome in outcomes.items()}


def _secret(meant: SecretId | KeylessError) -> SecretId | None:
    return meant if isinstance(meant, SecretId) else None


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
