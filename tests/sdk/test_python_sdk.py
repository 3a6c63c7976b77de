"""Unmodified Python clients read a secret from the production URL: Azure's SDK, MSAL, and Keyless itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msal
import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

from keyless import AccessDeniedError, IdentityUnavailableError, SecretReader, UserAssignedManagedIdentity
from keyless.errors import IdentityRefusedError, SecretNotFoundError, VaultUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyless.local.server import LocalAzure

VAULT_URL = "https://contoso-kv.vault.azure.net"
RESOURCE = "https://vault.azure.net"
CROWD = 1000

pytestmark = pytest.mark.usefixtures("azure_environment")


@pytest.fixture(autouse=True)
def without_remembered_challenges() -> None:
    """Forget the vaults' challenges, which the SDK remembers for the whole process."""
    http_challenge_cache.clear()


@pytest.fixture
def value(local_azure: LocalAzure) -> str:
    """What the secret holds."""
    value = "c0rrect horse battery"
    local_azure.vault("contoso-kv").set_secret("db-password", value)
    return value


def operations(azure: LocalAzure) -> list[tuple[str, int]]:
    return [(entry.operation, entry.status) for entry in azure.journal.entries()]


def test_azure_identity_and_key_vault_secrets(local_azure: LocalAzure, value: str) -> None:
    with ManagedIdentityCredential() as credential, SecretClient(VAULT_URL, credential) as client:
        secret = client.get_secret("db-password")
    assert secret.value == value
    assert secret.properties.vault_url == VAULT_URL
    assert operations(local_azure) == [("getChallenge", 401), ("getToken", 200), ("getSecret", 200)]


async def test_azure_identity_and_key_vault_secrets_async(local_azure: LocalAzure, value: str) -> None:
    async with AsyncManagedIdentityCredential() as credential, AsyncSecretClient(VAULT_URL, credential) as client:
        secret = await client.get_secret("db-password")
    assert secret.value == value
    assert secret.properties.vault_url == VAULT_URL
    assert operations(local_azure) == [("getChallenge", 401), ("getToken", 200), ("getSecret", 200)]


PROGRAM = """
import asyncio
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient

async def main():
    async with ManagedIdentityCredential() as credential:
        async with SecretClient("https://contoso-kv.vault.azure.net", credential) as client:
            print((await client.get_secret("db-password")).value)

asyncio.run(main())
"""


def test_a_program_that_gets_the_environment_at_its_start_needs_nothing_else(
    local_azure: LocalAzure, value: str
) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, value, "")
    assert operations(local_azure) == [("getChallenge", 401), ("getToken", 200), ("getSecret", 200)]


@pytest.mark.parametrize("kind", ["client_id", "resource_id", "object_id"])
def test_a_user_assigned_identity_by_each_of_its_ids(local_azure: LocalAzure, value: str, kind: str) -> None:
    ids = {kind: getattr(local_azure.identity("reporting"), kind)}
    with (
        ManagedIdentityCredential(identity_config=ids) as credential,
        SecretClient(VAULT_URL, credential) as client,
    ):
        assert client.get_secret("db-password").value == value
    assert local_azure.journal.count(operation="getSecret", identity="reporting", status=200) == 1


@pytest.mark.parametrize("kind", ["client_id", "resource_id", "object_id"])
async def test_a_user_assigned_identity_by_each_of_its_ids_async(
    local_azure: LocalAzure, value: str, kind: str
) -> None:
    ids = {kind: getattr(local_azure.identity("reporting"), kind)}
    async with (
        AsyncManagedIdentityCredential(identity_config=ids) as credential,
        AsyncSecretClient(VAULT_URL, credential) as client,
    ):
        assert (await client.get_secret("db-password")).value == value
    assert local_azure.journal.count(operation="getSecret", identity="reporting", status=200) == 1


def test_the_sdk_sets_and_lists_secrets_with_a_role_that_allows_it(local_azure: LocalAzure) -> None:
    local_azure.identity("system").grant("Key Vault Secrets Officer", on="contoso-kv")
    with ManagedIdentityCredential() as credential, SecretClient(VAULT_URL, credential) as client:
        written = client.set_secret("new-one", "new value", content_type="text/plain", tags={"team": "contoso"})
        listed = {found.name: found for found in client.list_properties_of_secrets()}
        assert client.get_secret("new-one", written.properties.version).value == "new value"
    assert set(listed) == {"api-key", "db-password", "new-one"}
    assert listed["new-one"].tags == {"team": "contoso"}
    assert written.id is not None
    assert written.id.startswith(f"{VAULT_URL}/secrets/new-one/")


