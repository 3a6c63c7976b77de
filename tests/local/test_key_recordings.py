"""Real answers of Azure about keys, asked again of a vault that was put into the recorded state: one case a recording.

Ids, key material, ciphertexts, signatures and opaque tokens are what a vault makes up; all else is compared to the byte.
What the service has changed since 2019 is named here, once, with what it is today.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from tests.local.conftest import VaultWire
from tests.local.recordings import (
    DAYS,
    RECORDINGS,
    RecordedClock,
    Recording,
    compare_headers,
    of_today,
    read_recording,
)

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url
from keyless.local.azure.keyvault.keys.algorithms import encrypt
from keyless.local.azure.keyvault.keys.facts import KeyFacts, seal
from keyless.local.azure.keyvault.keys.material import make_key, public_members
from keyless.local.azure.keyvault.keys.vault_keys import Wanted
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectId, ObjectVersion
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.keyvault.protocol.paging import _decoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.keys.material import PrivateKey

FILES = sorted((RECORDINGS / "keys").glob("[0-8]*.json")) + sorted((RECORDINGS / "keys").glob("9[0-6]-*.json"))
HSM_ALONE = {"92-create-okp-ed25519"}
_MATERIAL = re.compile(r'"(n|x|y)":"[\w-]{40,}"')
_VERSION = re.compile(r"(/keys/[0-9A-Za-z-]+/)[0-9a-f]{32}")
_VALUE = re.compile(r'"value":"[\w.-]{40,}"')
_TOKEN = re.compile(r"skiptoken=[\w-]+")
# What a vault makes up, by recording; what is not named is compared as it is.
MADE_UP = {
    **dict.fromkeys(
        (
            "create-rsa-kty-only-defaults",
            "create-ec-kty-only-defaults",
            "create-rsa-hsm-key-ops",
            "create-ec-p256k-sign-verify",
            "create-ec-hsm",
            "rotate-with-policy-sets-exp",
            "rotate-without-policy",
            "create-exportable-with-release-policy",
            "create-empty-key-ops-gives-defaults",
            "create-ec-hsm-tags-2019",
            "rotate-2023-with-hsmplatform",
            "create-rsa-hsm-e-four-bytes-2022",
        ),
        (_MATERIAL, _VERSION),
    ),
    "import-rsa-software": (_VERSION,),
    "encrypt-rsa-oaep-256": (_VALUE,),
    "wrapkey-rsa-oaep": (_VALUE,),
    **dict.fromkeys(("sign-es256k", "sign-ps256-2019", "sign-rs512-2019", "sign-es512-2019"), (_VALUE,)),
    "release-200": (_VALUE,),
    "backup": (_VALUE,),
    # The recorded token names a version as well, of keys that other tests had left.
    "list-deleted-page": (_TOKEN,),
}
# Azure's lists have empty pages where deleted keys are; here they have none.
NO_EMPTY_PAGES = {"list-keys-empty-page-with-nextlink"}
_OF_TODAY = (
    ('"e":"AAEAAQ"', '"e":"AQAB"'),
    ("https://rosebud.vault.azure.net", "https://fakekvurl.vault.azure.net"),
    (
        '"message":"Key not found: key0"',
        (
            '"message":"A key with (name/id) key0 was not found in this key vault. If you recently deleted this key you may '
            "be able to recover it using the correct recovery command. For help resolving this issue, please see "
            'https://go.microsoft.com/fwlink/?linkid=2125182"'
        ),
    ),
)


def _named_here(text: str) -> str:
    """Name the vault as a local one can be named."""
    return text.replace("fakevault.local", "fakevault.vault.azure.net")


def _read(file: Path) -> Recording:
    found = read_recording(file)
    answer = _named_here(of_today(found.answer))
    for old, new in _OF_TODAY:
        answer = answer.replace(old, new)
    host = _named_here(found.host)
    if host.startswith("REDACTED"):
        host = urlsplit(
            (re.findall(r"https://[\w.-]+vault.azure.net", answer) or ["https://x-kv.vault.azure.net"])[0]
        ).netloc
    api = re.search(r"api-version=([\w.-]+)", found.path)
    if found.name == "patch-empty-tags" and api:  # Some of early 2022 lack what all have had since.
        answer = answer.replace('"recoverableDays":7}', '"recoverableDays":7,"exportable":false}')
    # The authors' sanitiser wrote another resource into the challenge.
    headers = {
        name: value.replace('"https://local"', '"https://vault.azure.net"')
        for name, value in found.answer_headers.items()
    }
    return replace(found, host=host, answer=answer, answer_headers=headers)


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
        self.azure.identity("system").grant("Key Vault Crypto Officer", on=self.vault)

    @property
    def name(self) -> str:
        return re.sub(r"\?.*", "", self.recording.path).split("/")[2]

    @property
    def asked(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content or "{}")
        return found

    @property
    def kid(self) -> str:
        """The version that the recording names, in its path or in its answer."""
        found = re.search(r"/keys/[\w-]+/[0-9a-f]{32}", self.recording.path + self.recording.answer)
        assert found is not None
        return f"https://x{found.group()}"

    def leave_it_empty(self) -> None:
        assert not list(self.vault.keys)

    def put(self, item: dict[str, Any], *, private: PrivateKey | None = None) -> None:
        """Put a version into the store as its recorded JSON says it is; its private part is another's."""
        key = item.get("key", item)
        _, _, name, *version = str(urlsplit(key["kid"]).path).split("/")
        attributes = item.get("attributes") or {"enabled": True, "created": 1, "updated": 1}
        public = {each: key[each] for each in ("n", "e", "crv", "x", "y") if each in key}
        private = private or make_key("EC")
        facts = KeyFacts(
            kty=key.get("kty", "EC"),
            key_ops=tuple(key.get("key_ops", ("sign", "verify"))),
            public=public or public_members(private),
            exportable=attributes.get("exportable", None if item.get("managed") else False),
            release_policy=item.get("release_policy"),
            managed=item.get("managed", False),
        )
        version_of_key = ObjectVersion(
            name=name,
            version=version[0] if version else "0" * 32,
            attributes=Attributes(
                enabled=attributes["enabled"],
                not_before=attributes.get("nbf"),
                expires_on=attributes.get("exp"),
                tags=item.get("tags", {}),
            ),
            created_on=attributes["created"],
            updated_on=attributes["updated"],
            facts=facts.to_json(),
            value=seal(private, self.vault.keys._cipher_key),
        )
        self.azure.objects.put(ObjectId(self.vault.name, "key", name), version_of_key, now=0)

    def put_what_was_answered(self) -> None:
        body = self.recording.body
        for item in body["value"] if "nextLink" in body else [body]:
            self.put(item)

    def put_an_exportable_one(self) -> None:
        policy = {"contentType": "application/json; charset=utf-8", "data": "e30", "immutable": True}
        self.put(self.recording.body | {"release_policy": policy})

    def put_it_as_before(self) -> None:
        """Put a key that differs in what the recorded update changed."""
        body = self.recording.body
        before = {"enabled": True, "exp": 1, "updated": body["attributes"]["created"]}
        if self.recording.method == "PATCH" and self.content is None:
            self.content = json.dumps({"attributes": {"exp": body["attributes"]["exp"]}})
        key = body["key"] | {"key_ops": ["encrypt"] if "key_ops" in self.asked else body["key"]["key_ops"]}
        attributes = {
            each: value for each, value in (body["attributes"] | before).items() if each in body["attributes"]
        }
        if "enabled" not in self.asked.get("attributes", {}):
            attributes["enabled"] = body["attributes"]["enabled"]
        if "exp" in body["attributes"] and "exp" not in self.asked.get("attributes", {}):
            attributes["exp"] = body["attributes"]["exp"]
        self.put(body | {"key": key, "attributes": attributes, "tags": body.get("tags") or {}})

    def delete_what_was_answered(self) -> None:
        body = self.recording.body
        for item in body["value"] if "nextLink" in body else [body]:
            self.put(item)
            kid = str(item.get("kid") or item["key"]["kid"])
            name, now = urlsplit(kid).path.split("/")[2], item.get("deletedDate", 0)
            purge_on = item.get("scheduledPurgeDate", int(self.recording.moment) + 7_776_000)
            which = ObjectId(self.vault.name, "key", name)
            self.azure.objects.delete(which, now=now, settles_on=0, purge_on=purge_on)

    def list_deleted(self) -> None:
        self.delete_what_was_answered()
        extra = {"kid": "https://x/keys/zzz", "attributes": {"enabled": True, "created": 1, "updated": 1}}
        self.put(extra)
        self.azure.objects.delete(ObjectId(self.vault.name, "key", "zzz"), now=0, settles_on=0, purge_on=2**40)

    def delete_a_moment_ago(self) -> None:
        self.put({"kid": f"https://x/keys/{self.name}/{'1' * 32}"})
        self.vault.keys.delete(self.name)

    def delete_a_while_ago(self) -> None:
        self.delete_a_moment_ago()
        self.azure.clock.advance(seconds=self.vault.settings.deletion_seconds)

    def recover_a_moment_ago(self) -> None:
        self.delete_a_while_ago()
        self.vault.keys.recover(self.name)

    def put_one_of_rsa(self) -> None:
        operations = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
        self.private = make_key("RSA")
        public = public_members(self.private)
        self.put({"key": {"kid": self.kid, "kty": "RSA", "key_ops": operations, **public}}, private=self.private)

    def put_one_of_its_curve(self) -> None:
        curve = {"ES256K": "P-256K", "ES512": "P-521"}[self.asked["alg"]]
        self.put({"key": {"kid": self.kid, "kty": "EC"}}, private=make_key("EC", curve=curve))

    def encrypt_for_ours(self) -> None:
        """Encrypt what was decrypted: the recorded ciphertext is for a key that never left Azure."""
        self.put_one_of_rsa()
        plain = from_base64url(self.recording.body["value"])
        assert isinstance(self.asked["alg"], str)
        ciphertext = encrypt(self.private.public_key(), self.asked["alg"], plain)
        self.content = json.dumps(self.asked | {"value": to_base64url(ciphertext)})

    def put_the_recorded_public_key(self) -> None:
        """Put the key whose creation is another recording, since its signature is to be verified."""
        [made] = (RECORDINGS / "keys").glob("21-*.json")
        self.put(_read(made).body)

    def set_policy(self) -> None:
        self.vault.keys.create(self.name, "EC", Wanted())
        if self.recording.method == "PUT":
            self.content = self.content or "{}"
            return
        body = self.recording.body
        self.vault.keys.set_rotation_policy(
            self.name, {"lifetimeActions": body["lifetimeActions"], "attributes": body["attributes"]}
        )

    def put_one(self) -> None:
        self.vault.keys.create(self.name, "RSA", Wanted())

    def rotate(self) -> None:
        key = self.recording.body["key"]
        self.vault.keys.create(self.name, key["kty"], Wanted(), curve=key.get("crv"))
        attributes = self.recording.body["attributes"]
        if "exp" in attributes:
            days = (attributes["exp"] - attributes["created"]) // 86_400
            self.vault.keys.set_rotation_policy(self.name, {"attributes": {"expiryTime": f"P{days}D"}})

    def prepare_the_release(self) -> None:
        [made] = (RECORDINGS / "keys").glob("35-*.json")
        self.put(_read(made).body)
        holder = make_key("RSA")
        claims: dict[str, object] = {
            "iss": "https://fakeattestation",
            "exp": 2**40,
            "sdk-test": "true",
            "x-ms-runtime": {"keys": [{"kty": "RSA", **public_members(holder)}]},
        }
        self.content = json.dumps({"target": self.azure.tokens.sign(claims)})

    def immutable(self) -> None:
        self.put_an_exportable_one_named(self.name)

    def put_an_exportable_one_named(self, name: str) -> None:
        self.vault.keys.create(name, "RSA-HSM", Wanted(exportable=True, release_policy=self.asked["release_policy"]))

    def list_and_follow(self) -> None:
        self.put_what_was_answered()
        self.follow_the_token()

    def follow_the_token(self) -> None:
        """Put the key that the real continuation token says is next."""
        token = re.search(r"\$skiptoken=([\w-]+)", self.recording.answer)
        assert token is not None
        marker = json.loads(_decoded(token.group(1)))["NextMarker"].split("!")[2]
        _, name, *version = _decoded(marker.replace("-", "=")).split("!")[1].split("/")
        kid = f"https://x/keys/{name.lower()}" + (f"/{version[0].lower()}" if version else "")
        self.put({"kid": kid, "attributes": {"enabled": True, "created": 1, "updated": 1}})

    def back_up_elsewhere(self) -> None:
        self.put_what_was_answered()
        blob = self.vault.keys.backup(urlsplit(self.kid).path.split("/")[2])
        self.content = json.dumps({"value": to_base64url(blob)})
        self.azure.objects.clear()

    def back_up_and_purge_a_moment_ago(self) -> None:
        self.put({"kid": self.kid, "attributes": {"enabled": True, "created": 1, "updated": 1}})
        name = urlsplit(self.kid).path.split("/")[2]
        self.content = json.dumps({"value": to_base64url(self.vault.keys.backup(name))})
        self.vault.keys.delete(name)
        self.azure.clock.advance(seconds=self.vault.settings.deletion_seconds)
        self.vault.keys.purge(name)

    def allow_nothing(self) -> None:
        self.vault.set_policy(self.azure.identity("system"), ["keys/list"])

    def send(self, **body: object) -> None:
        self.content = json.dumps(body)

    def make_it_ask_for_nothing(self) -> None:
        self.send()

    def make_it_ask_for_rsa(self) -> None:
        self.send(kty="RSA")


