"""The reference is what the code says: every command, option, key, name and export is in its pages."""

from __future__ import annotations

import json
import tomllib

import pytest
from msgspec.structs import fields
from tests.reference.keyless_toml import TABLES, example
from tests.reference.pages import FOLDER, pages

import keyless
import keyless.local
from keyless.local.azure.config import declaration
from keyless.local.azure.config.config import read_config

GUID = "0f2a0f2a-0000-0000-0000-000000000009"


def test_the_pages_are_what_the_code_says() -> None:
    found = {name: (FOLDER / name).read_text(encoding="utf-8") for name in pages()}
    assert [name for name, text in pages().items() if text != found[name]] == [], "make reference writes them"


def test_every_table_of_the_declaration_is_in_the_page() -> None:
    tables = {
        kind for kind in vars(declaration).values() if isinstance(kind, type) and issubclass(kind, declaration.Table)
    }
    # These are only what others have in common, or what the control API takes.
    assert tables - {declaration.Table, declaration.IdentityIds, declaration.NewIdentity} == set(TABLES.values())


def test_every_export_is_in_the_page() -> None:
    text = (FOLDER / "python.md").read_text(encoding="utf-8")
    for module in (keyless, keyless.local):
        assert [name for name in module.__all__ if f"### {module.__name__}.{name}\n" not in text] == []


VAULT = "[vaults.contoso-kv]\n"
# A whole file for a key of each table: the key itself is LINE, and what else the table needs is MORE.
FILES = {
    declaration.KeylessToml: "LINE\n",
    declaration.VaultTable: f"{VAULT}LINE\n[identities.system]\n",
    declaration.SecretTable: "[vaults.contoso-kv.secrets.db-password]\nLINE\nMORE\n",
    declaration.KeyTable: "[vaults.contoso-kv.keys.signing]\nLINE\nMORE\n",
    declaration.CertificateTable: "[vaults.contoso-kv.certificates.site]\nLINE\nMORE\n",
    declaration.PerimeterTable: "[vaults.contoso-kv.perimeter]\nLINE\n",
    declaration.IdentityTable: f"{VAULT}[groups.operators]\n[identities.reporting]\nLINE\n",
    declaration.GrantTable: f"{VAULT}[identities.system.roles]\ncontoso-kv = {{ LINE MORE }}\n",
    declaration.ApplicationTable: f"{VAULT}[groups.operators]\n[applications.batch]\nLINE\n",
    declaration.FederatedTable: "[applications.batch]\nfederated = [{ LINE MORE }]\n",
    declaration.GroupTable: f"{VAULT}[groups.operators]\nLINE\n",
    declaration.RoleTable: "[roles.mine]\nLINE\nMORE\n",
    declaration.FunctionsTable: "[functions]\nLINE\n",
    declaration.EnvironmentValue: "[vaults.contoso-kv.secrets]\ndb-password = { value = { LINE MORE } }\n",
}
MORE = {
    declaration.SecretTable: {"value": "", "": 'value = "x"'},
    declaration.KeyTable: {"kty": "", "curve": 'kty = "EC"', "": 'kty = "RSA"'},
    declaration.CertificateTable: {"subject": "", "curve": 'subject = "CN=a"\nkty = "EC"', "": 'subject = "CN=a"'},
    declaration.FederatedTable: {
        "issuer": ', subject = "a"',
        "subject": ', issuer = "https://issuer.example"',
        "": ', issuer = "https://issuer.example", subject = "a"',
    },
    declaration.RoleTable: {
        "data_actions": "",
        "actions": "",
        "": 'data_actions = ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]',
    },
    declaration.GrantTable: {"role": "", "": ', role = "Key Vault Secrets User"'},
    declaration.EnvironmentValue: {"env": "", "": ', env = "NOT_SET"'},
}


def document(table: type[declaration.Table], line: str) -> str:
    """Return a whole file in which a line is a key of a table."""
    # A role needs its vault, and nothing else needs the vaults of the whole file.
    needed = VAULT if table is declaration.KeylessToml and line.startswith(("identities", "groups")) else ""
    more = MORE.get(table, {"": ""})
    found = more.get(line.partition(" ")[0], more[""])
    return FILES[table].replace("LINE", line.replace("GUID", GUID)).replace("MORE", found) + needed


# What needs a real certificate, or a file of one: tests/local has some.
WITH_FILES = {
    (declaration.CertificateTable, "value"),
    (declaration.CertificateTable, "password"),
    (declaration.ApplicationTable, "certificate"),
    (declaration.FederatedTable, "keys"),
}
LINES = [
    (table, example(table, field))
    for table in TABLES.values()
    for field in fields(table)
    if (table, field.name) not in WITH_FILES
]


@pytest.mark.parametrize(
    ("table", "line"), LINES, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_every_example_of_a_key_is_one_that_the_reader_takes(table: type, line: str) -> None:
    found = json.loads(json.dumps(tomllib.loads(document(table, line)), default=lambda moment: moment.isoformat()))
    read_config("page", found, environment={"DB_PASSWORD": "x"})
