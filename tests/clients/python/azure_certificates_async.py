"""Orders, downloads and manages certificates with azure-identity and azure-keyvault-certificates, asynchronously."""

import asyncio
import base64
import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.certificates import CertificateContact, CertificatePolicy
from azure.keyvault.certificates.aio import CertificateClient
from azure.keyvault.secrets.aio import SecretClient
from cryptography.hazmat.primitives.serialization import pkcs12


async def download(client: CertificateClient, secrets: SecretClient, name: str) -> list[str]:
    found = await client.get_certificate(name)
    secret = await secrets.get_secret(name, found.properties.version)
    content = pkcs12.load_pkcs12(base64.b64decode(secret.value), None)
    subject = content.cert.certificate.subject.rfc4514_string()
    has_key = content.key.public_key() == content.cert.certificate.public_key()
    return [subject, secret.properties.content_type, str(has_key)]


async def manage(client: CertificateClient, name: str, pfx: str) -> list[str]:
    reusing = CertificatePolicy("Unknown", reuse_key=True)
    imported = await client.import_certificate(name, base64.b64decode(pfx), policy=reusing)
    # Its key is used again, so its certificate fits the order.
    issued = (await client.get_certificate(name)).cer
    await client.create_certificate(name, await client.get_certificate_policy(name))
    await client.merge_certificate(name, [bytes(issued)])
    versions = [found async for found in client.list_properties_of_certificate_versions(name)]
    await client.update_certificate_policy(name, CertificatePolicy(validity_in_months=6))
    months = (await client.get_certificate_policy(name)).validity_in_months
    await client.update_certificate_properties(name, tags={"team": "web"})
    tags = (await client.get_certificate(name)).properties.tags
    await client.create_certificate(name, await client.get_certificate_policy(name))
    cancelled = (await client.cancel_certificate_operation(name)).cancellation_requested
    await client.delete_certificate_operation(name)
    said = f"cancelled: {cancelled}".lower()
    return [imported.policy.subject, f"{len(versions)} versions", f"{months} months", tags["team"], said]


async def manage_vault(client: CertificateClient) -> list[str]:
    await client.create_issuer("public-ca", "Test")
    provider = (await client.get_issuer("public-ca")).provider
    await client.delete_issuer("public-ca")
    await client.set_contacts([CertificateContact(email="ada@contoso.com")])
    (contact,) = await client.get_contacts()
    await client.delete_contacts()
    return [provider, contact.email]


async def delete(client: CertificateClient, name: str) -> list[str]:
    await client.delete_certificate(name)
    await client.get_deleted_certificate(name)
    recovered = await client.recover_deleted_certificate(name)
    backup = await client.backup_certificate(name)
    await client.delete_certificate(name)
    await client.purge_deleted_certificate(name)
    return [f"recovered {recovered.name}", f"restored {(await client.restore_certificate_backup(backup)).name}"]


async def run(action: str, vault_url: str, name: str, pfx: str = "") -> dict[str, object]:
    async with (
        ManagedIdentityCredential(client_id=os.environ.get("CLIENT_ID")) as identity,
        CertificateClient(vault_url, identity) as client,
        SecretClient(vault_url, identity) as secrets,
    ):
        if action == "order":
            await client.create_certificate(name, CertificatePolicy("Self", subject="CN=contoso.com"))
            return {"names": [found.name async for found in client.list_properties_of_certificates()]}
        if action == "manage":
            managed = await manage(client, name, pfx)
            return {"values": [*managed, *await manage_vault(client), *await delete(client, name)]}
        return {"values": await download(client, secrets, name)}


try:
    answer = asyncio.run(run(*sys.argv[1:]))
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
