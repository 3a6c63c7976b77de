"""Tokens through MSAL, against a scripted identity endpoint on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msal
import pytest
from tests.scripted import DrippingServer

from keyless import SecretReader
from keyless._identity.choice import choose
from keyless._identity.managed_identity import ManagedIdentity
from keyless._reading.options import ReaderOptions
from keyless._reading.tokens import TokenSource
from keyless._wire.deadline import Deadline
from keyless._wire.trust import Trust
from keyless.errors import (
    ConfigurationError,
    DeadlineExceededError,
    IdentityError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
    ReaderClosedError,
)
from keyless.events import Event, TokenAcquired

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripted import MovedClock, ScriptedEndpoint

    from keyless._reading.flight import Flight
    from keyless._wire.token import Token

VAULT = "https://vault.azure.net"
GUID = "0f2a1c4e-5b6d-4789-9abc-def012345678"
RESOURCE_ID = (
    f"/subscriptions/{GUID}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reporting"
)
CANARY = "eyJ-canary-token"


def body(lifetime: int = 86_400) -> dict[str, Any]:
    expires_on = str(int(time.time()) + lifetime)
    return {"access_token": CANARY, "expires_on": expires_on, "expires_in": str(lifetime), "token_type": "Bearer"}


def options(clock: Callable[[], float]) -> ReaderOptions:
    return ReaderOptions(
        ttl=300, max_stale=86_400, negative_ttl=5.0, timeout=90, parallel=8, on_event=None, clock=clock
    )


def source(clock: MovedClock, identity: Any = None, events: list[Event] | None = None) -> TokenSource:
    choice = choose(identity)
    asked = choice.make(clock.pause, clock, Trust())
    return TokenSource(asked, choice, options(clock), emit=(events if events is not None else []).append)


def soon(clock: MovedClock, seconds: float = 90.0) -> Deadline:
    return Deadline.after(seconds, clock)


def test_one_request_gives_a_token_and_the_next_comes_from_msals_cache(
    app_service: ScriptedEndpoint, clock: MovedClock
) -> None:
    app_service.answer(200, body())
    events: list[Event] = []
    tokens = source(clock, events=events)
    first, second = tokens.token(VAULT, soon(clock)), tokens.token(VAULT, soon(clock))
    assert first.value == second.value == CANARY
    assert [type(event) for event in events] == [TokenAcquired], "a token from the cache is no event"
    [(path, headers)] = app_service.requests
    assert path == "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net"
    assert headers["x-identity-header"] == "header-secret"


@pytest.mark.parametrize(
    ("identity", "query"),
    [
        (msal.UserAssignedManagedIdentity(client_id=GUID), f"client_id={GUID}"),
        (msal.UserAssignedManagedIdentity(object_id=GUID), f"object_id={GUID}"),
        (msal.UserAssignedManagedIdentity(resource_id=RESOURCE_ID), "mi_res_id=%2Fsubscriptions%2F"),
    ],
    ids=["client id", "object id", "resource id"],
)
def test_a_user_assigned_identity_is_named_on_the_wire(
    app_service: ScriptedEndpoint, clock: MovedClock, identity: Any, query: str
) -> None:
    app_service.answer(200, body())
    source(clock, identity).token(VAULT, soon(clock))
    assert query in app_service.requests[0][0]


@pytest.mark.parametrize(
    ("identity", "problem"),
    [
        (msal.UserAssignedManagedIdentity(client_id="not-a-guid"), "client_id 'not-a-guid'"),
        (msal.UserAssignedManagedIdentity(object_id=GUID[:-1]), "object_id"),
        (msal.UserAssignedManagedIdentity(resource_id="/subscriptions/x"), "resource_id '/subscriptions/x'"),
        ("system", "which is not a managed identity"),
    ],
)
def test_a_wrong_identity_is_told_before_anything_is_sent(clock: MovedClock, identity: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        source(clock, identity)


def test_twenty_threads_with_a_cold_cache_are_one_request(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(200, body())
    tokens = source(clock)
    barrier, values = threading.Barrier(20), []

    def ask() -> None:
        barrier.wait()
        values.append(tokens.token(VAULT, soon(clock)).value)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [CANARY] * 20
    assert len(app_service.requests) == 1


async def test_threads_and_tasks_that_want_a_token_share_one_request(app_service: ScriptedEndpoint) -> None:
    app_service.answer(200, body())
    with SecretReader("https://contoso-kv.vault.azure.net") as reader:
        scope = f"{VAULT}/.default"
        asked = [
            *(asyncio.to_thread(reader.credential.get_token, scope) for _ in range(5)),
            *(reader.async_credential.get_token(scope) for _ in range(5)),
        ]
        assert [token.token for token in await asyncio.gather(*asked)] == [CANARY] * 10
    assert len(app_service.requests) == 1


def test_who_waits_for_a_token_whose_asker_had_less_time_asks_again(
    app_service: ScriptedEndpoint, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_service.answer(200, body())
    tokens, opened, joined = source(clock), threading.Event(), threading.Event()
    acquire, join = ManagedIdentity.acquire, tokens._flights.join

    def acquire_late(identity: ManagedIdentity, resource: str, deadline: Deadline, **options: Any) -> Token:
        monkeypatch.setattr(ManagedIdentity, "acquire", acquire)
        opened.set()
        assert joined.wait(10)
        clock.seconds += 5.0
        return acquire(identity, resource, deadline, **options)

    def join_and_tell(key: str, deadline: Deadline) -> tuple[Flight[Token], bool]:
        flight, is_opened = join(key, deadline)
        if not is_opened:
            joined.set()
        return flight, is_opened

    monkeypatch.setattr(ManagedIdentity, "acquire", acquire_late)
    monkeypatch.setattr(tokens._flights, "join", join_and_tell)
    with ThreadPoolExecutor(2) as pool:
        hasty = pool.submit(tokens.token, VAULT, soon(clock, 5.0))
        assert opened.wait(10)
        patient = pool.submit(tokens.token, VAULT, soon(clock))
        assert isinstance(hasty.exception(10), DeadlineExceededError)
        assert patient.result(10).value == CANARY
    tokens.close()


def test_a_closed_source_gives_no_token_and_ends_every_wait(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(200, body())
    tokens = source(clock)
    tokens.token(VAULT, soon(clock))
    tokens.close()
    with pytest.raises(ReaderClosedError):
        tokens.token(VAULT, soon(clock))


APP_SERVICE_ERRORS = [
    (400, {"statusCode": 400, "message": "Unable to load the proper Managed Identity."}, IdentityRefusedError),
    (
        500,
        {"statusCode": 500, "message": "An unexpected error occured while fetching the AAD Token."},
        IdentityServiceError,
    ),
    (429, {"statusCode": 429, "message": "Too many requests"}, IdentityThrottledError),
    (403, "", IdentityRefusedError),
    (401, "", IdentityRefusedError),
    (500, "", IdentityServiceError),
    (410, "", IdentityServiceError),
    (403, "<html>connecting to 169.254.169.254:80: unreachable network</html>", IdentityUnavailableError),
    (200, "", IdentityServiceError),
    (200, "<html>Sign in</html>", IdentityServiceError),
    (200, "[]", IdentityServiceError),
    (200, {"access_token": CANARY, "expires_on": "06/20/2019 02:57:58 +00:00"}, IdentityServiceError),
    (200, {"access_token": CANARY}, IdentityServiceError),
    (302, "", IdentityServiceError),
]


@pytest.mark.parametrize(("status", "answer", "kind"), APP_SERVICE_ERRORS)
def test_every_answer_of_app_service_becomes_one_error_that_says_what_it_was(
    app_service: ScriptedEndpoint, clock: MovedClock, status: int, answer: Any, kind: type[IdentityError]
) -> None:
    app_service.answer(status, answer)
    with pytest.raises(IdentityError) as info:
        source(clock).token(VAULT, soon(clock))
    error = info.value
    assert type(error) is kind
    assert error.status == status
    assert "App Service" in error.what
    if isinstance(answer, dict) and "message" in answer:
        assert answer["message"] in error.what
    assert "invalid_scope" not in str(error), "MSAL's name for every failure misleads"
    assert CANARY not in f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"


IMDS_ERRORS = [
    (
        400,
        {"error": "invalid_request", "error_description": "Identity not found"},
        IdentityRefusedError,
        "invalid_request",
    ),
    (
        400,
        {
            "error": "invalid_request",
            "error_description": "Multiple user assigned identities exist, please specify the clientId",
        },
        IdentityRefusedError,
        "invalid_request",
    ),
    (
        400,
        {"error": {"code": "bad_request_102", "message": "Required metadata header"}},
        IdentityRefusedError,
        "bad_request_102",
    ),
    (500, {"error": "unknown", "error_description": "Failed to retrieve token"}, IdentityServiceError, "unknown"),
]


@pytest.mark.parametrize(("status", "answer", "kind", "code"), IMDS_ERRORS)
def test_every_answer_of_a_virtual_machine_keeps_the_literal_code(
    virtual_machine: ScriptedEndpoint, clock: MovedClock, status: int, answer: Any, kind: type[IdentityError], code: str
) -> None:
    virtual_machine.answer(status, answer)
    with pytest.raises(IdentityError) as info:
        source(clock).token(VAULT, soon(clock))
    assert (type(info.value), info.value.code) == (kind, code)
    assert "IMDS" in info.value.what


def test_where_no_identity_is_enabled_the_error_says_so_and_how_to_enable_one(
    clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    with pytest.raises(IdentityUnavailableError, match="the connection is refused") as info:
        source(clock).token(VAULT, soon(clock))
    assert "IDENTITY_ENDPOINT and IDENTITY_HEADER are not set" in info.value.cause
    assert "az functionapp identity assign" in info.value.remedy


@pytest.mark.parametrize("value", ["", "nonsense", "ftp://127.0.0.1"])
def test_a_blank_or_wrong_endpoint_variable_is_told(
    clock: MovedClock, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", value)
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    with pytest.raises(IdentityUnavailableError, match="its address is not a URL"):
        source(clock).token(VAULT, soon(clock))


def test_a_virtual_machine_that_is_updated_is_asked_again_for_75_seconds(
    virtual_machine: ScriptedEndpoint, clock: MovedClock
) -> None:
    virtual_machine.answer(410)
    with pytest.raises(IdentityServiceError, match="410"):
        source(clock).token(VAULT, soon(clock, 300.0))
    assert sum(clock.pauses) >= 70
    assert len(virtual_machine.requests) > 5


def test_a_virtual_machine_that_comes_back_gives_its_token(
    virtual_machine: ScriptedEndpoint, clock: MovedClock
) -> None:
    for status in (404, 410, 429, 503):
        virtual_machine.answer(status)
    virtual_machine.answer(200, body())
    assert source(clock).token(VAULT, soon(clock)).value == CANARY
    assert len(virtual_machine.requests) == 5


def test_app_service_is_asked_again_after_an_error_of_its_own_and_as_it_asks(
    app_service: ScriptedEndpoint, clock: MovedClock
) -> None:
    app_service.answer(503, Retry_After="7")
    app_service.answer(200, body())
    assert source(clock).token(VAULT, soon(clock)).value == CANARY
    [pause] = clock.pauses
    assert 7.5 <= pause <= 8.0, "what it asks for, and a share by chance on top, as for the vault"


def test_no_pause_goes_beyond_the_deadline(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(429, Retry_After="3600")
    with pytest.raises(IdentityThrottledError) as info:
        source(clock).token(VAULT, soon(clock))
    assert clock.pauses == []
    assert info.value.retry_after == 3600.0


def test_a_refusal_is_asked_once_and_remembered_for_a_while(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(400, {"statusCode": 400, "message": "Unable to load the proper Managed Identity."})
    tokens = source(clock)
    for _ in range(3):
        with pytest.raises(IdentityRefusedError):
            tokens.token(VAULT, soon(clock))
    assert len(app_service.requests) == 1
    clock.seconds += 5.0
    with pytest.raises(IdentityRefusedError):
        tokens.token(VAULT, soon(clock))
    assert len(app_service.requests) == 2


def test_a_token_that_the_vault_refused_is_not_given_again(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(200, body())
    tokens = source(clock)
    token = tokens.token(VAULT, soon(clock))
    tokens.token(VAULT, soon(clock))
    tokens.forget(VAULT, token)
    tokens.token(VAULT, soon(clock))
    assert len(app_service.requests) == 2


def test_the_proxy_of_the_environment_never_sees_a_token_request(
    app_service: ScriptedEndpoint, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    app_service.answer(200, body())
    assert source(clock).token(VAULT, soon(clock)).value == CANARY


def test_a_deadline_that_has_passed_is_told_as_such(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(200, body())
    deadline = soon(clock, 0.0)
    with pytest.raises(DeadlineExceededError):
        source(clock).token(VAULT, deadline)


def test_a_token_does_not_show_in_its_repr(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(200, body())
    token = source(clock).token(VAULT, soon(clock))
    assert token.value == CANARY
    assert CANARY not in repr(token)


def test_a_token_of_another_resource_does_not_keep_a_refused_one(
    app_service: ScriptedEndpoint, clock: MovedClock
) -> None:
    app_service.answer(200, {**body(), "access_token": "first"})
    app_service.answer(200, {**body(), "access_token": "of-storage"})
    app_service.answer(200, {**body(), "access_token": "second"})
    tokens = source(clock)
    first = tokens.token(VAULT, soon(clock))
    tokens.token("https://storage.azure.com", soon(clock))
    tokens.forget(VAULT, first)
    assert tokens.token(VAULT, soon(clock)).value == "second"
    assert tokens.token("https://storage.azure.com", soon(clock)).value == "of-storage"
    assert len(app_service.requests) == 3


@pytest.fixture
def hours_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the time of day, which tokens are dated by."""
    real = time.time

    def move(hours: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)

    return move


