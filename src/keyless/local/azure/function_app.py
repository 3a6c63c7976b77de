"""The function app of the local Azure: its settings, its keys, and the observers of its restarts."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class HostKeys(Record, frozen=True):
    """The keys of a host, which no representation shows.

    Attributes:
        master: Opens everything.
        functions: Open every function, by name.
        system: Open an extension of the host, by name.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"master", "functions", "system"})

    master: str
    functions: Mapping[str, str]
    system: Mapping[str, str]


class FunctionApp:
    """The settings with which the app is started. Safe to use from any thread.

    Args:
        settings: Its application settings.

    Attributes:
        keys: Its host's keys, from the host that serves it: the master key, and others by name; None where nobody serves it.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._settings = dict(settings)
        self._watchers: list[Callable[[], None]] = []
        self._restarts = 0
        self.keys: HostKeys | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """Its application settings."""
        return MappingProxyType(self._settings)

    @property
    def restarts(self) -> int:
        """The number of restarts: after a change of its settings or identities, or because it was asked to."""
        return self._restarts

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Have other settings from the next start on."""
        self._settings = dict(settings)

    def on_restart(self, act: Callable[[], None]) -> None:
        """Have something done each time that it is to start once more, on the thread that asks for it."""
        with self._lock:
            self._watchers.append(act)

    def restart(self) -> None:
        """Have it start once more, with what holds now."""
        with self._lock:
            self._restarts += 1
            watchers = list(self._watchers)
        for act in watchers:
            act()

    def reset(self, settings: Mapping[str, str]) -> None:
        """Go back to how it starts; who watches it goes on doing so."""
        with self._lock:
            self._settings = dict(settings)
            self._restarts = 0
