"""Everything that Azure's Python SDK does with secrets, sync and async, unmodified, at the production URL."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.keyvault.secrets import ApiVersion, KeyVaultSecretIdentifier, SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.settings import VaultSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.server import LocalAzure

pytestmark = pytest.mark.usefixtures("azure_environment")
EXPIRES = datetime(2050, 1, 1, tzinfo=UTC)


class Surface:
    """One name for what the sync and the async client name or return differently."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.is_async = isinstance(client, AsyncSecretClient)

    async def do(self, operation: str, *arguments: Any, **options: Any) -> Any:
        result = getattr(self.client, operation)(*arguments, **options)
        return await result if inspect.isawaitable(result) else result

    async def every(self, listing: str, *arguments: Any, **options: Any) -> list[Any]:
        pager = getattr(self.client, listing)(*arguments, **options)
        return [item async for item in pager] if self.is_async else list(pager)

    async def pages(self, listing: str, *arguments: Any, size: int) -> list[list[str]]:
        pager = getattr(self.client, listing)(*arguments, max_page_size=size).by_page()
        if self.is_async:
            return [[item.name async for item in page] async for page in pager]
        return [[item.name for item in page] for page in pager]

    async def delete(self, name: str) -> Any:
        if self.is_async:
            return await self.client.delete_secret(name)
        poller = self.client.begin_delete_secret(name)
        poller.wait()
        return poller.result()

    async def recover(self, name: str) -> Any:
        if self.is_async:
            return await self.client.recover_deleted_secret(name)
        poller = self.client.begin_recover_deleted_secret(name)
        poller.wait()
        return poller.result()


def _inner_error(error: HttpResponseError) -> Any:
    return error.error and error.error.innererror


@pytest.fixture
def vault(local_azure: LocalAzure) -> Vault:
    """A vault that deletes and recovers at once, and whose secrets the host's identity may manage."""
    http_challenge_cache.clear()
    vault = local_azure.azure.add_vault(
        "instant-kv", VaultSettings(soft_delete_days=7, deletion_seconds=0, recovery_seconds=0)
    )
    for each in ("instant-kv", "contoso-kv"):
        local_azure.identity("system").grant("Key Vault Secrets Officer", on=each)
    return vault


@pytest_asyncio.fixture(params=["sync", "async"])
async def surface(request: pytest.FixtureRequest, vault: Vault) -> AsyncIterator[Surface]:
    if request.param == "sync":
        with ManagedIdentityCredential() as credential, SecretClient(vault.url, credential) as client:
            yield Surface(client)
    else:
        async with AsyncManagedIdentityCredential() as login, AsyncSecretClient(vault.url, login) as other:
            yield Surface(other)


async def test_secrets_are_created_read_and_updated(surface: Surface, vault: Vault) -> None:
    starts = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    options = {"content_type": "password", "tags": {"owner": "contoso"}, "not_before": starts, "expires_on": EXPIRES}
    created = await surface.do("set_secret", "crud", "it's +1 ☂", **options)
    read = await surface.do("get_secret", "crud")
    properties = read.properties
    assert (read.value, read.id) == ("it's +1 ☂", created.id)
    assert (properties.vault_url, properties.name, properties.version) == (
        vault.url,
        "crud",
        created.properties.version,
    )
    assert (properties.content_type, properties.tags, properties.enabled) == ("password", {"owner": "contoso"}, True)
    assert (properties.not_before, properties.expires_on) == (starts, EXPIRES)
    assert (properties.recoverable_days, properties.recovery_level) == (7, "CustomizedRecoverable+Purgeable")
    assert properties.previous_version is None
    assert KeyVaultSecretIdentifier(read.id).vault_url == vault.url

    second = await surface.do("set_secret", "crud", "")
    assert (await surface.do("get_secret", "crud")).value == ""
    assert (await surface.do("get_secret", "crud", created.properties.version)).value == "it's +1 ☂"
    changed = await surface.do(
        "update_secret_properties", "crud", created.properties.version, content_type="text/plain"
    )
    assert (changed.content_type, changed.tags, changed.expires_on) == ("text/plain", {"owner": "contoso"}, EXPIRES)
    latest = await surface.do("update_secret_properties", "crud", tags={"new": "yes"})
    assert (latest.version, latest.tags) == (second.properties.version, {"new": "yes"})


async def test_lists_come_in_pages_of_any_size(surface: Surface, vault: Vault) -> None:
    for number in range(7):
        vault.set_secret(f"many-{number}", "x")
        vault.set_secret("versioned", str(number), enabled=number != 3)
    names = [f"many-{number}" for number in range(7)] + ["versioned"]
    assert [item.name for item in await surface.every("list_properties_of_secrets")] == names
    pages = await surface.pages("list_properties_of_secrets", size=3)
    assert pages == [names[:3], names[3:6], names[6:]]
    versions = await surface.every("list_properties_of_secret_versions", "versioned", max_page_size=2)
    assert [item.version for item in versions] == sorted(item.version for item in versions)
    assert (len(versions), sum(item.enabled for item in versions)) == (7, 6)
    assert [len(page) for page in await surface.pages("list_properties_of_secret_versions", "versioned", size=1)] == [
        1
    ] * 7
    assert await surface.every("list_properties_of_secret_versions", "nothing") == []


