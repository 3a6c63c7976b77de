"""A fleet of function instances in front of one vault, with a simulated clock: events in order of their time, and no I/O.

Real are Keyless's ``SecretCache``, its errors, ``backoff`` and ``fetch.pause_after``, the rule of its retries. Re-stated here,
since in the library they live on threads: one flight a secret and what those aboard get (``Refresher.ask`` and ``result_or_fallback``), and that
an attempt is made after each pause until the deadline (``Fetcher.fetch``). Tokens are left out: they come from each host's own endpoint.

An instance reads one secret at even intervals from a phase of its own. So the reads between two events need no events of their
own: they are counted.
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.fleet_vault import Account, Scene, Vault

from keyless._reading.cache import Deny, Fetch, Lookup, Renew, Revalidate, SecretCache, Serve
from keyless._reading.fetch import pause_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.errors import VaultError
    from keyless.secret import Secret

KEY = "db-password/"
EVERY = 1.0
LATENCY = 0.02
TIMEOUT = 90.0
QUIET = (Serve, Deny)
SLOT = 0.1
NEAR = 64
NOTHING = Fetch()
# What azure-core pauses after each failure before its three retries: 0.8 doubled, the first at once, and no chance in it.
# https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/core/azure-core/azure/core/pipeline/policies/_retry.py
SDK_PAUSES = (0.0, 1.6, 3.2)


class Cache(Protocol):
    """The memory of a client."""

    def lookup(self, key: str, now: float) -> Lookup: ...
    def store(self, key: str, secret: Secret, now: float, *, pinned: bool) -> object: ...
    def fail(self, key: str, error: VaultError, now: float) -> object: ...


class FixedTtl:
    """A value for a fixed time; then it is asked for, by one request at a time, as if by a careful hand-written cache.

    Args:
        ttl: For how many seconds.
        keeps: Whether the old value is kept and served when the vault fails; else it is cleared when its time is over.
    """

    def __init__(self, ttl: float, *, keeps: bool) -> None:
        self._ttl, self._keeps = ttl, keeps
        self._secret: Secret | None = None
        self._until = 0.0

    def lookup(self, key: str, now: float) -> Lookup:
        if self._secret is not None and now < self._until:
            return Serve(self._secret)
        return Renew(self._secret, math.inf) if self._secret is not None and self._keeps else NOTHING

    def store(self, key: str, secret: Secret, now: float, *, pinned: bool) -> None:
        self._secret, self._until = secret, now + self._ttl

    def fail(self, key: str, error: VaultError, now: float) -> Secret | None:
        return self._secret if self._keeps else None


@dataclass(frozen=True, slots=True)
class Client:
    """A program's way to read: what it remembers, and how long it pauses after a failed attempt."""

    cache: Callable[[random.Random], Cache]
    pause: Callable[[VaultError, int, bool, random.Random], float | None]
    # It does the same at each read for as long as the vault fails.
    forgets_failures: bool = False


def keyless(ttl: float = 300.0) -> Client:
    """Return Keyless with the options of SecretReader."""
    return Client(
        lambda rng: SecretCache(ttl=ttl, max_stale=86_400.0, negative_ttl=5.0, chance=rng.random),
        lambda error, attempt, patient, rng: pause_after(error, attempt, patient=patient, chance=rng.random),
    )


def fixed_ttl(*, keeps: bool, ttl: float = 300.0) -> Client:
    """Return a cache with one lifetime for all, around a client with azure-core's retries."""
    return Client(lambda _: FixedTtl(ttl, keeps=keeps), lambda error, attempt, _, __: sdk_pause(error, attempt), True)


def sdk_pause(error: VaultError, attempt: int) -> float | None:
    if attempt > len(SDK_PAUSES):
        return None
    return SDK_PAUSES[attempt - 1] if error.retry_after is None else error.retry_after


@dataclass(slots=True)
class Instance:
    """One instance, and the flight that it has in the air."""

    cache: Cache
    first_read: float
    found: Lookup = NOTHING
    opened: float = 0.0
    attempt: int = 0
    stored_at: float = -1.0
    version: str | None = None
    troubled: bool = True

    def reads_by(self, now: float) -> int:
        """How many reads come by then, the one at that very time left out."""
        return max(0, math.ceil((now - self.first_read) / EVERY - 1e-9))

    def read_at(self, number: int) -> float:
        return self.first_read + number * EVERY


