"""Answers that no vault and no identity endpoint gives: each is an error of ours, remembered, and shows nothing."""

from __future__ import annotations

import gc
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from tests.attack.services import HOST, ODD, TOKEN, VERSION, answer, value_of

from keyless import Event, KeylessError, RefreshFailed, SecretReader, StaleStarted
from keyless._vault import vault as vault_module
from keyless._vault.challenge import Challenge
from keyless._wire.error_answer import json_object, quote, read_error
from keyless._wire.pauses import parse_retry_after
from keyless.errors import AccessDeniedError, IdentityServiceError, VaultUnreachableError

if TYPE_CHECKING:
    from tests.attack.conftest import Clock
    from tests.scripted import ScriptedEndpoint


@pytest.mark.parametrize("name", ODD)
def test_each_odd_answer_is_an_error_of_ours_that_shows_no_token(
    vault_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        SecretReader(vault_url, timeout=1.5) as reader,
        pytest.raises(KeylessError) as info,
    ):
        reader.get(f"odd-{name}")
    shown = f"{info.value}{vars(info.value)}{caplog.text}{''.join(traceback.format_exception(info.value))}"
    assert TOKEN not in shown
    assert "\x1b" not in shown


def test_an_answer_that_raises_is_remembered_and_an_old_value_is_served_in_its_place(
    vault_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, events = 0, list[Event]()

    def raise_something(*_: object) -> Any:
        nonlocal asked
        asked += 1
        raise RecursionError

    with SecretReader(vault_url, clock=clock, on_event=events.append) as reader:
        reader.get("s-old")
        monkeypatch.setattr(vault_module.Vault, "_secret", raise_something)
        clock.seconds += 3000.0
        assert [reader.get("s-old").source for _ in range(100)] == ["stale"] * 100
        assert asked == 1, "it rests as after any other outage"
        assert [type(event) for event in events][-1] in {StaleStarted, RefreshFailed}
    with SecretReader(vault_url, timeout=0.4) as reader, pytest.raises(VaultUnreachableError, match="makes no sense"):
        reader.get("s-new", timeout=10)


def test_a_second_answer_that_nobody_asked_for_gives_no_read_another_secret_s_value(vault_url: str) -> None:
    with SecretReader(vault_url, parallel=1, timeout=10) as reader:
        for number in range(12):
            try:
                assert reader.get(f"late-{number}").value == value_of(f"late-{number}")
            except VaultUnreachableError as error:
                assert "another secret's" in error.what  # noqa: PT017 (either will do)


def test_a_kept_connection_that_ends_as_it_is_used_is_made_again_at_once(vault_url: str) -> None:
    with SecretReader(vault_url, parallel=1, ttl=0) as reader:
        assert [reader.get("race").source for _ in range(30)] == ["vault"] * 30


def test_what_was_sent_is_cut_out_and_signs_that_a_terminal_obeys_are_folded() -> None:
    body = {
        "error": {"code": f"Bad\n{TOKEN}", "message": f"\x1b[2J\u202e\x07 got {TOKEN} and eyJ0eXAiOiJKV1Qi.abc.def"}
    }
    found = read_error(answer_body(body), sent=(TOKEN,))
    assert (found.code, found.message) == ("Bad ***", "[2J got *** and ***")
    assert quote("a" * 2000) == "a" * 1000


def answer_body(body: dict[str, Any]) -> bytes:
    import json  # noqa: PLC0415

    return json.dumps(body).encode()


def test_json_is_utf_8_whatever_its_header_says_and_depth_breaks_nothing() -> None:
    assert json_object('{"value": "pässwörd€"}'.encode()) == {"value": "pässwörd€"}
    assert json_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    gc.collect()  # What is collected at that depth cannot even say that it was not closed.
    assert json_object(b'{"a": "\xff"}') == json_object(b"[]") == json_object(b"[" * 100_000) == {}


@pytest.mark.parametrize("value", ["1000000000", "9" * 400, "inf", "nan", "-5", "\u0663", ""])
def test_a_service_never_makes_a_caller_sleep_for_ever(value: str) -> None:
    assert parse_retry_after(value) in {None, 86_400.0}


@pytest.mark.parametrize(
    "resource",
    [
        "https://vault.azure.net@corp.example",
        "https://corp.example:1",
        "https://corp.example/https://vault.azure.net",
        "https://user@corp.example",
        "http://corp.example",
        "https://CORP.example.",
    ],
)
def test_a_challenge_s_resource_is_the_parent_domain_and_nothing_else(resource: str) -> None:
    assert not Challenge(resource, None, None).vouches_for("kv.corp.example")
    assert Challenge("https://corp.example", None, None).vouches_for("kv.corp.example")


def test_a_challenge_that_is_no_url_is_none() -> None:
    assert Challenge.parse('Bearer authorization="https://[x/T"') == Challenge(None, None, None)


@pytest.mark.usefixtures("unreachable_vault")
@pytest.mark.parametrize("token", ["a b", "x€", "a\r\nX-Evil: 1", "\x00", "a\n b"])
def test_a_token_that_no_request_can_carry_is_told_as_the_endpoint_s_fault(
    app_service: ScriptedEndpoint, token: str
) -> None:
    app_service.answer(200, {"access_token": token, "expires_on": "4102444800", "token_type": "Bearer"})
    with SecretReader(f"https://{HOST}:1", timeout=2) as reader, pytest.raises(IdentityServiceError, match="is none"):
        reader.get("db")


@pytest.mark.usefixtures("unreachable_vault")
@pytest.mark.parametrize("status", [201, 302, 400, 500])
def test_a_token_in_an_answer_that_is_not_200_is_no_token(app_service: ScriptedEndpoint, status: int) -> None:
    app_service.answer(status, {"access_token": "eyJ0eXAiOiJKV1Qi", "expires_on": "4102444800"})
    with SecretReader(f"https://{HOST}:1", timeout=5) as reader, pytest.raises(KeylessError) as info:
        reader.get("db")
    assert info.value.kl_code.startswith("KL-20")
    assert "eyJ0" not in str(info.value)


@pytest.mark.usefixtures("unreachable_vault")
@pytest.mark.parametrize("status", [200, 400])
def test_neither_the_identity_header_nor_a_token_in_a_broken_answer_is_logged(
    app_service: ScriptedEndpoint, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    app_service.answer(status, '{"message": "got header-secret", "access_tokens": "broken-t0ken"} x')
    app_service.answer(status, {"message": "got header-secret"})
    with caplog.at_level(logging.DEBUG), SecretReader(f"https://{HOST}:1", negative_ttl=0) as reader:
        for _ in range(2):
            with pytest.raises(KeylessError) as info:
                reader.get("db")
            assert "header-secret" not in str(info.value)
    assert "msal" in caplog.text
    assert "broken-t0ken" not in caplog.text
    assert "header-secret" not in caplog.text


def test_a_version_that_was_asked_for_is_the_one_that_comes(vault_url: str) -> None:
    with SecretReader(vault_url, timeout=1) as reader:
        assert reader.get("s-1", VERSION).version == VERSION
        with pytest.raises(VaultUnreachableError, match="another version's"):
            reader.get("s-1", "a" * 32)


def test_a_message_that_quotes_the_token_is_quoted_without_it(vault_url: str) -> None:
    events: list[Event] = []
    with SecretReader(vault_url, on_event=events.append) as reader, pytest.raises(AccessDeniedError) as info:
        reader.get("odd-echo")
    assert "***" in info.value.what
    assert TOKEN not in f"{info.value}{events}{answer(b'')!r}"
