"""What answers each operation on secrets."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.wire.keyvault.secrets.deleted_operations import (
    get_deleted_secret,
    list_deleted_secrets,
    purge_deleted_secret,
    recover_deleted_secret,
)
from keyless.local.wire.keyvault.secrets.operations import (
    backup_secret,
    delete_secret,
    get_secret,
    list_secret_versions,
    list_secrets,
    restore_secret,
    set_secret,
    update_secret,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

SECRET_HANDLERS: Final[Mapping[str, Callable[[Call], Answer]]] = MappingProxyType(
    {
        "listSecrets": list_secrets,
        "setSecret": set_secret,
        "getSecret": get_secret,
        "updateSecret": update_secret,
        "deleteSecret": delete_secret,
        "restoreSecret": restore_secret,
        "backupSecret": backup_secret,
        "listSecretVersions": list_secret_versions,
        "listDeletedSecrets": list_deleted_secrets,
        "getDeletedSecret": get_deleted_secret,
        "purgeDeletedSecret": purge_deleted_secret,
        "recoverDeletedSecret": recover_deleted_secret,
    }
)
