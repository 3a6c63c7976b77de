"""Keys from a keyless.toml, by the command line, in an export, and in the report of least privilege."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from keyless.cli.commands import keyless
from keyless.errors import ConfigurationError
from keyless.local import LocalAzure
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import read_config
from keyless.local.azure.exchange.exported import document_of
from keyless.local.azure.exchange.imported import config_of, import_config
from keyless.local.instruments.journal_entry import Entry
from keyless.local.testing.least_privilege import az_line, needs, uses

KEYS = {"signing": {"kty": "EC", "curve": "P-384", "key_ops": ["sign"]}, "wrapping": "RSA"}
DOCUMENT = {
    "vaults": {"contoso-kv": {"keys": KEYS, "policies": {"system": ["keys/sign", "get"]}}},
    "identities": {"system": {}},
}


def _kinds(azure: Azure) -> dict[str, tuple[str, tuple[str, ...], str | None]]:
    found = {key.name: key.facts for key in azure.vault("contoso-kv").keys}
    return {name: (facts["kty"], tuple(facts["key_ops"]), facts["public"].get("crv")) for name, facts in found.items()}


def test_a_vault_starts_with_the_keys_of_its_file_and_an_export_makes_their_like() -> None:
    azure = Azure(read_config("keyless.toml", DOCUMENT))
    kinds = _kinds(azure)
    assert kinds["signing"] == ("EC", ("sign",), "P-384")
    assert kinds["wrapping"][0] == "RSA"
    exported = json.loads(json.dumps(document_of(azure, with_values=True)))
    assert exported["vaults"]["contoso-kv"]["policies"] == {"system": ["get", "keys/sign"]}
    other = Azure(config_of("export", {}))
    assert import_config(other, config_of("export", exported))["keys"] == 2
    assert _kinds(other) == kinds
    assert import_config(other, config_of("export", exported))["keys"] == 0


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({"kty": "RSA", "curve": "P-256"}, "a key of the type RSA has no curve"),
        ({"kty": "EC", "size": 2048}, "a key of the type EC has no size"),
        ("oct", "signing"),
        ({"kty": "RSA", "size": 2050}, "no RSA key has 2050 bits"),
        ({"kty": "EC", "key_ops": ["dance"]}, "key_ops"),
    ],
)
def test_a_key_that_no_vault_makes_is_refused_by_its_place(key: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_config("keyless.toml", {"vaults": {"contoso-kv": {"keys": {"signing": key}}}})


def test_keys_are_made_listed_shown_rotated_and_deleted_by_command() -> None:
    with LocalAzure() as azure:
        env = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}

        def run(*words: str) -> str:
            done = CliRunner(env=env).invoke(keyless, ["key", *words])
            assert done.exit_code == 0, done.output
            return done.stdout

        assert "signing is now at version" in run(
            "create", "signing", "--type", "EC", "--curve", "P-521", "--op", "sign"
        )
        shown = json.loads(run("show", "signing"))
        assert (shown["kty"], shown["key_ops"], shown["public"]["crv"]) == ("EC", ["sign"], "P-521")
        assert not {"value", "d", "sealed"} & {*shown, *shown["public"]}
        assert "signing is now at version" in run("rotate", "signing")
        assert "signing" in run("list")
        assert "can be recovered until" in run("delete", "signing")
        missing = CliRunner(env=env).invoke(keyless, ["key", "show", "signing"])
        assert (missing.exit_code, "has no key 'signing'" in missing.stderr) == (1, True)


def test_the_least_for_keys_is_a_role_of_keys_on_that_key() -> None:
    def asked(operation: str, name: str) -> Entry:
        return Entry(
            time=0,
            service="vault",
            operation=operation,
            status=200,
            reason="",
            identity="app",
            vault="kv",
            kind="key",
            name=name,
        )

    found = needs(uses([asked("sign", "a"), asked("getKey", "b"), asked("wrapKey", "c"), asked("createKey", "d")]))
    assert [(need.role.name, need.item) for need in found] == [
        ("Key Vault Crypto User", "keys/a"),
        ("Key Vault Reader", "keys/b"),
        ("Key Vault Crypto Service Encryption User", "keys/c"),
        ("Key Vault Crypto Officer", "keys/d"),
    ]
    assert az_line(found[0]).endswith('--query id -o tsv)/keys/a"')
