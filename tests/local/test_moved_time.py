"""Which modules a moved clock leads: whoever changes how the time is read sees it here."""

from __future__ import annotations

import importlib
import time
from types import ModuleType

import pytest

from keyless._wire import clock as library_clock
from keyless.errors import LocalAzureError
from keyless.local.clock import Clock
from keyless.local.testing.moved_time import MovedTime

# Those that decide whether a token is still good, in the libraries that the locked versions name.
KEEP_TIME_OF_TOKENS = (
    "msal.managed_identity",
    "msal.token_cache",
    "azure.identity._internal.get_token_mixin",
    "azure.identity.aio._internal.get_token_mixin",
    "azure.core.pipeline.policies._authentication",
    "azure.keyvault.secrets._shared.challenge_auth_policy",
    "azure.keyvault.secrets._shared.async_challenge_auth_policy",
)


def test_the_library_and_every_client_that_keeps_tokens_is_led_and_set_free() -> None:
    clients = [importlib.import_module(name) for name in KEEP_TIME_OF_TOKENS]
    clock = Clock()
    clock.advance(days=400)
    with MovedTime(library_clock).led_by(clock):
        assert library_clock.unix_time() == pytest.approx(clock.now(), abs=5)
        assert library_clock.monotonic() > time.monotonic() + 400 * 86_400
        assert [client.__name__ for client in clients if client.time is time] == []
    assert library_clock.unix_time() == pytest.approx(time.time(), abs=5)
    assert [client.__name__ for client in clients if client.time is not time] == []


def test_a_later_test_is_years_ahead_so_that_no_reader_keeps_what_an_earlier_one_read() -> None:
    moved, clock, seen = MovedTime(library_clock), Clock(), []
    for _ in range(2):
        with moved.led_by(clock):
            seen.append(library_clock.monotonic())
    assert seen[1] - seen[0] > 5 * 366 * 86_400


def test_a_module_whose_time_could_not_be_moved_is_refused() -> None:
    with pytest.raises(LocalAzureError, match="The time of elsewhere cannot be moved"):
        MovedTime(ModuleType("elsewhere"))
