"""Real answers of Azure about certificates, asked again of a vault that was put into the recorded state: one case a recording.

Ids, requests for certificates, and opaque tokens are what a vault makes up; all else is compared to the byte.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from tests.local.conftest import VaultWire
from tests.local.recordings import DAYS, RECORDINGS, RecordedClock, Recording, compare_headers, read_recording

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.certificates.facts import CertificateFacts
from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate
from keyless.local.azure.keyvault.certificates.pending import PendingOperation
from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
from keyless.local.azure.keyvault.keys.material import make_key
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectId, ObjectVersion
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.keyvault.protocol.paging import _decoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests
    from tests.local.conftest import Serve

FILES = sorted((RECORDINGS / "certificates").glob("[0-8]*.json"))
SELF = {"x509_props": {"subject": "CN=DefaultPolicy"}, "issuer": {"name": "Self"}}
_VERSION = re.compile(r"(/(?:certificates|keys|secrets)/[0-9A-Za-z-]+/)[0-9a-f]{32}")
_CSR = re.compile(r'"csr":"[^"]+"')
_REQUEST = re.compile(r'(request_id"?[:=]"?)[0-9a-f]{32}')
_VALUE = re.compile(r'"value":"[\w.-]{40,}"')
_MATERIAL = re.compile(r'"(x5t|cer)":"[^"]+"')
_POINT = re.compile(r'"(x|y)":"[^"]+"')
_TOKEN = re.compile(r"skiptoken=[\w-]+")
_CREATED = (_CSR, _REQUEST)
# What a vault makes up, by recording; what is not named is compared as it is.
MADE_UP: dict[str, tuple[re.Pattern[str], ...]] = {
    "create-self-signed-default-policy-202": _CREATED,
    "create-full-policy-202": _CREATED,
    "create-policy-attributes-nbf-exp": _CREATED,
    "create-issuer-unknown-202": _CREATED,
    "import-pfx-disabled-200": (_VERSION,),
    "import-pfx-2022": (_VERSION,),
    "merge-201": (_VERSION, _MATERIAL),
    "backup": (_VALUE,),
    "key-of-certificate-get": (_POINT,),
    "key-of-certificate-sign": (_VALUE,),
    "list-page1-include-pending": (_TOKEN,),
    "list-deleted-page1": (_TOKEN,),
}


def _read(file: Path) -> Recording:
    text = file.read_text(encoding="utf-8").replace("fakevault.local", "fakevault.vault.azure.net")
    # Names that the authors of a recording left out.
    for old, new in (
        ("REDACTED.vault", "redacted.vault"),
        ("azsdktests.vault", "redacted.vault"),
        ("{name}", "certificate"),
        ("{issuer}", "issuer"),
    ):
        text = text.replace(old, new)
    found = read_recording(_Text(text))  # type: ignore[arg-type]
    headers = {
        name: value.replace('"https://local"', '"https://vault.azure.net"')
        for name, value in found.answer_headers.items()
    }
    # Of some, only a few headers were kept.
    headers.setdefault("date", "Fri, 01 Jan 2021 00:00:00 GMT")
    return replace(found, answer_headers=headers)


class _Text:
    """A file whose text was changed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, encoding: str) -> str:
        assert encoding
        return self._text


