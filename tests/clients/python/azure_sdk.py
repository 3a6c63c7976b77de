"""Reads secrets with azure-identity and azure-keyvault-secrets."""

import json
import os
import sys

from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient


def credential() -> DefaultAzureCredential | ManagedIdentityCredential:
    if os.environ.get("CREDENTIAL") == "default":
        return DefaultAzureCredential()
    if client_id := os.environ.get("CLIENT_ID"):
        return ManagedIdentityCredential(client_id=client_id)
    for variable, key in (("OBJECT_ID", "object_id"), ("RESOURCE_ID", "resource_id")):
        if value := os.environ.get(variable):
            return ManagedIdentityCredential(identity_config={key: value})
    return ManagedIdentityCredential()


def run(action: str, vault_url: str, name: str = "", version: str = "") -> dict[str, object]:
    with credential() as identity, SecretClient(vault_url, identity) as client:
        if action == "list":
            return {"names": [found.name for found in client.list_properties_of_secrets()]}
        values = [client.get_secret(name, version or None).value]
        if action == "read-twice":
            sys.stdin.readline()
            values.append(client.get_secret(name, version or None).value)
        return {"values": values}


try:
    answer = run(*sys.argv[1:])
except AzureError as error:
    answer = {"error": str(error), "status": getattr(error, "status_code", None)}
print(json.dumps(answer))
