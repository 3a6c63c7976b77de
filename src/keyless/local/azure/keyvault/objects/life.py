"""The states of an object, from its first version to its purge."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from keyless.local.operations import Kind


class ObjectState(StrEnum):
    """The state of an object in its life."""

    ABSENT = "absent"
    ACTIVE = "active"
    DELETING = "deleting"
    DELETED = "deleted"
    RECOVERING = "recovering"
    PURGING = "purging"


_IN_PROGRESS = frozenset({ObjectState.DELETING, ObjectState.RECOVERING, ObjectState.PURGING})


class ObjectStateError(LocalAzureError):
    """An object cannot be changed so in the state that it is in.

    Attributes:
        kind: What it is.
        name: Its name.
        state: That state.
        version: The version that was to be restored; None where nothing was.
    """

    def __init__(self, kind: Kind, name: str, state: ObjectState, *, version: str | None = None) -> None:
        super().__init__(
            f"The {kind} {name!r} is {state}.",
            cause="The operation needs it in another state.",
            remedy="Move the clock past the vault's delay: clock.advance(seconds=...)."
            if state in _IN_PROGRESS
            else "Set, delete, recover or purge it first.",
        )
        self.kind = kind
        self.name = name
        self.state = state
        self.version = version


class ManagedObjectError(LocalAzureError):
    """A key or a secret cannot be changed by itself, since it belongs to a certificate."""

    def __init__(self, kind: Kind, name: str) -> None:
        super().__init__(
            f"The {kind} {name!r} belongs to the certificate of that name.",
            cause=f"Key Vault makes and deletes such a {kind} with its certificate only.",
            remedy="Change the certificate, or use another name.",
        )
