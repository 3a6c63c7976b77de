"""The vault of a simulated fleet: what happens to it in a scene, and the account of what came of it.

It keeps Azure's limit and turns away what is above; requests that are turned away do not count.

Sources: https://learn.microsoft.com/en-us/azure/key-vault/general/service-limits,
https://learn.microsoft.com/en-us/azure/key-vault/general/overview-throttling
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyless.errors import VaultServiceError, VaultThrottledError
from keyless.secret import Secret

if TYPE_CHECKING:
    from keyless.errors import VaultError

LIMIT, WINDOW = 4000, 10.0
FIRST = Secret(
    value="s3cr3t",
    name="db-password",
    version="0",
    vault_url="https://contoso-kv.vault.azure.net",
    retrieved_on=datetime(2026, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene: the events for a fleet; times are in seconds.

    Attributes:
        name: Its name.
        seconds: How long it is looked at.
        waves: In how many waves the instances start, each within ten seconds.
        wave_every: From one wave to the next.
        rotations: When the secret gets a new version.
        outage: From when to when the vault answers 503.
        retry_after: What the vault asks to wait when it turns away or fails; the real one sends no such header.
    """

    name: str
    seconds: int
    waves: int = 1
    wave_every: float = 60.0
    rotations: tuple[float, ...] = ()
    outage: tuple[float, float] = (math.inf, math.inf)
    retry_after: float | None = None


@dataclass(slots=True)
class Account:
    """The account of a scene."""

    requests: list[int]
    throttled: int = 0
    served: int = 0
    stale: int = 0
    lost: int = 0
    lost_cold: int = 0
    oldest: float = 0.0
    seen_after: list[float] = field(default_factory=list)
    recovered_at: float = 0.0

    @property
    def most_in_window(self) -> int:
        """The most requests in any ten whole seconds."""
        width = int(WINDOW)
        return max(sum(self.requests[start : start + width]) for start in range(len(self.requests)))


class Vault:
    """A vault that answers, turns away or fails."""

    def __init__(self, scene: Scene) -> None:
        asked = scene.retry_after
        self.busy = VaultThrottledError("429.", cause="the limit.", remedy="wait.", retry_after=asked)
        self.failing = VaultServiceError("503.", cause="an outage.", remedy="wait.", retry_after=asked)
        self.account = Account([0] * (scene.seconds + 200))
        self._scene = scene
        self._window: deque[tuple[float, int]] = deque()
        self._admitted = 0
        self._versions = [replace(FIRST, version=str(number)) for number in range(len(scene.rotations) + 1)]

    def down(self, now: float) -> bool:
        start, end = self._scene.outage
        return start <= now < end

    def ask(self, now: float, count: int = 1) -> tuple[int, VaultError | None]:
        """Say how many of as many requests are answered, and what the others get."""
        self.account.requests[int(now)] += count
        if self.down(now):
            return 0, self.failing
        while self._window and self._window[0][0] <= now - WINDOW:
            self._admitted -= self._window.popleft()[1]
        admitted = min(count, LIMIT - self._admitted)
        if admitted:
            self._admitted += admitted
            self._window.append((now, admitted))
        self.account.throttled += count - admitted
        return admitted, None if admitted == count else self.busy

    def secret(self, now: float) -> Secret:
        return self._versions[bisect_right(self._scene.rotations, now)]
