"""The body of an answer, read within a deadline: the timeout of requests starts again with every byte that drips in."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import ReadTimeoutError

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
    try:
        # What has come is taken at once; read() would wait until a whole chunk is there.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if deadline.remaining <= 0:
                raise requests.Timeout
            if len(body) > _MOST:
                raise requests.ConnectionError
    except ReadTimeoutError as error:
        raise requests.ReadTimeout from error
    finally:
        # Where all of it was read, the connection is kept by now; else what comes next on it would be the rest.
        response.close()
    response.raw = io.BytesIO(bytes(body))
