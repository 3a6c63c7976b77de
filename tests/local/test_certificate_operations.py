"""Certificates of a vault over its wire: how they come about, what stands behind them, and what goes with them."""

from __future__ import annotations

import base64
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from tests.local.conftest import VaultWire

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.certificates.issuing import Life, certificate_for
from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate
from keyless.local.azure.keyvault.certificates.policy import read_policy
from keyless.local.azure.keyvault.keys.material import make_key
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.azure.storage.database import Database
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from pathlib import Path

    import requests
    from tests.local.conftest import Serve

    from keyless.local.azure.event_grid import VaultEvent

PEM, PFX = "application/x-pem-file", "application/x-pkcs12"
DAY = 86_400


def policy_of(issuer: str = "Self", **parts: Any) -> dict[str, Any]:
    return {
        "key_props": {"kty": "EC", "crv": "P-256"},
        "x509_props": {"subject": "CN=contoso.com, O=Contoso, C=US"},
        "issuer": {"name": issuer},
        **parts,
    }


class Certificates:
    """Asks a vault about certificates."""

    def __init__(self, serve: Serve) -> None:
        self.azure = Azure(Config())
        self.vault = self.azure.add_vault("contoso-kv", VaultSettings(deletion_seconds=0, recovery_seconds=0))
        self.azure.add_identity("system").grant("Key Vault Administrator", on=self.vault)
        self.wire = VaultWire(self.azure, serve(vault_app(self.azure)))

    def send(self, method: str, path: str, **body: Any) -> requests.Response:
        return self.wire.ask(method, f"/{path}", body=json.dumps(body) if body else None)

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self.send(method, path, **body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else {}

    def refusal(self, method: str, path: str, **body: Any) -> tuple[int, str, str]:
        answer = self.send(method, path, **body)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    def create(self, name: str = "web", **parts: Any) -> dict[str, Any]:
        self.ask("POST", f"certificates/{name}/create", policy=policy_of(**parts))
        self.azure.clock.advance(seconds=self.vault.settings.issuance_seconds)
        return self.ask("GET", f"certificates/{name}")


@pytest.fixture
def certificates(serve: Serve) -> Certificates:
    return Certificates(serve)


def own_certificate(key: Any = None, *, months: int = 12) -> tuple[Any, x509.Certificate]:
    key = key or make_key("EC")
    policy = read_policy(policy_of(), now=1_700_000_000)
    made = certificate_for(key, policy, Life.beginning(1_700_000_000, months=months), issuer=None)
    return key, x509.load_der_x509_certificate(made)


def pem_of(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()  # type: ignore[no-any-return]


def leaf_of(body: dict[str, Any]) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(body["cer"]))


def test_a_certificate_is_ordered_and_there_a_while_later(certificates: Certificates) -> None:
    ordered = certificates.send("POST", "certificates/web/create", policy=policy_of())
    assert (ordered.status_code, ordered.headers["Retry-After"]) == (202, "10")
    assert ordered.json()["request_id"] in ordered.headers["Location"]
    request = x509.load_der_x509_csr(base64.b64decode(ordered.json()["csr"]))
    assert request.is_signature_valid
    waiting = certificates.ask("GET", "certificates/web")
    assert not waiting["attributes"]["enabled"]
    assert {"kid", "sid", "x5t", "cer"}.isdisjoint(waiting)
    assert certificates.refusal("POST", "certificates/web/create", policy=policy_of())[:2] == (409, "Forbidden")
    assert certificates.ask("GET", "certificates")["value"] == []
    assert len(certificates.ask("GET", "certificates?includePending=true")["value"]) == 1
    certificates.azure.clock.advance(seconds=certificates.vault.settings.issuance_seconds)
    assert certificates.ask("GET", "certificates/web/pending")["status"] == "completed"
    made = certificates.ask("GET", "certificates/web")
    assert made["id"] == waiting["id"]
    assert made["attributes"]["nbf"] == waiting["attributes"]["nbf"]
    assert leaf_of(made).public_key() == request.public_key()
    assert len(certificates.ask("GET", "certificates")["value"]) == 1


def test_what_is_signed_with_its_own_key_is_as_azure_makes_it(certificates: Certificates) -> None:
    names = {"dns_names": ["contoso.com"], "emails": ["a@contoso.com"], "upns": ["a@b"], "ipAddresses": ["10.0.0.1"]}
    said = {"subject": "CN=contoso.com", "sans": names, "key_usage": ["digitalSignature", "cRLSign"]}
    made = leaf_of(certificates.create(x509_props=said))
    assert [extension.oid.dotted_string for extension in made.extensions] == [
        *("2.5.29.15", "2.5.29.19", "2.5.29.37", "2.5.29.17", "2.5.29.35", "2.5.29.14")
    ]
    assert made.serial_number.bit_length() <= 127
    lasts = made.not_valid_after_utc - made.not_valid_before_utc
    assert lasts.seconds == 600
    assert lasts.days in {365, 366}
    made.verify_directly_issued_by(made)
    assert made.subject.rdns[0].rfc4514_string() == "CN=contoso.com"


def test_a_usage_that_cryptography_does_not_read_is_in_the_certificate_all_the_same(certificates: Certificates) -> None:
    said = {"subject": "CN=contoso.com", "key_usage": ["decipherOnly"]}  # As recorded of Azure.
    made = certificates.create(x509_props=said)
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-ext", "keyUsage"]
    shown = subprocess.run(command, input=base64.b64decode(made["cer"]), capture_output=True, check=True, timeout=60)
    assert b"Decipher Only" in shown.stdout
    pem = x509.load_der_x509_certificate(base64.b64decode(made["cer"])).public_bytes(Encoding.PEM).decode()
    private = certificates.ask("GET", "secrets/web?outContentType=application/x-pem-file")["value"]
    assert pem in private


@pytest.mark.parametrize(("kty", "size", "curve"), [("RSA", 2048, None), ("EC", 256, "P-256K"), ("EC", 521, "P-521")])
def test_the_key_and_the_secret_of_a_certificate_carry_its_name_and_version(
    certificates: Certificates, kty: str, size: int, curve: str | None
) -> None:
    key_props = {"kty": kty, "key_size": size if kty == "RSA" else None, "crv": curve}
    made = certificates.create(key_props=key_props, secret_props={"contentType": PEM})
    version = made["id"].rpartition("/")[2]
    assert made["policy"]["key_props"]["key_size"] == size
    key, secret = (certificates.ask("GET", f"{where}/web/{version}") for where in ("keys", "secrets"))
    assert (made["kid"], made["sid"]) == (key["key"]["kid"], secret["id"])
    assert key["managed"] is secret["managed"] is True
    assert secret["kid"] == made["kid"]
    assert secret["contentType"] == PEM
    assert key["attributes"]["exp"] == secret["attributes"]["exp"] == made["attributes"]["exp"]
    usages = ["sign", "verify", "wrapKey", "unwrapKey"] if kty == "RSA" else ["sign", "verify"]
    assert key["key"]["key_ops"] == usages
    private = load_pem_private_key(secret["value"].encode(), None)
    assert private.public_key() == leaf_of(made).public_key()
    assert secret["value"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert secret["value"].endswith("-----END CERTIFICATE-----\n")


def test_a_pfx_opens_with_an_empty_password(certificates: Certificates, tmp_path: Path) -> None:
    made = certificates.create()
    value = certificates.ask("GET", "secrets/web")["value"]
    content = pkcs12.load_pkcs12(base64.b64decode(value), None)
    assert content.cert is not None
    assert content.cert.certificate == leaf_of(made)
    assert isinstance(content.key, ec.EllipticCurvePrivateKey)
    file = tmp_path / "web.pfx"
    file.write_bytes(base64.b64decode(value))
    told = subprocess.run(
        ["openssl", "pkcs12", "-in", file, "-passin", "pass:", "-nodes", "-info", "-legacy"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"BEGIN PRIVATE KEY" in told.stdout
    assert b"pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2000" in told.stderr


@pytest.mark.parametrize("content_type", [PEM, PFX])
def test_a_key_that_may_not_leave_the_vault_is_in_no_secret_and_signs_all_the_same(
    certificates: Certificates, content_type: str
) -> None:
    key_props = {"kty": "EC", "exportable": False}
    certificates.create(key_props=key_props, secret_props={"contentType": content_type})
    value = certificates.ask("GET", "secrets/web")["value"]
    if content_type == PEM:
        assert "PRIVATE KEY" not in value
        assert value.count("BEGIN CERTIFICATE") == 1
    else:
        assert pkcs12.load_pkcs12(base64.b64decode(value), None).key is None
    digest = base64.urlsafe_b64encode(bytes(32)).decode()
    assert certificates.ask("POST", "keys/web/sign", alg="ES256", value=digest)["value"]


def test_what_stands_behind_a_certificate_is_not_changed_without_it(certificates: Certificates) -> None:
    certificates.create()
    told = "is not allowed as this object's lifetime is managed by Key Vault."
    for method, path, operation, body in (
        ("PUT", "secrets/web", "set", {"value": "x"}),
        ("PATCH", "secrets/web", "update", {"tags": {"a": "b"}}),
        ("DELETE", "secrets/web", "delete", {}),
        ("POST", "secrets/web/backup", "backup", {}),
        ("POST", "keys/web/create", "create", {"kty": "EC"}),
        ("POST", "keys/web/rotate", "rotate", {}),
        ("DELETE", "keys/web", "delete", {}),
    ):
        assert certificates.refusal(method, path, **body) == (403, "Forbidden", f'Operation "{operation}" {told}')


def test_a_certificate_its_key_and_its_secret_are_deleted_recovered_and_purged_together(
    certificates: Certificates,
) -> None:
    made = certificates.create()
    everywhere = ("certificates", "keys", "secrets")
    deleted = certificates.ask("DELETE", "certificates/web")
    assert deleted["policy"]
    for where in everywhere:
        assert certificates.send("GET", f"{where}/web").status_code == 404
        assert certificates.ask("GET", f"deleted{where}/web")["deletedDate"] == deleted["deletedDate"]
    assert certificates.refusal("POST", "deletedkeys/web/recover")[0] == 403
    assert certificates.refusal("DELETE", "deletedsecrets/web")[0] == 403
    assert certificates.ask("POST", "deletedcertificates/web/recover")["x5t"] == made["x5t"]
    for where in everywhere:
        assert certificates.ask("GET", f"{where}/web")
    certificates.ask("DELETE", "certificates/web")
    assert certificates.send("DELETE", "deletedcertificates/web").status_code == 204
    for where in everywhere:
        assert certificates.send("GET", f"deleted{where}/web").status_code == 404


def test_the_name_of_a_deleted_certificate_is_not_free(certificates: Certificates) -> None:
    certificates.create()
    certificates.ask("DELETE", "certificates/web")
    refused = certificates.refusal("POST", "certificates/web/create", policy=policy_of())
    told = "Certificate web is currently in a deleted but recoverable state, and its name cannot be reused;"
    assert refused[:2] == (409, "Conflict")
    assert refused[2].startswith(told)
    key, leaf = own_certificate()
    value = pem_of(key) + leaf.public_bytes(Encoding.PEM).decode()
    assert certificates.refusal("POST", "certificates/web/import", value=value) == refused


def test_an_order_is_completed_once_however_many_ask(certificates: Certificates) -> None:
    told: list[VaultEvent] = []
    certificates.ask("POST", "certificates/web/create", policy=policy_of())
    with certificates.azure.event_grid.subscribed(told.append), ThreadPoolExecutor(8) as pool:
        certificates.azure.clock._offset += 5  # Without what the clock does when it is advanced.
        found = list(pool.map(lambda _: certificates.vault.certificates.find("web"), range(16)))
    assert len({each.facts["x5t"] for each in found if each}) == 1
    assert sorted(event.kind for event in told) == ["certificate", "key", "secret"]


def test_a_disabled_certificate_is_shown_and_its_key_and_its_secret_are_refused(certificates: Certificates) -> None:
    certificates.create()
    changed = certificates.ask("PATCH", "certificates/web", attributes={"enabled": False, "exp": 1})
    assert not changed["attributes"]["enabled"]
    assert changed["attributes"]["exp"] != 1
    assert certificates.ask("GET", "certificates/web")["x5t"]
    assert certificates.send("GET", "secrets/web").json()["error"]["innererror"]["code"] == "SecretDisabled"
    digest = base64.urlsafe_b64encode(bytes(32)).decode()
    assert certificates.refusal("POST", "keys/web/sign", alg="ES256", value=digest)[0] == 403


def test_what_another_authority_issued_is_merged(certificates: Certificates) -> None:
    ordered = certificates.ask("POST", "certificates/web/create", policy=policy_of("Unknown"))
    request = x509.load_der_x509_csr(base64.b64decode(ordered["csr"]))
    authority, above = own_certificate(make_key("RSA"))
    builder = x509.CertificateBuilder(
        above.subject, request.subject, request.public_key(), 7, above.not_valid_before_utc, above.not_valid_after_utc
    )
    issued = builder.sign(authority, hashes.SHA256())
    chain = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in (above, issued)]
    foreign = base64.b64encode(above.public_bytes(Encoding.DER)).decode()
    assert certificates.refusal("POST", "certificates/web/pending/merge", x5c=[foreign])[0] == 400
    assert certificates.refusal("POST", "certificates/web/pending/merge", x5c=["AAAA"])[2] == "ASN1 bad tag value met"
    merged = certificates.send("POST", "certificates/web/pending/merge", x5c=chain, tags={"a": "b"})
    assert merged.status_code == 201
    assert leaf_of(merged.json()) == issued
    assert merged.json()["tags"] == {"a": "b"}
    assert merged.json()["policy"]["issuer"] == {"name": "Unknown"}
    content = pkcs12.load_pkcs12(base64.b64decode(certificates.ask("GET", "secrets/web")["value"]), None)
    assert [each.certificate for each in content.additional_certs] == [above]
    assert certificates.refusal("POST", "certificates/web/pending/merge", x5c=chain)[1] == "PendingCertificateNotFound"


def test_what_somebody_else_issues_is_not_merged(certificates: Certificates) -> None:
    certificates.ask("POST", "certificates/web/create", policy=policy_of("Self"))
    _, other = own_certificate()
    chain = [base64.b64encode(other.public_bytes(Encoding.DER)).decode()]
    status, code, message = certificates.refusal("POST", "certificates/web/pending/merge", x5c=chain)
    assert (status, code) == (403, "Forbidden")
    assert message.startswith("Merge is forbidden on pending object created with issuer : Self")


def test_an_order_is_cancelled_and_forgotten(certificates: Certificates) -> None:
    certificates.ask("POST", "certificates/web/create", policy=policy_of())
    cancelling = certificates.ask("PATCH", "certificates/web/pending", cancellation_requested=True)
    assert (cancelling["cancellation_requested"], cancelling["status"]) == (True, "inProgress")
    certificates.azure.clock.advance(minutes=1)
    cancelled = certificates.ask("GET", "certificates/web/pending")
    assert cancelled["status"] == "cancelled"
    assert {"status_details", "error", "target"}.isdisjoint(cancelled)
    assert not certificates.ask("GET", "certificates/web")["attributes"]["enabled"]
    assert certificates.refusal("PATCH", "certificates/web/pending", cancellation_requested=True)[0] == 400
    assert certificates.ask("DELETE", "certificates/web/pending")["status"] == "cancelled"
    assert certificates.refusal("GET", "certificates/web/pending")[1] == "PendingCertificateNotFound"
    assert certificates.create()["attributes"]["enabled"]


def test_a_new_version_leaves_the_one_that_is_there_until_it_is_there(certificates: Certificates) -> None:
    first = certificates.create()
    certificates.ask("POST", "certificates/web/create", policy=policy_of())
    assert certificates.ask("GET", "certificates/web")["id"] == first["id"]
    certificates.azure.clock.advance(minutes=1)
    second = certificates.ask("GET", "certificates/web")
    assert second["id"] != first["id"]
    assert len(certificates.ask("GET", "certificates/web/versions")["value"]) == 2
    older = certificates.ask("GET", first["id"].partition(".net/")[2])
    assert older["x5t"] == first["x5t"]
    assert "policy" not in older


@pytest.mark.parametrize("form", ["pfx", "pfx-password", "pem", "pem-base64", "pem-password", "pem-key-last"])
def test_a_certificate_is_imported_in_every_form(certificates: Certificates, form: str) -> None:
    key, leaf = own_certificate()
    _, other = own_certificate()
    password = "passw0rd" if form.endswith("password") else None
    encryption = BestAvailableEncryption(b"passw0rd") if password else NoEncryption()
    if form.startswith("pfx"):
        made = pkcs12.serialize_key_and_certificates(b"web", key, leaf, [other], encryption)
        value = base64.b64encode(made).decode()
    else:
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()
        public = "".join(each.public_bytes(Encoding.PEM).decode() for each in (other, leaf))
        value = public + private if form == "pem-key-last" else private + public
        value = base64.b64encode(value.encode()).decode() if form == "pem-base64" else value
    body = {"value": value, **({"pwd": password} if password else {})}
    imported = certificates.ask("POST", "certificates/web/import", **body)
    assert leaf_of(imported) == leaf
    assert "pending" not in imported
    assert imported["policy"]["x509_props"]["subject"] == "C=US, O=Contoso, CN=contoso.com"
    assert imported["policy"]["x509_props"]["validity_months"] == 12
    assert imported["policy"]["key_props"]["crv"] == "P-256"
    content_type = PFX if form.startswith("pfx") else PEM
    assert imported["policy"]["secret_props"]["contentType"] == content_type
    secret = certificates.ask("GET", "secrets/web")
    assert secret["contentType"] == content_type
    if content_type == PEM:
        first, second = x509.load_pem_x509_certificates(secret["value"].encode())
        assert (first, second) == (leaf, other)


def test_a_chain_keeps_its_order_where_that_is_wanted(certificates: Certificates) -> None:
    key, leaf = own_certificate()
    _, other = own_certificate()
    value = pem_of(key) + "".join(each.public_bytes(Encoding.PEM).decode() for each in (other, leaf))
    imported = certificates.ask("POST", "certificates/web/import", value=value, preserveCertOrder=True)
    assert imported["preserveCertOrder"] is True
    assert leaf_of(imported) == leaf
    secret = certificates.ask("GET", "secrets/web")
    assert x509.load_pem_x509_certificates(secret["value"].encode()) == [other, leaf]


def test_what_cannot_be_imported_is_refused_in_the_words_of_azure(certificates: Certificates) -> None:
    key, leaf = own_certificate(make_key("RSA"))
    assert isinstance(key, rsa.RSAPrivateKey)
    public = leaf.public_bytes(Encoding.PEM).decode()
    old = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    pfx = pkcs12.serialize_key_and_certificates(b"web", key, leaf, None, BestAvailableEncryption(b"one"))
    unreadable = "The specified PKCS#12 X.509 certificate content can not be read."
    numbers = key.private_numbers()
    of_another = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, 3, numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    for value, told in (
        (pem_of(of_another) + public, "The specified PEM X.509 certificate content can not be read."),
        (pem_of(rsa.generate_private_key(65537, 1024)) + public, "Unsupported key size (1024)."),
        (old + public, "The specified X.509 certificate content is invalid."),
        (pem_of(make_key("RSA")) + public, "No certificate with private key found"),
        (base64.b64encode(pfx).decode(), unreadable),
        ("AAAA", unreadable),
        ("%", unreadable),
    ):
        status, code, message = certificates.refusal("POST", "certificates/web/import", value=value)
        assert (status, code) == (400, "BadParameter")
        assert message.startswith(told)
    assert certificates.send("GET", "certificates/web").status_code == 404


def test_a_backup_brings_back_every_version_with_its_key_and_its_secret(certificates: Certificates) -> None:
    first = certificates.create()
    certificates.create()
    value = certificates.ask("GET", "secrets/web")["value"]
    backup = certificates.ask("POST", "certificates/web/backup")["value"]
    assert certificates.refusal("POST", "certificates/restore", value=backup)[0] == 409
    certificates.ask("DELETE", "certificates/web")
    certificates.send("DELETE", "deletedcertificates/web")
    restored = certificates.ask("POST", "certificates/restore", value=backup)
    assert "pending" not in restored
    assert restored["policy"]["issuer"] == {"name": "Self"}
    assert len(certificates.ask("GET", "certificates/web/versions")["value"]) == 2
    assert certificates.ask("GET", first["sid"].partition(".net/")[2])["managed"]
    assert certificates.ask("GET", "secrets/web")["value"] == value
    key_backup = certificates.ask("POST", "keys/other/create", kty="EC") and certificates.ask(
        "POST", "keys/other/backup"
    )
    assert certificates.refusal("POST", "certificates/restore", value=key_backup["value"])[1] == "Malformed backup blob"
    assert certificates.refusal("POST", "keys/restore", value=backup)[1] == "Malformed backup blob"


def test_a_name_that_a_key_or_a_secret_has_is_no_certificates(certificates: Certificates) -> None:
    certificates.ask("PUT", "secrets/taken", value="x")
    assert certificates.refusal("POST", "certificates/taken/create", policy=policy_of())[:2] == (409, "Conflict")
    certificates.ask("POST", "certificates/late/create", policy=policy_of())
    certificates.ask("PUT", "secrets/late", value="x")
    certificates.azure.clock.advance(minutes=1)
    failed = certificates.ask("GET", "certificates/late/pending")
    assert failed["status"] == "failed"
    assert certificates.ask("GET", "secrets/late")["value"] == "x"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"key_props": {"kty": "RSA", "key_size": 1024}}, "Unsupported key size (1024). Supported sizes are [2048,"),
        (
            {"key_props": {"kty": "EC", "key_size": 4096}},
            "Unsupported key size (4096). Supported sizes are [256, 384, 521]",
        ),
        ({"key_props": {"kty": "oct"}}, "Invalid kty value: oct"),
        ({"x509_props": {"subject": "Self"}}, "Property policy.x509_props has invalid value. Invalid X.500"),
        ({"x509_props": {}}, "Property policy.x509_props has invalid value. Invalid X.500"),
        ({"x509_props": {"subject": "CN=a", "key_usage": ["x"]}}, "Property policy.x509_props has invalid value"),
        ({"x509_props": {"subject": "CN=a", "ekus": ["x"]}}, "Property policy.x509_props has invalid value"),
        ({"issuer": {}}, "Property policy has invalid value"),
        ({"secret_props": {"contentType": "text/plain"}}, "Property policy has invalid value"),
        (
            {"lifetime_actions": [{"action": {"action_type": "AutoRenew"}, "trigger": {"lifetime_percentage": 100}}]},
            "Property policy has invalid value",
        ),
        (
            {"lifetime_actions": [{"action": {"action_type": []}, "trigger": {"lifetime_percentage": 80}}]},
            "Property policy has invalid value",
        ),
        ({"issuer": {"name": "nobody"}}, "Issuer not found"),
        ({"issuer": {"name": "\ud800"}}, "Property  has invalid value"),
    ],
)
def test_a_policy_that_no_certificate_can_have_is_refused(
    certificates: Certificates, parts: dict[str, Any], told: str
) -> None:
    answer = certificates.refusal("POST", "certificates/web/create", policy={**policy_of(), **parts})
    assert answer[0] in {400, 404}
    assert answer[2].startswith(told)


