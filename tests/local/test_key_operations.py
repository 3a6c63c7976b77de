"""What a vault does with keys over the wire: what is allowed, what is refused, in which words, and what never leaves it."""

from __future__ import annotations

import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.local.conftest import VaultWire

from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url
from keyless.local.azure.keyvault.keys.hsm_blob import unwrap_key, wrap_key
from keyless.local.azure.keyvault.keys.material import make_key, public_members
from keyless.local.azure.storage.database import Database
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from pathlib import Path

    import requests
    from tests.local.conftest import Serve

    from keyless.local.azure.event_grid import VaultEvent

DIGESTS = {"256": 32, "384": 48, "512": 64, "56K": 32}
ALGORITHMS = [
    *((algorithm, "RSA", None) for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    *(("ES256", "EC", "P-256"), ("ES256K", "EC", "P-256K"), ("ES384", "EC", "P-384"), ("ES512", "EC", "P-521")),
]


@pytest.fixture
def wire(serve: Serve) -> VaultWire:
    """A vault with a system-assigned identity that may do everything with its keys."""
    azure = Azure(Config())
    vault = azure.add_vault("contoso-kv")
    azure.add_identity("system").grant("Key Vault Crypto Officer", on=vault)
    azure.add_identity("reporting")
    return VaultWire(azure, serve(vault_app(azure)))


def _ask(wire: VaultWire, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
    return wire.ask(method, path, body=None if body is None else json.dumps(body), **options)


def _code(answer: requests.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("innererror", {}).get("code")


@pytest.mark.parametrize(("algorithm", "kty", "curve"), ALGORITHMS)
def test_a_signature_is_verified_and_another_is_not(
    wire: VaultWire, algorithm: str, kty: str, curve: str | None
) -> None:
    wire.azure.vault("contoso-kv").create_key("signing", kty, curve=curve)
    digest = to_base64url(os.urandom(DIGESTS[algorithm[-3:]]))
    signed = _ask(wire, "POST", "/keys/signing/sign", {"alg": algorithm, "value": digest}).json()
    body = {"alg": algorithm, "digest": digest, "value": signed["value"]}
    assert _ask(wire, "POST", "/keys/signing//verify", body).json() == {"value": True}
    flipped = bytearray(from_base64url(signed["value"]))
    flipped[-1] ^= 1
    assert _ask(wire, "POST", "/keys/signing/verify", body | {"value": to_base64url(bytes(flipped))}).json() == {
        "value": False
    }
    short = _ask(wire, "POST", "/keys/signing/sign", {"alg": algorithm, "value": to_base64url(b"short")})
    assert short.json()["error"]["message"].startswith(f"Invalid length of 'value': 5 bytes. {algorithm} requires ")


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"])
@pytest.mark.parametrize(("there", "back"), [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")])
def test_what_is_encrypted_is_decrypted(wire: VaultWire, algorithm: str, there: str, back: str) -> None:
    wire.azure.vault("contoso-kv").create_key("wrapping")
    value = to_base64url(b"a key of 16 byte")
    sealed = _ask(wire, "POST", f"/keys/wrapping/{there}", {"alg": algorithm, "value": value}).json()
    opened = _ask(wire, "POST", f"/keys/wrapping/{back}", {"alg": algorithm, "value": sealed["value"]}).json()
    assert opened["value"] == value
    assert re.fullmatch(r"https://contoso-kv.vault.azure.net/keys/wrapping/[0-9a-f]{32}", opened["kid"])


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("ciphertext", [b"", b"x", bytes(256), b"\xff" * 256, os.urandom(256), os.urandom(257)])
def test_every_wrong_ciphertext_has_the_same_refusal(wire: VaultWire, algorithm: str, ciphertext: bytes) -> None:
    wire.azure.vault("contoso-kv").create_key("wrapping")
    body = {"alg": algorithm, "value": to_base64url(ciphertext)}
    refused = _ask(wire, "POST", "/keys/wrapping/decrypt", body)
    message = "Error occurred while decoding OAEP padding"
    assert (refused.status_code, refused.json()) == (400, {"error": {"code": "BadParameter", "message": message}})


def test_a_key_does_what_its_operations_its_state_and_its_times_allow(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    digest = to_base64url(bytes(32))
    sign = {"alg": "ES256", "value": digest}
    vault.create_key("only-verify", "EC", key_ops=["verify"])
    assert _code(_ask(wire, "POST", "/keys/only-verify/sign", sign)) == (403, "Forbidden", "KeyOperationForbidden")
    vault.create_key("off", "EC", enabled=False)
    assert _ask(wire, "GET", "/keys/off").status_code == 200
    assert _code(_ask(wire, "POST", "/keys/off/sign", sign)) == (403, "Forbidden", "KeyDisabled")
    now = int(wire.azure.clock.now())
    vault.create_key("limited", "EC", not_before=now + 100, expires_on=now + 200)
    assert _code(_ask(wire, "POST", "/keys/limited/sign", sign)) == (403, "Forbidden", "KeyNotYetValid")
    wire.azure.clock.advance(seconds=150)
    signature = _ask(wire, "POST", "/keys/limited/sign", sign).json()["value"]
    wire.azure.clock.advance(seconds=100)
    assert _code(_ask(wire, "POST", "/keys/limited/sign", sign)) == (403, "Forbidden", "KeyExpired")
    verify = {"alg": "ES256", "digest": digest, "value": signature}
    assert _ask(wire, "POST", "/keys/limited/verify", verify).json() == {"value": True}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"kty": "oct"}, "Invalid kty value: oct"),
        ({"kty": "RSA", "key_size": 1024}, "Unsupported key size (1024). Supported sizes are [2048, 3072, 4096]"),
        ({"kty": "EC", "crv": "P-512"}, "Property  has invalid value\r\n"),
        ({"kty": "EC", "key_ops": ["dance"]}, "Property  has invalid value\r\n"),
        ({"kty": "RSA", "public_exponent": 5}, "Property  has invalid value\r\n"),
        (None, "Request body not specified"),
    ],
)
def test_what_no_vault_makes_is_refused(wire: VaultWire, body: Any, message: str) -> None:
    refused = _ask(wire, "POST", "/keys/wrong/create", body)
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, message)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Key Vault Crypto User", {"get", "sign", "encrypt", "decrypt"}),
        ("Key Vault Crypto Service Encryption User", {"get", "encrypt", "wrap"}),
        ("Key Vault Reader", {"get", "encrypt", "wrap"}),
        ("Key Vault Secrets Officer", set()),
        ("Key Vault Administrator", {"get", "sign", "encrypt", "decrypt", "wrap", "create"}),
    ],
)
def test_a_role_allows_what_its_data_actions_say(wire: VaultWire, role: str, allowed: set[str]) -> None:
    vault = wire.azure.vault("contoso-kv")
    vault.create_key("shared")
    wire.azure.identity("reporting").grant(role, on="contoso-kv/keys/shared")
    sealed = _ask(wire, "POST", "/keys/shared/encrypt", {"alg": "RSA-OAEP", "value": "YQ"}).json()["value"]
    asked = {
        "get": ("GET", "/keys/shared", None),
        "sign": ("POST", "/keys/shared/sign", {"alg": "RS256", "value": to_base64url(bytes(32))}),
        "encrypt": ("POST", "/keys/shared/encrypt", {"alg": "RSA-OAEP", "value": "YQ"}),
        "decrypt": ("POST", "/keys/shared/decrypt", {"alg": "RSA-OAEP", "value": sealed}),
        "wrap": ("POST", "/keys/shared/wrapkey", {"alg": "RSA-OAEP", "value": "YQ"}),
        "create": ("POST", "/keys/shared/create", {"kty": "EC"}),
    }
    answers = {name: _ask(wire, *how, identity="reporting") for name, how in asked.items()}
    granted = {name for name, answer in answers.items() if answer.status_code == 200}
    assert granted == (allowed | {"wrap"} if "encrypt" in allowed else allowed)
    for name in set(asked) - granted:
        assert _code(answers[name]) == (403, "Forbidden", "ForbiddenByRbac")


