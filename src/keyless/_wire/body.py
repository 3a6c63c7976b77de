"""The body of an answer, read within a deadline: the timeout of requests starts anew with every byte that drips in."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from keyless._wire.deadline import Deadline

_CHUNK = 65_536
# A secret is 25 KiB at most and a token a few; what is larger is neither.
_MOST = 1_048_576


def read_body(response: requests.Response, deadline: Deadline) -> None:
    """Read the whole body, so that ``text`` and ``content`` need not wait any more.

    Args:
        response: An answer whose body was not read yet (``stream=True``).
        deadline: By when it must be there.

    Raises:
        requests.Timeout: If the deadline passes first.
        requests.ConnectionError: If the body is larger than any that can be meant.
    """
    body = bytearray()
    # What has come is taken at once; read() would wait until a whole chunk is there.
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if deadline.remaining <= 0:
            response.close()
            raise requests.Timeout
        if len(body) > _MOST:
            response.close()
            raise requests.ConnectionError
    response.raw = io.BytesIO(bytes(body))
