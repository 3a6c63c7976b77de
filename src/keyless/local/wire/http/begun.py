"""Coroutines that have begun outside of a task, since most of them never wait."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from keyless.local.wire.http.response import Response


@coroutine
def going_on(answering: Coroutine[Any, Any, Response], awaited: object) -> Generator[Any, Any, Response]:
    """Go on, in a task, with a coroutine that has begun outside of one and waits for something.

    Python 3.12 has eager tasks for this, and 3.11 does not.
    """
    try:
        while True:
            try:
                given = yield awaited
            except GeneratorExit:
                answering.close()
                raise
            except BaseException as error:  # noqa: BLE001 (what was waited for has failed: the coroutine deals with it)
                awaited = answering.throw(error)
            else:
                awaited = answering.send(given)
    except StopIteration as done:
        found: Response = done.value
        return found
