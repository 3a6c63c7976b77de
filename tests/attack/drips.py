"""Answers that never end, byte by byte: each read must end at its deadline, and the reader must be well at once after it.

Run as ``python -m tests.attack.drips --count 200 --seed 1``.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from tests.attack.lab import Counts, main, watch
from tests.attack.services import DRIPS, value_of

from keyless import DeadlineExceededError, KeylessError, SecretReader
from keyless.errors import ReadErrors

if TYPE_CHECKING:
    import random

_PARALLEL = 4
_DEADLINE = 0.4
# A busy machine gives a thread its turn later; a worker that is not freed comes back after DRIP_SECONDS.
_LATE = 5.0


def drips(vault_url: str, count: int, chance: random.Random) -> Counts:
    """Ask so often for what drips, four at a time, and read something else after each time."""
    counts = Counts()
    with SecretReader(vault_url, timeout=_DEADLINE, parallel=_PARALLEL, on_event=lambda _: None) as reader:
        _well(reader, "s-before", counts)
        while counts.tried < count:
            watch()
            number = counts.tried
            # Names that are new, so that no failure is remembered.
            names = [f"drip-{chance.choice(list(DRIPS))}-{number + step}" for step in range(_PARALLEL)]
            started = time.monotonic()
            try:
                reader.get_many(names)
            except ReadErrors as failed:
                counts.wrong += any(not isinstance(error, DeadlineExceededError) for error in failed.errors.values())
            counts.hung += time.monotonic() - started > _DEADLINE + _LATE
            counts.tried += len(names)
            _well(reader, f"s-{number}", counts)
    _identity_drips(vault_url, counts)
    return counts


def _identity_drips(vault_url: str, counts: Counts) -> None:
    """Let the identity endpoint drip, and be well again."""
    endpoint = os.environ["IDENTITY_ENDPOINT"]
    with SecretReader(vault_url, timeout=_DEADLINE, parallel=2, negative_ttl=0, on_event=lambda _: None) as reader:
        os.environ["IDENTITY_ENDPOINT"] = f"{endpoint}/drip"
        for number in range(4):
            try:
                reader.get(f"s-{number}")
            except DeadlineExceededError:
                counts.tried += 1
        os.environ["IDENTITY_ENDPOINT"] = endpoint
        _well(reader, "s-after", counts)


def _well(reader: SecretReader, name: str, counts: Counts) -> None:
    """Read what is well. Two are tried: the first may find every worker at the end of its own deadline."""
    for attempt in range(8):
        try:
            counts.wrong += reader.get(name).value != value_of(name)
        except KeylessError as error:
            if attempt == 7:
                sys.stderr.write(f"lost: {error}\n")
                counts.lost += 1
        else:
            return


if __name__ == "__main__":
    main(drips, 200)
