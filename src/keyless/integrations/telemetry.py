"""Spans and metrics for OpenTelemetry, in a program that has loaded it; the others do not pay for it.

Nothing is configured here: whatever set up the program's providers (``opentelemetry-instrument``,
``azure-monitor-opentelemetry``, the Functions worker) receives them. No span or metric holds a value or a token.

Names follow https://opentelemetry.io/docs/specs/semconv/registry/attributes/azure/ and .../attributes/error/; what they
have no name for begins with ``keyless.``.
"""

from __future__ import annotations

import time
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol
from weakref import WeakSet

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode

from keyless.events import Event, ReadFailed, RefreshFailed, SecretRetrieved, StaleStarted, TokenAcquired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keyless.stats import ReaderStats

Operation = Literal["get_secret", "get_token"]


class Source(Protocol):
    """The instruments for one reader."""

    vault_url: str

    @property
    def identity_name(self) -> str:
        """The managed identity, as text."""

    def stats(self) -> ReaderStats:
        """Return the reader's counts."""


class Telemetry:
    """Tells OpenTelemetry what the readers of this process do."""

    def __init__(self) -> None:
        self._sources: WeakSet[Source] = WeakSet()
        self._tracer = trace.get_tracer("keyless")
        meter = metrics.get_meter("keyless")
        self._duration = meter.create_histogram(
            "keyless.operation.duration", unit="s", description="How long a secret or token took, retries included."
        )
        meter.create_observable_counter(
            "keyless.reads", [self._reads], unit="{read}", description="Reads, by how they were answered."
        )
        meter.create_observable_gauge(
            "keyless.secrets", [self._secrets], unit="{secret}", description="Values in memory, by their state."
        )
        meter.create_observable_gauge(
            "keyless.secrets.age", [self._age], unit="s", description="Time since the oldest value in memory was read."
        )

    def emit(self, source: Source, event: Event) -> None:
        """Make a span and a measurement of what took time, and measure its reader from now on.

        Args:
            source: The reader.
            event: What happened to it, just now.
        """
        self._sources.add(source)
        match event:
            case TokenAcquired():
                self._record(source, "get_token", event.seconds, {})
            case SecretRetrieved():
                told = {"keyless.secret.name": event.name, "keyless.secret.version": event.version}
                self._record(source, "get_secret", event.seconds, told)
            case ReadFailed() | StaleStarted() | RefreshFailed():
                told = {"keyless.secret.name": event.name}
                self._record(source, "get_secret", event.seconds, told, event.kl_code)

    def _record(
        self, source: Source, operation: Operation, seconds: float, told: dict[str, str], kl_code: str | None = None
    ) -> None:
        attributes = {**_attributes(source), "keyless.operation": operation}
        if kl_code is not None:
            attributes["error.type"] = kl_code
        end = time.time_ns()
        span = self._tracer.start_span(
            f"keyless {operation}",
            kind=SpanKind.CLIENT,
            attributes={**attributes, **told},
            start_time=end - int(seconds * 1e9),
        )
        if kl_code is not None:
            span.set_status(Status(StatusCode.ERROR, kl_code))
        span.end(end)
        self._duration.record(seconds, attributes)

    def _reads(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._summed(
            "keyless.read.outcome",
            lambda stats: {"hit": stats.hits, "miss": stats.misses, "stale": stats.stale, "refused": stats.refused},
        )

    def _secrets(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._summed(
            "keyless.secret.state",
            lambda stats: {"current": stats.secrets - stats.stale_secrets, "stale": stats.stale_secrets},
        )

    def _age(self, _: CallbackOptions) -> Iterable[Observation]:
        ages: dict[tuple[tuple[str, str], ...], float] = {}
        for source in list(self._sources):
            stats, of = source.stats(), tuple(_attributes(source).items())
            if stats.secrets:
                ages[of] = max(stats.oldest_age, ages.get(of, 0.0))
        return [Observation(age, dict(of)) for of, age in ages.items()]

    def _summed(self, attribute: str, numbers: Callable[[ReaderStats], dict[str, int]]) -> Iterable[Observation]:
        """Add up the readers of the same vault and identity: a series has one value."""
        sums: Counter[tuple[tuple[str, str], ...]] = Counter()
        for source in list(self._sources):
            for kind, number in numbers(source.stats()).items():
                sums[*_attributes(source).items(), (attribute, kind)] += number
        return [Observation(number, dict(of)) for of, number in sums.items()]


@cache
def process_telemetry() -> Telemetry:
    """Return the one of this process: OpenTelemetry takes an instrument's callback once, and ignores a second one."""
    return Telemetry()


def _attributes(source: Source) -> dict[str, str]:
    return {
        "azure.resource_provider.namespace": "Microsoft.KeyVault",
        "server.address": source.vault_url.removeprefix("https://"),
        "keyless.identity": source.identity_name,
    }