class Fleet:
    """Runs the instances of one client through a scene.

    Args:
        client: How they read.
        scene: What happens to them.
        instances: How many there are.
        seed: What chance goes by.
    """

    def __init__(self, client: Client, scene: Scene, instances: int, seed: int = 1) -> None:
        self._client, self._scene = client, scene
        self._rng = random.Random(seed)
        self._vault = Vault(scene)
        self.account = self._vault.account
        self._events: list[tuple[float, int, bool, Instance]] = []
        self._pushed = 0
        for start in starts(scene, instances, self._rng):
            self._push(start, Instance(client.cache(self._rng), start), reads=True)

    def run(self) -> Account:
        while self._events:
            now, _, reads, instance = heapq.heappop(self._events)
            (self._read if reads else self._attempt)(instance, now)
        return self.account

    def _push(self, at: float, instance: Instance, *, reads: bool) -> None:
        if at < self._scene.seconds:
            self._pushed += 1
            heapq.heappush(self._events, (at, self._pushed, reads, instance))

    def _read(self, instance: Instance, now: float) -> None:
        found = instance.cache.lookup(KEY, now)
        if isinstance(found, QUIET):
            self._rest(instance, now, found)
            return
        instance.found, instance.opened, instance.attempt = found, now, 0
        self._attempt(instance, now)

    def _rest(self, instance: Instance, now: float, found: Lookup) -> None:
        """Count the reads from now on that get the same from memory."""
        first, last = instance.reads_by(now), instance.reads_by(self._scene.seconds)

        def loud(number: int) -> bool:
            return not isinstance(instance.cache.lookup(KEY, instance.read_at(number)), QUIET)

        # Most rests are shorter than a pause of the cache; looking near first is quicker.
        near = min(last, first + NEAR)
        end = near if not loud(near - 1) else first
        end += bisect_left(range(end, last if end == near else near), x=True, key=loud)
        end = max(end, first + 1)
        self._count(instance, end - first, instance.read_at(end - 1), in_hand(found))
        self._push(instance.read_at(end), instance, reads=True)

    def _count(self, instance: Instance, reads: int, last: float, secret: Secret | None) -> None:
        account = self.account
        if secret is not None:
            account.served += reads
            account.stale += reads if secret.is_stale or instance.troubled else 0
            account.oldest = max(account.oldest, last - instance.stored_at)
        else:
            account.lost += reads
            account.lost_cold += reads if instance.version is None else 0

    def _attempt(self, instance: Instance, now: float) -> None:
        instance.attempt += 1
        _, error = self._vault.ask(now)
        landing = now + LATENCY
        if error is None:
            self._succeed(instance, landing, self._vault.secret(now))
            return
        patient = instance.found == NOTHING
        pause = self._client.pause(error, instance.attempt, patient, self._rng)
        if pause is not None and landing + pause - instance.opened < TIMEOUT:
            self._push(landing + pause, instance, reads=False)
        else:
            self._fail(instance, landing, error)

    def _succeed(self, instance: Instance, at: float, secret: Secret) -> None:
        boarded = max(1, instance.reads_by(at) - instance.reads_by(instance.opened))
        if isinstance(instance.found, Revalidate):
            self._count(instance, boarded, at, instance.found.secret)
        else:
            self.account.served += boarded
        if instance.version not in {None, secret.version}:
            self.account.seen_after.append(at - self._scene.rotations[int(secret.version) - 1])
        if instance.troubled:
            self.account.recovered_at = max(self.account.recovered_at, at)
        instance.version, instance.stored_at, instance.troubled = secret.version, at, False
        instance.cache.store(KEY, secret, at, pinned=False)
        self._push(instance.read_at(instance.reads_by(at)), instance, reads=True)

    def _fail(self, instance: Instance, at: float, error: VaultError) -> None:
        instance.troubled = True
        instance.cache.fail(KEY, error, at)
        boarded = max(1, instance.reads_by(at) - instance.reads_by(instance.opened))
        self._count(instance, boarded, at, in_hand(instance.found))
        again = instance.read_at(instance.reads_by(at))
        if self._client.forgets_failures:
            again = self._hammer(instance, again)
        self._push(again, instance, reads=True)

    def _hammer(self, instance: Instance, now: float) -> float:
        """Count flight after flight for as long as each fails: while the vault is down no instance affects another."""
        secret, offsets = in_hand(instance.cache.lookup(KEY, now)), [0.0]
        while (pause := self._client.pause(self._vault.failing, len(offsets), True, self._rng)) is not None:
            offsets.append(offsets[-1] + LATENCY + pause)
        boarded = max(1, math.ceil((offsets[-1] + LATENCY) / EVERY))
        requests, flights = self.account.requests, 0
        until = min(self._scene.outage[1] - offsets[-1], self._scene.seconds) if self._vault.down(now) else now
        while now < until:
            for offset in offsets:
                requests[int(now + offset)] += 1
            flights += 1
            now += boarded * EVERY
        if flights:
            self._count(instance, flights * boarded, now - EVERY, secret)
        return now


def in_hand(found: Lookup) -> Secret | None:
    """Return the value that a reader may get."""
    return found.secret if isinstance(found, Serve | Revalidate | Renew) else None


def starts(scene: Scene, instances: int, rng: random.Random) -> list[float]:
    """Return when each instance starts and reads for the first time."""
    return sorted(number % scene.waves * scene.wave_every + 10 * rng.random() for number in range(instances))


def read_per_request(scene: Scene, instances: int, seed: int = 1) -> Account:
    """Run the fleet of a client that remembers nothing: each read is like every other, so they are counted, not followed."""
    vault, started = Vault(scene), starts(scene, instances, random.Random(seed))
    account = vault.account
    due: dict[tuple[int, int], int] = {}
    running, reads = 0, 0.0
    for slot in range(int(scene.seconds / SLOT)):
        now = slot * SLOT
        running = bisect_left(started, now + SLOT)
        reads += running * SLOT / EVERY
        due[slot, 1], reads = int(reads + 1e-9), reads - int(reads + 1e-9)
        for attempt in range(1, len(SDK_PAUSES) + 2):
            count = due.pop((slot, attempt), 0)
            answered, error = vault.ask(now, count) if count else (0, None)
            account.served += answered
            if error is None:
                continue
            pause = sdk_pause(error, attempt)
            account.recovered_at = now
            if pause is None:
                account.lost += count - answered
            else:
                again = slot + max(0, round(pause / SLOT)), attempt + 1
                due[again] = due.get(again, 0) + count - answered
    return account