STATES: dict[str, Callable[[Scene], None]] = {
    "get-latest-trailing-slash": Scene.put_what_was_answered,
    "patch-version-disable": Scene.put_it_as_before,
    "delete-200": Scene.put_what_was_answered,
    "get-deleted-while-deleting-404": Scene.delete_a_moment_ago,
    "get-deleted-200": Scene.delete_what_was_answered,
    "purge-204": Scene.delete_a_while_ago,
    "recover-200": Scene.delete_what_was_answered,
    "get-version-just-after-recover-404": Scene.recover_a_moment_ago,
    "get-version-after-recover-200": Scene.put_what_was_answered,
    "encrypt-rsa-oaep-256": Scene.put_one_of_rsa,
    "decrypt-without-version": Scene.encrypt_for_ours,
    "wrapkey-rsa-oaep": Scene.put_one_of_rsa,
    "unwrapkey-rsa-oaep": Scene.encrypt_for_ours,
    "sign-es256k": Scene.put_one_of_its_curve,
    "verify-es256k": Scene.put_the_recorded_public_key,
    "rotationpolicy-put-rotate-adds-notify": Scene.set_policy,
    "rotationpolicy-get": Scene.set_policy,
    "rotate-with-policy-sets-exp": Scene.rotate,
    "rotationpolicy-get-never-set": Scene.put_one,
    "rotationpolicy-put-notify-only": Scene.set_policy,
    "rotate-without-policy": Scene.rotate,
    "release-200": Scene.prepare_the_release,
    "delete-omits-release-policy": Scene.put_an_exportable_one,
    "create-new-version-immutable-policy-400": Scene.immutable,
    "list-keys-page1-maxresults1": Scene.list_and_follow,
    "list-versions-page1": Scene.list_and_follow,
    "list-deleted-page": Scene.list_deleted,
    "backup": Scene.put_one,
    "restore-just-after-purge-409": Scene.back_up_and_purge_a_moment_ago,
    "restore-200": Scene.back_up_elsewhere,
    "patch-empty-key-ops-exp-tags": Scene.put_it_as_before,
    "patch-empty-tags": Scene.put_it_as_before,
    "patch-latest-key-ops-2019": Scene.put_it_as_before,
    "get-without-permission-403-2019": Scene.allow_nothing,
    "sign-ps256-2019": Scene.put_one_of_rsa,
    "sign-rs512-2019": Scene.put_one_of_rsa,
    "sign-es512-2019": Scene.put_one_of_its_curve,
    "get-just-after-recover-404-2019": Scene.recover_a_moment_ago,
    "create-kty-missing-400": Scene.make_it_ask_for_nothing,
    "create-empty-name-400": Scene.make_it_ask_for_rsa,
    "get-disabled-key-200": Scene.put_what_was_answered,
    "patch-disabled-key-200": Scene.put_it_as_before,
    "rotationpolicy-put-empty-2021": Scene.set_policy,
    "rotationpolicy-get-rotate-and-notify-2023": Scene.set_policy,
    "rotate-2023-with-hsmplatform": Scene.rotate,
    "get-managed-key-of-certificate": Scene.put_what_was_answered,
}