def test_a_change_of_the_policy_leaves_what_it_does_not_name(certificates: Certificates) -> None:
    before = certificates.create()["policy"]
    changed = certificates.ask("PATCH", "certificates/web/policy", key_props={"kty": "RSA"})
    assert changed["key_props"] == {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False}
    assert changed["x509_props"] == before["x509_props"]
    again = certificates.ask("PATCH", "certificates/web", policy={"x509_props": {"validity_months": 6}})
    assert again["policy"]["x509_props"] == {**before["x509_props"], "validity_months": 6}


def test_names_are_written_and_read_as_windows_has_them(certificates: Certificates) -> None:
    subject = 'CN=contoso.com, O="Contoso, ""the"" firm", OU=a + OU=b, S=Bavaria, E=a@b.c, OID.1.2.3.4=x'
    made = leaf_of(certificates.create(x509_props={"subject": subject}))
    assert len(made.subject.rdns) == 6
    key, _ = own_certificate()
    name = made.subject
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, made.not_valid_before_utc, made.not_valid_after_utc
    )
    value = pem_of(key) + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    imported = certificates.ask("POST", "certificates/brought/import", value=value)
    reversed_parts = 'OID.1.2.3.4=x, E=a@b.c, S=Bavaria, OU=a + OU=b, O="Contoso, ""the"" firm", CN=contoso.com'
    assert imported["policy"]["x509_props"]["subject"] == reversed_parts


