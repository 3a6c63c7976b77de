"""``keyless export`` and ``keyless import``: what goes out comes in again."""

from __future__ import annotations

import json
import stat
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from keyless.cli.commands import keyless
from keyless.local.azure.config.config import load_config
from keyless.local.azure.exchange.exported import document_of, to_toml
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-51c9"
CONFIG = f"""
role_propagation_seconds = 2
[roles.Reader-of-Values]
data_actions = ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]
[roles.Maker-of-Vaults]
actions = ["Microsoft.KeyVault/vaults/*"]
not_actions = ["Microsoft.KeyVault/vaults/delete"]
[vaults.first-kv]
soft_delete_days = 7
purge_protection = true
firewall = ["127.0.0.0/8"]
limits = true
[vaults.first-kv.secrets]
plain = "{CANARY}"
[vaults.second-kv]
cloud = "AZURE_CHINA"
public_network_access = "perimeter"
[vaults.second-kv.perimeter]
allowed = ["127.0.0.0/8"]
subscriptions = ["00001111-aaaa-2222-bbbb-3333cccc4444"]
enforced = false
[vaults.second-kv.policies]
worker = ["get", "list"]
[identities.system]
roles = {{ first-kv = ["Reader-of-Values", "Key Vault Reader", "Maker-of-Vaults"], "first-kv/plain" = "Key Vault Secrets User" }}
[identities.worker]
client_id = "00001111-aaaa-2222-bbbb-3333cccc4444"
assigned = false
"""
ODD = 'a "quoted"\\ line\nand a tab\t, DEL \x7f, NUL \x00, é, 🔑, [x] = #'


