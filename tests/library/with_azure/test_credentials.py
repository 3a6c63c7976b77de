"""SecretReader with a credential of the Azure SDK in a managed identity's place, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.identity import (
    AzureCliCredential,
    ChainedTokenCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from tests.remedies import flaw

from keyless import (
    ConfigurationError,
    DeadlineExceededError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
    KeylessError,
    ReaderClosedError,
    SecretReader,
    SystemAssignedManagedIdentity,
)
from keyless.local import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripted import MovedClock

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
TOKEN = f"eyJ{'x' * 40}.{'y' * 40}.{'z' * 40}"


@pytest.fixture(autouse=True)
def readable_secret(local_azure: LocalAzure, azure_environment: object) -> None:
    vault = local_azure.vault("contoso-kv")
    local_azure.identity("system").grant("Key Vault Secrets User", on=vault)
    vault.set_secret("db-password", "s3cr3t")


class Raising:
    """A credential that raises."""

    def __init__(self, problem: Callable[[], Exception]) -> None:
        self._problem = problem

    def get_token(self, *scopes: str, **options: Any) -> NoReturn:
        raise self._problem()


class Giving:
    """A credential that gives one token, whatever it is."""

    def __init__(self, token: str, *, delay: float = 0) -> None:
        self.scopes: list[tuple[str, ...]] = []
        self._token = token
        self._delay = delay

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.scopes.append(scopes)
        threading.Event().wait(self._delay)
        return AccessToken(self._token, 4_000_000_000)


def answer(status: int, **headers: str) -> Any:
    """Return what azure-core keeps of an answer."""
    return SimpleNamespace(status_code=status, headers=headers, reason="said so")


def become(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Make this process's host another one."""
    for name in IDENTITY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in azure.environment(source=source).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "make",
    [
        ManagedIdentityCredential,
        lambda: ChainedTokenCredential(EnvironmentCredential(), ManagedIdentityCredential()),
        lambda: DefaultAzureCredential(exclude_interactive_browser_credential=True),
    ],
    ids=["managed", "chained", "default"],
)
def test_a_credential_reads_with_one_token_and_one_request(
    local_azure: LocalAzure, make: Callable[[], ManagedIdentityCredential]
) -> None:
    local_azure.journal.clear()
    with make() as credential, SecretReader(URL, credential=credential) as reader:
        assert reader.get("db-password").value == "s3cr3t"
        assert reader.get("db-password").source == "cache"
        assert type(credential).__name__ in repr(reader)
        assert reader.credential.get_token("https://vault.azure.net/.default").token
    assert local_azure.journal.count(operation="getToken") == 1
    assert local_azure.journal.count(operation="getSecret") == 1


