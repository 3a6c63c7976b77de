"""Which operation a method and a path mean, and the data action that each one needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from keyless.local.access import GET_SECRET, READ_METADATA, SET_SECRET
from keyless.local.vault.errors import RefusedError, method_not_allowed, unknown_path
from keyless.local.vault.operations import Answer, get_secret, list_secret_versions, list_secrets, set_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.vault.call import Call

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


# The first that fits counts: a fixed word goes before a placeholder.
OPERATIONS = (
    Operation("listSecrets", "GET", ("secrets",), READ_METADATA, "list", "vault", list_secrets),
    Operation("setSecret", "PUT", ("secrets", _NAME), SET_SECRET, "set", "secret", set_secret),
    Operation("getSecret", "GET", ("secrets", _NAME), GET_SECRET, "get", "secret", get_secret),
    Operation(
        "listSecretVersions",
        "GET",
        ("secrets", _NAME, "versions"),
        READ_METADATA,
        "list",
        "secret",
        list_secret_versions,
    ),
    Operation("getSecret", "GET", ("secrets", _NAME, _VERSION), GET_SECRET, "get", "secret", get_secret),
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
