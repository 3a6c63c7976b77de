"""Tests against the local Azure of the fixture local_azure, which comes with Keyless. Replace `reader` by your own code."""

import pytest

from keyless import AccessDeniedError, SecretReader

URL = "https://contoso-kv.vault.azure.net"


@pytest.fixture
def reader(local_azure):
    with SecretReader(URL) as reader:
        yield reader


def test_the_secret_is_read(reader):
    assert reader.get("db-password").value == "local-db-password"


def test_a_rotation_arrives(reader, local_azure):
    reader.get("db-password")
    local_azure.vault("contoso-kv").set_secret("db-password", "rotated")
    local_azure.clock.advance(minutes=10)
    assert reader.get("db-password").value == "rotated"
    local_azure.journal.assert_read("db-password", by="system", times=2)


def test_an_outage_is_bridged(reader, local_azure):
    reader.get("db-password")
    local_azure.faults.add_named("vault-outage")
    local_azure.clock.advance(minutes=10)
    secret = reader.get("db-password")
    assert (secret.value, secret.is_stale) == ("local-db-password", True)


def test_without_the_role_the_error_says_what_to_do(reader, local_azure):
    local_azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
    with pytest.raises(AccessDeniedError, match="keyless role grant"):
        reader.get("db-password")
