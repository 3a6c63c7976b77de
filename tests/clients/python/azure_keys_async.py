"""Makes and uses keys with azure-identity and azure-keyvault-keys, asynchronously."""

import asyncio
import hashlib
import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.keys.crypto import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from azure.keyvault.keys.crypto.aio import CryptographyClient

DIGEST = hashlib.sha256(b"message").digest()


async def signed(crypto: CryptographyClient, algorithm: SignatureAlgorithm) -> str:
    signature = (await crypto.sign(algorithm, DIGEST)).signature
    return f"{algorithm.value} {str((await crypto.verify(algorithm, DIGEST, signature)).is_valid).lower()}"


async def use(rsa: CryptographyClient, ec: CryptographyClient) -> list[str]:
    sealed = await rsa.encrypt(EncryptionAlgorithm.rsa_oaep, b"plain")
    opened = await rsa.decrypt(EncryptionAlgorithm.rsa_oaep, sealed.ciphertext)
    wrapped = await rsa.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"a key of 16 byte")
    unwrapped = await rsa.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key)
    signatures = [await signed(rsa, SignatureAlgorithm.rs256), await signed(ec, SignatureAlgorithm.es256)]
    return [*signatures, opened.plaintext.decode(), unwrapped.key.decode()]


async def run(action: str, vault_url: str, name: str) -> dict[str, object]:
    async with (
        ManagedIdentityCredential(client_id=os.environ.get("CLIENT_ID")) as identity,
        KeyClient(vault_url, identity) as client,
    ):
        if action == "make":
            await client.create_rsa_key(name, size=2048)
            await client.create_ec_key(f"{name}-ec", curve="P-256")
            await client.rotate_key(f"{name}-ec")
            return {"names": [found.name async for found in client.list_properties_of_keys()]}
        async with (
            CryptographyClient(await client.get_key(name), identity) as rsa,
            CryptographyClient(await client.get_key(f"{name}-ec"), identity) as ec,
        ):
            return {"values": await use(rsa, ec)}


try:
    answer = asyncio.run(run(*sys.argv[1:]))
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