async def test_deleted_secrets_are_listed_recovered_and_purged(surface: Surface, vault: Vault) -> None:
    for name in ("a", "b", "c"):
        vault.set_secret(name, f"value of {name}")
        deleted = await surface.delete(name)
        assert deleted.recovery_id == f"{vault.url}/deletedsecrets/{name}"
        assert deleted.scheduled_purge_date - deleted.deleted_date == timedelta(days=7)
    assert await surface.pages("list_deleted_secrets", size=2) == [["a", "b"], ["c"]]
    assert (await surface.do("get_deleted_secret", "b")).properties.name == "b"
    with pytest.raises(ResourceExistsError) as taken:
        await surface.do("set_secret", "b", "again")
    assert taken.value.status_code == 409
    assert _inner_error(taken.value) == {"code": "ObjectIsDeletedButRecoverable"}
    recovered = await surface.recover("b")
    assert recovered.name == "b"
    assert (await surface.do("get_secret", "b")).value == "value of b"
    assert await surface.do("purge_deleted_secret", "a") is None
    with pytest.raises(ResourceNotFoundError, match="Deleted Secret not found: a"):
        await surface.do("get_deleted_secret", "a")
    assert (await surface.do("set_secret", "a", "new")).value == "new"


async def test_a_backup_is_restored_after_a_purge(surface: Surface, vault: Vault) -> None:
    first = vault.set_secret("kept", "first")
    vault.set_secret("kept", "second", tags={"a": "b"})
    backup = await surface.do("backup_secret", "kept")
    assert backup.startswith(b")AzureKeyVaultSecretBackupV1.microsoft.com")
    with pytest.raises(ResourceExistsError, match="There was a conflict restoring the secret"):
        await surface.do("restore_secret_backup", backup)
    await surface.delete("kept")
    await surface.do("purge_deleted_secret", "kept")
    restored = await surface.do("restore_secret_backup", backup)
    assert (restored.name, restored.tags) == ("kept", {"a": "b"})
    assert (await surface.do("get_secret", "kept", first.version)).value == "first"
    with pytest.raises(HttpResponseError, match="Backup blob is corrupt"):
        await surface.do("restore_secret_backup", backup[:-9])


async def test_what_is_missing_or_disabled_is_refused(surface: Surface) -> None:
    await surface.do("set_secret", "off", "x", enabled=False)
    with pytest.raises(HttpResponseError) as disabled:
        await surface.do("get_secret", "off")
    assert (disabled.value.status_code, _inner_error(disabled.value)) == (403, {"code": "SecretDisabled"})
    assert (await surface.do("update_secret_properties", "off", enabled=True)).enabled
    assert (await surface.do("get_secret", "off")).value == "x"
    for operation, arguments in (
        ("get_secret", ("nothing",)),
        ("get_secret", ("off", "0" * 32)),
        ("update_secret_properties", ("nothing",)),
        ("get_deleted_secret", ("nothing",)),
        ("purge_deleted_secret", ("nothing",)),
        ("backup_secret", ("nothing",)),
    ):
        with pytest.raises(ResourceNotFoundError) as missing:
            await surface.do(operation, *arguments)
        assert missing.value.error is not None
        assert missing.value.error.code == "SecretNotFound"
    with pytest.raises(ResourceNotFoundError):
        await surface.delete("nothing")
    with pytest.raises(ResourceNotFoundError):
        await surface.recover("nothing")


async def test_deletion_and_recovery_take_their_time_and_pollers_wait_for_them(
    local_azure: LocalAzure, vault: Vault
) -> None:
    slow = local_azure.vault("contoso-kv")
    with ManagedIdentityCredential() as credential, SecretClient(slow.url, credential) as client:
        deletion = client.begin_delete_secret("api-key")
        assert deletion.result().name == "api-key"
        assert slow.secrets.state_of("api-key") is ObjectState.DELETING
        with pytest.raises(ResourceExistsError, match="currently being deleted"):
            client.set_secret("api-key", "too early")
        deletion.wait()
        assert slow.secrets.state_of("api-key") is ObjectState.DELETED
        recovery = client.begin_recover_deleted_secret("api-key")
        with pytest.raises(ResourceNotFoundError):
            client.get_secret("api-key")
        recovery.wait()
        assert client.get_secret("api-key").value == "local-api-key"


@pytest.mark.parametrize("version", list(ApiVersion))
async def test_every_api_version_of_the_sdk_is_spoken(vault: Vault, version: ApiVersion) -> None:
    with ManagedIdentityCredential() as credential, SecretClient(vault.url, credential, api_version=version) as client:
        client.set_secret("old", "x")
        assert client.get_secret("old").value == "x"
        assert [item.name for item in client.list_properties_of_secrets()] == ["old"]
        client.begin_delete_secret("old").wait()
        assert client.get_deleted_secret("old").recovery_id == f"{vault.url}/deletedsecrets/old"
