"""Work that is done before it is asked for, on a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def started(work: Callable[[], None]) -> threading.Thread | None:
    """Have work done on a thread of its own; where none is to be had, nothing is done ahead."""
    thread = threading.Thread(target=work, name="keyless-ahead", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
