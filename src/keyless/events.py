"""Events of a reader, sent as they happen: to the log by default, and to a hook that a caller gives.

No event holds a value or a token. Reads served from memory raise no event: they cost less than one would.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAcquired:
    """A token came from the identity endpoint, or from MSAL's cache of it.

    Attributes:
        identity: The managed identity, as text.
        resource: What the token is for.
        expires_on: When it expires, in Unix seconds.
        seconds: How long it took.
    """

    identity: str
    resource: str
    expires_on: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRetrieved:
    """The vault gave a secret.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
        version: The version that was given.
        seconds: How long the whole flight took, token and retries included.
        previous_version: The version in hand before; None at the first read.
    """

    vault_url: str
    name: str
    version: str
    seconds: float
    previous_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFailed:
    """A secret could not be read, and its reader gets the error.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
        kl_code: The error's stable code.
        what: What happened, in the error's words.
        seconds: How long the whole flight took, retries included.
    """

    vault_url: str
    name: str
    kl_code: str
    what: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleStarted:
    """A secret could not be refreshed: from now on its old value is served. Told once an episode.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
        kl_code: The stable code of the error.
        what: What happened, in the error's words.
        age: Seconds since the value was read.
        seconds: How long the flight took that failed.
    """

    vault_url: str
    name: str
    kl_code: str
    what: str
    age: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshFailed:
    """A secret that is served stale could not be refreshed this time, either.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
        kl_code: The stable code of the error.
        what: What happened, in the error's words.
        age: Seconds since the value was read.
        seconds: How long the flight took that failed.
    """

    vault_url: str
    name: str
    kl_code: str
    what: str
    age: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleEnded:
    """A secret could be refreshed again.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
        age: Seconds that the old value had reached.
    """

    vault_url: str
    name: str
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretInvalidated:
    """A caller said that a value no longer works.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
    """

    vault_url: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWaiting:
    """A caller has waited for a secret for some seconds, and waits on. Told once a flight.

    Attributes:
        vault_url: The vault.
        name: The secret's name.
        seconds: How long it has waited.
        left: How many seconds more it will wait at most.
    """

    vault_url: str
    name: str
    seconds: float
    left: float


Event = (
    TokenAcquired
    | SecretRetrieved
    | ReadFailed
    | ReadWaiting
    | StaleStarted
    | RefreshFailed
    | StaleEnded
    | SecretInvalidated
)
Hook = Callable[[Event], None]


# A program that has not configured logging is shown nothing: otherwise Python writes warnings to stderr.
logging.getLogger("keyless").addHandler(logging.NullHandler())


def log_event(event: Event) -> None:
    """Write an event to the logger ``keyless``: one line a refresh, one a failure, two an episode of staleness."""
    log = logging.getLogger("keyless")
    match event:
        case TokenAcquired():
            log.debug("token for %s as %s in %.3f s", event.resource, event.identity, event.seconds)
        case SecretRetrieved():
            log.info(
                "%s/secrets/%s is at version %s, read in %.3f s%s",
                event.vault_url,
                event.name,
                event.version,
                event.seconds,
                "" if event.previous_version in {None, event.version} else f" (was {event.previous_version})",
            )
        case ReadFailed():
            log.warning("%s [%s]", _with_secret(event), event.kl_code)
        case ReadWaiting():
            log.warning(
                "%s/secrets/%s: waiting for %.0f s, and for %.0f s more at most (timeout=): the identity endpoint or the vault "
                "is slow or silent",
                event.vault_url,
                event.name,
                event.seconds,
                event.left,
            )
        case StaleStarted():
            log.warning(
                "%s/secrets/%s cannot be refreshed, serving the value read %.0f s ago: %s [%s]",
                event.vault_url,
                event.name,
                event.age,
                event.what.removeprefix(f"{event.vault_url}/secrets/{event.name} "),
                event.kl_code,
            )
        case RefreshFailed():
            log.debug("%s/secrets/%s still cannot be refreshed: %s", event.vault_url, event.name, event.kl_code)
        case StaleEnded():
            log.info("%s/secrets/%s is current again after %.0f s", event.vault_url, event.name, event.age)
        case SecretInvalidated():
            log.info("%s/secrets/%s was invalidated", event.vault_url, event.name)


def _with_secret(event: ReadFailed) -> str:
    """Return what happened, with the secret that it happened to named once."""
    secret = f"{event.vault_url}/secrets/{event.name}"
    if secret in event.what:
        return event.what
    return f"{secret} could not be read: {event.what.replace(f'The vault {event.vault_url}', 'the vault')}"