def test_many_threads_share_one_call_of_the_credential(local_azure: LocalAzure) -> None:
    token = ManagedIdentityCredential().get_token("https://vault.azure.net/.default").token
    credential = Giving(token, delay=0.05)
    with SecretReader(URL, credential=credential) as reader:
        threads = [threading.Thread(target=reader.get, args=("db-password",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert reader.stats().retrieved == 1
    assert credential.scopes == [("https://vault.azure.net/.default",)]


def test_a_pod_s_credential_reads_through_the_authority(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_azure.identity("reporting").grant("Key Vault Secrets User", on=local_azure.vault("contoso-kv"))
    for name, value in local_azure.environment(source="workload", identity="reporting").items():
        monkeypatch.setenv(name, value)
    with (
        WorkloadIdentityCredential(disable_instance_discovery=True) as credential,
        SecretReader(URL, credential=credential) as reader,
    ):
        assert reader.get("db-password").value == "s3cr3t"
    assert local_azure.journal.entries(operation="getToken")[-1].source == "workload"


def test_a_source_that_msal_does_not_know_is_read_as_its_error_says(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(local_azure, monkeypatch, "cloud-shell")
    with SecretReader(URL) as reader, pytest.raises(IdentityUnavailableError) as caught:
        reader.get("db-password")
    assert "SecretReader(url, credential=ManagedIdentityCredential())" in caught.value.remedy
    with ManagedIdentityCredential() as credential, SecretReader(URL, credential=credential) as reader:
        assert reader.get("db-password").value == "s3cr3t"


async def test_an_asynchronous_credential_is_asked_in_the_caller_s_loop_which_others_share(
    local_azure: LocalAzure,
) -> None:
    async with AsyncManagedIdentityCredential() as credential:
        async with SecretReader(URL, credential=credential) as reader:
            secrets = await asyncio.gather(*(reader.aget("db-password") for _ in range(20)))
            assert {secret.value for secret in secrets} == {"s3cr3t"}
            with pytest.raises(ConfigurationError, match="in an event loop"):
                reader.get("api-key")
        # Its connections belong to this loop, so that it goes on here.
        assert (await credential.get_token("https://storage.azure.com/.default")).token


@pytest.mark.usefixtures("unreachable_vault")
def test_an_asynchronous_credential_whose_loop_has_closed_says_so() -> None:
    credential = Raising(lambda: RuntimeError("Event loop is closed"))
    with SecretReader(URL, credential=credential) as reader, pytest.raises(IdentityServiceError) as caught:
        reader.get("db-password")
    assert "of one that has closed" in caught.value.cause
    assert "azure.identity.DefaultAzureCredential()" in caught.value.remedy


def test_a_synchronous_credential_serves_one_event_loop_after_the_other(local_azure: LocalAzure) -> None:
    local_azure.azure.token_lifetimes["app-service"] = 600

    async def read(reader: SecretReader) -> str:
        return (await reader.aget("db-password")).source

    with ManagedIdentityCredential() as credential, SecretReader(URL, credential=credential) as reader:
        for _ in range(2):
            assert asyncio.run(read(reader)) == "vault"
            local_azure.clock.advance(hours=1)


def test_an_asynchronous_credential_serves_a_program_without_a_loop(local_azure: LocalAzure) -> None:
    credential = AsyncManagedIdentityCredential()
    with SecretReader(URL, credential=credential) as reader:
        assert reader.get("db-password").value == "s3cr3t"
        with pytest.raises(KeylessError):
            reader.get("no-such-secret")
    asyncio.run(credential.close())


def test_a_reader_that_closes_stops_an_asynchronous_credential_of_its_own_loop_and_closes_it() -> None:
    asked, seen = threading.Event(), []

    class Silent:
        async def get_token(self, *scopes: str, **options: Any) -> NoReturn:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                seen.append("stopped")
            raise AssertionError

        async def close(self) -> None:
            seen.append("closed")

    reader = SecretReader(URL, credential=Silent())  # type: ignore[arg-type]  # Less than the protocol.

    def read() -> None:
        with pytest.raises(ReaderClosedError):
            reader.get("db-password")

    waiting = threading.Thread(target=read)
    waiting.start()
    assert asked.wait(10)
    reader.close()
    waiting.join()
    assert seen == ["stopped", "closed"]


async def test_an_asynchronous_credential_is_stopped_at_the_deadline(local_azure: LocalAzure) -> None:
    cancelled = asyncio.Event()

    class Silent:
        async def get_token(self, *scopes: str, **options: Any) -> NoReturn:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            raise AssertionError

    async with SecretReader(URL, credential=Silent()) as reader:  # type: ignore[arg-type]  # Less than the protocol.
        with pytest.raises(DeadlineExceededError):
            await reader.aget("db-password", timeout=0.05)
    # Whoever asked has gone; what the reader itself allows is longer.
    with SecretReader(URL, credential=Silent(), timeout=0.05) as reader:  # type: ignore[arg-type]
        with pytest.raises(DeadlineExceededError):
            await reader.aget("db-password")
        async with asyncio.timeout(5):
            await cancelled.wait()


def test_a_read_whose_time_runs_out_before_there_is_a_token_says_so(local_azure: LocalAzure) -> None:
    token = ManagedIdentityCredential().get_token("https://vault.azure.net/.default").token
    asked, released = threading.Event(), threading.Event()

    class Slow(Giving):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            asked.set()
            released.wait(10)
            return super().get_token(*scopes, **options)

    with SecretReader(URL, credential=Slow(token)) as reader:
        patient = threading.Thread(target=reader.get, args=("db-password",))
        patient.start()
        assert asked.wait(10)
        with pytest.raises(DeadlineExceededError) as caught:
            reader.get("db-password", timeout=0.01)
        released.set()
        patient.join()
        assert reader.get("db-password").source == "cache"
    error = caught.value
    assert error.what.endswith(
        "/db-password could not be read: no token for the credential Slow came before the deadline."
    )
    assert "Slow is slow or silent" in error.cause
    assert "what the credential asks" in error.remedy


CHAIN = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tEnvironmentCredential: EnvironmentCredential authentication unavailable. Environment variables are not fully configured.
Visit https://aka.ms/azsdk/python/identity/environmentcredential/troubleshoot to troubleshoot this issue.
\tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.
\tVisualStudioCodeCredential: VisualStudioCodeCredential requires a package. {long}
\tAzureCliCredential: Please run 'az login' to set up an account
To mitigate this issue, please refer to the troubleshooting guidelines here at \
https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot."""


@pytest.mark.usefixtures("unreachable_vault")
def test_what_each_credential_of_a_chain_says_is_there_and_the_guide_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEYLESS_LOCAL_AZURE", raising=False)
    credential = Raising(lambda: ClientAuthenticationError(CHAIN.format(long="word " * 250)))
    with SecretReader(URL, credential=credential) as reader, pytest.raises(IdentityUnavailableError) as caught:
        reader.get("db-password")
    error = caught.value
    assert "not fully configured. - ManagedIdentityCredential: " in error.what
    assert error.what.endswith(" - AzureCliCredential: Please run 'az login' to set up an account.")
    assert str(error).count("/troubleshoot") == 1
    assert "`keyless run -- CMD`" in error.remedy
    assert flaw(error.remedy) is None


@pytest.mark.parametrize("source", ["app-service", "imds", "machine-learning"])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("client_id", [None, "11111111-1111-1111-1111-111111111111"])
async def test_an_identity_that_is_not_assigned_is_refused_whatever_the_credential_calls_it(
    local_azure: LocalAzure,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    *,
    asynchronous: bool,
    client_id: str | None,
) -> None:
    local_azure.identity("system").unassign()
    become(local_azure, monkeypatch, source)
    credential = (AsyncManagedIdentityCredential if asynchronous else ManagedIdentityCredential)(client_id=client_id)
    async with SecretReader(URL, credential=credential) as reader:
        with pytest.raises(IdentityRefusedError) as caught:
            await reader.aget("db-password")
    assert "is not assigned to this application" in caught.value.cause
    assert "keyless identity list" in caught.value.remedy
    assert "userAssignedIdentities" in caught.value.remedy
    assert flaw(caught.value.remedy) is None
    if isinstance(credential, AsyncManagedIdentityCredential):
        await credential.close()


def test_no_old_value_is_served_once_the_identity_of_a_chain_is_removed(local_azure: LocalAzure) -> None:
    local_azure.azure.token_lifetimes["app-service"] = 600
    with DefaultAzureCredential() as credential, SecretReader(URL, credential=credential) as reader:
        reader.get("db-password")
        local_azure.identity("system").unassign()
        local_azure.clock.advance(hours=1)
        with pytest.raises(IdentityRefusedError, match="Unable to load the proper Managed Identity"):
            reader.get("db-password")


@pytest.mark.usefixtures("unreachable_vault")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, IdentityRefusedError),
        (404, IdentityServiceError),
        (429, IdentityThrottledError),
        (500, IdentityServiceError),
    ],
)
def test_the_status_that_azure_identity_quotes_decides(status: int, kind: type[KeylessError]) -> None:
    said = "App Service managed identity configuration not found in environment. Token request error: (invalid_scope)"
    credential = Raising(lambda: CredentialUnavailableError(message=f"{said} {status}, No."))
    with SecretReader(URL, credential=credential) as reader, pytest.raises(kind) as caught:
        reader.get("db-password")
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.usefixtures("unreachable_vault")
@pytest.mark.parametrize(
    ("problem", "kind", "says"),
    [
        (lambda: CredentialUnavailableError(message="Please run 'az login'"), IdentityUnavailableError, "az login"),
        (lambda: ServiceRequestError("no way there"), IdentityUnavailableError, "no way there"),
        (
            lambda: ClientAuthenticationError("AADSTS700082: the refresh token has expired", response=answer(400)),
            IdentityRefusedError,
            "AADSTS700082",
        ),
        (
            lambda: HttpResponseError("slow down", response=answer(429, **{"Retry-After": "7"})),
            IdentityThrottledError,
            "slow down",
        ),
        (lambda: HttpResponseError("broken", response=answer(503)), IdentityServiceError, "broken"),
        (lambda: ValueError(f"not a word of {TOKEN}"), IdentityServiceError, "ValueError"),
        (lambda: ClientAuthenticationError(f"not a word of {TOKEN}"), IdentityRefusedError, "not a word of"),
    ],
    ids=["unavailable", "network", "refused", "throttled", "failing", "anything", "quoting a token"],
)
def test_what_a_credential_raises_becomes_an_error_with_its_cause_and_remedy_and_no_token(
    problem: Callable[[], Exception], kind: type[KeylessError], says: str
) -> None:
    with (
        SecretReader(URL, credential=Raising(problem)) as reader,
        pytest.raises(kind) as caught,
    ):
        reader.get("db-password")
    error = caught.value
    assert type(error) is kind
    assert says in error.what
    assert error.cause
    assert error.remedy
    assert error.__cause__ is error.__context__ is None
    assert TOKEN not in f"{error!r} {error}"


@pytest.mark.usefixtures("unreachable_vault")
def test_an_error_of_entra_keeps_its_code_and_a_throttled_one_its_pause() -> None:
    refused = Raising(lambda: ClientAuthenticationError("AADSTS700082: expired", response=answer(400)))
    throttled = Raising(lambda: HttpResponseError("slow down", response=answer(429, **{"Retry-After": "7"})))
    with SecretReader(URL, credential=refused) as reader, pytest.raises(IdentityRefusedError) as caught:
        reader.get("db-password")
    assert (caught.value.code, caught.value.status) == ("AADSTS700082", 400)
    with SecretReader(URL, credential=throttled) as reader, pytest.raises(IdentityThrottledError) as slowed:
        reader.get("db-password")
    assert slowed.value.retry_after == 7


@pytest.mark.parametrize("token", ["", "two\nlines", "no\u00e4scii"])
def test_a_token_that_no_header_can_carry_is_an_error_of_the_credential(token: str) -> None:
    with SecretReader(URL, credential=Giving(token)) as reader, pytest.raises(IdentityServiceError) as caught:
        reader.get("db-password")
    assert "Giving gives a token that is none" in caught.value.what


def test_an_old_value_is_served_while_the_credential_is_out_of_order(
    local_azure: LocalAzure, clock: MovedClock
) -> None:
    token = ManagedIdentityCredential().get_token("https://vault.azure.net/.default").token

    class Breaking(Giving):
        is_broken = False

        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            if self.is_broken:
                raise CredentialUnavailableError(message="gone")
            # Good for too short a time to be kept.
            return AccessToken(token, 0)

    credential = Breaking(token)
    with SecretReader(URL, credential=credential, clock=clock) as reader:
        reader.get("db-password")
        credential.is_broken = True
        clock.seconds += 600
        assert reader.get("db-password").is_stale


def test_a_reader_takes_an_identity_or_a_credential_and_neither_a_class_nor_anything_else() -> None:
    with pytest.raises(ConfigurationError, match="an identity and a credential"):
        SecretReader(URL, identity=SystemAssignedManagedIdentity(), credential=AzureCliCredential())
    with pytest.raises(ConfigurationError, match="Pass a credential of the Azure SDK as credential="):
        SecretReader(URL, identity=AzureCliCredential())
    with pytest.raises(ConfigurationError, match="the class AzureCliCredential"):
        SecretReader(URL, credential=AzureCliCredential)
    with pytest.raises(ConfigurationError, match="is str, which gives no tokens"):
        SecretReader(URL, credential="a secret")  # type: ignore[arg-type]


def test_a_credential_of_one_s_own_needs_no_azure_core(local_azure: LocalAzure) -> None:
    token = ManagedIdentityCredential().get_token("https://vault.azure.net/.default").token
    program = f"""
import sys
sys.modules["azure.core"] = None
from types import SimpleNamespace
from keyless import SecretReader

class Own:
    def get_token(self, *scopes, **options):
        return SimpleNamespace(token={token!r}, expires_on=4e9)

print(SecretReader({URL!r}, credential=Own()).get("db-password").value)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **local_azure.environment()},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("s3cr3t\n", "")
