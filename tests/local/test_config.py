from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config, default_config, load_config
from keyless.local.azure.exchange.exported import document_of, to_toml
from keyless.local.azure.keyvault.objects.attributes import Attributes

if TYPE_CHECKING:
    from pathlib import Path

RESOURCE_ID = (
    "/subscriptions/00001111-aaaa-2222-bbbb-3333cccc4444/resourceGroups/g"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/r"
)
CLIENT_ID = "0f2a1b3c-4d5e-6f70-8192-a3b4c5d6e7f8"
VAULT = '[vaults.contoso-kv.secrets]\ndb-password = "s3cr3t"\n'


def _load(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "keyless.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def test_the_default_has_a_vault_and_an_identity_of_each_kind() -> None:
    config = default_config()
    assert [secret.name for secret in config.vaults["contoso-kv"].secrets] == ["db-password", "api-key"]
    kinds = {name: (identity.kind, bool(identity.roles)) for name, identity in config.identities.items()}
    assert kinds == {"system": ("system", True), "reporting": ("user", True), "newcomer": ("user", False)}


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        f"""
        tenant_id = "{CLIENT_ID.upper()}"
        [vaults.contoso-kv]
        tenant_id = "{CLIENT_ID}"
        cloud = "AZURE_CHINA"
        [vaults.contoso-kv.secrets]
        plain = "one"
        [vaults.contoso-kv.secrets.full]
        value = "two"
        content_type = "text/plain"
        enabled = false
        not_before = 2020-01-01T00:00:00Z
        expires_on = 2030-01-01T00:00:00+01:00
        tags = {{ owner = "me" }}
        [identities.reporting]
        client_id = "{CLIENT_ID.upper()}"
        assigned = false
        resource_id = "{RESOURCE_ID}"
        roles = {{ contoso-kv = "Key Vault Reader", "Contoso-KV/full" = ["key vault secrets user"] }}
        """,
    )
    vault, identity = config.vaults["contoso-kv"], config.identities["reporting"]
    plain, full = vault.secrets
    assert (config.tenant_id, vault.settings.tenant_id, vault.settings.cloud) == (CLIENT_ID, CLIENT_ID, "AZURE_CHINA")
    assert (plain.value, plain.attributes, full.value) == ("one", Attributes(), "two")
    assert full.attributes == Attributes(
        content_type="text/plain",
        enabled=False,
        not_before=int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()),
        expires_on=1893452400,
        tags={"owner": "me"},
    )
    assert (identity.client_id, identity.object_id, identity.assigned) == (CLIENT_ID, None, False)
    assert [(grant.role, str(grant.scope)) for grant in identity.roles] == [
        ("Key Vault Reader", "contoso-kv"),
        ("Key Vault Secrets User", "contoso-kv/full"),
    ]


def test_an_empty_file_is_an_azure_with_nothing_in_it(tmp_path: Path) -> None:
    config = _load(tmp_path, "")
    assert (dict(config.vaults), dict(config.identities), dict(config.functions.settings)) == ({}, {}, {})


