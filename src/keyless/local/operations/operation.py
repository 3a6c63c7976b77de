"""One operation of a vault: its name, where it is on the wire, and what an identity needs for it."""

from __future__ import annotations

from typing import Literal

from keyless.local.record import Record

Kind = Literal["secret", "key", "certificate"]
Level = Literal["vault", "object"]


class Operation(Record, frozen=True):
    """An operation of a vault.

    Attributes:
        name: Its name in the journal and in faults.
        kind: What it is about.
        method: Its HTTP method.
        path: Its path, with ``{name}`` and ``{version}`` in the place of what the caller names.
        action: The data action that an identity's role must allow.
        permission: The permission that an access policy must give, where the vault has access policies.
        level: What access is decided on: the vault, or the object that the path names.
        enough: Another data action that allows it as well; None where there is none.
        is_slow: Whether it takes so long that no other request is to wait for it.
    """

    name: str
    kind: Kind
    method: str
    path: str
    action: str
    permission: str
    level: Level
    enough: str | None = None
    is_slow: bool = False
