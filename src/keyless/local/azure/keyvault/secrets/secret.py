"""A secret as the local Azure keeps it: its versions, and what becomes of it when it is deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretProperties:
    """What is known of a version of a secret besides its value; times are Unix seconds.

    Attributes:
        name: The secret's name, in the case it was first given.
        version: The version's id, 32 lower-case hexadecimal digits.
        content_type: Free text about the value; None where not given.
        enabled: Whether the value may be read.
        not_before: When the value becomes valid, for the reader to heed; None where not given.
        expires_on: When the value ceases to be valid, for the reader to heed; None where not given.
        created_on: When the version was made.
        updated_on: When its properties were last changed.
        tags: Free names and texts.
    """

    name: str
    version: str
    content_type: str | None
    enabled: bool
    not_before: int | None
    expires_on: int | None
    created_on: int
    updated_on: int
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion(SecretProperties):
    """A version of a secret with its value, which no representation shows."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedSecret:
    """A deleted secret that can be recovered.

    Attributes:
        properties: Those of its latest version.
        deleted_on: When it was deleted, in Unix seconds.
        scheduled_purge_on: When it ceases to exist, in Unix seconds.
    """

    properties: SecretProperties
    deleted_on: int
    scheduled_purge_on: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What a vault announces: that a secret has a new version.

    Attributes:
        vault: The vault's name.
        vault_url: Its address.
        resource_id: Its ARM id.
        properties: Those of the new version.
    """

    vault: str
    vault_url: str
    resource_id: str
    properties: SecretProperties


class SecretState(StrEnum):
    """Where a secret is in its life."""

    ABSENT = "absent"
    ACTIVE = "active"
    DELETING = "deleting"
    DELETED = "deleted"
    RECOVERING = "recovering"
    PURGING = "purging"


_IN_PROGRESS = frozenset({SecretState.DELETING, SecretState.RECOVERING, SecretState.PURGING})


class SecretStateError(LocalAzureError):
    """A secret cannot be changed so in the state that it is in.

    Attributes:
        name: The secret's name.
        state: That state.
        version: The version that was to be restored; None where nothing was.
    """

    def __init__(self, name: str, state: SecretState, *, version: str | None = None) -> None:
        super().__init__(
            f"The secret {name!r} is {state}.",
            cause="What was asked needs it in another state.",
            remedy="Let the vault's delay pass: clock.advance(seconds=...)."
            if state in _IN_PROGRESS
            else "Set, delete, recover or purge it first, as is wanted.",
        )
        self.name = name
        self.state = state
        self.version = version
