"""Orders and downloads certificates with azure-identity, azure-keyvault-certificates and azure-keyvault-secrets."""

import base64
import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.certificates import CertificateClient, CertificatePolicy
from azure.keyvault.secrets import SecretClient
from cryptography.hazmat.primitives.serialization import pkcs12


def run(action: str, vault_url: str, name: str) -> dict[str, object]:
    with (
        ManagedIdentityCredential(client_id=os.environ.get("CLIENT_ID")) as identity,
        CertificateClient(vault_url, identity) as client,
        SecretClient(vault_url, identity) as secrets,
    ):
        if action == "order":
            client.begin_create_certificate(name, CertificatePolicy("Self", subject="CN=contoso.com")).result()
            return {"names": [found.name for found in client.list_properties_of_certificates()]}
        found = client.get_certificate(name)
        secret = secrets.get_secret(name, found.properties.version)
        content = pkcs12.load_pkcs12(base64.b64decode(secret.value), None)
        subject = content.cert.certificate.subject.rfc4514_string()
        has_key = content.key.public_key() == content.cert.certificate.public_key()
        return {"values": [subject, secret.properties.content_type, str(has_key)]}


try:
    answer = run(*sys.argv[1:])
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
