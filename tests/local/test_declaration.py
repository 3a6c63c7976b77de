"""keyless.toml is declared once: what the reader takes, the schema takes, and the control API asks it too."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest

from keyless.clouds import CLOUDS
from keyless.errors import ConfigurationError
from keyless.local import SOURCES, Config, read_config
from keyless.local.azure.config import declaration, value_kinds
from keyless.local.azure.config.json_schema import schema_text

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "keyless.schema.json"
VAULT: dict[str, Any] = {"vaults": {"contoso-kv": {}}}


def _with_vault(**keys: Any) -> dict[str, Any]:
    return {"vaults": {"contoso-kv": keys}}


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_schema_in_the_documents_is_that_of_the_declaration() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "make schema writes it"


def test_the_schema_takes_every_file_that_the_documents_show_and_the_default(
    schema: jsonschema_rs.Draft202012Validator,
) -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    blocks = [block for page in pages for block in re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    files = [block for block in blocks if re.search(r"^\[(vaults|identities)", block, re.MULTILINE)]
    files.append((ROOT / "src" / "keyless" / "local" / "default.toml").read_text(encoding="utf-8"))
    for text in files:
        document = tomllib.loads(text)
        schema.validate(json.loads(json.dumps(document, default=lambda moment: moment.isoformat())))
        assert isinstance(read_config("page", document), Config)
    assert len(files) > 1


@pytest.mark.parametrize(
    "document",
    [
        {"vault": {}},
        {"vaults": 3},
        {"tenant_id": "mine"},
        {"vaults": {"my vault": {}}},
        _with_vault(secrets={"bad_name": "x"}),
        _with_vault(secrets={"port": 5432}),
        _with_vault(secrets={"x": {}}),
        _with_vault(secrets={"x": {"value": "v", "enabled": "no"}}),
        _with_vault(cloud="AZURE_MOON"),
        _with_vault(access="none"),
        _with_vault(soft_delete_days=6),
        _with_vault(soft_delete_days=91),
        _with_vault(soft_delete_days=True),
        _with_vault(deletion_seconds=-1),
        _with_vault(firewall=[1]),
        {"identities": {"a b": {}}},
        {"identities": {"a": {"client_id": "x"}}},
        {"identities": {"a": {"resource_id": "x"}}},
        {"roles": {"Own": {"actions": 3}}},
        {"functions": {"settings": {"A": 1}}},
        {"token_lifetimes": {"moon": 60}},
        {"token_lifetimes": {"imds": 0}},
        {"role_propagation_seconds": "soon"},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses_too(
    schema: jsonschema_rs.Draft202012Validator, document: dict[str, Any]
) -> None:
    assert not schema.is_valid(document)
    with pytest.raises(ConfigurationError):
        read_config("here", document)


def test_the_smallest_and_the_largest_that_are_allowed_are_taken(schema: jsonschema_rs.Draft202012Validator) -> None:
    for days in (0, 7, 90):
        document = _with_vault(soft_delete_days=days, deletion_seconds=0)
        assert schema.is_valid(document)
        assert read_config("here", document).vaults["contoso-kv"].settings.soft_delete_days == days


def test_a_name_with_a_line_end_is_refused() -> None:
    documents: list[dict[str, Any]] = [
        {"vaults": {"contoso-kv\n": {}}},
        _with_vault(secrets={"x\n": "v"}),
        {"tenant_id": "00001111-aaaa-2222-bbbb-3333cccc4444\n"},
    ]
    for document in documents:
        with pytest.raises(ConfigurationError):
            read_config("here", document)


def test_a_time_may_be_text_as_json_has_it_and_must_have_its_zone() -> None:
    secret = {"value": "v", "expires_on": "2030-01-31T12:00:00+01:00"}
    (found,) = read_config("here", _with_vault(secrets={"x": secret})).vaults["contoso-kv"].secrets
    assert found.attributes.expires_on == 1896087600
    for text, problem in (("2030-01-31T12:00:00", "the time has no zone"), ("soon", "it is not a time")):
        with pytest.raises(ConfigurationError, match=rf"secrets\.x\.expires_on: {problem}"):
            read_config("here", _with_vault(secrets={"x": {**secret, "expires_on": text}}))


def test_clouds_and_sources_are_those_that_there_are() -> None:
    assert list(get_args(value_kinds.Cloud)) == [cloud.name for cloud in CLOUDS]
    assert json.loads(SCHEMA.read_text("utf-8"))["$defs"]["KeylessToml"]["properties"]["token_lifetimes"][
        "propertyNames"
    ] == {"enum": list(SOURCES)}


def test_no_representation_of_what_was_read_shows_a_value() -> None:
    table = declaration.SecretTable(value="canary")
    assert "canary" not in repr(declaration.VaultTable(secrets={"x": "canary", "y": table})) + repr(table)