class Scene:
    """A vault, and how it is put into the state in which Azure was asked."""

    def __init__(self, recording: Recording, serve: Serve) -> None:
        self.recording = recording
        self.content = recording.content
        self.azure = Azure(Config(), clock=RecordedClock(recording.moment))
        self.azure.add_identity("system")
        self.wire = VaultWire(self.azure, serve(vault_app(self.azure)))
        levels = re.findall(r'"recoveryLevel":"([^"]+)"', recording.answer)
        self.vault = self.azure.add_vault(
            recording.host.partition(".")[0], VaultSettings(soft_delete_days=DAYS[levels[0]] if levels else 90)
        )
        self.azure.identity("system").grant("Key Vault Administrator", on=self.vault)
        self.key = make_key("EC")

    @property
    def name(self) -> str:
        return re.sub(r"\?.*", "", self.recording.path).split("/")[2]

    @property
    def certificates(self) -> Any:
        return self.vault.certificates

    def leave_it_empty(self) -> None:
        assert not list(self.vault.certificates)

    def put(self, item: dict[str, Any], **other: Any) -> None:
        """Put a version into the store as its recorded JSON says it is."""
        _, _, name, *version = str(urlsplit(item["id"]).path).split("/")
        attributes = {**item["attributes"], **other}
        which = ObjectId(self.vault.name, "certificate", name)
        facts = {}
        if "x5t" in item:
            facts = CertificateFacts(cer=item.get("cer", ""), x5t=item["x5t"]).to_json()
        made = ObjectVersion(
            name=name,
            version=version[0] if version else "0" * 32,
            attributes=Attributes(
                enabled=attributes["enabled"],
                not_before=attributes.get("nbf"),
                expires_on=attributes.get("exp"),
                tags=other.get("tags", item.get("tags", {})),
            ),
            created_on=attributes["created"],
            updated_on=attributes["updated"],
            facts=facts,
            value="",
        )
        self.azure.objects.put(which, made, now=0)
        if "policy" in item:
            policy = {part: value for part, value in item["policy"].items() if part != "id"}
            self.azure.objects.set_policy(which, policy)
        if "pending" in item:
            self.order({"name": name}, name=name)

    def order(self, body: dict[str, Any], *, name: str, **other: Any) -> None:
        """Put an order into the store as its recorded JSON says it is."""
        policy = CertificatePolicy({"issuer": body.get("issuer", {"name": "Unknown"})})
        ordered = PendingOperation(
            name=name,
            version="1" * 32,
            request_id=body.get("request_id", "2" * 32),
            csr=body.get("csr", ""),
            policy=policy.body,
            key=self.vault.keys.sealed(self.key),
            created_on=0,
            settles_on=0 if body.get("status") != "inProgress" else self.recording.moment + 1,
            cancel=body.get("cancellation_requested", False),
            error=body.get("error"),
            done=body.get("status") == "completed",
        )
        which = ObjectId(self.vault.name, "certificate", name)
        self.azure.objects.set_operation(which, replace(ordered, **other).to_json())

    def put_what_was_answered(self) -> None:
        for item in self.recording.items:
            self.put(item)

    def put_it_as_before(self) -> None:
        """Put a certificate that differs in what the recorded update changed."""
        self.put(self.recording.body, updated=1, tags={})

    def put_an_empty_one(self, name: str = "") -> None:
        body = {"id": f"https://x/certificates/{name or self.name}", "attributes": {"enabled": False}}
        self.put({**body, "attributes": {"enabled": False, "created": 1, "updated": 1}})

    def put_its_order(self, **other: Any) -> None:
        self.put_an_empty_one()
        self.order(self.recording.body, name=self.name, **other)

    def cancel(self) -> None:
        self.put_its_order(cancel=False)

    def patch_policy(self) -> None:
        self.put_an_empty_one()
        body = {part: value for part, value in self.recording.body.items() if part != "id"}
        before = {**body, "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": True}}
        which = ObjectId(self.vault.name, "certificate", self.name)
        self.azure.objects.set_policy(which, before)

    def put_its_policy(self) -> None:
        self.put_an_empty_one()
        policy = {part: value for part, value in self.recording.body.items() if part != "id"}
        self.azure.objects.set_policy(ObjectId(self.vault.name, "certificate", self.name), policy)

    def order_what_was_merged(self) -> None:
        """Order a certificate, and have one issued with the recorded times: the key of the recorded one never left Azure."""
        body = self.recording.body
        self.certificates.create(self.name, _policy_of(body), WantedCertificate())
        request = x509.load_der_x509_csr(base64.b64decode(self.certificates.operation(self.name).csr))
        recorded = x509.load_der_x509_certificate(base64.b64decode(body["cer"]))
        issuer = make_key("RSA")
        issued = x509.CertificateBuilder(
            recorded.issuer,
            request.subject,
            request.public_key(),
            1,
            recorded.not_valid_before_utc,
            recorded.not_valid_after_utc,
        ).sign(issuer, hashes.SHA256())
        self.content = json.dumps({"x5c": [base64.b64encode(issued.public_bytes(Encoding.DER)).decode()]})

    def create(self) -> None:
        self.certificates.create(self.name, SELF, WantedCertificate())
        self.azure.clock.advance(seconds=self.vault.settings.issuance_seconds)

    def delete_a_moment_ago(self) -> None:
        self.put_an_empty_one()
        self.certificates.delete(self.name)

    def delete_what_was_answered(self) -> None:
        for item in self.recording.items:
            self.put(item)
            name, now = urlsplit(item["id"]).path.split("/")[2], item.get("deletedDate", 0)
            purge_on = item.get("scheduledPurgeDate", int(self.recording.moment) + 7_776_000)
            which = ObjectId(self.vault.name, "certificate", name)
            self.azure.objects.delete(which, now=now, settles_on=0, purge_on=purge_on)

    def list_deleted(self) -> None:
        self.delete_what_was_answered()
        self.put_an_empty_one("zzz")
        which = ObjectId(self.vault.name, "certificate", "zzz")
        self.azure.objects.delete(which, now=0, settles_on=0, purge_on=2**40)

    def recover_a_moment_ago(self) -> None:
        self.delete_a_moment_ago()
        self.azure.clock.advance(seconds=self.vault.settings.deletion_seconds)
        self.certificates.recover(self.name)

    def list_and_follow(self) -> None:
        """Put the certificate that the real continuation token says is next, too."""
        self.put_what_was_answered()
        token = re.search(r"\$skiptoken=([\w-]+)", self.recording.answer)
        assert token is not None
        marker = json.loads(_decoded(token.group(1)))["NextMarker"].split("!")[2]
        self.put_an_empty_one(_decoded(marker.replace("-", "=")).split("!")[1].split("/")[1].lower())

    def back_up_elsewhere(self) -> None:
        body = self.recording.body
        self.put(body)
        name, version = body["id"].split("/")[-2:]
        certificate = self.certificates.find(name)
        bare = replace(certificate, attributes=replace(certificate.attributes, tags={}))
        assert certificate.version == version
        self.vault.keys.keep_managed(bare, self.key, kty="EC", key_ops=["sign"])
        self.vault.secrets.keep_managed(bare, "pfx", content_type="application/x-pkcs12")
        self.content = json.dumps({"value": to_base64url(self.certificates.backup(name))})
        self.azure.objects.clear()

    def set_contacts(self) -> None:
        self.certificates.records.set_contacts(self.recording.body)

    def set_issuers(self) -> None:
        for item in self.recording.items:
            given = {part: value for part, value in item.items() if part not in {"id", "attributes"}}
            if "attributes" in item and self.recording.method != "PATCH":
                given["attributes"] = item["attributes"]
            now = item.get("attributes", {}).get("created", 1)
            self.certificates.records.set_issuer(item["id"].rpartition("/")[2], given, now=now)

    def ask_for_an_issuer(self) -> None:
        """Send what was not recorded, with the password that the answer lacks."""
        body = self.recording.body
        credentials = {**body["credentials"], "pwd": "password-of-the-issuer"}
        self.content = json.dumps({**body, "credentials": credentials})

    def put_its_key(self) -> None:
        self.put_what_stands_behind()

    def put_what_stands_behind(self) -> None:
        body = self.recording.body
        kid = body.get("kid") or body["key"]["kid"]
        name, version = kid.split("/")[-2:]
        attributes = body.get("attributes", {"created": 1, "updated": 1})
        made = ObjectVersion(
            name=name,
            version=version,
            attributes=Attributes(not_before=attributes.get("nbf"), expires_on=attributes.get("exp")),
            created_on=attributes["created"],
            updated_on=attributes["updated"],
            value="",
        )
        self.vault.keys.keep_managed(made, self.key, kty="EC", key_ops=["sign", "verify"])
        if "contentType" in body:
            self.vault.secrets.keep_managed(made, body["value"], content_type=body["contentType"])