def command(azure: LocalAzure, *arguments: str) -> str:
    env = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}
    result = CliRunner(env=env).invoke(keyless, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def filled(azure: LocalAzure) -> LocalAzure:
    """Put in what a configuration did not: secrets set later, with every property, and odd texts."""
    azure.vault("first-kv").set_secret(
        "full",
        ODD,
        content_type=ODD,
        enabled=False,
        not_before=datetime(2030, 1, 1, tzinfo=UTC),
        expires_on=datetime(2031, 1, 1, tzinfo=UTC),
        tags={"odd name.": ODD},
    )
    azure.identity("worker").grant("Key Vault Secrets Officer", on="second-kv")
    return azure


@pytest.mark.parametrize("form", ["toml", "json"])
def test_what_is_exported_with_values_makes_the_same_azure_again(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"all.{form}"
    (tmp_path / "keyless.toml").write_text(CONFIG)
    with LocalAzure(load_config(tmp_path / "keyless.toml")) as azure:
        command(filled(azure), "export", "--with-values", str(file))
        before = document_of(azure.azure, with_values=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with LocalAzure(load_config(tmp_path / "keyless.toml")) as azure:
        said = command(azure, "import", str(file))
        assert said == "0 vaults, 0 identities, 1 roles, 1 secrets, 0 keys, 0 certificates added.\n"
        assert document_of(azure.azure, with_values=True) == before
        assert (
            command(azure, "import", str(file))
            == "0 vaults, 0 identities, 0 roles, 0 secrets, 0 keys, 0 certificates added.\n"
        )
    if form == "toml":
        with LocalAzure(load_config(file)) as azure:
            assert document_of(azure.azure, with_values=True) == before


def test_what_is_imported_into_another_azure_is_added_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(
        '[vaults.new-kv.secrets]\na = "1"\n[vaults.contoso-kv.secrets]\ndb-password = "newer"\n'
        '[identities.guest]\nroles = { new-kv = "Key Vault Reader" }\n'
    )
    with LocalAzure() as azure:
        assert command(azure, "import", str(tmp_path / "more.toml")) == (
            "1 vaults, 1 identities, 1 roles, 2 secrets, 0 keys, 0 certificates added.\n"
        )
        assert azure.vault("new-kv").get_secret("a").value == "1"
        assert azure.vault("contoso-kv").get_secret("db-password").value == "newer"
        assert azure.vault("contoso-kv").get_secret("api-key").value == "local-api-key"


@pytest.mark.parametrize("form", ["toml", "json"])
def test_no_value_is_exported_unless_it_is_asked_for(tmp_path: Path, form: str) -> None:
    with LocalAzure() as azure:
        azure.vault("contoso-kv").set_secret("a", CANARY)
        text = command(azure, "export", "--format", form, "-")
        assert CANARY in command(azure, "export", "--format", form, "--with-values", "-")
    assert CANARY not in text
    document = tomllib.loads(text) if form == "toml" else json.loads(text)
    assert document["vaults"]["contoso-kv"]["secrets"]["a"] == {"enabled": True}
    file = tmp_path / f"bare.{form}"
    file.write_text(text)
    result = CliRunner().invoke(keyless, ["import", str(file)])
    assert (result.exit_code, "the secret has no value" in result.stderr) == (1, True)


@pytest.mark.parametrize("form", ["toml", "json"])
def test_a_folder_is_exported_and_imported_while_nothing_runs(tmp_path: Path, form: str) -> None:
    file, data, copy = tmp_path / f"all.{form}", tmp_path / "data", tmp_path / "copy"
    with LocalAzure(data=data) as azure:
        azure.vault("contoso-kv").set_secret("a", ODD, tags={"t": ODD})
        busy = CliRunner().invoke(keyless, ["export", "--data", str(data), str(file)])
        assert (busy.exit_code, "is in use" in busy.stderr) == (1, True)
    done = CliRunner().invoke(keyless, ["export", "--data", str(data), "--with-values", str(file)])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(keyless, ["import", "--data", str(copy), str(file)])
    assert (done.exit_code, "3 secrets, 0 keys, 0 certificates added" in done.stdout) == (0, True)
    with LocalAzure(data=copy) as azure:
        found = azure.vault("contoso-kv").get_secret("a")
        assert (found.value, found.attributes.tags) == (ODD, {"t": ODD})


def test_an_import_that_cannot_be_whole_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "more.toml"
    file.write_text('[vaults.contoso-kv.secrets]\nfresh = "1"\ndb-password = "2"\n[identities.guest]\n')
    with LocalAzure() as azure:
        azure.vault("contoso-kv").delete_secret("db-password")
        before = document_of(azure.azure, with_values=True)
        env = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}
        result = CliRunner(env=env).invoke(keyless, ["import", str(file)])
        assert (result.exit_code, "'db-password' is deleting" in result.stderr) == (1, True)
        assert document_of(azure.azure, with_values=True) == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "[vaults.contoso-kv.secrets]\nx = 1\n", "a.toml:2"),
        ("a.json", "{", "it is not JSON"),
        ("a.json", "[]", "holds no object"),
        (
            "a.json",
            '{"vaults": {"contoso-kv": {"secrets": {"x": {"value": "v", "expires_on": "soon"}}}}}',
            "expires_on",
        ),
        ("a.json", '{"vaults": 1}', "vaults"),
        ("a.json", '{"vautls": {}}', "vautls"),
    ],
)
def test_a_wrong_file_is_told_before_anything_is_asked(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    result = CliRunner().invoke(keyless, ["import", str(tmp_path / name)])
    assert (result.exit_code, said in result.stderr) == (1, True), result.output


def test_a_large_azure_is_imported_whole(tmp_path: Path) -> None:
    secrets = {f"s{number}": {"value": "x" * 20_000} for number in range(100)}
    (tmp_path / "large.json").write_text(json.dumps({"vaults": {"contoso-kv": {"secrets": secrets}}}))
    with LocalAzure() as azure:
        assert "100 secrets, 0 keys, 0 certificates added" in command(azure, "import", str(tmp_path / "large.json"))


@pytest.mark.parametrize("text", ["", "plain", ODD, "'''", '"""', "\\u0041", "\r\n", " \t "])
def test_every_text_survives_toml(text: str) -> None:
    document = {"a": {"value": text, text or "key": {"list": [text, text]}}, "n": 1.5, "flag": True}
    assert tomllib.loads(to_toml(document)) == document
