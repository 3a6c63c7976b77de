"""MSAL, whose cache keeps the token, and a plain GET for each request."""

import json
import os

import azure.functions as func
import msal
import requests

app = func.FunctionApp()
session = requests.Session()
tokens = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())


@app.route("AcquireTokenMsi", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
def read(req: func.HttpRequest) -> func.HttpResponse:
    token = tokens.acquire_token_for_client(resource="https://vault.azure.net")["access_token"]
    answer = session.get(
        f"{os.environ['KEY_VAULT_URL']}/secrets/{os.environ['SECRET_NAME']}?api-version=7.4",
        headers={"Authorization": f"Bearer {token}"},
    )
    answer.raise_for_status()
    return func.HttpResponse(json.dumps({"value": answer.json()["value"]}), mimetype="application/json")