def test_an_issuer_of_the_vault_signs_with_a_chain_that_openssl_verifies(
    certificates: Certificates, tmp_path: Path
) -> None:
    certificates.ask(
        "PUT", "certificates/issuers/public-ca", provider="Test", credentials={"account_id": "a", "pwd": "p"}
    )
    made = leaf_of(certificates.create(issuer="public-ca", secret_props={"contentType": PEM}))
    leaf, root = x509.load_pem_x509_certificates(certificates.ask("GET", "secrets/web")["value"].encode())
    assert leaf == made
    assert root.subject.rfc4514_string() == "CN=issuer.local"
    for name, each in (("leaf", leaf), ("root", root)):
        (tmp_path / name).write_bytes(each.public_bytes(Encoding.PEM))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "root"), str(tmp_path / "leaf")]
    told = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert told.returncode == 0, told.stderr
    certificates.ask("PATCH", "certificates/issuers/public-ca", attributes={"enabled": False})
    certificates.ask("POST", "certificates/other/create", policy=policy_of("public-ca"))
    certificates.azure.clock.advance(minutes=1)
    failed = certificates.ask("GET", "certificates/other/pending")
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "Request rejected"


def test_a_certificate_is_renewed_at_four_fifths_of_its_life(certificates: Certificates) -> None:
    first = certificates.create()
    certificates.azure.clock.advance(days=280)
    assert certificates.ask("GET", "certificates/web")["id"] == first["id"]
    certificates.azure.clock.advance(days=20)
    second = certificates.ask("GET", "certificates/web")
    assert second["id"] != first["id"]
    assert second["attributes"]["exp"] - first["attributes"]["exp"] > 290 * DAY
    assert leaf_of(second).public_key() != leaf_of(first).public_key()
    assert second["policy"] == first["policy"]
    assert certificates.ask("GET", "secrets/web")["id"] == second["sid"]
    certificates.azure.clock.advance(days=3 * 365)
    assert len(certificates.ask("GET", "certificates/web/versions")["value"]) == 5


