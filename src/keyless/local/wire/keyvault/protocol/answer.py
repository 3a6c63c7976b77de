"""An operation's answer when all is well."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(NamedTuple):
    """A success.

    Attributes:
        status: Its status.
        body: Its JSON body; None means that there is none.
        headers: Headers of this answer alone.
    """

    status: int
    body: dict[str, object] | None
    headers: Mapping[str, str] = MappingProxyType({})
