"""Orders, downloads and manages certificates with azure-identity, azure-keyvault-certificates and azure-keyvault-secrets."""

import base64
import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.certificates import CertificateClient, CertificateContact, CertificatePolicy
from azure.keyvault.secrets import SecretClient
from cryptography.hazmat.primitives.serialization import pkcs12


def download(client: CertificateClient, secrets: SecretClient, name: str) -> list[str]:
    found = client.get_certificate(name)
    secret = secrets.get_secret(name, found.properties.version)
    content = pkcs12.load_pkcs12(base64.b64decode(secret.value), None)
    subject = content.cert.certificate.subject.rfc4514_string()
    has_key = content.key.public_key() == content.cert.certificate.public_key()
    return [subject, secret.properties.content_type, str(has_key)]


def manage(client: CertificateClient, name: str, pfx: str) -> list[str]:
    reusing = CertificatePolicy("Unknown", reuse_key=True)
    values = [client.import_certificate(name, base64.b64decode(pfx), policy=reusing).policy.subject]
    # Its key is used again, so its certificate fits the order.
    issued = client.get_certificate(name).cer
    client.begin_create_certificate(name, client.get_certificate_policy(name))
    client.merge_certificate(name, [bytes(issued)])
    values.append(f"{len(list(client.list_properties_of_certificate_versions(name)))} versions")
    client.update_certificate_policy(name, CertificatePolicy(validity_in_months=6))
    values.append(f"{client.get_certificate_policy(name).validity_in_months} months")
    client.update_certificate_properties(name, tags={"team": "web"})
    values.append(client.get_certificate(name).properties.tags["team"])
    client.begin_create_certificate(name, client.get_certificate_policy(name))
    values.append(f"cancelled: {client.cancel_certificate_operation(name).cancellation_requested}".lower())
    client.delete_certificate_operation(name)
    return values


def manage_vault(client: CertificateClient) -> list[str]:
    client.create_issuer("public-ca", "Test")
    provider = client.get_issuer("public-ca").provider
    client.delete_issuer("public-ca")
    client.set_contacts([CertificateContact(email="ada@contoso.com")])
    (contact,) = client.get_contacts()
    client.delete_contacts()
    return [provider, contact.email]


def delete(client: CertificateClient, name: str) -> list[str]:
    client.begin_delete_certificate(name).wait()
    client.get_deleted_certificate(name)
    recovered = client.begin_recover_deleted_certificate(name).result()
    backup = client.backup_certificate(name)
    client.begin_delete_certificate(name).wait()
    client.purge_deleted_certificate(name)
    return [f"recovered {recovered.name}", f"restored {client.restore_certificate_backup(backup).name}"]


def run(action: str, vault_url: str, name: str, pfx: str = "") -> dict[str, object]:
    with (
        ManagedIdentityCredential(client_id=os.environ.get("CLIENT_ID")) as identity,
        CertificateClient(vault_url, identity) as client,
        SecretClient(vault_url, identity) as secrets,
    ):
        if action == "order":
            client.begin_create_certificate(name, CertificatePolicy("Self", subject="CN=contoso.com")).result()
            return {"names": [found.name for found in client.list_properties_of_certificates()]}
        if action == "manage":
            return {"values": [*manage(client, name, pfx), *manage_vault(client), *delete(client, name)]}
        return {"values": download(client, secrets, name)}


try:
    answer = run(*sys.argv[1:])
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