def test_the_sdk_is_denied_without_a_role(local_azure: LocalAzure) -> None:
    newcomer = local_azure.identity("newcomer")
    with (
        ManagedIdentityCredential(client_id=newcomer.client_id) as credential,
        SecretClient(VAULT_URL, credential) as client,
        pytest.raises(HttpResponseError, match="Caller is not authorized to perform action") as caught,
    ):
        client.get_secret("db-password")
    assert caught.value.status_code == 403
    assert newcomer.object_id in str(caught.value)
    assert "ForbiddenByRbac" in str(caught.value)


def test_a_vault_that_does_not_exist_is_unreachable_for_the_sdk(written: Callable[[str], str]) -> None:
    with (
        ManagedIdentityCredential() as credential,
        SecretClient("https://phantom.vault.azure.net", credential, retry_total=0) as client,
        pytest.raises(ServiceRequestError, match="No vault phantom"),
    ):
        client.get_secret("db-password")
    assert "Vaults that exist: contoso-kv.vault.azure.net." in written("Vaults that exist: contoso-kv.vault.azure.net.")


async def test_a_vault_that_does_not_exist_is_unreachable_for_the_sdk_async() -> None:
    async with (
        AsyncManagedIdentityCredential() as credential,
        AsyncSecretClient("https://ghost.vault.azure.net", credential, retry_total=0) as client,
    ):
        with pytest.raises(ServiceResponseError, match="No vault ghost"):  # aiohttp takes the proxy's answer for one.
            await client.get_secret("db-password")


def without_identity(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(azure.environment()) - set(azure.environment(identity=False)):
        monkeypatch.delenv(name)


def test_without_an_identity_the_sdk_finds_no_endpoint(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_identity(local_azure, monkeypatch)
    with (
        ManagedIdentityCredential(retry_total=0) as credential,
        SecretClient(VAULT_URL, credential) as client,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError)),
    ):
        client.get_secret("db-password")
    assert operations(local_azure) == [("getChallenge", 401)]


def test_msal_and_requests(local_azure: LocalAzure, value: str) -> None:
    with requests.Session() as session:
        client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=session)
        token: dict[str, Any] = client.acquire_token_for_client(resource=RESOURCE)
        url = f"{VAULT_URL}/secrets/db-password?api-version=7.4"
        answer = session.get(url, headers={"Authorization": f"Bearer {token['access_token']}"}, timeout=10)
    assert answer.json()["value"] == value
    assert operations(local_azure) == [("getToken", 200), ("getSecret", 200)]


def test_a_cold_read_of_keyless_is_two_requests(local_azure: LocalAzure, value: str) -> None:
    with SecretReader(VAULT_URL) as reader:
        secret = reader.get("db-password")
        assert secret.value == value
        assert secret.source == "vault"
        assert operations(local_azure) == [("getToken", 200), ("getSecret", 200)]
        assert reader.get("db-password").source == "cache"
    assert len(local_azure.journal.entries()) == 2


async def test_a_cold_read_of_keyless_is_two_requests_async(local_azure: LocalAzure, value: str) -> None:
    async with SecretReader(VAULT_URL) as reader:
        secret = await reader.aget("db-password")
        assert secret.value == value
        assert secret.source == "vault"
        assert operations(local_azure) == [("getToken", 200), ("getSecret", 200)]
        assert (await reader.aget("db-password")).source == "cache"
    assert len(local_azure.journal.entries()) == 2


@pytest.fixture
def untraced_threads() -> Iterator[None]:
    """Threads without coverage: CPython 3.11 can refuse a trace function where very many threads begin at once."""
    traced = threading.gettrace()
    threading.settrace(None)
    yield
    threading.settrace(traced)


@pytest.mark.usefixtures("untraced_threads")
def test_a_thousand_threads_at_a_cold_reader_cause_one_of_each(local_azure: LocalAzure, value: str) -> None:
    together = threading.Barrier(CROWD)

    def get() -> str:
        together.wait(60)
        return reader.get("db-password").value

    with SecretReader(VAULT_URL) as reader, ThreadPoolExecutor(CROWD) as threads:
        values = {future.result() for future in [threads.submit(get) for _ in range(CROWD)]}
    assert values == {value}
    assert operations(local_azure) == [("getToken", 200), ("getSecret", 200)]


async def test_a_thousand_tasks_at_a_cold_reader_cause_one_of_each(local_azure: LocalAzure, value: str) -> None:
    async with SecretReader(VAULT_URL) as reader:
        secrets = await asyncio.gather(*(reader.aget("db-password") for _ in range(CROWD)))
    assert {secret.value for secret in secrets} == {value}
    assert operations(local_azure) == [("getToken", 200), ("getSecret", 200)]


