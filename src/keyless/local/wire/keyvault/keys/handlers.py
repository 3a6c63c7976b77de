"""The function for each operation on keys."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.wire.keyvault.keys import cryptography, operations
from keyless.local.wire.keyvault.keys.operations import KEYS
from keyless.local.wire.keyvault.keys.releases import release_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

HANDLERS: Final[Mapping[str, Callable[[Call], Answer]]] = MappingProxyType(
    {
        "listKeys": KEYS.list_all,
        "importKey": operations.import_key,
        "getKey": operations.get_key,
        "updateKey": operations.update_key,
        "deleteKey": KEYS.delete,
        "restoreKey": KEYS.restore,
        "createKey": operations.create_key,
        "rotateKey": operations.rotate_key,
        "backupKey": KEYS.backup,
        "getKeyRotationPolicy": operations.get_rotation_policy,
        "updateKeyRotationPolicy": operations.set_rotation_policy,
        "listKeyVersions": KEYS.list_versions,
        "getKeyAttestation": operations.get_attestation,
        "encrypt": cryptography.encrypt,
        "decrypt": cryptography.decrypt,
        "wrapKey": cryptography.wrap_key,
        "unwrapKey": cryptography.unwrap_key,
        "sign": cryptography.sign,
        "verify": cryptography.verify,
        "secureWrapKey": cryptography.secure_wrap_key,
        "secureUnwrapKey": cryptography.secure_unwrap_key,
        "release": release_key,
        "listDeletedKeys": KEYS.list_deleted,
        "getDeletedKey": KEYS.get_deleted,
        "purgeDeletedKey": KEYS.purge,
        "recoverDeletedKey": KEYS.recover,
        "getRandomBytes": operations.get_random_bytes,
    }
)
