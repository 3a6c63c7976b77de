"""The function for each operation on secrets."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.wire.keyvault.protocol.objects import ObjectOperations
from keyless.local.wire.keyvault.secrets.bodies import secret_item, version_item
from keyless.local.wire.keyvault.secrets.operations import get_secret, set_secret, update_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

_SECRETS: Final = ObjectOperations(
    whole=version_item, deleted=version_item, item=secret_item, version_item=version_item
)
HANDLERS: Final[Mapping[str, Callable[[Call], Answer]]] = MappingProxyType(
    {
        "listSecrets": _SECRETS.list_all,
        "setSecret": set_secret,
        "getSecret": get_secret,
        "updateSecret": update_secret,
        "deleteSecret": _SECRETS.delete,
        "restoreSecret": _SECRETS.restore,
        "backupSecret": _SECRETS.backup,
        "listSecretVersions": _SECRETS.list_versions,
        "listDeletedSecrets": _SECRETS.list_deleted,
        "getDeletedSecret": _SECRETS.get_deleted,
        "purgeDeletedSecret": _SECRETS.purge,
        "recoverDeletedSecret": _SECRETS.recover,
    }
)
