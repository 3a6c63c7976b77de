"""SecretReader against the local Azure: what it serves as secrets rotate, roles go and services fail."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from keyless import (
    AccessDeniedError,
    ConfigurationError,
    DeadlineExceededError,
    Event,
    IdentityRefusedError,
    ReaderClosedError,
    ReadErrors,
    ReadWaiting,
    RefreshFailed,
    Secret,
    SecretInvalidated,
    SecretNotFoundError,
    SecretReader,
    SecretRetrieved,
    StaleEnded,
    StaleStarted,
    TokenAcquired,
    UserAssignedManagedIdentity,
    VaultUnreachableError,
    log_event,
)
from keyless._reading import reads
from keyless._reading.flight import Ticket
from keyless._wire.trusting import TrustingSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.scripted import MovedClock

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def reader(
    local_azure: LocalAzure, azure_environment: object, clock: MovedClock, events: list[Event]
) -> Iterator[SecretReader]:
    with SecretReader(URL, clock=clock, on_event=events.append) as made:
        yield made


@pytest.fixture
def silent_identity_endpoint(azure_environment: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An endpoint that can be connected to and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}/msi/token")
        yield


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a worker's thread, which no clock moves."""
    reached = threading.Event()
    for _ in range(1000):
        if condition():
            return
        reached.wait(0.005)
    pytest.fail("it did not come about in 5 s")


def test_a_secret_comes_with_its_value_and_attributes(local_azure: LocalAzure, reader: SecretReader) -> None:
    local_azure.vault("contoso-kv").set_secret("db-password", "s3cr3t", content_type="text/plain", tags={"team": "a"})
    secret = reader.get("db-password")
    assert (secret.value, secret.name, secret.vault_url) == ("s3cr3t", "db-password", URL)
    assert (secret.content_type, dict(secret.tags), secret.enabled) == ("text/plain", {"team": "a"}, True)
    assert secret.id == f"{URL}/secrets/db-password/{secret.version}"
    assert (secret.source, reader.get("db-password").source) == ("vault", "cache")


def test_a_version_can_be_pinned_and_names_have_no_case(local_azure: LocalAzure, reader: SecretReader) -> None:
    vault = local_azure.vault("contoso-kv")
    vault.set_secret("db-password", "old")
    old = reader.get("db-password").version
    vault.set_secret("db-password", "new")
    assert reader.get("db-password", old).value == "old"
    assert reader.get(f"db-password/{old}").value == "old"
    reader.invalidate("db-password")
    assert reader.get("DB-PASSWORD").value == "new"
    assert reader.get(f"{URL}/secrets/db-password").source == "cache"


def test_a_rotated_secret_is_seen_after_the_ttl_and_readers_of_one_that_is_revalidated_never_wait(
    local_azure: LocalAzure, reader: SecretReader, clock: MovedClock
) -> None:
    vault = local_azure.vault("contoso-kv")
    vault.set_secret("db-password", "old")
    assert reader.get("db-password").value == "old"
    vault.set_secret("db-password", "new")
    clock.seconds += 239.0
    assert reader.get("db-password").value == "old"
    clock.seconds += 600.0
    assert reader.get("db-password").value == "new"
    vault.set_secret("db-password", "newest")
    # Whatever chance has made of 300 s, from 240 to 360: over, and not so long that the next reader waits (1.5 times).
    clock.seconds += 360.0
    assert reader.get("db-password").value == "new", "the old value is served while one worker refreshes"
    eventually(lambda: reader.get("db-password").value == "newest")


def test_after_invalidate_the_next_read_asks_the_vault(local_azure: LocalAzure, reader: SecretReader) -> None:
    vault = local_azure.vault("contoso-kv")
    vault.set_secret("db-password", "old")
    reader.get("db-password")
    vault.set_secret("db-password", "new")
    reader.invalidate("db-password")
    assert reader.get("db-password").value == "new"


