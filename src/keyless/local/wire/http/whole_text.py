"""JSON whose texts are whole: half a character can be escaped in it, and then neither be kept nor be sent."""

from __future__ import annotations

import json


def check_whole(found: object, content: bytes) -> None:
    """Check what was read from a body in JSON.

    Args:
        found: What was read.
        content: The body.

    Raises:
        ValueError: If a text in it has half a character.
        RecursionError: If it is nested too deeply.
    """
    if b"\\" in content or not content.isascii():
        json.dumps(found, ensure_ascii=False).encode()