def _policy_of(body: dict[str, Any]) -> dict[str, Any]:
    return {part: value for part, value in body["policy"].items() if part not in {"id", "attributes"}}


def _compare_headers(answer: requests.Response, recording: Recording) -> None:
    location = answer.headers.get("Location", "")
    expected = recording.answer_headers.get("location", "")
    assert _REQUEST.sub("", location) == _REQUEST.sub("", expected)
    headers = {**recording.answer_headers, **({"location": location} if location else {})}
    # A method that nothing answers is refused before anybody is asked what they may do.
    compare_headers(answer, replace(recording, answer_headers=headers), by_roles=recording.status != 405)


def _without_what_is_made_up(found: re.Match[str]) -> str:
    return found.group(found.lastindex or 0) if found.lastindex else ""


STATES: dict[str, Callable[[Scene], None]] = {
    "pending-get-completed": Scene.put_its_order,
    "get-latest-after-completion": Scene.put_what_was_answered,
    "patch-exp-is-ignored": Scene.put_it_as_before,
    "delete-200": Scene.put_what_was_answered,
    "get-deleted-while-deleting-404": Scene.delete_a_moment_ago,
    "get-deleted-200": Scene.delete_what_was_answered,
    "get-latest-while-pending-200": Scene.put_what_was_answered,
    "policy-patch-rsa-to-ec-while-pending": Scene.patch_policy,
    "patch-tags-while-pending": Scene.put_it_as_before,
    "policy-get": Scene.put_its_policy,
    "policy-get-2022": Scene.put_its_policy,
    "pending-get-issuer-unknown": Scene.put_its_order,
    "merge-201": Scene.order_what_was_merged,
    "delete-merged": Scene.put_what_was_answered,
    "pending-patch-cancel-200": Scene.cancel,
    "pending-delete-200": Scene.put_its_order,
    "pending-get-after-delete-404": Scene.put_an_empty_one,
    "delete-imported": Scene.put_what_was_answered,
    "backup": Scene.create,
    "restore-200": Scene.back_up_elsewhere,
    "recover-200": Scene.delete_what_was_answered,
    "get-just-after-recover-404": Scene.recover_a_moment_ago,
    "get-after-recover-200": Scene.put_what_was_answered,
    "list-versions": Scene.put_what_was_answered,
    "list-page1-include-pending": Scene.list_and_follow,
    "list-deleted-page1": Scene.list_deleted,
    "contacts-get": Scene.set_contacts,
    "contacts-delete": Scene.set_contacts,
    "issuer-get": Scene.set_issuers,
    "issuers-list-page1": Scene.set_issuers,
    "issuer-patch-disable": Scene.set_issuers,
    "issuer-delete": Scene.set_issuers,
    "issuers-list": Scene.set_issuers,
    "get-latest-after-cancel-200": Scene.put_what_was_answered,
    "get-latest-ec-without-trailing-slash": Scene.put_what_was_answered,
    "get-version-no-policy-no-pending": Scene.put_what_was_answered,
    "key-of-certificate-get": Scene.put_what_stands_behind,
    "key-of-certificate-sign": Scene.put_its_key,
    "secret-of-non-exportable-certificate-pem": Scene.put_what_stands_behind,
    "issuer-put-digicert-password-not-echoed-2020": Scene.ask_for_an_issuer,
    "pending-get-failed-2020": Scene.put_its_order,
}


@pytest.mark.parametrize("file", FILES or [None], ids=lambda file: file.stem if file else "NO-RECORDINGS-FOUND")
def test_a_vault_answers_about_certificates_as_azure_did(file: Path | None, serve: Serve) -> None:
    if file is None:
        pytest.skip(
            f"The recordings of Azure are not beside the repository, in {'/'.join(RECORDINGS.parts[-3:])}/certificates."
        )
    recording = _read(file)
    scene = Scene(recording, serve)
    STATES.get(recording.name, Scene.leave_it_empty)(scene)
    answer = scene.wire.ask(
        recording.method,
        recording.path,
        api_version=None,
        host=recording.host,
        authorization=None if recording.status == 401 else "",
        headers=recording.headers,
        body=scene.content,
    )
    assert answer.status_code == recording.status, answer.text
    ours, theirs = answer.text, recording.answer
    for pattern in MADE_UP.get(recording.name, ()):
        ours, theirs = (pattern.sub(_without_what_is_made_up, text) for text in (ours, theirs))
    assert ours == theirs
    _compare_headers(answer, recording)
