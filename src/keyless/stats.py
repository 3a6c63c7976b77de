"""Statistics of a reader: what it has done so far, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStats:
    """The statistics of a reader since it was made, and its current contents.

    Every read is counted once: as a hit, a miss, stale or refused.

    Attributes:
        hits: Reads served from memory with a value that was current.
        misses: Reads that waited for the vault, and got its answer or an error.
        stale: Reads served with an old value because the vault or the identity endpoint could not be asked.
        refused: Reads refused from memory: the vault had just said no.
        retrieved: Answers that the vault gave.
        failed: Flights that brought an error, no matter who waited for them.
        secrets: How many values are in memory.
        stale_secrets: How many of these are served stale now.
        oldest_age: Seconds since the oldest of these was read; 0 without any.
        in_flight: How many reads of the vault are under way: one a secret, but for those that invalidate() overtook.
    """

    hits: int
    misses: int
    stale: int
    refused: int
    retrieved: int
    failed: int
    secrets: int
    stale_secrets: int
    oldest_age: float
    in_flight: int
