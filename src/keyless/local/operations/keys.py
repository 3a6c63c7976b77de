"""The operations on keys, and the data actions that they need.

https://learn.microsoft.com/en-us/rest/api/keyvault/keys/operation-groups
https://learn.microsoft.com/en-us/azure/role-based-access-control/permissions/security#microsoftkeyvault
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.operations.operation import Operation

if TYPE_CHECKING:
    from keyless.local.operations.operation import Level

KEYS = "Microsoft.KeyVault/vaults/keys/"
ROTATION_POLICIES = "Microsoft.KeyVault/vaults/keyrotationpolicies/"
READ_KEY = f"{KEYS}read"
UPDATE_KEY = f"{KEYS}update/action"
BACKUP_KEY = f"{KEYS}backup/action"
ENCRYPT = f"{KEYS}encrypt/action"
DECRYPT = f"{KEYS}decrypt/action"
WRAP = f"{KEYS}wrap/action"
UNWRAP = f"{KEYS}unwrap/action"
SIGN = f"{KEYS}sign/action"
VERIFY = f"{KEYS}verify/action"
RELEASE = f"{KEYS}release/action"
READ_ROTATION_POLICY = f"{ROTATION_POLICIES}read"
WRITE_ROTATION_POLICY = f"{ROTATION_POLICIES}write"
_CREATE, _IMPORT = f"{KEYS}create/action", f"{KEYS}import/action"
_DELETE, _RECOVER, _PURGE = f"{KEYS}delete", f"{KEYS}recover/action", f"{KEYS}purge/action"
_RESTORE, _ROTATE = f"{KEYS}restore/action", f"{KEYS}rotate/action"
KEY_ACTIONS = (
    *(READ_KEY, UPDATE_KEY, BACKUP_KEY, ENCRYPT, DECRYPT, WRAP, UNWRAP, SIGN, VERIFY, RELEASE),
    *(_CREATE, _IMPORT, _DELETE, _RECOVER, _PURGE, _RESTORE, _ROTATE, READ_ROTATION_POLICY, WRITE_ROTATION_POLICY),
)


def _on_keys(
    name: str, method: str, path: str, *, needs: tuple[str, str], level: Level = "object", is_slow: bool = False
) -> Operation:
    action, permission = needs
    return Operation(name, "key", method, path, action, permission, level, is_slow=is_slow)


def _with_the_key(name: str, path: str, *, needs: tuple[str, str], by_readers: bool = False) -> tuple[Operation, ...]:
    """Return an operation with a version of a key, which clients name, or leave out for the latest."""
    action, permission = needs
    enough = READ_KEY if by_readers else None
    return tuple(
        Operation(name, "key", "POST", f"keys/{{name}}/{where}{path}", action, permission, "object", enough=enough)
        for where in ("", "{version}/")
    )


# A fixed word comes before a placeholder, because the first that fits counts.
KEY_OPERATIONS = (
    _on_keys("listKeys", "GET", "keys", needs=(READ_KEY, "list"), level="vault"),
    _on_keys("importKey", "PUT", "keys/{name}", needs=(_IMPORT, "import"), is_slow=True),
    _on_keys("getKey", "GET", "keys/{name}", needs=(READ_KEY, "get")),
    _on_keys("updateKey", "PATCH", "keys/{name}", needs=(UPDATE_KEY, "update")),
    _on_keys("deleteKey", "DELETE", "keys/{name}", needs=(_DELETE, "delete")),
    _on_keys("restoreKey", "POST", "keys/restore", needs=(_RESTORE, "restore"), level="vault"),
    _on_keys("createKey", "POST", "keys/{name}/create", needs=(_CREATE, "create"), is_slow=True),
    _on_keys("rotateKey", "POST", "keys/{name}/rotate", needs=(_ROTATE, "rotate"), is_slow=True),
    _on_keys("backupKey", "POST", "keys/{name}/backup", needs=(BACKUP_KEY, "backup")),
    _on_keys(
        "getKeyRotationPolicy",
        "GET",
        "keys/{name}/rotationpolicy",
        needs=(READ_ROTATION_POLICY, "getrotationpolicy"),
    ),
    _on_keys(
        "updateKeyRotationPolicy",
        "PUT",
        "keys/{name}/rotationpolicy",
        needs=(WRITE_ROTATION_POLICY, "setrotationpolicy"),
    ),
    _on_keys("listKeyVersions", "GET", "keys/{name}/versions", needs=(READ_KEY, "list")),
    _on_keys("getKeyAttestation", "GET", "keys/{name}/attestation", needs=(READ_KEY, "get")),
    _on_keys("getKeyAttestation", "GET", "keys/{name}/{version}/attestation", needs=(READ_KEY, "get")),
    # By the documentation of roles, public keys are for everybody who can read them.
    *_with_the_key("encrypt", "encrypt", needs=(ENCRYPT, "encrypt"), by_readers=True),
    *_with_the_key("decrypt", "decrypt", needs=(DECRYPT, "decrypt")),
    *_with_the_key("wrapKey", "wrapkey", needs=(WRAP, "wrapKey"), by_readers=True),
    *_with_the_key("unwrapKey", "unwrapkey", needs=(UNWRAP, "unwrapKey")),
    *_with_the_key("sign", "sign", needs=(SIGN, "sign")),
    *_with_the_key("verify", "verify", needs=(VERIFY, "verify"), by_readers=True),
    *_with_the_key("secureWrapKey", "securewrapkey", needs=(WRAP, "wrapKey")),
    *_with_the_key("secureUnwrapKey", "secureunwrapkey", needs=(UNWRAP, "unwrapKey")),
    *_with_the_key("release", "release", needs=(RELEASE, "release")),
    _on_keys("getKey", "GET", "keys/{name}/{version}", needs=(READ_KEY, "get")),
    _on_keys("updateKey", "PATCH", "keys/{name}/{version}", needs=(UPDATE_KEY, "update")),
    _on_keys("listDeletedKeys", "GET", "deletedkeys", needs=(READ_KEY, "list"), level="vault"),
    _on_keys("getDeletedKey", "GET", "deletedkeys/{name}", needs=(READ_KEY, "get")),
    _on_keys("purgeDeletedKey", "DELETE", "deletedkeys/{name}", needs=(_PURGE, "purge")),
    _on_keys("recoverDeletedKey", "POST", "deletedkeys/{name}/recover", needs=(_RECOVER, "recover")),
    _on_keys("getRandomBytes", "POST", "rng", needs=(READ_KEY, "get"), level="vault"),
)