def test_an_access_policy_on_keys_is_none_on_secrets(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    vault.create_key("shared", "EC")
    vault.set_policy(wire.azure.identity("reporting"), ["keys/get"])
    assert _ask(wire, "GET", "/keys/shared", identity="reporting").status_code == 200
    refused = _ask(wire, "GET", "/keys/shared/rotationpolicy", identity="reporting")
    assert "does not have keys getrotationpolicy permission" in refused.json()["error"]["message"]
    refused = _ask(wire, "GET", "/secrets", identity="reporting")
    assert "does not have secrets list permission" in refused.json()["error"]["message"]
    with pytest.raises(ConfigurationError, match="no key permission 'keys/dance'"):
        vault.set_policy(wire.azure.identity("reporting"), ["keys/dance"])


def test_a_key_rotates_by_the_clock_and_tells_before_it_expires(wire: VaultWire) -> None:
    told: list[VaultEvent] = []
    azure, vault = wire.azure, wire.azure.vault("contoso-kv")
    vault.create_key("signing", "EC", tags={"team": "blue"})
    policy = {
        "lifetimeActions": [{"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "rotate"}}],
        "attributes": {"expiryTime": "P90D"},
    }
    assert _ask(wire, "PUT", "/keys/signing/rotationpolicy", policy).status_code == 200
    with azure.event_grid.subscribed(told.append):
        azure.clock.advance(days=59)
        assert told == []
        azure.clock.advance(days=2)
        latest = _ask(wire, "GET", "/keys/signing").json()
        assert len(_ask(wire, "GET", "/keys/signing/versions").json()["value"]) == 2
        assert latest["attributes"]["exp"] - latest["attributes"]["created"] == 90 * 86_400
        assert latest["tags"] == {"team": "blue"}
        vault.set_secret("password", "x", expires_on=int(azure.clock.now()) + 40 * 86_400)
        azure.clock.advance(days=11)
        azure.clock.advance(days=30)
    names = [(event.name, json.loads(event.body)[0]["eventType"].removeprefix("Microsoft.KeyVault.")) for event in told]
    assert names == [
        ("signing", "KeyNewVersionCreated"),
        ("password", "SecretNewVersionCreated"),
        ("password", "SecretNearExpiry"),
        ("password", "SecretExpired"),
    ]


def test_a_key_without_rotation_tells_that_it_is_about_to_expire_and_has(wire: VaultWire) -> None:
    told: list[VaultEvent] = []
    azure = wire.azure
    azure.vault("contoso-kv").create_key("signing", "EC", expires_on=int(azure.clock.now()) + 60 * 86_400)
    with azure.event_grid.subscribed(told.append):
        azure.clock.advance(days=31)
        azure.clock.advance(days=30)
        azure.clock.advance(days=30)
    types = [json.loads(event.body)[0]["eventType"] for event in told]
    assert types == ["Microsoft.KeyVault.KeyNearExpiry", "Microsoft.KeyVault.KeyExpired"]


@pytest.mark.parametrize(
    "policy",
    [
        {"attributes": {"expiryTime": "P1D"}},
        {"attributes": {"expiryTime": "soon"}},
        {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P30D"}, "action": {"type": "Notify"}}]},
        {"lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "Rotate"}}]},
        {"lifetimeActions": [{"trigger": {}, "action": {"type": "Rotate"}}]},
        {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P30D"}, "action": {"type": "Dance"}}]},
        {
            "lifetimeActions": [{"trigger": {"timeBeforeExpiry": "P100M"}, "action": {"type": "Rotate"}}],
            "attributes": {"expiryTime": "P3010D"},
        },
    ],
)
def test_a_rotation_policy_that_no_key_can_have_is_refused(wire: VaultWire, policy: dict[str, Any]) -> None:
    wire.azure.vault("contoso-kv").create_key("signing", "EC")
    assert _ask(wire, "PUT", "/keys/signing/rotationpolicy", policy).status_code == 400


def test_a_key_brought_from_elsewhere_is_wrapped_for_a_key_of_the_vault(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    exchange = vault.create_key("exchange", "RSA-HSM", key_ops=["import"])
    private = vault.keys.private(exchange)
    assert isinstance(private, rsa.RSAPrivateKey)
    kid, brought = f"{vault.url}/keys/exchange/{exchange.version}", make_key("RSA")
    blob = wrap_key(brought, private.public_key(), wrapping="CKM_RSA_AES_KEY_WRAP", kid=kid)
    made = _ask(wire, "PUT", "/keys/brought", {"key": {"kty": "RSA-HSM", "key_hsm": blob}}).json()
    assert made["key"]["n"] == public_members(brought)["n"]
    assert made["key"]["kty"] == "RSA-HSM"
    spoilt = _ask(wire, "PUT", "/keys/brought", {"key": {"kty": "RSA-HSM", "key_hsm": blob[:-40]}})
    assert spoilt.json()["error"]["message"] == 'The property "key" must be a valid JsonWebKey object.'


def test_a_release_needs_a_statement_that_fulfils_the_policy(wire: VaultWire) -> None:
    authority, holder = "https://attestation.test", make_key("RSA")
    policy = {"version": "1.0.0", "anyOf": [{"authority": authority, "allOf": [{"claim": "debug", "equals": "false"}]}]}
    body = {
        "kty": "RSA-HSM",
        "attributes": {"exportable": True},
        "release_policy": {"data": to_base64url(json.dumps(policy).encode())},
    }
    made = _ask(wire, "POST", "/keys/secret-key/create", body).json()
    claims: dict[str, Any] = {
        "iss": authority,
        "exp": int(wire.azure.clock.now()) + 60,
        "debug": False,
        "x-ms-runtime": {"keys": [{"kty": "RSA", **public_members(holder)}]},
    }
    wrongs: list[dict[str, Any]] = [{"debug": True}, {"iss": "https://other.test"}, {"exp": 1}, {"x-ms-runtime": {}}]
    for wrong in wrongs:
        refused = _ask(wire, "POST", "/keys/secret-key/release", {"target": wire.azure.tokens.sign(claims | wrong)})
        assert _code(refused) == (403, "Forbidden", "AccessDenied")
    assert _code(_ask(wire, "POST", "/keys/secret-key/release", {"target": "x"})) == (403, "Forbidden", "AccessDenied")
    token = _ask(wire, "POST", "/keys/secret-key/release", {"target": wire.azure.tokens.sign(claims)}).json()["value"]
    released = json.loads(from_base64url(token.split(".")[1]))["response"]["key"]["key"]
    assert public_members(unwrap_key(released["key_hsm"], lambda _: holder))["n"] == made["key"]["n"]


def test_private_keys_are_in_no_answer_journal_or_representation_and_rest_encrypted(
    tmp_path: Path, serve: Serve
) -> None:
    file = tmp_path / "store"
    azure = Azure(Config(), database=Database(file))
    vault = azure.add_vault("contoso-kv")
    azure.add_identity("system").grant("Key Vault Crypto Officer", on=vault)
    wire = VaultWire(azure, serve(vault_app(azure)))
    private = make_key("RSA")
    assert isinstance(private, rsa.RSAPrivateKey)
    numbers = private.private_numbers()
    texts = {each: to_base64url(getattr(numbers, each).to_bytes(256)) for each in ("d",)}
    secret_bytes = numbers.p.to_bytes(128)
    jwk = {"kty": "RSA", **public_members(private), "p": to_base64url(secret_bytes), **texts}
    jwk["q"] = to_base64url(numbers.q.to_bytes(128))
    answer = _ask(wire, "PUT", "/keys/imported", {"key": jwk})
    assert answer.status_code == 200
    seen = [answer.text, repr(azure.journal.entries()), repr(vault.keys.find("imported")), repr(vault.keys)]
    assert not [text for text in seen for hidden in (jwk["d"], jwk["p"], str(numbers.p)) if hidden in text]
    kept = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert b"imported" in kept
    assert secret_bytes not in kept
    assert jwk["p"].encode() not in kept
    assert all(part.stat().st_mode & 0o077 == 0 for part in tmp_path.iterdir())
    azure.close()
    again = Azure(Config(), database=Database(file))
    version = again.add_vault("contoso-kv").keys.find("imported")
    assert version is not None
    assert public_members(again.vault("contoso-kv").keys.private(version))["n"] == jwk["n"]
    again.close()


def _jwk(numbers: rsa.RSAPrivateNumbers, **changed: int) -> dict[str, str]:
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    members = {"n": n, "e": e, "d": numbers.d, "p": numbers.p, "q": numbers.q}
    members |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp, **changed}
    found = {
        name: to_base64url(value.to_bytes(-(-value.bit_length() // 8))) for name, value in members.items() if value
    }
    return {"kty": "RSA", **found}


def test_a_key_whose_numbers_do_not_fit_together_is_not_imported(wire: VaultWire) -> None:
    """The check is not that of OpenSSL, in whose time for a large key the vault would answer nobody."""
    key, other = make_key("RSA"), make_key("RSA")
    assert isinstance(key, rsa.RSAPrivateKey)
    assert isinstance(other, rsa.RSAPrivateKey)
    good, strange = key.private_numbers(), other.private_numbers()
    wrong = [{name: getattr(good, of) + 2} for name, of in (("dp", "dmp1"), ("dq", "dmq1"), ("qi", "iqmp"), ("d", "d"))]
    wrong += [
        {"p": strange.p},
        {"p": strange.p, "n": strange.p * good.q},
        {"e": 3},
        {"e": 4},
        {"n": good.p * good.q + 2},
    ]
    wrong += [{"d": strange.d, "dp": 0, "dq": 0}, {"p": 1, "q": good.p * good.q}, {"d": 1}]
    # Whose primes are not given, and would take minutes to look for.
    wrong += [{"p": 0, "q": 0, "n": (1 << 16_384) - 159}]
    for changed in wrong:
        refused = _ask(wire, "PUT", "/keys/wrong", {"key": _jwk(good, **changed)})
        message = 'The property "key" must be a valid JsonWebKey object.'
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, message), changed
    taken = _ask(wire, "PUT", "/keys/good", {"key": _jwk(good, p=0, q=0, dp=0, dq=0, qi=0)})
    assert taken.status_code == 200


def test_other_requests_are_answered_while_a_key_is_made(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").create_key("there", "EC")
    made: list[int] = []

    def make() -> None:
        for number in range(2):
            asked = {"kty": "RSA", "key_size": 4096}
            made.append(_ask(wire, "POST", f"/keys/large-{number}/create", asked).status_code)

    maker = threading.Thread(target=make)
    maker.start()
    answered = 0
    while maker.is_alive():
        assert _ask(wire, "GET", "/keys/there").status_code == 200
        answered += maker.is_alive()
    maker.join()
    assert (made, answered > 1) == ([200, 200], True)


def test_a_signature_is_one_that_any_library_verifies(wire: VaultWire) -> None:
    made = wire.azure.vault("contoso-kv").create_key("signing")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"message")
    value = to_base64url(digest.finalize())
    signed = _ask(wire, "POST", "/keys/signing/sign", {"alg": "RS256", "value": value}).json()["value"]
    numbers = (int.from_bytes(from_base64url(made.facts["public"][name])) for name in ("e", "n"))
    key = rsa.RSAPublicNumbers(*numbers).public_key()
    key.verify(from_base64url(signed), b"message", padding.PKCS1v15(), hashes.SHA256())