def test_a_renewal_that_fails_costs_one_request_a_minute_and_the_token_in_hand_serves(
    app_service: ScriptedEndpoint, clock: MovedClock, hours_later: Callable[[float], None]
) -> None:
    app_service.answer(200, body())
    app_service.answer(503)
    events: list[Event] = []
    tokens = source(clock, events=events)
    tokens.token(VAULT, soon(clock))
    hours_later(13)
    for _ in range(5):
        assert tokens.token(VAULT, soon(clock)).value == CANARY
    assert len(app_service.requests) == 2
    assert clock.pauses == []
    clock.seconds += 61.0
    assert tokens.token(VAULT, soon(clock)).value == CANARY
    assert len(app_service.requests) == 3
    assert len(events) == 1, "the same token again is no event"


def test_a_token_that_has_lived_half_its_life_is_renewed(
    app_service: ScriptedEndpoint, clock: MovedClock, hours_later: Callable[[float], None]
) -> None:
    app_service.answer(200, body())
    tokens = source(clock)
    tokens.token(VAULT, soon(clock))
    hours_later(13)
    app_service.answers[:] = []
    app_service.answer(200, {**body(), "access_token": "renewed"})
    assert tokens.token(VAULT, soon(clock)).value == "renewed"


def test_a_redirect_does_not_carry_the_header_to_another_host(app_service: ScriptedEndpoint, clock: MovedClock) -> None:
    app_service.answer(302, "", Location=f"{app_service.url}/elsewhere")
    with pytest.raises(IdentityServiceError, match="302"):
        source(clock).token(VAULT, soon(clock))
    assert [path.partition("?")[0] for path, _ in app_service.requests] == ["/msi/token"]


