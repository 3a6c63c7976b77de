"""A secret that its service rejects is read again, and the call made once more: how a rotation is usually found out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from keyless.errors import KeylessError

if TYPE_CHECKING:
    from keyless.reader import SecretReader
    from keyless.secret import Secret

R = TypeVar("R")
Rejection = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]


def retry_on_rejected(reader: SecretReader, name: str, use: Callable[[Secret], R], *, on: Rejection) -> R:
    """Use a secret; where it is rejected, read it again and use the newer version once.

    The vault is asked only after a rejection, and the secret is used again only if the vault has another version: to
    show a wrong password twice locks accounts. Where it has none, or cannot be asked, the rejection is raised as it
    came, with a note. Many threads whose secret is rejected at once cause one request.

    Example:
        >>> from keyless import SecretReader, retry_on_rejected
        >>> def connect(reader):
        ...     return retry_on_rejected(reader, "db-password", lambda secret: log_in(secret.value), on=PermissionError)

    Args:
        reader: What reads the secret.
        name: The secret's name.
        use: What is done with the secret, such as connecting to a database.
        on: What a rejection looks like: an exception class, several, or a function that is given the exception and
            says whether it is one.

    Returns:
        What ``use`` returned.

    Raises:
        KeylessError: If there is no secret to begin with.
        Exception: What ``use`` raised, where that is not a rejection, or there is no newer version.
    """
    secret = reader.get(name)
    try:
        return use(secret)
    except Exception as error:
        if not _is_rejection(error, on):
            raise
        reader.invalidate(secret)
        newer = secret
        try:
            newer = reader.get(name)
        except KeylessError as failure:
            _note_failure(error, failure)
        else:
            _note_if_same(error, secret, newer)
        if newer.version == secret.version:
            raise
    # Outside the except block: what goes wrong now is not a consequence of the rejection.
    return use(newer)


async def aretry_on_rejected(
    reader: SecretReader, name: str, use: Callable[[Secret], Awaitable[R]], *, on: Rejection
) -> R:
    """Do as ``retry_on_rejected`` does, with a ``use`` that is awaited, and without ever blocking the event loop."""
    secret = await reader.aget(name)
    try:
        return await use(secret)
    except Exception as error:
        if not _is_rejection(error, on):
            raise
        reader.invalidate(secret)
        newer = secret
        try:
            newer = await reader.aget(name)
        except KeylessError as failure:
            _note_failure(error, failure)
        else:
            _note_if_same(error, secret, newer)
        if newer.version == secret.version:
            raise
    return await use(newer)


def _is_rejection(error: Exception, on: Rejection) -> bool:
    return isinstance(error, on) if isinstance(on, (type, tuple)) else on(error)


def _note_failure(error: Exception, failure: KeylessError) -> None:
    error.add_note(f"Keyless could not read the secret again: {failure.what} [{failure.kl_code}]")


def _note_if_same(error: Exception, rejected: Secret, newer: Secret) -> None:
    if newer.version == rejected.version:
        error.add_note(
            f"Keyless could not read {newer.name} again: neither the vault nor a token can be had for now."
            if newer.is_stale
            else f"Keyless has asked the vault, now or just before: the version of {newer.name} is still {newer.version}."
        )
