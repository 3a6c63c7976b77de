"""What callers do to a reader that no reader expects: hooks that read, no threads, sleep, odd arguments."""

from __future__ import annotations

import _thread
import asyncio
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from tests.attack.services import value_of

from keyless import ConfigurationError, Event, KeylessError, SecretReader, VaultUnreachableError
from keyless._identity.managed_identity import ManagedIdentity

if TYPE_CHECKING:
    from tests.attack.conftest import Clock

URL = "https://contoso-kv.vault.azure.net"


def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_hook_that_reads_through_its_own_reader_gets_an_error_at_once(vault_url: str) -> None:
    caught: list[BaseException] = []

    def read(_: Event) -> None:
        with pytest.raises(ConfigurationError, match="hook") as info:
            reader.get("s-other")
        caught.append(info.value)
        reader.invalidate("s-other")
        reader.stats()
        if len(caught) > 1:
            raise SystemExit

    with SecretReader(vault_url, on_event=read, parallel=1, timeout=20) as reader:
        started = time.monotonic()
        assert reader.get("s-1").value == value_of("s-1")
        assert time.monotonic() - started < 10
    assert len(caught) > 1


def test_where_no_thread_is_to_be_had_a_read_is_done_by_its_caller_and_a_task_is_told(
    vault_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SecretReader(vault_url) as reader:
        no_threads(monkeypatch)
        assert reader.get("s-1").value == value_of("s-1")
        assert reader.get("s-1").source == "cache"
        with pytest.raises(VaultUnreachableError, match="no thread"):
            asyncio.run(reader.aget("s-2"))
        started = time.monotonic()
        with pytest.raises(KeylessError):
            reader.get("drip-header-1", timeout=0.3)
        assert time.monotonic() - started < 5, "the deadline holds in the caller's thread, too"
        reader.invalidate("s-1")
        assert reader.get("s-1").source in {"vault", "stale"}
        assert reader.stats().in_flight == 0


def test_where_one_thread_is_to_be_had_it_does_one_thing_after_another(
    vault_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SecretReader(vault_url) as reader:
        reader.get("s-1")
        no_threads(monkeypatch)
        names = [f"s-{number}" for number in range(10, 20)]
        assert {name: secret.value for name, secret in reader.get_many(names).items()} == {
            name: value_of(name) for name in names
        }


def test_a_read_imports_nothing_on_a_thread_where_a_fork_could_find_it(vault_url: str) -> None:
    program = """
import sys
from keyless import KeylessError, SecretReader
from tests.attack.lab import _find_vault_here
_find_vault_here()
reader = SecretReader(sys.argv[1], timeout=1)
reader._refresher._backroom._prepared()
before = set(sys.modules)
reader.get("s-1")
for name in ("odd-html", "odd-echo", "odd-error-list", "drip-header-1"):
    try:
        reader.get(name)
    except KeylessError:
        pass
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, vault_url],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_time_that_a_machine_sleeps_counts(vault_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyless._wire import clock  # noqa: PLC0415 (its time is moved)

    class Asleep:
        """The module ``time`` after a month asleep: the monotonic clock has stood still meanwhile."""

        CLOCK_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", 0)

        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        def clock_gettime(self, which: int) -> float:
            return time.clock_gettime(which) + (30 * 86_400.0 if which == self.CLOCK_BOOTTIME else 0.0)

    with SecretReader(vault_url) as reader:
        reader.get("s-1")
        if getattr(time, "CLOCK_BOOTTIME", None) == clock._COUNTS_SLEEP:
            monkeypatch.setattr(clock, "time", Asleep())
            assert reader.get("s-1").source == "vault", "it is a month old"


def test_a_closed_reader_holds_no_token(vault_url: str) -> None:
    with SecretReader(vault_url) as reader:
        reader.get("s-1")
        tokens = reader._refresher._backroom._prepared().tokens
        assert tokens._held
    assert not tokens._held
    asked = tokens._asked
    assert isinstance(asked, ManagedIdentity)
    assert asked._msal._client is None


def test_a_secret_gives_no_state_and_a_reader_that_was_not_made_can_be_shown(vault_url: str) -> None:
    with SecretReader(vault_url) as reader:
        secret = reader.get("s-1")
    with pytest.raises(TypeError, match="no state"):
        secret.__getstate__()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)
    try:
        SecretReader("http://x")
    except ConfigurationError as error:
        shown = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
        assert "not made" in "".join(shown.format())


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1",
        "https://169.254.169.254",
        "https://10.0.0.1:8443",
        "https://0x7f.0.0.1",
        "https://[::1]",
        "https://contoso-kv.vault.azure.net:0",
        "https://contoso\t-kv.vault.azure.net",
        "https://\u212aontoso.vault.azure.net",
    ],
)
def test_what_cannot_be_a_vault_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="vault URL"):
        SecretReader(url)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1, True, "5", None, [], 1j, 10**400, 2.5])
@pytest.mark.parametrize("name", ["ttl", "max_stale", "negative_ttl", "timeout", "parallel"])
def test_a_number_that_cannot_be_one_is_refused_when_it_is_given(name: str, wrong: object) -> None:
    if wrong == 2.5 and name != "parallel":
        return
    with pytest.raises(ConfigurationError, match=f"option {name}="):
        SecretReader(URL, **{name: wrong})  # type: ignore[arg-type]


def test_what_is_no_name_no_version_no_hook_no_clock_is_refused_when_it_is_given(vault_url: str, clock: Clock) -> None:
    wrong: Any
    with SecretReader(vault_url, clock=clock) as reader:
        for wrong in (["x"], {}, 5, b"x", True, None):
            with pytest.raises(ConfigurationError):
                reader.get(wrong)
            with pytest.raises(ConfigurationError):
                asyncio.run(reader.aget(wrong))
            with pytest.raises(ConfigurationError):
                reader.get_many([wrong])
            with pytest.raises(ConfigurationError):
                reader.invalidate(wrong)
            if wrong is not None:
                with pytest.raises(ConfigurationError):
                    reader.get("s-1", wrong)
        for wrong in (5, None):
            with pytest.raises(ConfigurationError, match="get_many"):
                reader.get_many(wrong)
        secret = reader.get("s-1")
    with SecretReader(URL) as other, pytest.raises(ConfigurationError, match="another vault"):
        other.invalidate(secret)
    for option in (
        {"on_event": 5},
        {"clock": 5},
        {"clock": lambda: "x"},
        {"identity": {"ManagedIdentityIdType": ["x"]}},
    ):
        with pytest.raises(ConfigurationError):
            SecretReader(URL, **option)
