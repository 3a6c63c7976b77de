"""Wrong vault URLs, names and versions are told before anything is sent."""

import pytest

from keyless.errors import ConfigurationError
from keyless.secret_id import SecretId, check_secret_name, check_vault_url

VAULT = "https://contoso-kv.vault.azure.net"
VERSION = "8f716533a90fd9ac2d1b1f4e5c6d7e80"


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (VAULT, VAULT),
        (f"{VAULT}/", VAULT),
        (f"{VAULT}:443", VAULT),
        ("https://Contoso-KV.Vault.Azure.net.", VAULT),
        (" https://contoso-kv.vault.azure.cn ", "https://contoso-kv.vault.azure.cn"),
        ("https://contoso-kv.vault.usgovcloudapi.net", "https://contoso-kv.vault.usgovcloudapi.net"),
        ("https://kv.vault.example.test:8443", "https://kv.vault.example.test:8443"),
    ],
)
def test_a_vault_url_has_one_form(given: str, normal: str) -> None:
    assert check_vault_url(given) == normal


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("", "it is empty"),
        ("contoso-kv", "it is a name, not an address"),
        ("http://contoso-kv.vault.azure.net", "it is not https"),
        ("https://contoso-kv.managedhsm.azure.net", "it is a managed HSM"),
        ("https://vault.azure.net", "a vault's name is 3 to 24"),
        ("https://kv.vault.azure.net", "a vault's name is 3 to 24"),
        ("https://a.b.vault.azure.net", "a vault's name is 3 to 24"),
        ("https://contoso--kv.vault.azure.net", "a vault's name is 3 to 24"),
        ("https://'contoso-kv'.vault.azure.net", "its host is not one"),
        ("https://contoso_kv.vault.azure.net", "its host is not one"),
        ("https://localhost", "its host is not one"),
        ("https://user:hunter2@contoso-kv.vault.azure.net", "it holds a user name or password"),
        (f"{VAULT}/secrets/db-password", "it has more than a host"),
        (f"{VAULT}?x=1", "it has more than a host"),
        (f"{VAULT}:notaport", "it cannot be read as a URL"),
        ("https://contoso-kv.privatelink.vaultcore.azure.net", "it is the private link's own name"),
        ("@Microsoft.KeyVault(SecretUri=https://x)", "it is a Key Vault reference"),
    ],
)
def test_a_wrong_vault_url_is_told_with_its_problem(given: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as info:
        check_vault_url(given)
    assert "hunter2" not in str(info.value)


@pytest.mark.parametrize("name", ["", "a_b", "a b", "a.b", "ä", "x" * 128, "a/b/c", "a\n"])
def test_a_wrong_secret_name_is_told(name: str) -> None:
    with pytest.raises(ConfigurationError, match="secret name"):
        check_secret_name(name)


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("db", None, f"{VAULT}/secrets/db"),
        ("db", VERSION, f"{VAULT}/secrets/db/{VERSION}"),
        (f"db/{VERSION.upper()}", None, f"{VAULT}/secrets/db/{VERSION}"),
        (f"db/{VERSION}", VERSION, f"{VAULT}/secrets/db/{VERSION}"),
        (f"{VAULT}:443/secrets/db", None, f"{VAULT}/secrets/db"),
        (f"{VAULT}/secrets/db/{VERSION}/", None, f"{VAULT}/secrets/db/{VERSION}"),
    ],
)
def test_a_secret_can_be_named_in_every_form_that_azure_shows(name: str, version: str | None, expected: str) -> None:
    assert str(SecretId.resolve(VAULT, name, version)) == expected


@pytest.mark.parametrize(
    ("name", "version", "problem"),
    [
        ("https://other-kv.vault.azure.net/secrets/db", None, "is not in the vault"),
        (f"{VAULT}/keys/db", None, "is not one of a secret"),
        ("db/latest", None, "secret version"),
        ("db", "latest", "secret version"),
        (f"db/{VERSION}", "0" * 32, "names one version and"),
    ],
)
def test_a_wrong_identifier_is_told(name: str, version: str | None, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        SecretId.resolve(VAULT, name, version)