def test_a_wait_of_no_seconds_is_not_taken_at_its_word(virtual_machine: ScriptedEndpoint, clock: MovedClock) -> None:
    virtual_machine.answer(410, Retry_After="0")
    with pytest.raises(IdentityServiceError):
        source(clock).token(VAULT, soon(clock))
    assert len(virtual_machine.requests) < 20
    assert min(clock.pauses) > 0


def test_an_endpoint_that_does_not_let_in_is_told_from_one_that_has_no_identity(
    app_service: ScriptedEndpoint, clock: MovedClock
) -> None:
    app_service.answer(403)
    with pytest.raises(IdentityRefusedError) as info:
        source(clock).token(VAULT, soon(clock))
    assert "IDENTITY_HEADER" in info.value.cause


def test_the_one_variable_that_is_missing_is_named(
    virtual_machine: ScriptedEndpoint, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("IDENTITY_ENDPOINT", virtual_machine.url)
    with pytest.raises(IdentityUnavailableError) as info:
        source(clock).token(VAULT, soon(clock))
    assert info.value.cause.startswith("IDENTITY_HEADER is not set")


def test_an_answer_that_drips_in_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with DrippingServer() as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "x")
        choice = choose()
        asked = choice.make(lambda _: True, time.monotonic, Trust())
        tokens = TokenSource(asked, choice, options(time.monotonic), emit=lambda _: None)
        started = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            tokens.token(VAULT, Deadline.after(0.3, time.monotonic))
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("form", ["{:%Y-%m-%dT%H:%M:%SZ}", "{:%Y-%m-%dT%H:%M:%S.0000000+00:00}"])
def test_an_end_that_is_told_as_a_date_is_read(app_service: ScriptedEndpoint, clock: MovedClock, form: str) -> None:
    ends = int(time.time()) + 86_400
    app_service.answer(200, {**body(), "expires_on": form.format(datetime.fromtimestamp(ends, UTC))})
    tokens = source(clock)
    token = tokens.token(VAULT, soon(clock))
    assert (token.value, token.expires_on) == (CANARY, ends)
    assert token.refresh_on == pytest.approx(ends - 43_200, abs=5)
    assert tokens.token(VAULT, soon(clock)).value == CANARY
    assert len(app_service.requests) == 1


@pytest.mark.parametrize("expires_on", ["2030-01-31T12:00:00", "soon", ["2030-01-31T12:00:00Z"]])
def test_an_end_that_is_no_moment_is_told_as_an_answer_without_the_documented_form(
    app_service: ScriptedEndpoint, clock: MovedClock, expires_on: object
) -> None:
    app_service.answer(200, {**body(), "expires_on": expires_on})
    with pytest.raises(IdentityServiceError, match="something that is not a token") as caught:
        source(clock).token(VAULT, soon(clock))
    assert CANARY not in str(caught.value)
