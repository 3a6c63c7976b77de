"""Wycheproof's vectors through a vault: no signature is taken that is none, and every padding failure looks the same.

https://github.com/C2SP/wycheproof, as the Rust package ``wycheproof`` carries it; ``tests/vectors/`` pins it by its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.local.conftest import VaultWire

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url
from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.azure.keyvault.keys.material import RSA_SIZES
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectId, ObjectVersion
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.conftest import Serve

    Json = dict[str, Any]

MANIFEST = Path(__file__).parents[1] / "vectors" / "Cargo.toml"
CURVES = {"secp256r1": "P-256", "secp256k1": "P-256K", "secp384r1": "P-384", "secp521r1": "P-521"}
SIGNATURES = [
    ("ES256", "ecdsa_secp256r1_sha256_p1363"),
    ("ES256K", "ecdsa_secp256k1_sha256_p1363"),
    ("ES384", "ecdsa_secp384r1_sha384_p1363"),
    ("ES512", "ecdsa_secp521r1_sha512_p1363"),
    *((f"RS{bits}", f"rsa_signature_{size}_sha{bits}") for size in RSA_SIZES for bits in (256, 384, 512)),
    *(("PS256", f"rsa_pss_{size}_sha256_mgf1_32") for size in RSA_SIZES),
    ("PS384", "rsa_pss_2048_sha384_mgf1_48"),
    ("PS384", "rsa_pss_4096_sha384_mgf1_48"),
    ("PS512", "rsa_pss_4096_sha512_mgf1_64"),
]
# Good signatures, but in another form or with other parameters than those of the algorithm.
FOREIGN_SIGNATURES = [
    ("ES256", "ecdsa_secp256r1_sha256"),
    ("PS256", "rsa_pss_2048_sha256_mgf1_0"),
    ("PS256", "rsa_pss_2048_sha256_mgf1sha1_20"),
    ("PS512", "rsa_pss_4096_sha512_mgf1_32"),
]
# Some files hold what other hashes and labels encrypted as well.
CIPHERTEXTS = [
    ("RSA-OAEP", "rsa_oaep_2048_sha1_mgf1sha1"),
    *(("RSA-OAEP-256", f"rsa_oaep_{size}_sha256_mgf1sha256") for size in RSA_SIZES),
    *(("RSA-OAEP-256", f"rsa_oaep_{size}_sha256_mgf1sha1") for size in RSA_SIZES),
    ("RSA-OAEP", "rsa_oaep_misc"),
    ("RSA-OAEP-256", "rsa_oaep_misc"),
]
HASHES = {"RSA-OAEP": "SHA-1", "RSA-OAEP-256": "SHA-256"}
REFUSAL = (400, {"error": {"code": "BadParameter", "message": "Error occurred while decoding OAEP padding"}})


@cache
def _folder() -> tuple[Path | None, str]:
    """Return where the vectors are; else what keeps them away."""
    if shutil.which("cargo") is None:
        return None, "cargo is missing on this machine"
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", str(MANIFEST)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        return None, f"they cannot be downloaded: {done.stderr[-500:]}"
    packages = json.loads(done.stdout)["packages"]
    found = next(Path(package["manifest_path"]) for package in packages if package["name"] == "wycheproof")
    return found.parent / "src" / "data", ""


def _groups(name: str) -> list[Json]:
    folder, problem = _folder()
    if folder is None and os.environ.get("CI") and shutil.which("cargo"):
        pytest.fail(problem)
    if folder is None:
        pytest.skip(f"WYCHEPROOF'S VECTORS ARE NOT TESTED: {problem}.")
    groups: list[Json] = json.loads((folder / f"{name}_test.json").read_text(encoding="utf-8"))["testGroups"]
    return groups


def _jwk(private: Json) -> Json:
    names = {"n": "modulus", "e": "publicExponent", "d": "privateExponent", "p": "prime1", "q": "prime2"}
    return {"kty": "RSA", **{name: to_base64url(bytes.fromhex(private[member])) for name, member in names.items()}}


class Vault(VaultWire):
    """A vault, asked by one connection; keys come into it by import, or straight into its store where they are public."""

    def __init__(self, azure: Azure, address: str) -> None:
        super().__init__(azure, address)
        self.session = requests.Session()
        self.session.headers.update({"Host": "contoso-kv.vault.azure.net", "Authorization": f"Bearer {self.token()}"})
        self.address = address

    def send(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        answer = self.session.request(method, f"{self.address}/keys/{path}?api-version=7.6", json=body, timeout=60)
        return answer.status_code, answer.json()

    def keep_public(self, group: Json) -> None:
        key = group["publicKey"]
        if "curve" in key:
            size = len(key["uncompressed"][2:]) // 4
            coordinates = {"x": int(key["wx"], 16), "y": int(key["wy"], 16)}
            public = {name: to_base64url(value.to_bytes(size)) for name, value in coordinates.items()}
            public["crv"] = CURVES[key["curve"]]
        else:
            members = {"n": "modulus", "e": "publicExponent"}
            public = {name: to_base64url(bytes.fromhex(key[member]).lstrip(b"\0")) for name, member in members.items()}
        facts = KeyFacts(kty="EC" if "curve" in key else "RSA", key_ops=("verify",), public=public)
        version = ObjectVersion(
            name="public",
            version=os.urandom(16).hex(),
            attributes=Attributes(),
            created_on=0,
            updated_on=0,
            facts=facts.to_json(),
            value="",
        )
        self.azure.objects.put(ObjectId("contoso-kv", "key", "public"), version, now=self.azure.clock.now())

    def accepts(self, algorithm: str, vector: Json) -> bool:
        digest = hashlib.new(f"sha{algorithm[2:5]}", bytes.fromhex(vector["msg"])).digest()
        body = {
            "alg": algorithm,
            "digest": to_base64url(digest),
            "value": to_base64url(bytes.fromhex(vector["sig"])),
        }
        status, answer = self.send("POST", "public/verify", body)
        assert (status, [*answer]) == (200, ["value"])
        return bool(answer["value"])


@pytest.fixture
def vault(serve: Serve) -> Iterator[Vault]:
    azure = Azure(Config())
    azure.add_identity("system").grant("Key Vault Crypto Officer", on=azure.add_vault("contoso-kv"))
    made = Vault(azure, serve(vault_app(azure)))
    with made.session:
        yield made


@pytest.mark.parametrize(("algorithm", "name"), SIGNATURES)
def test_a_vault_takes_good_signatures_alone(vault: Vault, algorithm: str, name: str) -> None:
    wrong = []
    for group in _groups(name):
        vault.keep_public(group)
        wrong += [
            (vector["tcId"], vector["comment"])
            for vector in group["tests"]
            if vector["result"] != "acceptable"
            and vault.accepts(algorithm, vector) is not (vector["result"] == "valid")
        ]
    assert wrong == []


@pytest.mark.parametrize(("algorithm", "name"), FOREIGN_SIGNATURES)
def test_a_vault_takes_no_signature_of_another_form(vault: Vault, algorithm: str, name: str) -> None:
    accepted, tried = [], 0
    for group in _groups(name):
        vault.keep_public(group)
        # Those that are bad in the other form may be good in the algorithm's own: by the length of their salt, for one.
        foreign = [vector for vector in group["tests"] if vector["result"] == "valid"]
        accepted += [vector["tcId"] for vector in foreign if vault.accepts(algorithm, vector)]
        tried += len(foreign)
    assert tried > 30
    assert accepted == []


@pytest.mark.parametrize("operation", ["decrypt", "unwrapkey"])
@pytest.mark.parametrize(("algorithm", "name"), CIPHERTEXTS)
def test_every_padding_failure_is_the_same_refusal(vault: Vault, operation: str, algorithm: str, name: str) -> None:
    wrong, tried = [], 0
    for group in _groups(name):
        # Of the file with a key for every pair of hashes, the small ones are enough: to import a large one takes its time.
        if group["keySize"] not in (RSA_SIZES[:1] if name.endswith("misc") else RSA_SIZES):
            continue
        assert vault.send("PUT", "private", {"key": _jwk(group["privateKey"])})[0] == 200
        ours = (group["sha"], group["mgfSha"]) == (HASHES[algorithm], HASHES[algorithm])
        for vector in group["tests"]:
            body = {"alg": algorithm, "value": to_base64url(bytes.fromhex(vector["ct"]))}
            status, answer = vault.send("POST", f"private/{operation}", body)
            good = ours and vector["result"] == "valid" and not vector["label"]
            fine = (
                answer.get("value") == to_base64url(bytes.fromhex(vector["msg"]))
                if good
                else (status, answer) == REFUSAL
            )
            wrong += [] if fine else [(vector["tcId"], vector["comment"], status)]
            tried += 1
    assert tried > 30
    assert wrong == []


@pytest.mark.parametrize("size", RSA_SIZES)
def test_bad_padding_of_rsa1_5_gives_bytes_that_say_nothing(vault: Vault, size: int) -> None:
    wrong = []
    # The rest are good ones with as many keys more, of which to import one takes its time.
    for group in _groups(f"rsa_pkcs1_{size}")[:4]:
        assert vault.send("PUT", "private", {"key": _jwk(group["privateKey"])})[0] == 200
        modulus = int(group["privateKey"]["modulus"], 16)
        for vector in group["tests"]:
            sealed, message = bytes.fromhex(vector["ct"]), bytes.fromhex(vector["msg"])
            body = {"alg": "RSA1_5", "value": to_base64url(sealed)}
            status, answer = vault.send("POST", "private/decrypt", body)
            if vector["result"] == "valid":
                fine = answer.get("value") == to_base64url(message)
            elif len(sealed) == size // 8 and int.from_bytes(sealed) < modulus:
                # Always the same bytes, so that asking twice tells nothing either.
                again = vault.send("POST", "private/decrypt", body)
                fine = status == 200 and again[1] == answer and from_base64url(answer["value"]) != message
            else:
                fine = (status, answer) == REFUSAL
            wrong += [] if fine else [(vector["tcId"], vector["comment"], status, answer)]
    assert wrong == []
