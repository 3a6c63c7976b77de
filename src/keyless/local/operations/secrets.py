"""The operations on secrets, and the data actions that they need.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups
https://learn.microsoft.com/en-us/azure/role-based-access-control/permissions/security#microsoftkeyvault
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.operations.operation import Operation

if TYPE_CHECKING:
    from keyless.local.operations.operation import Level

SECRETS = "Microsoft.KeyVault/vaults/secrets/"
GET_SECRET = f"{SECRETS}getSecret/action"
SET_SECRET = f"{SECRETS}setSecret/action"
READ_METADATA = f"{SECRETS}readMetadata/action"
UPDATE_SECRET = f"{SECRETS}update/action"
DELETE_SECRET = f"{SECRETS}delete"
RECOVER_SECRET = f"{SECRETS}recover/action"
PURGE_SECRET = f"{SECRETS}purge/action"
BACKUP_SECRET = f"{SECRETS}backup/action"
RESTORE_SECRET = f"{SECRETS}restore/action"
SECRET_ACTIONS = (
    *(GET_SECRET, SET_SECRET, READ_METADATA, UPDATE_SECRET, DELETE_SECRET),
    *(RECOVER_SECRET, PURGE_SECRET, BACKUP_SECRET, RESTORE_SECRET),
)


def _on_secrets(name: str, method: str, path: str, *, needs: tuple[str, str], level: Level = "object") -> Operation:
    action, permission = needs
    return Operation(name, "secret", method, path, action, permission, level)


# A fixed word comes before a placeholder, because the first that fits counts.
SECRET_OPERATIONS = (
    _on_secrets("listSecrets", "GET", "secrets", needs=(READ_METADATA, "list"), level="vault"),
    _on_secrets("setSecret", "PUT", "secrets/{name}", needs=(SET_SECRET, "set")),
    _on_secrets("getSecret", "GET", "secrets/{name}", needs=(GET_SECRET, "get")),
    _on_secrets("updateSecret", "PATCH", "secrets/{name}", needs=(UPDATE_SECRET, "set")),
    _on_secrets("deleteSecret", "DELETE", "secrets/{name}", needs=(DELETE_SECRET, "delete")),
    _on_secrets("restoreSecret", "POST", "secrets/restore", needs=(RESTORE_SECRET, "restore"), level="vault"),
    _on_secrets("backupSecret", "POST", "secrets/{name}/backup", needs=(BACKUP_SECRET, "backup")),
    _on_secrets("listSecretVersions", "GET", "secrets/{name}/versions", needs=(READ_METADATA, "list")),
    _on_secrets("getSecret", "GET", "secrets/{name}/{version}", needs=(GET_SECRET, "get")),
    _on_secrets("updateSecret", "PATCH", "secrets/{name}/{version}", needs=(UPDATE_SECRET, "set")),
    _on_secrets("listDeletedSecrets", "GET", "deletedsecrets", needs=(READ_METADATA, "list"), level="vault"),
    _on_secrets("getDeletedSecret", "GET", "deletedsecrets/{name}", needs=(READ_METADATA, "get")),
    _on_secrets("purgeDeletedSecret", "DELETE", "deletedsecrets/{name}", needs=(PURGE_SECRET, "purge")),
    _on_secrets("recoverDeletedSecret", "POST", "deletedsecrets/{name}/recover", needs=(RECOVER_SECRET, "recover")),
)