@pytest.mark.parametrize(
    ("text", "line", "key", "problem", "allowed"),
    [
        ("vault = 1", 1, "vault", "unknown key, did you mean 'vaults'?", "tenant_id, vaults, identities, roles"),
        ("\n[identitys.system]", 2, "identitys", "did you mean 'identities'?", "functions"),
        ("[zebra]", 1, "zebra", "unknown key.", "tenant_id"),
        ("vaults = 3", 1, "vaults", "it is an integer", "a table"),
        ('tenant_id = "mine"', 1, "tenant_id", "it is not a GUID", "00001111-aaaa"),
        ('[vaults."my vault"]', 1, 'vaults."my vault"', "not a name that a vault can have", "3 to 24 letters"),
        ("[vaults.a--b]", 1, "vaults.a--b", "not a name that a vault can have", "single hyphens"),
        ("[vaults.contoso]\nsecret = {}", 2, "vaults.contoso.secret", "did you mean 'secrets'?", "cloud"),
        ('[vaults.contoso]\ncloud = "AZURE_MOON"', 2, "vaults.contoso.cloud", "no cloud 'AZURE_MOON'", "AZURE_CHINA"),
        ("[vaults.contoso]\n[vaults.CONTOSO]", 2, "vaults.CONTOSO", "the same name as 'contoso'", "more than case"),
        (f"{VAULT}db_host = 'x'", 3, "vaults.contoso-kv.secrets.db_host", "not a name that a secret", "hyphens"),
        (f"{VAULT}port = 5432", 3, "vaults.contoso-kv.secrets.port", "it is an integer", "a table"),
        (f"{VAULT}x = {{ }}", 3, "vaults.contoso-kv.secrets.x", "the secret has no value", '{ value = "..."'),
        (f"{VAULT}x = {{ value = 'v', enabld = 1 }}", 3, "secrets.x.enabld", "did you mean 'enabled'?", "tags"),
        (f"{VAULT}x = {{ value = 'v', enabled = 'no' }}", 3, "secrets.x.enabled", "it is a string", "true or false"),
        (f"{VAULT}x = {{ value = 'v', expires_on = 2030-01-01T00:00:00 }}", 3, "expires_on", "has no zone", "Z"),
        (f"{VAULT}x = {{ value = 'v', expires_on = 1893456000 }}", 3, "expires_on", "an integer", "2030-01-31T12"),
        (f"{VAULT}x = {{ value = 'v', tags = {{ a = 1 }} }}", 3, "secrets.x.tags.a", "an integer", "a string"),
        (f"{VAULT}x = '{'v' * 25_601}'", 3, "secrets.x", "The value is 25,601 bytes", "at most 25,600 bytes"),
        (f"{VAULT}x = {{ value = 'v', content_type = '{'c' * 256}' }}", 3, "secrets.x", "has 256", "255 characters"),
        (f"{VAULT}[identities.a]\nclient = 'x'", 4, "identities.a.client", "did you mean 'client_id'?", "roles"),
        (f"{VAULT}[identities.a]\nclient_id = 'x'", 4, "identities.a.client_id", "not a GUID", "a GUID"),
        (f"{VAULT}[identities.a]\nresource_id = 'x'", 4, "resource_id", "not an ARM resource id", "/subscriptions/"),
        (f"{VAULT}[identities.'a b']", 3, 'identities."a b"', "not a name that an identity", "underscores"),
        (f"{VAULT}[identities.a.roles]\nkv2 = 'Key Vault Reader'", 4, "roles.kv2", "no vault 'kv2'", "contoso-kv"),
        (f"{VAULT}[identities.a.roles]\n'contoso-kv/a b' = []", 4, '"contoso-kv/a b"', "not a name", "hyphens"),
        (f"{VAULT}[identities.a.roles]\n'contoso-kv/' = []", 4, '"contoso-kv/"', "not a name", "hyphens"),
        (f"{VAULT}[identities.a.roles]\ncontoso-kv = 1", 4, "roles.contoso-kv", "an integer", "a list of them"),
        (
            f"{VAULT}[identities.a.roles]\ncontoso-kv = 'Secrets User'",
            4,
            "roles.contoso-kv",
            "There is no role 'Secrets User'",
            "Key Vault Secrets Officer",
        ),
        (
            f"[identities.a]\nclient_id = '{CLIENT_ID}'\n[identities.b]\nclient_id = '{CLIENT_ID.upper()}'",
            4,
            "identities.b.client_id",
            "it is the client_id of 'a' too",
            "no other identity",
        ),
        ("# \u2028 and \x85 end no line\nzebra = 1", 2, "zebra", "unknown key.", "tenant_id"),
        ("[functions.settings]\nSECRET_NAME = 1", 2, "functions.settings.SECRET_NAME", "an integer", "a string"),
    ],
)
def test_a_wrong_file_is_refused_with_line_key_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, key: str, problem: str, allowed: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path, text)
    assert caught.value.what.startswith(f"{tmp_path / 'keyless.toml'}:{line}: ")
    assert key in caught.value.what
    assert problem in caught.value.what
    assert allowed in caught.value.remedy


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert list(_load(tmp_path, f"\ufeff{VAULT}").vaults) == ["contoso-kv"]