def test_an_answer_that_was_under_way_when_its_secret_was_invalidated_is_not_kept(
    local_azure: LocalAzure, reader: SecretReader, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = reader.get("db-password")
    answered, let_go = threading.Event(), threading.Event()
    fetcher = reader._refresher._backroom._prepared()
    fetch = fetcher.fetch

    def fetch_slowly(*arguments: Any, **options: Any) -> Secret:
        found = fetch(*arguments, **options)
        if not answered.is_set():
            answered.set()
            assert let_go.wait(10)
        return found

    monkeypatch.setattr(fetcher, "fetch", fetch_slowly)
    clock.seconds += 400.0
    assert reader.get("db-password").value == old.value, "the refresh behind it is under way now"
    assert answered.wait(10)
    local_azure.vault("contoso-kv").set_secret("db-password", "new")
    reader.invalidate(old)
    assert reader.get("db-password").value == "new"
    let_go.set()
    eventually(lambda: reader.stats().in_flight == 0)
    assert (reader.get("db-password").value, reader.stats().retrieved) == ("new", 3)


def test_a_revoked_role_bites_at_the_next_refresh_and_a_new_one_mends_it(
    local_azure: LocalAzure, reader: SecretReader, clock: MovedClock
) -> None:
    system, vault = local_azure.identity("system"), local_azure.vault("contoso-kv")
    reader.get("db-password")
    system.revoke("Key Vault Secrets User", on=vault)
    clock.seconds += 600.0
    with pytest.raises(AccessDeniedError) as info:
        reader.get("db-password")
    assert (info.value.code, info.value.status) == ("ForbiddenByRbac", 403)
    assert f"--assignee-object-id {system.object_id}" in info.value.remedy
    before = local_azure.journal.count(operation="getSecret")
    with pytest.raises(AccessDeniedError):
        reader.get("db-password")
    assert local_azure.journal.count(operation="getSecret") == before, "a refusal is remembered for seconds"
    system.grant("Key Vault Secrets User", on=vault)
    clock.seconds += 5.0
    assert reader.get("db-password").source == "vault"


def test_an_outage_is_outlived_and_told_once(
    local_azure: LocalAzure,
    clock: MovedClock,
    events: list[Event],
    reader: SecretReader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = reader.get("db-password").value
    working = os.environ["HTTPS_PROXY"]
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    clock.seconds += 600.0
    for _ in range(3):
        stale = reader.get("db-password")
        assert (stale.value, stale.source, stale.is_stale) == (value, "stale", True)
        clock.seconds += 100.0
    eventually(lambda: reader.stats().in_flight == 0)
    reader.invalidate("db-password")
    assert reader.get("db-password").is_stale
    monkeypatch.setenv("HTTPS_PROXY", working)
    monkeypatch.setenv("https_proxy", working)

    def recovered() -> bool:
        clock.seconds += 61.0
        return reader.get("db-password").source != "stale"

    eventually(recovered)
    kinds = [type(event) for event in events]
    assert kinds.count(StaleStarted) == 1
    assert kinds.count(StaleEnded) == 1
    assert kinds.count(RefreshFailed) > 0


def test_without_a_value_in_hand_an_outage_is_an_error_that_says_what_to_do(
    azure_environment: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with SecretReader(URL, timeout=5) as reader, pytest.raises(VaultUnreachableError, match="the proxy") as info:
        reader.get("db-password")
    assert "HTTPS_PROXY" in info.value.remedy


def test_an_unassigned_identity_is_refused_with_the_endpoints_own_words(azure_environment: object) -> None:
    unknown = UserAssignedManagedIdentity(client_id="00000000-0000-0000-0000-000000000001")
    with SecretReader(URL, identity=unknown) as reader, pytest.raises(IdentityRefusedError) as info:
        reader.get("db-password")
    assert "No User Assigned or Delegated Managed Identity found for specified ClientId" in info.value.what


def test_many_secrets_are_read_with_one_token_and_failures_come_as_one_group(
    local_azure: LocalAzure, reader: SecretReader
) -> None:
    vault = local_azure.vault("contoso-kv")
    names = [f"secret-{number}" for number in range(20)]
    for name in names:
        vault.set_secret(name, f"value of {name}")
    secrets = reader.get_many(names)
    assert {name: secret.value for name, secret in secrets.items()} == {name: f"value of {name}" for name in names}
    assert local_azure.journal.count(operation="getToken") == 1
    with pytest.raises(ReadErrors) as info:
        reader.get_many(["secret-1", "missing", "not_a_name"])
    assert set(info.value.secrets) == {"secret-1"}
    assert {name: type(error) for name, error in info.value.errors.items()} == {
        "missing": SecretNotFoundError,
        "not_a_name": ConfigurationError,
    }


async def test_tasks_share_the_cache_with_threads(local_azure: LocalAzure, reader: SecretReader) -> None:
    first = await reader.aget("db-password")
    assert (first.source, reader.get("db-password").source) == ("vault", "cache")
    many = await reader.aget_many(["db-password", "api-key"])
    assert {name: secret.source for name, secret in many.items()} == {"db-password": "cache", "api-key": "vault"}


async def test_a_read_never_blocks_the_event_loop(reader: SecretReader, silent_identity_endpoint: None) -> None:
    ticks, read = 0, asyncio.create_task(reader.aget("db-password", timeout=5.0))
    for _ in range(50):
        await asyncio.sleep(0.001)
        ticks += 1
    assert (ticks, read.done()) == (50, False)
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await read


async def test_a_timeout_bounds_the_wait_whatever_the_endpoint_does(
    reader: SecretReader, silent_identity_endpoint: None
) -> None:
    with pytest.raises(DeadlineExceededError):
        await reader.aget("db-password", timeout=0.05)
    with pytest.raises(DeadlineExceededError):
        await asyncio.to_thread(reader.get, "db-password", timeout=0.05)


def test_a_closed_reader_says_so_and_whoever_waits_is_told(silent_identity_endpoint: None) -> None:
    reader = SecretReader(URL)
    caught: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(ReaderClosedError) as info:
            reader.get("db-password")
        caught.append(info.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: bool(reader._refresher._backroom._flights))
    reader.close()
    waiting.join(timeout=5)
    assert len(caught) == 1
    with pytest.raises(ReaderClosedError):
        reader.get("db-password")
    with pytest.raises(ReaderClosedError):
        reader.credential.get_token("https://vault.azure.net/.default")


def test_a_credential_s_token_comes_although_the_one_thread_of_the_reader_waits_for_it(
    local_azure: LocalAzure, azure_environment: object
) -> None:
    with SecretReader(URL, parallel=1) as reader, ThreadPoolExecutor(8) as pool:
        credential = reader.credential
        tokens = [pool.submit(credential.get_token, "https://vault.azure.net/.default") for _ in range(4)]
        secrets = [pool.submit(reader.get, name, timeout=10) for name in ("db-password", "api-key")]
        assert len({token.result(10).token for token in tokens}) == 1
        assert all(secret.result(10).value for secret in secrets)
    assert local_azure.journal.count(operation="getToken") == 1


def test_a_closed_reader_is_closed_in_a_child_too(reader: SecretReader) -> None:
    reader.close()
    child = os.fork()
    if child == 0:
        try:
            reader.get("db-password", timeout=5)
        except ReaderClosedError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_reader_works_after_a_fork(local_azure: LocalAzure, reader: SecretReader) -> None:
    reader.get("db-password")
    local_azure.vault("contoso-kv").set_secret("after-fork", "42")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if reader.get("after-fork", timeout=10).value == "42" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_each_step_is_told_to_the_hook_and_a_hook_that_fails_breaks_nothing(
    local_azure: LocalAzure, azure_environment: object, reader: SecretReader, events: list[Event]
) -> None:
    reader.get("db-password")
    reader.invalidate("db-password")
    reader.get("db-password")
    assert [type(event) for event in events] == [TokenAcquired, SecretRetrieved, SecretInvalidated, SecretRetrieved]

    def broken(event: Event) -> None:
        raise RuntimeError(f"no room for {event}")

    with SecretReader(URL, on_event=broken) as other:
        assert other.get("db-password").value


@pytest.mark.parametrize("option", ["ttl", "max_stale", "negative_ttl", "timeout", "parallel"])
@pytest.mark.parametrize("value", [-1, "300", float("nan"), float("inf"), True, None, pytest.param(10**400, id="huge")])
def test_an_option_that_is_not_valid_is_told(option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"option {option}="):
        SecretReader(URL, **{option: value})  # type: ignore[arg-type]


def test_what_is_no_text_is_told_as_such(reader: SecretReader) -> None:
    with pytest.raises(ConfigurationError, match="vault URL is NoneType"):
        SecretReader(os.environ.get("NOT_SET"))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="secret name is NoneType"):
        reader.get(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="one string"):
        reader.get_many("db-password")
    with pytest.raises(ConfigurationError, match="is not one of a secret"):
        reader.get("https://[x/secrets/a")


@pytest.mark.parametrize("parallel", [0, 2.5, 8.0, 1001])
def test_what_is_not_a_number_of_threads_is_told(parallel: float) -> None:
    with pytest.raises(ConfigurationError, match=r"option parallel=.* whole number from 1 to 1000"):
        SecretReader(URL, parallel=parallel)  # type: ignore[arg-type]


def test_the_timeout_of_a_call_may_be_as_long_as_can_be_said_but_not_without_end(reader: SecretReader) -> None:
    assert reader.get("db-password", timeout=1e300).value
    assert asyncio.run(reader.aget("api-key", timeout=10**30)).value
    for wrong in (float("inf"), float("nan"), True, "5", 0, -1):
        for name in ("db-password", "other"):  # One from memory, and one that is not.
            with pytest.raises(ConfigurationError, match="option timeout="):
                reader.get(name, timeout=wrong)  # type: ignore[arg-type]
            with pytest.raises(ConfigurationError, match="option timeout="):
                asyncio.run(reader.aget(name, timeout=wrong))  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="option timeout="):
            reader.get_many(["db-password"], timeout=wrong)  # type: ignore[arg-type]


@pytest.fixture
def fall_silent(clock: MovedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[float | None]]]:
    """From its call on no vault answers; this thread's waits for one move the clock, and are noted."""
    waits: list[float | None] = []
    here, wait = threading.current_thread(), Ticket.wait

    def never_lands(ticket: Ticket[Secret], seconds: float) -> bool:
        if threading.current_thread() is not here:  # The crew waits for what it waits for.
            return wait(ticket, seconds)
        waits.append(seconds)
        clock.seconds += seconds
        return False

    with socket.create_server(("127.0.0.1", 0)) as silent:

        def fall() -> list[float | None]:
            for name in ("HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
            monkeypatch.setattr(Ticket, "wait", never_lands)
            return waits

        yield fall


def test_many_due_values_wait_together_for_a_silent_endpoint(
    reader: SecretReader, clock: MovedClock, fall_silent: Callable[[], list[float | None]]
) -> None:
    names = ["db-password", "api-key"]
    reader.get_many(names)
    waits = fall_silent()
    clock.seconds += 600.0
    assert {secret.source for secret in reader.get_many(names).values()} == {"stale"}
    assert waits == [3.0, 0.0], "the second waits what the first has left"


def test_a_value_that_passes_the_bound_while_its_reader_waits_is_not_served(
    reader: SecretReader, clock: MovedClock, fall_silent: Callable[[], list[float | None]]
) -> None:
    reader.get("db-password")
    fall_silent()
    clock.seconds += 86_400.0 - 4.0
    assert reader.get("db-password").is_stale, "four seconds are left, and three of them are waited"
    with pytest.raises(DeadlineExceededError, match="could not be read before the deadline"):
        reader.get("db-password")


def test_a_program_that_has_not_configured_logging_is_shown_nothing(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    program = f"""
from keyless import KeylessError, SecretReader
try:
    SecretReader({URL!r}).get("no-such-secret")
except KeylessError as error:
    print(error.kl_code)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **azure_environment},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("KL-305\n", "")


def test_the_log_names_the_secret_once(
    local_azure: LocalAzure, azure_environment: object, caplog: pytest.LogCaptureFixture
) -> None:
    with SecretReader(URL) as reader, pytest.raises(SecretNotFoundError) as caught:
        reader.get("no-such-secret")
    (line,) = [message for message in caplog.messages if "was not found" in message]
    assert line.startswith(f"{URL}/secrets/no-such-secret was not found: the vault answered 404")
    assert line.count(URL) == 1
    assert str(caught.value).count(f"{URL}/secrets/no-such-secret") == 1


async def test_a_caller_that_waits_for_long_is_told_of_once_whoever_else_waits(
    silent_identity_endpoint: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reads, "_PATIENCE", 0.01)
    waited = threading.Event()
    events: list[Event] = []

    def hook(event: Event) -> None:
        events.append(event)
        log_event(event)
        if isinstance(event, ReadWaiting):
            waited.set()

    with SecretReader(URL, on_event=hook) as reader:
        tasks = [asyncio.create_task(reader.aget("db-password", timeout=60)) for _ in range(3)]
        await asyncio.to_thread(waited.wait, 10)
        for task in tasks:
            task.cancel()
    assert [type(event) for event in events if isinstance(event, ReadWaiting)] == [ReadWaiting]
    (line,) = [message for message in caplog.messages if "waiting for" in message]
    assert line.startswith(f"{URL}/secrets/db-password: waiting for 0 s, and for 60 s more at most (timeout=)")


def test_a_read_with_a_short_timeout_ends_without_a_word_of_waiting(silent_identity_endpoint: None) -> None:
    events: list[Event] = []
    with SecretReader(URL, on_event=events.append) as reader, pytest.raises(DeadlineExceededError):
        reader.get("db-password", timeout=0.05)
    assert not any(isinstance(event, ReadWaiting) for event in events)


def test_a_connection_that_cannot_be_opened_ahead_is_opened_by_the_read(
    local_azure: LocalAzure, azure_environment: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def fail(*_: object) -> None:
        tried.set()
        raise KeyError("http_proxy")

    monkeypatch.setattr(TrustingSession, "open_ahead", fail)
    with SecretReader(URL) as reader:
        assert reader.get("db-password").value
    assert tried.is_set()


def test_a_prepared_reader_has_sent_nothing_and_reads_with_what_it_has_loaded(
    local_azure: LocalAzure, azure_environment: object
) -> None:
    with SecretReader(URL) as reader:
        reader.prepare()
        eventually(lambda: reader._refresher._backroom._fetcher is not None)
        prepared = reader._refresher._backroom._fetcher
        assert local_azure.journal.count(operation="getToken") == 0
        assert reader.get("db-password").value
        assert reader._refresher._backroom._fetcher is prepared
        reader.prepare()
        assert local_azure.journal.count(operation="getToken") == 1
        assert local_azure.journal.count(operation="getSecret") == 1


def test_a_closed_reader_prepares_nothing() -> None:
    reader = SecretReader(URL)
    reader.close()
    with pytest.raises(ReaderClosedError):
        reader.prepare()
