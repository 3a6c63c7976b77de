"""Errors in words for a run that cannot start, whatever was raised."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from keyless.errors import KeylessError, LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_REMEDIES: Final[Mapping[int, str]] = {
    errno.ENOSPC: "Make room on that disk, or have TMPDIR or --data name a folder on another.",
    errno.EDQUOT: "Make room on that disk, or have TMPDIR or --data name a folder on another.",
    errno.EMFILE: "Allow this process more open files: ulimit -n 1024.",
    errno.ENFILE: "Close other programs: the machine has no open files left.",
    errno.EISDIR: "Move the folder away: a file must be there.",
    errno.ENOTDIR: "Name a folder: a file is in its place.",
    errno.ENOENT: "Make the missing folder, or remove the link that leads nowhere.",
}
_ELSE: Final = "Name another folder with --data or TMPDIR, or leave --data out to keep secrets in memory."


@contextmanager
def told_in_words(data: Path | None) -> Iterator[None]:
    """Turn what is raised within into an error that says what, why, and what to do.

    Raises:
        LocalAzureError: As said.
    """
    try:
        yield
    except KeylessError:
        raise
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        said = os.strerror(error.errno) if error.errno else type(error).__name__
        raise LocalAzureError(
            "The local Azure cannot be started.",
            cause=f"The operating system refused: {said}{where}.",
            remedy=_REMEDIES.get(error.errno or 0, _ELSE),
        ) from None
    except RuntimeError:
        raise LocalAzureError(
            "The local Azure cannot be started.",
            cause="The operating system gives this process no more threads or memory.",
            remedy="Allow it more: see ulimit -u and ulimit -v.",
        ) from None
    except (ValueError, TypeError) as error:  # Its text may be that of a key.
        if data is None:
            raise
        raise LocalAzureError(
            f"What {data} keeps cannot be used.",
            cause=f"A key in {data / 'secrets.db'} is damaged ({type(error).__name__}).",
            remedy="Put a copy of the folder back, or name another folder with --data. Nothing in it was changed.",
        ) from None
