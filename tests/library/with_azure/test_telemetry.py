"""What OpenTelemetry is told by a program that uses it, with nothing configured here."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from keyless import AccessDeniedError, Event, SecretReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scripted import MovedClock

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
VALUE = "canary-9c1b7e44-value"


class Exported:
    """What a monitoring service would have been sent."""

    def __init__(self) -> None:
        self._spans, self._metrics = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(provider)
        metrics.set_meter_provider(MeterProvider([self._metrics]))

    def forget(self) -> None:
        gc.collect()  # The readers of other tests.
        self._spans.clear()

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._spans.get_finished_spans() if span.name == name]

    def metric(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return each series of a metric: what it is of, without what all have in common, and its value."""
        found = {}
        data = self._metrics.get_metrics_data()
        for scope in [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []:
            assert scope.scope.name == "keyless"
            for metric in scope.metrics:
                for point in metric.data.data_points if metric.name == name else []:
                    of = {key: value for key, value in (point.attributes or {}).items() if key.startswith("keyless.")}
                    of.pop("keyless.identity")
                    found[frozenset(of.items())] = getattr(point, "value", None) or getattr(point, "count", 0)
        return found  # type: ignore[return-value]  # every attribute of these is text

    def text(self) -> str:
        data = self._metrics.get_metrics_data()
        return "".join(span.to_json() for span in self._spans.get_finished_spans()) + (data.to_json() if data else "")


@pytest.fixture(scope="session")
def providers() -> Exported:
    """OpenTelemetry's own, set as a program sets them: once a process."""
    return Exported()


@pytest.fixture
def exported(providers: Exported) -> Exported:
    providers.forget()
    return providers


@pytest.fixture
def reader(local_azure: LocalAzure, azure_environment: object, clock: MovedClock) -> Iterator[SecretReader]:
    local_azure.vault("contoso-kv").set_secret("db-password", VALUE)
    with SecretReader(URL, clock=clock) as made:
        yield made


def series(**attributes: str) -> frozenset[tuple[str, str]]:
    return frozenset((key.replace("_", "."), value) for key, value in attributes.items())


def test_a_cold_read_is_a_span_of_the_callers_trace_with_the_fields_names(
    exported: Exported, reader: SecretReader
) -> None:
    with trace.get_tracer("the caller").start_as_current_span("request") as request:
        secret = reader.get("db-password")
        reader.get("db-password")
    (span,), (token,) = exported.spans("keyless get_secret"), exported.spans("keyless get_token")
    for each in (span, token):
        assert each.parent is not None
        assert each.parent.span_id == request.get_span_context().span_id, "the worker's thread has the caller's context"
        assert each.kind is SpanKind.CLIENT
    assert dict(span.attributes or {}) == {
        "azure.resource_provider.namespace": "Microsoft.KeyVault",
        "server.address": "contoso-kv.vault.azure.net",
        "keyless.identity": "system-assigned",
        "keyless.operation": "get_secret",
        "keyless.secret.name": "db-password",
        "keyless.secret.version": secret.version,
    }


async def test_a_tasks_read_is_in_its_trace_too(exported: Exported, reader: SecretReader) -> None:
    with trace.get_tracer("the caller").start_as_current_span("request") as request:
        await reader.aget("db-password")
    (span,) = exported.spans("keyless get_secret")
    assert span.context is not None
    assert span.context.trace_id == request.get_span_context().trace_id


def test_a_failure_is_a_span_with_the_errors_code_and_no_more(
    local_azure: LocalAzure, exported: Exported, reader: SecretReader
) -> None:
    local_azure.identity("system").revoke("Key Vault Secrets User", on=local_azure.vault("contoso-kv"))
    with pytest.raises(AccessDeniedError) as info:
        reader.get("db-password")
    (span,) = exported.spans("keyless get_secret")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == info.value.kl_code
    assert span.events == (), "no exception is recorded: its text would go to whoever may read traces"


def test_hits_misses_stale_and_refused_reads_are_counted_and_so_is_what_is_in_memory(
    local_azure: LocalAzure,
    exported: Exported,
    reader: SecretReader,
    clock: MovedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(5):
        reader.get("db-password")
    local_azure.identity("system").revoke("Key Vault Secrets User", on=local_azure.vault("contoso-kv"))
    for _ in range(3):
        with pytest.raises(AccessDeniedError):
            reader.get("api-key")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    clock.seconds += 600.0
    assert reader.get("db-password").is_stale
    assert reader.get("db-password").is_stale
    stats = reader.stats()
    assert (stats.hits, stats.misses, stats.stale, stats.refused) == (4, 2, 2, 2)
    assert (stats.retrieved, stats.failed) == (1, 2)
    assert (stats.secrets, stats.stale_secrets, stats.oldest_age) == (1, 1, 600.0)
    assert exported.metric("keyless.reads") == {
        series(keyless_read_outcome="hit"): 4,
        series(keyless_read_outcome="miss"): 2,
        series(keyless_read_outcome="stale"): 2,
        series(keyless_read_outcome="refused"): 2,
    }
    assert exported.metric("keyless.secrets")[series(keyless_secret_state="stale")] == 1
    assert exported.metric("keyless.secrets.age") == {frozenset(): 600.0}
    assert exported.metric("keyless.operation.duration")[series(keyless_operation="get_token")] >= 1


def test_a_reader_that_is_gone_measures_nothing_any_more(
    exported: Exported, local_azure: LocalAzure, azure_environment: object
) -> None:
    with SecretReader(URL) as reader:
        reader.get("db-password")
        assert exported.metric("keyless.secrets.age")
    del reader
    gc.collect()
    assert exported.metric("keyless.secrets.age") == {}


def test_neither_a_value_nor_a_token_is_exported(
    exported: Exported, reader: SecretReader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "opentelemetry")
    token = reader.credential.get_token("https://vault.azure.net/.default").token
    reader.get("db-password")
    reader.invalidate("db-password")
    reader.get("db-password")
    everything = exported.text() + caplog.text
    assert "db-password" in everything, "it was looked at"
    assert VALUE not in everything
    assert token not in everything


def test_a_hook_that_fails_takes_nothing_from_opentelemetry(
    exported: Exported, local_azure: LocalAzure, azure_environment: object
) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError(f"no room for {event}")

    with SecretReader(URL, on_event=broken) as reader:
        reader.get("db-password")
    assert len(exported.spans("keyless get_secret")) == 1


def test_a_refresh_that_fails_again_is_a_span_too(
    local_azure: LocalAzure, exported: Exported, reader: SecretReader, clock: MovedClock
) -> None:
    reader.get("db-password")
    local_azure.faults.add_named("vault-outage")
    for _ in range(3):
        clock.seconds += 600.0
        assert reader.get("db-password").is_stale
    codes = [(span.attributes or {}).get("error.type") for span in exported.spans("keyless get_secret")]
    assert codes == [None, "KL-307", "KL-307", "KL-307"]


def test_an_opentelemetry_that_does_not_work_breaks_no_read(
    local_azure: LocalAzure,
    azure_environment: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # As where an old version of it lacks what is imported.
    monkeypatch.setitem(sys.modules, "keyless.integrations.telemetry", None)
    with SecretReader(URL) as reader:
        assert reader.get("db-password").value
    assert "the event hook failed" in caplog.text


def test_a_program_without_opentelemetry_does_not_load_it(azure_environment: dict[str, str]) -> None:
    program = (
        "import sys\nfrom keyless import SecretReader\n"
        f"SecretReader({URL!r}).get('db-password')\n"
        "print(sorted(name for name in sys.modules if name.startswith(('opentelemetry', 'keyless.integrations.telemetry'))))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr
