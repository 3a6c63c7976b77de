"""The public names as a user's type checker sees them: checked by mypy, never run."""
# ruff: noqa: TC002

from collections.abc import Mapping
from datetime import datetime
from typing import assert_type

from azure.core.credentials import TokenCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

import keyless
import keyless.local
from keyless import (
    Event,
    KeylessError,
    ReadErrors,
    ReaderStats,
    Secret,
    SecretId,
    SecretReader,
    SystemAssignedManagedIdentity,
    UserAssignedManagedIdentity,
    aretry_on_rejected,
    retry_on_rejected,
)


def hook(event: Event) -> None:
    assert_type(event, Event)


reader = SecretReader("https://contoso-kv.vault.azure.net")
SecretReader("https://contoso-kv.vault.azure.net", identity=SystemAssignedManagedIdentity(), on_event=hook)
SecretReader(
    "https://contoso-kv.vault.azure.net", identity=UserAssignedManagedIdentity(client_id="x"), ttl=60, timeout=5
)

secret = reader.get("db-password")
assert_type(secret, Secret)
assert_type(secret.value, str)
assert_type(secret.expires_on, datetime | None)
assert_type(secret.is_stale, bool)
assert_type(secret.tags, Mapping[str, str])
assert_type(reader.get_many(["a", "b"]), dict[str, Secret])
assert_type(SecretId.parse("https://contoso-kv.vault.azure.net/secrets/a").name, str)
assert_type(reader.stats(), ReaderStats)
assert_type(retry_on_rejected(reader, "a", lambda found: len(found.value), on=PermissionError), int)


async def log_in(found: Secret) -> bytes:
    return found.value.encode()


async def read() -> None:
    assert_type(await aretry_on_rejected(reader, "a", log_in, on=(PermissionError, OSError)), bytes)
    async with SecretReader("https://contoso-kv.vault.azure.net") as inner:
        assert_type(await inner.aget("db-password", timeout=1.0), Secret)
        assert_type(await inner.aget_many(["a"]), dict[str, Secret])
        AsyncSecretClient(inner.vault_url, credential=inner.async_credential)
        credential: AsyncTokenCredential = inner.async_credential
        await credential.get_token("https://vault.azure.net/.default")


def use() -> None:
    SecretClient(reader.vault_url, credential=reader.credential)
    credential: TokenCredential = reader.credential
    credential.get_token("https://vault.azure.net/.default")
    try:
        reader.get_many(["a"])
    except ReadErrors as group:
        assert_type(group.errors, dict[str, KeylessError])
        assert_type(group.secrets, dict[str, Secret])
    except keyless.errors.KeylessError as error:
        assert_type(error.what, str)


def misspell() -> None:
    """Use names that are not there: mypy reports each, and would report an ignored error that is none."""
    keyless.SecretRaeder("https://contoso-kv.vault.azure.net")  # type: ignore[attr-defined]
    keyless.local.LocalAzur()  # type: ignore[attr-defined]
