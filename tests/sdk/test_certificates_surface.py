"""The official Python clients of certificates, unmodified, through their whole surface: sync and async."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.keyvault.certificates import (
    AdministratorContact,
    ApiVersion,
    CertificateClient,
    CertificateContact,
    CertificateContentType,
    CertificateOperation,
    CertificatePolicy,
    CertificatePolicyAction,
    KeyType,
    KeyUsageType,
    LifetimeAction,
    WellKnownIssuerNames,
)
from azure.keyvault.certificates.aio import CertificateClient as AsyncCertificateClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from msgspec.structs import replace

from keyless.local.azure.keyvault.certificates.package import read_package
from keyless.local.azure.keyvault.keys.material import make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keyless.local import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
pytestmark = pytest.mark.usefixtures("azure_environment")


def policy(issuer: str = WellKnownIssuerNames.self, **parts: Any) -> CertificatePolicy:
    return CertificatePolicy(issuer, **{"subject": "CN=contoso.com", "key_type": KeyType.ec, **parts})


@pytest.fixture
def azure(local_azure: LocalAzure) -> LocalAzure:
    """The running local Azure, whose system identity may do all in its vault, and whose certificates are there at once."""
    local_azure.identity("system").grant("Key Vault Administrator", on="contoso-kv")
    vault = local_azure.vault("contoso-kv")
    vault.settings = replace(vault.settings, issuance_seconds=0)
    return local_azure


@pytest.fixture
def client(azure: LocalAzure) -> Iterator[CertificateClient]:
    with CertificateClient(azure.vault("contoso-kv").url, ManagedIdentityCredential()) as made:
        yield made


@pytest.mark.parametrize("api_version", [None, ApiVersion.V7_4, ApiVersion.V7_0])
def test_the_certificate_client_goes_through_a_life(azure: LocalAzure, api_version: ApiVersion | None) -> None:
    options = {} if api_version is None else {"api_version": api_version}
    with CertificateClient(URL, ManagedIdentityCredential(), **options) as client:
        made: Any = client.begin_create_certificate(
            "life", policy(san_dns_names=["contoso.com"]), tags={"a": "b"}
        ).result()
        assert (made.name, made.properties.tags) == ("life", {"a": "b"})
        assert made.policy.san_dns_names == ["contoso.com"]
        leaf = x509.load_der_x509_certificate(bytes(made.cer))
        assert leaf.fingerprint(hashes.SHA1()) == made.properties.x509_thumbprint
        client.begin_create_certificate("life", CertificatePolicy.get_default()).result()
        assert client.get_certificate("life").policy.key_type == KeyType.rsa  # type: ignore[union-attr]
        assert client.get_certificate_version("life", made.properties.version).cer == made.cer
        assert len(list(client.list_properties_of_certificate_versions("life"))) == 2
        assert [each.name for each in client.list_properties_of_certificates(include_pending=True)] == ["life"]
        changed: Any = client.update_certificate_properties("life", enabled=False, tags={})
        assert changed.properties.enabled is False
        found = client.get_certificate_policy("life")
        found._validity_in_months = 6
        assert client.update_certificate_policy("life", found).validity_in_months == 6
        backup = client.backup_certificate("life")
        poller = client.begin_delete_certificate("life")
        assert poller.result().recovery_id == f"{URL}/deletedcertificates/life"
        azure.clock.advance(seconds=5)
        assert client.get_deleted_certificate("life").name == "life"
        assert [each.name for each in client.list_deleted_certificates()] == ["life"]
        recovering = client.begin_recover_deleted_certificate("life")
        azure.clock.advance(seconds=5)
        recovering.wait()
        client.begin_delete_certificate("life")
        azure.clock.advance(seconds=5)
        client.purge_deleted_certificate("life")
        azure.clock.advance(seconds=5)
        with pytest.raises(ResourceNotFoundError):
            client.get_certificate("life")
        restored: Any = client.restore_certificate_backup(backup)
        assert restored.properties.enabled is False


def test_the_client_waits_for_what_takes_a_while(azure: LocalAzure, client: CertificateClient) -> None:
    vault = azure.vault("contoso-kv")
    vault.settings = replace(vault.settings, issuance_seconds=30)
    poller = client.begin_create_certificate("slow", policy())
    assert poller.status().lower() == "inprogress"
    azure.clock.advance(seconds=31)
    made: Any = poller.result()
    assert made.properties.enabled
    client.begin_create_certificate("slow", policy())
    assert client.cancel_certificate_operation("slow").cancellation_requested
    azure.clock.advance(seconds=31)
    assert client.get_certificate_operation("slow").status == "cancelled"
    assert client.delete_certificate_operation("slow").status == "cancelled"
    with pytest.raises(ResourceNotFoundError, match="Pending certificate not found"):
        client.get_certificate_operation("slow")


def test_what_the_client_had_signed_is_merged(client: CertificateClient) -> None:
    ordered = client.begin_create_certificate("merged", policy(WellKnownIssuerNames.unknown)).result()
    assert isinstance(ordered, CertificateOperation)
    assert ordered.csr is not None
    request = x509.load_der_x509_csr(bytes(ordered.csr))
    authority = make_key("EC")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    times = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    issued = x509.CertificateBuilder(name, request.subject, request.public_key(), 7, *times)
    leaf = issued.sign(authority, hashes.SHA256()).public_bytes(Encoding.DER)
    merged: Any = client.merge_certificate("merged", [leaf], tags={"a": "b"})
    assert merged.cer == leaf
    assert merged.properties.expires_on == times[1]


def test_a_certificate_is_downloaded_used_and_imported(client: CertificateClient, tmp_path: Path) -> None:
    made: Any = client.begin_create_certificate("web", policy(key_usage=[KeyUsageType.digital_signature])).result()
    credential = ManagedIdentityCredential()
    secret = SecretClient(URL, credential).get_secret("web")
    assert secret.properties.managed
    assert secret.properties.key_id == made.key_id
    package = read_package(secret.value or "", None)
    signature = CryptographyClient(made.key_id, credential).sign(SignatureAlgorithm.es256, bytes(32)).signature
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    public = package.leaf.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(encode_dss_signature(r, s), bytes(32), ec.ECDSA(Prehashed(hashes.SHA256())))
    pfx = pkcs12.serialize_key_and_certificates(
        b"web", package.key, package.leaf, None, BestAvailableEncryption(b"one")
    )
    imported: Any = client.import_certificate("imported", pfx, password="one")
    assert imported.properties.x509_thumbprint == made.properties.x509_thumbprint
    file = tmp_path / "web.pfx"
    file.write_bytes(base64.b64decode(secret.value or ""))
    pem = subprocess.run(
        ["openssl", "pkcs12", "-in", str(file), "-passin", "pass:", "-nodes", "-legacy"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    as_pem = policy(content_type=CertificateContentType.pem)
    again: Any = client.import_certificate("again", pem, policy=as_pem)
    assert again.properties.x509_thumbprint == made.properties.x509_thumbprint
    value = SecretClient(URL, credential).get_secret("again").value or ""
    assert value.startswith("-----BEGIN PRIVATE KEY-----")
    with pytest.raises(HttpResponseError, match="can not be read"):
        client.import_certificate("wrong", pfx, password="two")


def test_issuers_and_contacts_are_set_read_changed_and_deleted(client: CertificateClient) -> None:
    people = [AdministratorContact(first_name="Ada", last_name="L", email="ada@contoso.com", phone="1")]
    made = client.create_issuer("public-ca", "Test", account_id="us", password="hidden", admin_contacts=people)
    assert (made.provider, made.account_id) == ("Test", "us")
    assert client.get_issuer("public-ca").admin_contacts[0].first_name == "Ada"  # type: ignore[index]
    assert client.update_issuer("public-ca", enabled=True, organization_id="o").organization_id == "o"
    assert [each.name for each in client.list_properties_of_issuers()] == ["public-ca"]
    issued: Any = client.begin_create_certificate("issued", policy("public-ca")).result()
    leaf = x509.load_der_x509_certificate(bytes(issued.cer))
    assert leaf.issuer.rfc4514_string() == "CN=issuer.local"
    assert client.delete_issuer("public-ca").name == "public-ca"
    with pytest.raises(ResourceNotFoundError):
        client.get_issuer("public-ca")
    contacts = client.set_contacts([CertificateContact(email="ada@contoso.com", name="Ada", phone="1")])
    assert [each.email for each in contacts] == [each.email for each in client.get_contacts()]
    client.delete_contacts()
    with pytest.raises(ResourceNotFoundError, match="Contacts not found"):
        client.get_contacts()


def test_a_certificate_is_renewed_as_its_policy_says(azure: LocalAzure, client: CertificateClient) -> None:
    action = LifetimeAction(CertificatePolicyAction.auto_renew, lifetime_percentage=50)
    first: Any = client.begin_create_certificate(
        "web", policy(lifetime_actions=[action], validity_in_months=2)
    ).result()
    azure.clock.advance(days=31)
    second: Any = client.get_certificate("web")
    assert second.properties.version != first.properties.version


async def test_the_async_client_does_the_same(azure: LocalAzure) -> None:
    async with AsyncManagedIdentityCredential() as credential, AsyncCertificateClient(URL, credential) as client:
        made: Any = await client.create_certificate("async", policy(), preserve_order=True)
        assert made.properties.enabled
        assert (await client.get_certificate_policy("async")).issuer_name == "Self"
        assert [each.name async for each in client.list_properties_of_certificates()] == ["async"]
        await client.update_certificate_properties("async", tags={"a": "b"})
        changed: Any = await client.get_certificate("async")
        assert changed.properties.tags == {"a": "b"}
        await client.create_issuer("public-ca", "Test")
        assert [each.name async for each in client.list_properties_of_issuers()] == ["public-ca"]
        backup = await client.backup_certificate("async")
        await client.delete_certificate("async")
        azure.clock.advance(seconds=5)
        assert (await client.get_deleted_certificate("async")).name == "async"
        await client.purge_deleted_certificate("async")
        azure.clock.advance(seconds=5)
        restored: Any = await client.restore_certificate_backup(backup)
        assert restored.properties.tags == {"a": "b"}
        operation = await client.create_certificate("waiting", policy(WellKnownIssuerNames.unknown))
        assert isinstance(operation, CertificateOperation)
        assert (await client.cancel_certificate_operation("waiting")).cancellation_requested