@pytest.mark.parametrize("file", FILES or [None], ids=lambda file: file.stem if file else "NO-RECORDINGS-FOUND")
def test_a_vault_answers_about_keys_as_azure_did(file: Path | None, serve: Serve) -> None:
    if file is None:
        pytest.skip(
            f"The recordings of Azure are not beside the repository, in {'/'.join(RECORDINGS.parts[-3:])}/keys."
        )
    if "mhsm" in file.stem or file.stem in HSM_ALONE:
        pytest.skip("This is an answer of a managed HSM, which a vault is not.")
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
    if recording.name == "get-without-permission-403-2019":  # The words have changed since.
        assert (
            " does not have keys get permission on key vault 'vault458ad70cc7899e11dd;"
            in answer.json()["error"]["message"]
        )
        assert answer.json()["error"]["innererror"] == recording.body["error"]["innererror"]
    elif recording.name in NO_EMPTY_PAGES:
        assert answer.json() == {"value": [], "nextLink": None}
    else:
        ours, theirs = answer.text, recording.answer
        for pattern in MADE_UP.get(recording.name, ()):
            ours, theirs = (pattern.sub(_without_what_is_made_up, text) for text in (ours, theirs))
        assert ours == theirs
    compare_headers(answer, recording, by_roles=scene.vault.settings.access == "rbac")


def _without_what_is_made_up(found: re.Match[str]) -> str:
    return found.group(found.lastindex or 0) if found.lastindex else ""
