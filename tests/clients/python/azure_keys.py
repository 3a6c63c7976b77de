"""Makes and uses keys with azure-identity and azure-keyvault-keys."""

import hashlib
import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm

DIGEST = hashlib.sha256(b"message").digest()


def signed(crypto: CryptographyClient, algorithm: SignatureAlgorithm) -> str:
    signature = crypto.sign(algorithm, DIGEST).signature
    return f"{algorithm.value} {str(crypto.verify(algorithm, DIGEST, signature).is_valid).lower()}"


def run(action: str, vault_url: str, name: str) -> dict[str, object]:
    with (
        ManagedIdentityCredential(client_id=os.environ.get("CLIENT_ID")) as identity,
        KeyClient(vault_url, identity) as client,
    ):
        if action == "make":
            client.create_rsa_key(name, size=2048)
            client.create_ec_key(f"{name}-ec", curve="P-256")
            client.rotate_key(f"{name}-ec")
            return {"names": [found.name for found in client.list_properties_of_keys()]}
        rsa = CryptographyClient(client.get_key(name), identity)
        ec = CryptographyClient(client.get_key(f"{name}-ec"), identity)
        values = [signed(rsa, SignatureAlgorithm.rs256), signed(ec, SignatureAlgorithm.es256)]
        sealed = rsa.encrypt(EncryptionAlgorithm.rsa_oaep, b"plain")
        values.append(rsa.decrypt(EncryptionAlgorithm.rsa_oaep, sealed.ciphertext).plaintext.decode())
        wrapped = rsa.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"a key of 16 byte")
        values.append(rsa.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key).key.decode())
        return {"values": values}


try:
    answer = run(*sys.argv[1:])
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
