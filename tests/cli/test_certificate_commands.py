"""Certificates from a keyless.toml, by the command line, in an export, in code, and in the report of least privilege."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from keyless import SecretReader
from keyless.cli.commands import keyless
from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local import LocalAzure
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import read_config
from keyless.local.azure.exchange.exported import document_of
from keyless.local.azure.exchange.imported import config_of, import_config
from keyless.local.azure.keyvault.certificates.package import read_package
from keyless.local.instruments.journal_entry import Entry
from keyless.local.testing.least_privilege import needs, uses

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.azure.keyvault.vault import Vault

CERTIFICATES = {
    "web": {"subject": "CN=contoso.com", "dns_names": ["contoso.com"], "kty": "EC", "tags": {"team": "blue"}},
    "kept": {"subject": "CN=kept", "kty": "EC", "exportable": False},
    "issued": {"subject": "CN=issued", "kty": "EC", "issuer": "public-ca", "content_type": "application/x-pem-file"},
}
DOCUMENT = {
    "vaults": {"contoso-kv": {"certificates": CERTIFICATES, "policies": {"system": ["certificates/get", "get"]}}},
    "identities": {"system": {}},
}


def _thumbprints(vault: Vault) -> dict[str, str]:
    return {found.name: found.facts["x5t"] for found in vault.certificates}


def test_a_vault_starts_with_the_certificates_of_its_file_and_an_export_brings_them_elsewhere() -> None:
    azure = Azure(read_config("keyless.toml", DOCUMENT))
    vault = azure.vault("contoso-kv")
    before = _thumbprints(vault)
    assert set(before) == set(CERTIFICATES)
    policy = vault.certificates.policy("issued")
    assert policy is not None
    assert policy.issuer == "public-ca"
    assert vault.get_secret("issued").value.count("BEGIN CERTIFICATE") == 2
    exported = json.loads(json.dumps(document_of(azure, with_values=True)))
    told = exported["vaults"]["contoso-kv"]
    assert told["policies"] == {"system": ["get", "certificates/get"]}
    assert not told["secrets"]
    assert "keys" not in told
    assert "value" not in told["certificates"]["kept"]
    assert not [each for each in _certificates(document_of(azure, with_values=False)) if "value" in each]
    other = Azure(config_of("export", {}))
    assert import_config(other, config_of("export", exported))["certificates"] == 3
    after = _thumbprints(other.vault("contoso-kv"))
    assert {name for name in before if before[name] == after[name]} == {"web", "issued"}
    assert import_config(other, config_of("export", exported))["certificates"] == 0
    found = other.vault("contoso-kv").certificates.find("web")
    assert found is not None
    assert found.attributes.tags == {"team": "blue"}


def _certificates(document: dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]]) -> list[dict[str, object]]:
    return list(document["vaults"]["contoso-kv"]["certificates"].values())


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("contoso.com", "not an X.500 name"),
        ({"subject": "CN=a", "kty": "RSA", "size": 2050}, "2050 bits"),
        ({"subject": "CN=a", "kty": "EC", "curve": "P-1"}, "curve"),
        ({"subject": "CN=a", "validity_months": 1300}, "validity_months"),
        ({"value": "AAAA"}, "not a PFX"),
        ({}, "not an X.500 name"),
    ],
)
def test_a_certificate_that_no_vault_makes_is_refused_by_its_place(certificate: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        read_config("keyless.toml", {"vaults": {"contoso-kv": {"certificates": {"web": certificate}}}})
    assert "web" in refused.value.what


def test_certificates_are_made_imported_listed_shown_renewed_and_deleted_by_command(tmp_path: Path) -> None:
    with LocalAzure() as azure:
        env = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}

        def run(*words: str) -> str:
            done = CliRunner(env=env).invoke(keyless, ["certificate", *words])
            assert done.exit_code == 0, done.output
            return done.stdout

        assert "web is now at version" in run("create", "web", "--type", "EC", "--dns-name", "contoso.com", "--pem")
        shown = json.loads(run("show", "web"))
        assert shown["policy"]["x509_props"]["sans"] == {"dns_names": ["contoso.com"]}
        package = read_package(azure.vault("contoso-kv").get_secret("web").value, None)
        encryption = BestAvailableEncryption(b"one")
        content = pkcs12.serialize_key_and_certificates(b"web", package.key, package.leaf, None, encryption)
        (tmp_path / "web.pfx").write_bytes(content)
        assert "brought is now at version" in run("import", "brought", str(tmp_path / "web.pfx"), "--password", "one")
        assert json.loads(run("show", "brought"))["thumbprint"] == shown["thumbprint"]
        assert "waits to be merged" in run("create", "waiting", "--issuer", "Unknown", "--type", "EC")
        assert "web is now at version" in run("renew", "web")
        lines = run("list").splitlines()
        assert [line.split()[0] for line in lines] == ["brought", "waiting", "web"]
        assert "pending" in lines[1]
        assert "can be recovered until" in run("delete", "web")
        assert azure.vault("contoso-kv").find_secret("web") is None
        missing = CliRunner(env=env).invoke(keyless, ["certificate", "show", "web"])
        assert (missing.exit_code, "has no certificate 'web'" in missing.stderr) == (1, True)


@pytest.mark.usefixtures("azure_environment")
def test_the_reader_gives_a_certificate_as_the_secret_behind_it(local_azure: LocalAzure) -> None:
    vault = local_azure.vault("contoso-kv")
    made = vault.create_certificate("web", "CN=contoso.com", policy={"key_props": {"kty": "EC"}})
    with SecretReader(vault.url) as reader:
        secret = reader.get("web")
        assert (secret.managed, secret.content_type) == (True, "application/x-pkcs12")
        assert secret.key_id == f"{vault.url}/keys/web/{made.version}"
        assert secret.expires_on is not None
        content = pkcs12.load_pkcs12(base64.b64decode(secret.value), None)
        assert content.cert is not None
        leaf = x509.load_der_x509_certificate(base64.b64decode(made.facts["cer"]))
        assert content.cert.certificate == leaf
        assert reader.get("db-password").key_id is None


def test_a_file_of_bytes_is_imported_in_code() -> None:
    azure = Azure()
    vault = azure.vault("contoso-kv")
    vault.create_certificate("web", "CN=contoso.com", dns_names=["contoso.com"], tags={"a": "b"})
    content = base64.b64decode(vault.get_secret("web").value)
    brought = vault.import_certificate("brought", content, enabled=False)
    found = vault.certificates.find("web")
    assert found is not None
    assert brought.facts["x5t"] == found.facts["x5t"]
    assert not brought.attributes.enabled
    again = vault.import_certificate(
        "again", content, policy={"secret_props": {"contentType": "application/x-pem-file"}}
    )
    assert again.facts["x5t"] == found.facts["x5t"]
    assert vault.get_secret("again").value.startswith("-----BEGIN PRIVATE KEY-----")


def test_what_belongs_to_a_certificate_is_not_changed_by_itself_in_code() -> None:
    azure = Azure()
    vault = azure.vault("contoso-kv")
    vault.create_certificate("web", "CN=contoso.com", policy={"key_props": {"kty": "EC"}})
    for change in (
        lambda: vault.set_secret("web", "x"),
        lambda: vault.update_secret("web", tags={}),
        lambda: vault.delete_secret("web"),
        lambda: vault.create_key("web"),
        lambda: vault.keys.rotate("web"),
        lambda: vault.keys.delete("web"),
    ):
        with pytest.raises(LocalAzureError, match="'web' belongs to the certificate of that name"):
            change()
    vault.certificates.delete("web")
    with pytest.raises(LocalAzureError, match="'web' belongs to the certificate of that name"):
        vault.purge_deleted_secret("web")


def test_the_least_for_certificates_is_a_role_of_certificates() -> None:
    def asked(operation: str, name: str | None) -> Entry:
        return Entry(
            time=0,
            service="vault",
            operation=operation,
            status=200,
            reason="",
            identity="app",
            vault="kv",
            kind="certificate",
            name=name,
        )

    found = needs(uses([asked("getCertificate", "a"), asked("createCertificate", "b")]))
    assert [(need.role.name, need.item) for need in found] == [
        ("Key Vault Reader", "certificates/a"),
        ("Key Vault Certificates Officer", "certificates/b"),
    ]
