"""Brings the contents of a keyless.toml into a local Azure that exists already."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyless.errors import ConfigurationError
from keyless.local.azure.config.config import load_config, read_config
from keyless.local.azure.config.document import Document
from keyless.local.azure.config.enrolment import enrol
from keyless.local.azure.config.from_environment import with_values
from keyless.local.azure.config.seeding import seed_certificate, seed_key
from keyless.local.azure.keyvault.objects.attributes import fields_of
from keyless.local.azure.keyvault.objects.life import ObjectState, ObjectStateError

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.config.config import Config
    from keyless.local.azure.config.vault_config import SecretConfig
    from keyless.local.azure.keyvault.vault import Vault


def read_document(path: Path) -> dict[str, Any]:
    """Read a file of TOML, or of JSON where its name ends so, as JSON can hold it.

    Raises:
        ConfigurationError: If it cannot be read, or has something wrong.
    """
    if path.suffix.lower() != ".json":
        load_config(path)  # It names the line of what is wrong.
        document = Document.parse(str(path), path.read_text(encoding="utf-8-sig"))
        # Variables are those of the process that imports, not those of the local Azure.
        found: Any = with_values(document.values, environment=os.environ, wrong=document.wrong)
        return json.loads(json.dumps(found, default=datetime.isoformat))  # type: ignore[no-any-return]
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ConfigurationError(
            f"The file {path} cannot be read: {reason}.",
            cause="It is missing, may not be read, or is not of the type in its name.",
            remedy="Name a file that `keyless export` has written.",
        ) from None
    config_of(str(path), found)
    return with_values(found, environment=os.environ, wrong=Document(str(path), found).wrong)


def read_dotenv(path: Path, *, vault: str) -> dict[str, Any]:
    """Read a .env file as the secrets of a vault: DB_PASSWORD is the secret db-password.

    Azure takes no underscores in names. A variable in a value stays as it is written.

    Raises:
        ConfigurationError: If it cannot be read, or a name cannot be that of a secret.
    """
    from dotenv import dotenv_values  # noqa: PLC0415 (the control API loads this module, and few import such a file)

    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"The file {path} cannot be read.",
            cause="It does not exist, you may not read it, or it is not UTF-8.",
            remedy="Name a file with lines such as DB_PASSWORD=s3cr3t.",
        ) from None
    secrets = {name.lower().replace("_", "-"): value for name, value in found.items() if value is not None}
    document = {"vaults": {vault: {"secrets": secrets}}}
    config_of(str(path), document)
    return document


def config_of(source: str, document: Any) -> Config:
    """Read a document, in which times are text, as JSON has them.

    Raises:
        ConfigurationError: If something in it is wrong.
    """
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{source} holds no object.", cause="A keyless.toml is tables.", remedy="Name what `keyless export` wrote."
        )
    return read_config(source, document)


def import_config(azure: Azure, config: Config) -> dict[str, int]:
    """Add what a configuration has and an Azure lacks: vaults, identities, roles, and secrets as new versions.

    What is there and is not spoken of stays. So do the settings of vaults and the ids of identities that are there. A
    secret whose latest version is just so gets no new one, so that importing twice is the same as once.

    Returns:
        How many vaults, identities, roles, versions of secrets, keys and certificates were added.

    Raises:
        LocalAzureError: If something cannot be added. A role that is not there, one that an identity has with another
            condition, and a secret that is deleted are found out before anything is added; an id that another identity
            has, before any vault or secret is.
    """
    for vault in config.vaults.values():
        _check_vault(azure, vault.name, vault.secrets)
    wanted = [(name, grant) for name, one in config.identities.items() for grant in one.roles]
    for name, grant in wanted:
        azure.role_assignments.role(grant.role)
        if name in azure.identities:
            azure.role_assignments.refuse_other_condition(
                azure.identity(name).object_id, grant.role, grant.scope, grant.condition
            )
    added = {"vaults": 0, "identities": 0, "roles": 0, "secrets": 0, "keys": 0, "certificates": 0}
    for identity in config.identities.values():
        if identity.name not in azure.identities:
            azure.add_identity(
                identity.name,
                client_id=identity.client_id,
                object_id=identity.object_id,
                resource_id=identity.resource_id,
                assigned=identity.assigned,
            )
            added["identities"] += 1
    for vault in config.vaults.values():
        if _known(azure, vault.name) is None:
            azure.seed(vault)
            for name, permissions in vault.policies.items():
                azure.vault(vault.name).set_policy(azure.identity(name), permissions)
            added["vaults"] += 1
            added["secrets"] += len(vault.secrets)
            added["keys"] += len(vault.keys)
            added["certificates"] += len(vault.certificates)
        else:
            added["secrets"] += sum(import_secret(azure.vault(vault.name), secret) for secret in vault.secrets)
            added["keys"] += sum(seed_key(azure.vault(vault.name), key) for key in vault.keys)
            added["certificates"] += sum(seed_certificate(azure.vault(vault.name), each) for each in vault.certificates)
    _import_directory(azure, config)
    for name, grant in wanted:
        holder = azure.identity(name)
        before = azure.role_assignments.held_by(holder.object_id)
        condition = None if grant.condition is None else grant.condition.text
        added["roles"] += holder.grant(grant.role, on=str(grant.scope), condition=condition) not in before
    return added


def _import_directory(azure: Azure, config: Config) -> None:
    """Add the groups and applications that there are not, with their roles, and put members into groups."""
    directory = azure.directory
    wanted = replace(
        config,
        groups={name: found for name, found in config.groups.items() if name not in directory.groups},
        applications={name: found for name, found in config.applications.items() if name not in directory.applications},
    )
    enrol(directory, wanted, role_assignments=azure.role_assignments, scope=azure.any_scope)


def import_secret(vault: Vault, secret: SecretConfig) -> bool:
    """Set a secret, unless its latest version is just so; return whether it was set."""
    found = vault.secrets.find(secret.name)
    if (
        found is not None
        and found.value == secret.value
        and fields_of(found.attributes) == fields_of(secret.attributes)
    ):
        return False
    vault.secrets.set(secret.name, secret.value, secret.attributes)
    return True


def _known(azure: Azure, name: str) -> Vault | None:
    return next((vault for vault in azure.vaults.values() if vault.name.lower() == name.lower()), None)


def _check_vault(azure: Azure, name: str, secrets: tuple[SecretConfig, ...]) -> None:
    vault = _known(azure, name)
    for secret in secrets if vault else ():
        state = vault.secrets.state_of(secret.name) if vault else ObjectState.ABSENT
        if state not in {ObjectState.ABSENT, ObjectState.ACTIVE}:
            raise ObjectStateError("secret", secret.name, state)