@pytest.mark.parametrize("gone", [True, False])
def test_a_certificate_is_not_renewed_by_an_issuer_that_is_gone_or_disabled(
    certificates: Certificates,
    gone: bool,  # noqa: FBT001 (a parameter)
) -> None:
    certificates.ask("PUT", "certificates/issuers/public-ca", provider="Test")
    first = certificates.create(issuer="public-ca")
    other = certificates.create("other")
    if gone:
        certificates.ask("DELETE", "certificates/issuers/public-ca")
    else:
        certificates.ask("PATCH", "certificates/issuers/public-ca", attributes={"enabled": False})
    certificates.azure.clock.advance(days=300)
    certificates.azure.clock.advance(days=1)
    assert certificates.ask("GET", "certificates/web")["id"] == first["id"]
    assert certificates.ask("GET", "certificates/web/pending")["status"] == ("completed" if gone else "failed")
    assert certificates.ask("GET", "certificates/other")["id"] != other["id"]


def test_a_renewed_certificate_keeps_its_key_where_the_policy_says_so(certificates: Certificates) -> None:
    before_expiry = [{"action": {"action_type": "AutoRenew"}, "trigger": {"days_before_expiry": 30}}]
    key_props = {"kty": "EC", "reuse_key": True}
    first = certificates.create(key_props=key_props, lifetime_actions=before_expiry)
    certificates.azure.clock.advance(days=340)
    second = certificates.ask("GET", "certificates/web")
    assert second["id"] != first["id"]
    assert leaf_of(second).public_key() == leaf_of(first).public_key()


