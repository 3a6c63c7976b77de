"""One instance of an application in the soak: threads that read without a pause, and a line of JSON for what is worth telling.

Run by ``bench.soak``, as ``python -m bench.soak_instance NUMBER``.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime

from keyless import SecretReader

URL = "https://contoso-kv.vault.azure.net"
SECRETS = ("db-password", "api-key", "signing-key")
INSTANCES = 3
THREADS = 4
TTL = 2.0
MAX_STALE = 120.0
# One more instance may serve values of this age at most: shorter than the outages, so that the bound has an effect.
BOUNDED = INSTANCES
SHORT_STALE = 4.0
# A wait is reported from this many seconds on.
LONG = 0.5


def read_for_ever(instance: int) -> None:  # noqa: C901 (one loop, and what it may meet)
    """Read from several threads, and report what matters."""
    bounded = instance == BOUNDED
    reader = SecretReader(URL, ttl=TTL, max_stale=SHORT_STALE if bounded else MAX_STALE, timeout=20)
    told, lock = set(), threading.Lock()
    # By thread: since when it has waited with a value in hand, and the age of the oldest value that it was served.
    waiting: dict[int, float] = {}
    ages = dict.fromkeys(range(1 if bounded else THREADS), 0.0)

    def tell(**what: object) -> None:
        with lock:
            print(json.dumps({"instance": instance, "at": time.time(), **what}), flush=True)

    def read(thread: int) -> None:
        succeeded = set()
        while True:
            for name in SECRETS:
                started = time.monotonic()
                # The first read has nothing else to give than what it waits for.
                if name in succeeded:
                    waiting[thread] = started
                try:
                    secret = reader.get(name)
                except Exception as error:  # noqa: BLE001 (whatever it is, an answer is lost)
                    if name in succeeded:
                        tell(lost=name, why=getattr(error, "kl_code", repr(error)))
                    time.sleep(0.05)
                    continue
                finally:
                    waiting.pop(thread, None)
                waited = time.monotonic() - started
                ages[thread] = max(ages[thread], (datetime.now(UTC) - secret.retrieved_on).total_seconds())
                if name in succeeded and waited > LONG:
                    tell(waited=waited)
                succeeded.add(name)
                if (name, secret.version) not in told:
                    told.add((name, secret.version))
                    tell(saw=name, version=secret.version)
            time.sleep(0.002)

    for thread in ages:
        threading.Thread(target=read, args=(thread,), daemon=True).start()
    while True:
        time.sleep(0.2)
        stats = reader.stats()
        reads = stats.hits + stats.misses + stats.stale
        tell(age=max(ages.values()), flights=stats.in_flight, reads=reads, stale=stats.stale)
        # A read that never ends must not go unseen.
        waited = time.monotonic() - min(list(waiting.values()), default=float("inf"))
        if waited > LONG:
            tell(waited=waited)


if __name__ == "__main__":
    read_for_ever(int(sys.argv[1]))