def test_bad_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"keyless\.toml:2: the file is not valid TOML"):
        _load(tmp_path, "[vaults]\nx = = 1")


def test_toml_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"keyless\.toml:2: the file is not valid TOML"):
        _load(tmp_path, '[vaults]\nx = "abc')


def test_a_line_inside_a_long_text_is_not_taken_for_a_key(tmp_path: Path) -> None:
    text = '[vaults.contoso.secrets]\nlong = """\n[vaults.contoso.secrets]\nbad_name = 1\n"""\nbad_name = "x"\n'
    with pytest.raises(ConfigurationError, match=r"keyless\.toml:6: .*bad_name"):
        _load(tmp_path, text)


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file or directory"):
        load_config(tmp_path / "none.toml")


def test_a_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keyless.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8: byte 1 belongs to no character"):
        load_config(tmp_path / "keyless.toml")


def test_no_representation_and_no_error_shows_a_value(tmp_path: Path) -> None:
    assert "canary" not in repr(_load(tmp_path, '[vaults.contoso.secrets]\nx = "canary"\ny = { value = "canary" }'))
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path, '[vaults.contoso.secrets]\nx = ["canary"]')
    assert "canary" not in str(caught.value)


CONDITION = "@Resource[Microsoft.KeyVault/vaults/secrets:name] StringStartsWith 'app-'"


def test_a_role_with_a_condition_stands_beside_roles_without(tmp_path: Path) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text(
        "[vaults.contoso-kv]\n[identities.app.roles]\n"
        f'contoso-kv = ["Key Vault Reader", {{ role = "Key Vault Secrets User", condition = "{CONDITION}" }}]\n'
    )
    azure = Azure(load_config(file))

    held = azure.role_assignments.held_by(azure.identity("app").object_id)
    assert [(each.role.name, each.condition and each.condition.text) for each in held] == [
        ("Key Vault Reader", None),
        ("Key Vault Secrets User", CONDITION),
    ]
    file.write_text(to_toml(document_of(azure, with_values=True)))
    again = Azure(load_config(file))
    assert [
        (each.role, each.condition) for each in again.role_assignments.held_by(again.identity("app").object_id)
    ] == [(each.role, each.condition) for each in held]


def test_a_condition_that_cannot_be_read_names_its_line_in_the_file_and_its_place_in_the_condition(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text(
        "[vaults.contoso-kv]\n[identities.app.roles]\n"
        'contoso-kv = { role = "Key Vault Secrets User", condition = "@Resource[a] StringEqual \'b\'" }\n'
    )

    with pytest.raises(ConfigurationError) as refused:
        load_config(file)
    assert refused.value.what.startswith(
        f"{file}:3: identities.app.roles.contoso-kv: The condition cannot be read at line 1"
    )
    assert "Did you mean StringEquals?" in refused.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[vaults.contoso-kv.secrets]\ndb-password = 5\n", 'a string in quotes, or a table such as { value = "'),
        ('[vaults.contoso-kv.secrets]\ndb_password = "x"\n', "did you mean 'db-password'?"),
        ("[vaults.contoso-kv]\nsoft-delete-days = 7\n", "did you mean 'soft_delete_days'?"),
        (
            '[vaults.contoso-kv]\n[identities.system]\nroles = { contoso_kv = "Key Vault Reader" }\n',
            "did you mean 'contoso-kv'?",
        ),
    ],
)
def test_a_slip_is_answered_with_what_was_probably_meant(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "keyless.toml").write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load_config(tmp_path / "keyless.toml")
    assert said in str(refused.value)
    assert "?." not in str(refused.value)


def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text("# nothing\n")
    assert load_config(file).warnings == (f"{file} is empty: the local Azure has no vault and no identity.",)
    file.write_text(
        '[vaults.contoso-kv.secrets]\ndb-password = "x"\n[identities.system.roles]\n'
        '"contoso-kv/db-password" = "Key Vault Secrets User"\n"contoso-kv/nope" = "Key Vault Secrets User"\n'
    )
    [warning] = load_config(file).warnings
    assert warning == (
        f"{file}:5: system has Key Vault Secrets User on contoso-kv/nope, and there is no such secret yet."
    )