def test_a_certificate_is_not_renewed_where_its_contacts_are_told_instead(certificates: Certificates) -> None:
    first = certificates.create(
        lifetime_actions=[{"action": {"action_type": "EmailContacts"}, "trigger": {"lifetime_percentage": 80}}]
    )
    certificates.azure.clock.advance(days=400)
    assert certificates.ask("GET", "certificates/web")["id"] == first["id"]
    assert certificates.ask("GET", "secrets/web")["value"]


def _granted(certificates: Certificates, role: str, on: str = "contoso-kv") -> VaultWire:
    certificates.azure.add_identity("reporting").grant(role, on=on)
    return certificates.wire


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Key Vault Certificates Officer", {"get", "create", "issuers", "contacts"}),
        ("Key Vault Certificate User", {"get", "download"}),
        ("Key Vault Reader", {"get", "issuers"}),
        ("Key Vault Secrets User", {"download"}),
        ("Key Vault Crypto Officer", set()),
        ("Key Vault Administrator", {"get", "create", "download", "issuers", "contacts"}),
    ],
)
def test_a_role_allows_what_its_data_actions_say(certificates: Certificates, role: str, allowed: set[str]) -> None:
    certificates.create()
    wire = _granted(certificates, role)
    asked = {
        "get": ("GET", "/certificates/web", None),
        "create": ("POST", "/certificates/new/create", json.dumps({"policy": policy_of()})),
        "download": ("GET", "/secrets/web", None),
        "issuers": ("GET", "/certificates/issuers", None),
        "contacts": ("PUT", "/certificates/contacts", json.dumps({"contacts": []})),
    }
    answers = {
        name: wire.ask(method, path, identity="reporting", body=body) for name, (method, path, body) in asked.items()
    }
    assert {name for name, answer in answers.items() if answer.ok} == allowed
    for name in set(asked) - allowed:
        error = answers[name].json()["error"]
        assert (answers[name].status_code, error["innererror"]["code"]) == (403, "ForbiddenByRbac")
    if "get" not in allowed:
        message = answers["get"].json()["error"]["message"]
        assert "Action: 'Microsoft.KeyVault/vaults/certificates/read'\r\n" in message
        assert "/vaults/contoso-kv/certificates/web'\r\n" in message


