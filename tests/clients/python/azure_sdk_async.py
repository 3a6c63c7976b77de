"""Reads secrets with azure-identity and azure-keyvault-secrets, asynchronously."""

import asyncio
import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient


def credential() -> DefaultAzureCredential | ManagedIdentityCredential:
    if os.environ.get("CREDENTIAL") == "default":
        return DefaultAzureCredential()
    if client_id := os.environ.get("CLIENT_ID"):
        return ManagedIdentityCredential(client_id=client_id)
    for variable, key in (("OBJECT_ID", "object_id"), ("RESOURCE_ID", "resource_id")):
        if value := os.environ.get(variable):
            return ManagedIdentityCredential(identity_config={key: value})
    return ManagedIdentityCredential()


async def run(action: str, vault_url: str, name: str = "", version: str = "") -> dict[str, object]:
    async with credential() as identity, SecretClient(vault_url, identity) as client:
        if action == "list":
            return {"names": [found.name async for found in client.list_properties_of_secrets()]}
        values = [(await client.get_secret(name, version or None)).value]
        if action == "read-twice":
            await asyncio.to_thread(sys.stdin.readline)
            values.append((await client.get_secret(name, version or None)).value)
        return {"values": values}


try:
    answer = asyncio.run(run(*sys.argv[1:]))
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
