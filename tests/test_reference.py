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


def _document(table: type, line: str) -> str:
    """Return a whole file in which a line is a key of a table."""
    line = line.replace("GUID", GUID)
    vault = "[vaults.contoso-kv]\n"
    identities = "[identities.system]\n[identities.reporting]\n"
    if table is declaration.KeylessToml:
        return line if line.startswith("vaults") else f"{line}\n{vault if not line.startswith('vaults') else ''}"
    if table is declaration.VaultTable:
        return f"{vault}{line}\n{'soft_delete_days = 90' if line.startswith('purge') else ''}\n{identities}"
    if table is declaration.SecretTable:
        more = "" if line.startswith("value") else '\nvalue = "x"'
        return f"[vaults.contoso-kv.secrets.db-password]\n{line}{more}\n"
    if table is declaration.KeyTable:
        more = {"kty": "", "curve": '\nkty = "EC"'}.get(line.partition(" ")[0], '\nkty = "RSA"')
        return f"[vaults.contoso-kv.keys.signing]\n{line}{more}\n"
    if table is declaration.PerimeterTable:
        return f"[vaults.contoso-kv.perimeter]\n{line}\n"
    if table is declaration.IdentityTable:
        return f"{vault}[identities.reporting]\n{line}\n"
    if table is declaration.GrantTable:
        more = "" if line.startswith("role") else ', role = "Key Vault Secrets User"'
        return f"{vault}[identities.system.roles]\ncontoso-kv = {{ {line}{more} }}\n"
    if table is declaration.RoleTable:
        return f"[roles.mine]\n{line}\n"
    if table is declaration.FunctionsTable:
        return f"[functions]\n{line}\n"
    more = "" if line.startswith("env") else ', env = "NOT_SET"'
    return f"[vaults.contoso-kv.secrets]\ndb-password = {{ value = {{ {line}{more} }} }}\n"


LINES = [(table, example(table, field)) for table in TABLES.values() for field in fields(table)]


@pytest.mark.parametrize(
    ("table", "line"), LINES, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_every_example_of_a_key_is_one_that_the_reader_takes(table: type, line: str) -> None:
    document = json.loads(json.dumps(tomllib.loads(_document(table, line)), default=lambda moment: moment.isoformat()))
    read_config("page", document, environment={"DB_PASSWORD": "x"})
