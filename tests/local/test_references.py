"""Key Vault references are read as App Service reads them, and refused with what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keyless.errors import (
    AccessDeniedError,
    ConfigurationError,
    IdentityRefusedError,
    IdentityUnavailableError,
    KeylessError,
    SecretNotFoundError,
    VaultThrottledError,
    VaultUnreachableError,
)
from keyless.local.programs.references import (
    is_misplaced,
    is_reference,
    local_references,
    parse_reference,
    status_of,
)
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "0123456789abcdef0123456789abcdef"
SECRET = "https://contoso-kv.vault.azure.net/secrets/db-password"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (f"SecretUri={SECRET}", SECRET),
        (f"SecretUri={SECRET}/", SECRET),
        ("SecretUri=https://contoso-kv.vault.azure.net//secrets/db-password", SECRET),
        ("SecretUri=https://contoso-kv.vault.azure.net///secrets//db-password//", SECRET),
        (f"SecretUri={SECRET}/{VERSION}", f"{SECRET}/{VERSION}"),
        (f"secreturi={SECRET}", SECRET),
        ("VaultName=contoso-kv;SecretName=db-password", SECRET),
        (" VaultName = contoso-kv ; SecretName = db-password ;", SECRET),
        ("SecretName=db-password;VaultName=contoso-kv", SECRET),
        (f"VaultName=contoso-kv;SecretName=db-password;SecretVersion={VERSION}", f"{SECRET}/{VERSION}"),
        ("VaultName=contoso-kv;SecretName=db-password;SecretVersion=", SECRET),
        ("VaultName=Fabrikam;SecretName=x", "https://fabrikam.vault.azure.cn/secrets/x"),
    ],
)
def test_a_reference_means_a_secret(inside: str, expected: str) -> None:
    vault_urls = {"fabrikam": "https://fabrikam.vault.azure.cn"}
    assert str(parse_reference(f"@Microsoft.KeyVault({inside})", vault_urls=vault_urls)) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("@Microsoft.KeyVault()", "it has nothing"),
        ("@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/y", "does not end with a parenthesis"),
        ("@Microsoft.KeyVault(https://x.vault.azure.net/secrets/y)", "has no equals sign"),
        ("@Microsoft.KeyVault(VaultName=x)", "it has vaultname, and must have"),
        ("@Microsoft.KeyVault(VaultName=abc;SecretName=a;SecretName=b)", "it has a part twice"),
        (f"@Microsoft.KeyVault(SecretUri={SECRET};SecretName=b)", "and must have SecretUri"),
        ("@Microsoft.KeyVault(SecretUri=https://contoso-kv.vault.azure.net/keys/k)", "not one of a secret"),
        ("@Microsoft.KeyVault(VaultName=contoso_kv;SecretName=a)", "vault"),
        ("@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=a_b)", "secret name"),
    ],
)
def test_what_is_none_is_refused_with_what_is_wrong(value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_reference(value, vault_urls={})


@pytest.mark.parametrize(
    "value", ["", "plain", f"before @Microsoft.KeyVault(SecretUri={SECRET})", "@Microsoft.AppConfig("]
)
def test_other_values_are_no_references(value: str) -> None:
    assert not is_reference(value)


@pytest.mark.parametrize(
    "value",
    [
        f"Server=db;Password=@Microsoft.KeyVault(SecretUri={SECRET})",
        f'"@Microsoft.KeyVault(SecretUri={SECRET})"',
        f" @Microsoft.KeyVault(SecretUri={SECRET})",
        f"@Microsoft.KeyVault(SecretUri={SECRET}) ",
        f"@microsoft.keyvault(SecretUri={SECRET})\n",
    ],
)
def test_a_reference_with_anything_around_it_is_one_that_nobody_resolves(value: str) -> None:
    assert (is_misplaced(value), is_reference(value)) == (True, False)


@pytest.mark.parametrize("value", ["plain", f"@Microsoft.KeyVault(SecretUri={SECRET})", "@Microsoft.KeyVault(broken"])
def test_a_reference_that_is_the_whole_value_is_not_misplaced(value: str) -> None:
    assert not is_misplaced(value)


@pytest.mark.parametrize(
    ("error", "secret", "status"),
    [
        (ConfigurationError, None, "InvalidSyntax"),
        (SecretNotFoundError, SECRET, "SecretNotFound"),
        (SecretNotFoundError, f"{SECRET}/{VERSION}", "SecretVersionNotFound"),
        (AccessDeniedError, SECRET, "AccessToKeyVaultDenied"),
        (VaultUnreachableError, SECRET, "VaultNotFound"),
        (IdentityRefusedError, SECRET, "MSINotEnabled"),
        (IdentityUnavailableError, SECRET, "MSINotEnabled"),
        (VaultThrottledError, SECRET, "OtherReasons"),
        (ConfigurationError, SECRET, "OtherReasons"),
    ],
)
def test_a_failure_has_the_status_that_app_service_gives_it(
    error: type[KeylessError], secret: str | None, status: str
) -> None:
    failed = error("what", cause="cause", remedy="remedy")
    assert status_of(failed, SecretId.parse(secret) if secret else None) == status


def test_the_settings_file_gives_its_references_alone(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    assert local_references(file) == {}
    values = {"A": f"@Microsoft.KeyVault(SecretUri={SECRET})", "B": "plain", "C": 1}
    file.write_text(json.dumps({"Values": values}), encoding="utf-8-sig")
    assert local_references(file) == {"A": values["A"]}


def test_a_settings_file_that_cannot_be_read_matters_only_where_it_holds_references(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text('{"Values": {"A": "plain" "B": 1}}')
    assert local_references(file) == {}
    file.write_text('{"Values": {"A": "@Microsoft.KeyVault(VaultName=a;SecretName=b)" "B": 1}}')
    with pytest.raises(ConfigurationError, match=r"local\.settings\.json cannot be read"):
        local_references(file)
