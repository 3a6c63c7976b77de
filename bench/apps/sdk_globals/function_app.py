"""The better sample: a credential and a client for the process."""

import json
import os

import azure.functions as func
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

app = func.FunctionApp()
client = SecretClient(os.environ["KEY_VAULT_URL"], DefaultAzureCredential())


@app.route("AcquireTokenMsi", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
def read(req: func.HttpRequest) -> func.HttpResponse:
    secret = client.get_secret(os.environ["SECRET_NAME"])
    return func.HttpResponse(json.dumps({"value": secret.value}), mimetype="application/json")