def test_a_role_on_one_certificate_is_none_on_another(certificates: Certificates) -> None:
    certificates.create()
    certificates.create("other")
    wire = _granted(certificates, "Key Vault Certificates Officer", on="contoso-kv/certificates/web")
    assert wire.ask("GET", "/certificates/web", identity="reporting").ok
    assert wire.ask("GET", "/certificates/other", identity="reporting").status_code == 403


def test_an_access_policy_gives_the_permissions_of_certificates(certificates: Certificates) -> None:
    certificates.create()
    reporting = certificates.azure.add_identity("reporting")
    certificates.vault.set_policy(reporting, ["certificates/get", "certificates/manageissuers"])
    wire = certificates.wire
    assert wire.ask("GET", "/certificates/web", identity="reporting").ok
    assert wire.ask("GET", "/certificates/issuers", identity="reporting").ok
    refused = wire.ask("GET", "/certificates", identity="reporting").json()["error"]
    assert "does not have certificates list permission on key vault 'contoso-kv;" in refused["message"]
    refused = wire.ask("GET", "/secrets/web", identity="reporting").json()["error"]
    assert "does not have secrets get permission" in refused["message"]


def test_a_vault_tells_of_new_versions_and_of_what_expires(certificates: Certificates) -> None:
    told: list[VaultEvent] = []
    contacts = [{"action": {"action_type": "EmailContacts"}, "trigger": {"lifetime_percentage": 80}}]
    with certificates.azure.event_grid.subscribed(told.append):
        certificates.ask("POST", "certificates/web/create", policy=policy_of(lifetime_actions=contacts))
        assert told == []
        for days in (1, 340, 30):
            certificates.azure.clock.advance(days=days)
    types = [json.loads(event.body)[0]["eventType"].removeprefix("Microsoft.KeyVault.") for event in told]
    kinds = ("Certificate", "Key", "Secret")
    assert types[:3] == [f"{kind}NewVersionCreated" for kind in kinds]
    assert sorted(types[3:6]) == sorted(f"{kind}NearExpiry" for kind in kinds)
    assert sorted(types[6:]) == sorted(f"{kind}Expired" for kind in kinds)


def test_no_private_key_is_in_the_store_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "store"
    azure = Azure(Config(), database=Database(file))
    vault = azure.add_vault("contoso-kv")
    key, leaf = own_certificate(make_key("RSA"))
    pem = pem_of(key) + leaf.public_bytes(Encoding.PEM).decode()
    imported = vault.import_certificate("web", pem)
    vault.create_certificate("made", "CN=contoso.com")
    waiting = vault.certificates.create("waiting", policy_of("Unknown"), WantedCertificate())
    private = vault.get_secret("web").value
    assert private.startswith("-----BEGIN PRIVATE KEY-----")
    line = private.splitlines()[20]  # Of a prime: the first lines are the modulus, which all may see.
    kept = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert b"contoso.com" in kept
    assert line.encode() not in kept
    shown = [repr(imported), repr(vault.certificates), repr(waiting), repr(azure.journal.entries())]
    assert not [text for text in shown if line in text or waiting.key in text]
    azure.close()
    again = Azure(Config(), database=Database(file))
    assert again.add_vault("contoso-kv").get_secret("web").value == private
    assert again.vault("contoso-kv").certificates.operation("waiting") is not None
    again.close()
