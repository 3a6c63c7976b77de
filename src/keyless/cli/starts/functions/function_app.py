"""A function app that reads a secret from Key Vault, with the managed identity of the app."""

import os

import azure.functions as func

from keyless import KeylessError, SecretReader

app = func.FunctionApp()
# One reader for the whole process: it reads when it is asked, and remembers.
reader = SecretReader(os.environ["KEY_VAULT_URL"])
reader.prepare()  # loads what the first read needs while the host still starts, and sends nothing


@app.route("database", auth_level=func.AuthLevel.FUNCTION)
async def database(req: func.HttpRequest) -> func.HttpResponse:
    """Connect with the password. This start only reports its version."""
    try:
        secret = await reader.aget("db-password")
    except KeylessError as error:
        return func.HttpResponse(f"{error.what} {error.remedy}", status_code=503)
    return func.HttpResponse(f"connected with version {secret.version}")
