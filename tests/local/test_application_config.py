"""Applications and groups in a keyless.toml: what is wrong is said with the key and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import load_config
from keyless.local.azure.exchange.exported import document_of, to_toml
from keyless.local.azure.exchange.imported import config_of, import_config

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, text: str) -> Azure:
    (folder / "keyless.toml").write_text(text, "utf-8")
    return Azure(load_config(folder / "keyless.toml"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[applications.ci]\ncertificate = 'none.pem'", "applications.ci.certificate: the file cannot be read"),
        ("[applications.ci]\ncertificate = 'keyless.toml'", "it holds no certificate in PEM"),
        ("[applications.ci]\nfederated = [{ issuer = 'https://x' }]", "the federated credential has no subject"),
        (
            "[applications.ci]\nfederated = [{ issuer = 'x', subject = 'y', keys = 'keyless.toml' }]",
            "applications.ci.federated.keys: it holds no JSON Web Key Set",
        ),
        ("[applications.ci]\ngroups = 'ops'", "there is no group 'ops'"),
        ("[identities.ci]\ngroups = ['ops']\n[groups.other]", "Allowed: other"),
        ("[applications.ci]\n[identities.ci]", "applications.ci: identities has that name, too"),
        ("[applications.ci]\n[groups.CI]", "groups.CI: applications has that name, too"),
        ("[applications.ci]\nroles = { no-kv = 'Key Vault Reader' }", "applications.ci.roles.no-kv: there is no vault"),
        ("[applications.ci]\nsecret = 3", "applications.ci.secret: it is an integer"),
        ("real = ['vaults']", "Allowed: arm"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert says in str(caught.value)


def test_ids_are_derived_unless_given_and_no_two_are_the_same(tmp_path: Path) -> None:
    given = "0a0b0c0d-0000-4000-8000-00000000000A"
    text = f"[applications.ci]\nclient_id = '{given}'\n[applications.other]\n[groups.ops]\nobject_id = '{given[:-1]}b'"
    azure = load(tmp_path, text)
    assert azure.directory.application("ci").client_id == given.lower()
    ids = [found.object_id for found in azure.directory.principals()]
    assert len(set(ids)) == len(ids) == 3
    again = load(tmp_path, text)
    assert [found.object_id for found in again.directory.principals()] == ids


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    azure = load(tmp_path, "[applications.ci]\n[groups.ops]")
    with pytest.raises(Exception, match=r"There is no application 'x'.*Those that exist: ci"):
        azure.directory.application("x")
    with pytest.raises(Exception, match=r"There is no group 'x'.*Those that exist: ops"):
        azure.directory.group("x")


def test_a_reset_has_the_applications_of_the_configuration(tmp_path: Path) -> None:
    azure = load(tmp_path, "[applications.ci]")
    azure.reset(load_config(tmp_path / "keyless.toml"))
    assert [*azure.directory.applications] == ["ci"]
    azure.reset()
    assert [*azure.directory.applications] == []


def test_what_is_exported_makes_the_same_again_and_is_imported_where_it_is_not(tmp_path: Path) -> None:
    text = """
[vaults.contoso-kv]
[identities.reporting]
groups = ["ops"]
[applications.ci]
secret = "the-secret"
federated = [{ issuer = "https://x", subject = "y" }]
roles = { contoso-kv = "Key Vault Reader" }
groups = ["ops"]
[groups.ops]
roles = { contoso-kv = "Key Vault Secrets User" }
"""
    azure = load(tmp_path, text)
    document = document_of(azure, with_values=True)
    assert load(tmp_path, to_toml(document)).directory.application("ci").secrets[0].value == "the-secret"
    empty = load(tmp_path, "[vaults.contoso-kv]")
    for _ in range(2):
        import_config(empty, config_of("test", document))
    assert document_of(empty, with_values=True) == document
    assert "the-secret" not in str(document_of(azure, with_values=False))
