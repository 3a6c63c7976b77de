"""Reads secrets with MSAL's token and HTTPX."""

import json
import os
import sys

import httpx
import msal
import requests


def identity() -> msal.SystemAssignedManagedIdentity | msal.UserAssignedManagedIdentity:
    for variable, key in (("CLIENT_ID", "client_id"), ("OBJECT_ID", "object_id"), ("RESOURCE_ID", "resource_id")):
        if value := os.environ.get(variable):
            return msal.UserAssignedManagedIdentity(**{key: value})
    return msal.SystemAssignedManagedIdentity()


class RefusedError(Exception):
    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


def run(action: str, vault_url: str, name: str = "", version: str = "") -> dict[str, object]:
    with requests.Session() as plain, httpx.Client() as vault:
        client = msal.ManagedIdentityClient(identity(), http_client=plain)

        def get(url: str) -> dict[str, object]:
            token = client.acquire_token_for_client(resource="https://vault.azure.net")
            if "access_token" not in token:
                raise RefusedError(f"{token['error']}: {token.get('error_description')}")
            answer = vault.get(url, headers={"Authorization": f"Bearer {token['access_token']}"})
            if answer.is_error:
                raise RefusedError(answer.text, answer.status_code)
            return answer.json()

        if action == "list":
            names, url = [], f"{vault_url}/secrets?api-version=7.4"
            while url:
                page = get(url)
                names += [found["id"].rpartition("/")[2] for found in page["value"]]
                url = page["nextLink"]
            return {"names": names}
        url = f"{vault_url}/secrets/{name}/{version}?api-version=7.4"
        values = [get(url)["value"]]
        if action == "read-twice":
            sys.stdin.readline()
            values.append(get(url)["value"])
        return {"values": values}


try:
    answer = run(*sys.argv[1:])
except (RefusedError, httpx.HTTPError, requests.RequestException) as error:
    answer = {"error": str(error), "status": getattr(error, "status", None)}
print(json.dumps(answer))
