"""The certificates that a reader trusts, read once for all its connections.

requests has them read for each new connection, which takes several times as long as the rest of the handshake; and
between two refreshes a service ends a connection that is idle.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from stat import S_ISDIR

import certifi

from keyless._wire.ahead import started
from keyless._wire.gate import Gate
from keyless._wire.tls import SteppedContext

# Seconds: a bundle takes a twentieth of one, and a pipe in its place may take for ever.
_LONGEST = 1.0
# As requests reads them; without either, it has certifi's.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Trust:
    """The TLS settings that trust one bundle, a file or a folder.

    Args:
        gate: What work passes through that no fork may fall into; None where nothing shuts it.
    """

    def __init__(self, gate: Gate | None = None) -> None:
        self._gate = gate or Gate()
        self._lock = threading.Lock()
        self._read: tuple[object, ...] = ()
        self._context: SteppedContext | None = None
        self._reading: threading.Thread | None = None

    def read_ahead(self) -> None:
        """Read the bundle on another thread; OpenSSL does so while this one goes on.

        Should a connection trust another bundle, nothing is lost but the time.
        """
        # Found here: certifi may import what it needs for that, and the caller holds off a fork.
        bundle = next(filter(None, map(os.environ.get, _VARIABLES)), None) or certifi.where()
        # At its end a process takes OpenSSL down, and would crash where a thread still reads.
        atexit.register(self._wait)
        self._reading = started(partial(self._try, bundle))

    def context(self, bundle: str) -> SteppedContext:
        """Return the TLS settings that trust a bundle; it is read again where it is not the one of before.

        Raises:
            OSError: If it cannot be read, or holds no certificate.
        """
        found = Path(bundle).stat()
        read = (bundle, found.st_ino, found.st_size, found.st_mtime_ns)
        with self._lock:
            if self._context is None or self._read != read:
                is_folder = S_ISDIR(found.st_mode)
                self._context = SteppedContext.trusting(
                    file=None if is_folder else bundle, folder=bundle if is_folder else None, gate=self._gate
                )
                self._read = read
            return self._context

    def _try(self, bundle: str) -> None:
        # Anything: what goes wrong, the first connection finds out, too.
        with suppress(Exception):
            self.context(bundle)
        atexit.unregister(self._wait)

    def _wait(self) -> None:
        if self._reading is not None:
            self._reading.join(_LONGEST)
