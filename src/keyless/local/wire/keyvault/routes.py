"""Which operation a method and a path mean, and the data action that each one needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from keyless.local.azure.authorization.roles import (
    BACKUP_SECRET,
    DELETE_SECRET,
    GET_SECRET,
    PURGE_SECRET,
    READ_METADATA,
    RECOVER_SECRET,
    RESTORE_SECRET,
    SET_SECRET,
    UPDATE_SECRET,
)
from keyless.local.wire.keyvault.protocol.errors import RefusedError, method_not_allowed, unknown_path
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
    from collections.abc import Callable

    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

_NAME, _VERSION = "{name}", "{version}"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the secrets API.

    Attributes:
        name: Its name in the journal.
        method: Its HTTP method.
        pattern: The segments of its path.
        action: The data action that an identity's role must allow.
        permission: The permission that an access policy must give, where the vault has access policies.
        level: What access is decided on: the vault, or the secret that the path names.
        answer: What does it.
    """

    name: str
    method: str
    pattern: tuple[str, ...]
    action: str
    permission: str
    level: Literal["vault", "secret"]
    answer: Callable[[Call], Answer]


_SECRETS, _DELETED = "secrets", "deletedsecrets"

# The first that fits counts: a fixed word goes before a placeholder.
OPERATIONS = (
    Operation("listSecrets", "GET", (_SECRETS,), READ_METADATA, "list", "vault", list_secrets),
    Operation("setSecret", "PUT", (_SECRETS, _NAME), SET_SECRET, "set", "secret", set_secret),
    Operation("getSecret", "GET", (_SECRETS, _NAME), GET_SECRET, "get", "secret", get_secret),
    Operation("updateSecret", "PATCH", (_SECRETS, _NAME), UPDATE_SECRET, "set", "secret", update_secret),
    Operation("deleteSecret", "DELETE", (_SECRETS, _NAME), DELETE_SECRET, "delete", "secret", delete_secret),
    Operation("restoreSecret", "POST", (_SECRETS, "restore"), RESTORE_SECRET, "restore", "vault", restore_secret),
    Operation("backupSecret", "POST", (_SECRETS, _NAME, "backup"), BACKUP_SECRET, "backup", "secret", backup_secret),
    Operation(
        "listSecretVersions",
        "GET",
        (_SECRETS, _NAME, "versions"),
        READ_METADATA,
        "list",
        "secret",
        list_secret_versions,
    ),
    Operation("getSecret", "GET", (_SECRETS, _NAME, _VERSION), GET_SECRET, "get", "secret", get_secret),
    Operation("updateSecret", "PATCH", (_SECRETS, _NAME, _VERSION), UPDATE_SECRET, "set", "secret", update_secret),
    Operation("listDeletedSecrets", "GET", (_DELETED,), READ_METADATA, "list", "vault", list_deleted_secrets),
    Operation("getDeletedSecret", "GET", (_DELETED, _NAME), READ_METADATA, "get", "secret", get_deleted_secret),
    Operation("purgeDeletedSecret", "DELETE", (_DELETED, _NAME), PURGE_SECRET, "purge", "secret", purge_deleted_secret),
    Operation(
        "recoverDeletedSecret",
        "POST",
        (_DELETED, _NAME, "recover"),
        RECOVER_SECRET,
        "recover",
        "secret",
        recover_deleted_secret,
    ),
)


class Match(NamedTuple):
    """An operation with what its path names."""

    operation: Operation
    name: str
    version: str | None


def find_operation(method: str, raw_path: str) -> Match | RefusedError:
    """Return the operation that a request means, or the refusal that it earns once its token was checked.

    That is 404 if there is nothing at the path, and 405 if there is and it does not answer the method. A slash at the
    end, and a doubled one, mean nothing: official clients send both.
    """
    segments = tuple(unquote(segment) for segment in raw_path.split("/") if segment)
    fitting = [operation for operation in OPERATIONS if _fits(operation.pattern, segments)]
    if not fitting:
        return unknown_path(raw_path)
    for operation in fitting:
        if operation.method == method:
            named = dict(zip(operation.pattern, segments, strict=True))
            return Match(operation, named.get(_NAME, ""), named.get(_VERSION))
    return method_not_allowed(method)


def _fits(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(pattern) == len(segments) and all(
        part in {_NAME, _VERSION} or part == segment.lower() for part, segment in zip(pattern, segments, strict=True)
    )