def test_threads_and_tasks_together_at_a_cold_reader_cause_one_of_each(local_azure: LocalAzure, value: str) -> None:
    async def tasks() -> set[str]:
        return {
            secret.value for secret in await asyncio.gather(*(reader.aget("db-password") for _ in range(CROWD // 2)))
        }

    with SecretReader(VAULT_URL) as reader, ThreadPoolExecutor(64) as threads:
        loops = [threads.submit(asyncio.run, tasks()) for _ in range(2)]
        plain = [threads.submit(reader.get, "db-password") for _ in range(CROWD)]
        assert [loop.result() for loop in loops] == [{value}, {value}]
        assert {future.result().value for future in plain} == {value}
    assert operations(local_azure) == [("getToken", 200), ("getSecret", 200)]


@pytest.mark.parametrize("kind", ["client_id", "resource_id", "object_id"])
def test_keyless_reads_as_a_user_assigned_identity(local_azure: LocalAzure, value: str, kind: str) -> None:
    identity = UserAssignedManagedIdentity(**{kind: getattr(local_azure.identity("reporting"), kind)})
    with SecretReader(VAULT_URL, identity=identity) as reader:
        assert reader.get("db-password").value == value
    assert local_azure.journal.count(operation="getSecret", identity="reporting") == 1


def test_keyless_is_denied_with_the_cause_and_the_remedy_until_the_role_is_granted(
    local_azure: LocalAzure, value: str
) -> None:
    newcomer = local_azure.identity("newcomer")
    identity = UserAssignedManagedIdentity(client_id=newcomer.client_id)
    with SecretReader(VAULT_URL, identity=identity, negative_ttl=0) as reader:
        with pytest.raises(AccessDeniedError) as caught:
            reader.get("db-password")
        assert caught.value.code == "ForbiddenByRbac"
        assert caught.value.status == 403
        assert newcomer.object_id in caught.value.remedy
        newcomer.grant("Key Vault Secrets User", on="contoso-kv")
        assert reader.get("db-password").value == value


def test_keyless_sees_a_revocation_at_its_next_request(local_azure: LocalAzure, value: str) -> None:
    with SecretReader(VAULT_URL, ttl=0) as reader:
        assert reader.get("db-password").value == value
        local_azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
        with pytest.raises(AccessDeniedError):
            reader.get("db-password")


def test_keyless_says_that_a_secret_does_not_exist() -> None:
    with SecretReader(VAULT_URL) as reader, pytest.raises(SecretNotFoundError, match="no-such-secret"):
        reader.get("no-such-secret")


def test_keyless_says_that_an_identity_is_not_assigned(local_azure: LocalAzure) -> None:
    local_azure.identity("reporting").unassign()
    identity = UserAssignedManagedIdentity(client_id=local_azure.identity("reporting").client_id)
    with SecretReader(VAULT_URL, identity=identity) as reader, pytest.raises(IdentityRefusedError):
        reader.get("db-password")


def test_keyless_says_that_a_vault_cannot_be_reached(written: Callable[[str], str]) -> None:
    with (
        SecretReader("https://spectre.vault.azure.net", timeout=5) as reader,
        pytest.raises(VaultUnreachableError) as caught,
    ):
        reader.get("db-password")
    assert "spectre.vault.azure.net" in str(caught.value)
    assert "Vaults that exist: contoso-kv.vault.azure.net." in written("Vaults that exist: contoso-kv.vault.azure.net.")


def test_keyless_says_that_there_is_no_identity_endpoint(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_identity(local_azure, monkeypatch)
    with SecretReader(VAULT_URL, timeout=3) as reader, pytest.raises(IdentityUnavailableError):
        reader.get("db-password")
    assert operations(local_azure) == []


def test_the_sdk_with_the_credential_of_keyless(local_azure: LocalAzure, value: str) -> None:
    with SecretReader(VAULT_URL) as reader, SecretClient(VAULT_URL, credential=reader.credential) as client:
        assert client.get_secret("db-password").value == value
        assert reader.get("db-password").value == value
    assert local_azure.journal.count(operation="getToken") == 1


async def test_the_async_sdk_with_the_credential_of_keyless(local_azure: LocalAzure, value: str) -> None:
    async with (
        SecretReader(VAULT_URL) as reader,
        AsyncSecretClient(VAULT_URL, credential=reader.async_credential) as client,
    ):
        assert (await client.get_secret("db-password")).value == value
        assert (await reader.aget("db-password")).value == value
    assert local_azure.journal.count(operation="getToken") == 1


def test_rotation_is_seen_after_the_value_is_invalidated(local_azure: LocalAzure, value: str) -> None:
    with SecretReader(VAULT_URL) as reader:
        first = reader.get("db-password")
        local_azure.vault("contoso-kv").set_secret("db-password", "rotated")
        assert reader.get("db-password").value == value
        reader.invalidate("db-password")
        second = reader.get("db-password")
        assert second.value == "rotated"
        assert reader.get("db-password", first.version).value == value
