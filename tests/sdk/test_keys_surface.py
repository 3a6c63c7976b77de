"""The official Python clients of keys, unmodified, through their whole surface: sync and async, local and remote."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.keyvault.keys import ApiVersion, JsonWebKey, KeyClient, KeyRotationLifetimeAction, KeyRotationPolicy
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from azure.keyvault.keys.crypto.aio import CryptographyClient as AsyncCryptographyClient
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyless.local.azure.keyvault.backup.jwe import from_base64url
from keyless.local.azure.keyvault.keys.material import make_key, public_members

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local import LocalAzure

URL = "https://contoso-kv.vault.azure.net"


pytestmark = pytest.mark.usefixtures("azure_environment")


@pytest.fixture
def azure(local_azure: LocalAzure) -> LocalAzure:
    """The running local Azure, whose system identity may do all with keys."""
    local_azure.identity("system").grant("Key Vault Crypto Officer", on="contoso-kv")
    return local_azure


@pytest.mark.parametrize("api_version", [None, ApiVersion.V7_4, ApiVersion.V7_0])
def test_the_key_client_goes_through_a_life(azure: LocalAzure, api_version: ApiVersion | None) -> None:
    options = {} if api_version is None else {"api_version": api_version}
    with KeyClient(URL, ManagedIdentityCredential(), **options) as client:
        made = client.create_rsa_key("life", size=2048, tags={"a": "b"})
        assert (made.key_type, made.properties.tags) == ("RSA", {"a": "b"})
        client.create_ec_key("life", curve="P-384")
        assert client.get_key("life").key.crv == "P-384"  # type: ignore[attr-defined]
        assert client.get_key("life", made.properties.version).key.n == made.key.n  # type: ignore[attr-defined]
        versions = {each.version for each in client.list_properties_of_key_versions("life")}
        assert len(versions) == 2
        assert [each.name for each in client.list_properties_of_keys()] == ["life"]
        changed = client.update_key_properties("life", enabled=False, tags={})
        assert changed.properties.enabled is False
        backup = client.backup_key("life")
        poller = client.begin_delete_key("life")
        assert poller.result().recovery_id == f"{URL}/deletedkeys/life"
        azure.clock.advance(seconds=5)
        assert client.get_deleted_key("life").name == "life"
        assert [each.name for each in client.list_deleted_keys()] == ["life"]
        recovering = client.begin_recover_deleted_key("life")
        azure.clock.advance(seconds=5)
        recovering.wait()
        client.begin_delete_key("life")
        azure.clock.advance(seconds=5)
        client.purge_deleted_key("life")
        azure.clock.advance(seconds=5)
        with pytest.raises(ResourceNotFoundError):
            client.get_key("life")
        restored = client.restore_key_backup(backup)
        assert restored.properties.enabled is False


def test_a_rotation_policy_is_set_read_and_followed(azure: LocalAzure) -> None:
    with KeyClient(URL, ManagedIdentityCredential()) as client:
        client.create_ec_key("rotating")
        policy = KeyRotationPolicy(
            lifetime_actions=[KeyRotationLifetimeAction("rotate", time_after_create="P30D")], expires_in="P90D"
        )
        assert client.update_key_rotation_policy("rotating", policy).expires_in == "P90D"
        found = client.get_key_rotation_policy("rotating")
        assert [action.action for action in found.lifetime_actions] == ["Rotate", "Notify"]
        first = client.get_key("rotating").properties.version
        second = client.rotate_key("rotating").properties.version
    azure.clock.advance(days=31)
    third = azure.vault("contoso-kv").keys.find("rotating")
    assert third is not None
    assert len({first, second, third.version}) == 3


@pytest.mark.parametrize("local", [True, False])
def test_the_cryptography_client_signs_encrypts_and_wraps(azure: LocalAzure, *, local: bool) -> None:
    with KeyClient(URL, ManagedIdentityCredential()) as client:
        key = client.create_rsa_key("crypto")
        # Without the right to read the key, the client asks the vault for everything.
        with CryptographyClient(key if local else key.id, ManagedIdentityCredential()) as crypto:
            if not local:
                azure.faults.add_named("role-not-propagated", operation="getKey")
            for algorithm in (
                EncryptionAlgorithm.rsa_oaep,
                EncryptionAlgorithm.rsa_oaep_256,
                EncryptionAlgorithm.rsa1_5,
            ):
                sealed = crypto.encrypt(algorithm, b"plain")
                assert crypto.decrypt(algorithm, sealed.ciphertext).plaintext == b"plain"
            wrapped = crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep, b"a key of 16 byte")
            assert crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped.encrypted_key).key == b"a key of 16 byte"
            digest = hashlib.sha256(b"message").digest()
            for signing in (SignatureAlgorithm.rs256, SignatureAlgorithm.ps256):
                signature = crypto.sign(signing, digest).signature
                assert crypto.verify(signing, digest, signature).is_valid
                assert not crypto.verify(signing, hashlib.sha256(b"other").digest(), signature).is_valid
        operations = {entry.operation for entry in azure.journal.entries(service="vault")}
        assert ("encrypt" in operations) is not local


def test_an_imported_key_is_used_and_its_refusals_are_azures(azure: LocalAzure) -> None:
    private = make_key("EC")
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    members = {name: from_base64url(text) for name, text in public_members(private).items() if name != "crv"}
    scalar = private.private_numbers().private_value.to_bytes(32)
    with KeyClient(URL, ManagedIdentityCredential()) as client:
        key = JsonWebKey(kty="EC", crv="P-256", key_ops=["sign", "verify"], d=scalar, **members)
        imported = client.import_key("imported", key)
        assert imported.key.x == members["x"]  # type: ignore[attr-defined]
        crypto = CryptographyClient(imported, ManagedIdentityCredential())
        digest = hashlib.sha256(b"message").digest()
        signature = crypto.sign(SignatureAlgorithm.es256, digest).signature
        assert CryptographyClient.from_jwk(imported.key).verify(SignatureAlgorithm.es256, digest, signature).is_valid
        with pytest.raises(HttpResponseError, match="Unsupported key size"):
            client.create_rsa_key("small", size=1024)


async def test_the_async_clients_do_the_same(azure: LocalAzure) -> None:
    async with AsyncManagedIdentityCredential() as credential, AsyncKeyClient(URL, credential) as client:
        key = await client.create_ec_key("async", curve="P-521")
        async with AsyncCryptographyClient(key, credential) as crypto:
            digest = hashlib.sha512(b"message").digest()
            signature = (await crypto.sign(SignatureAlgorithm.es512, digest)).signature
            assert len(signature) == 132
            assert (await crypto.verify(SignatureAlgorithm.es512, digest, signature)).is_valid
        assert [each.name async for each in client.list_properties_of_keys()] == ["async"]
        deletion = await client.delete_key("async")
        assert deletion.name == "async"


def test_openssl_verifies_a_signature(azure: LocalAzure, tmp_path: Path) -> None:
    with KeyClient(URL, ManagedIdentityCredential()) as client:
        key = client.create_rsa_key("for-openssl")
        signature = (
            CryptographyClient(key, ManagedIdentityCredential())
            .sign(SignatureAlgorithm.rs256, hashlib.sha256(b"message").digest())
            .signature
        )
        public: Any = key.key
        numbers = rsa.RSAPublicNumbers(int.from_bytes(public.e), int.from_bytes(public.n))
    for name, content in (
        ("key.pem", numbers.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("signature", signature),
        ("message", b"message"),
    ):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Verified OK")
