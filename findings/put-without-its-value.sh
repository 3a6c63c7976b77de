#!/usr/bin/env bash
# set_secret of azure-keyvault-secrets reports success though it has never sent the value, where its first request is answered with 200.
#
# Seen with azure-keyvault-secrets 4.12.0 and azure-core 1.41.0 on Python 3.11. A client's first request to a vault has neither a token nor
# a body: it is there to get the challenge (401). A stub that does not challenge, and answers 200, is taken at its word. The request
# with the value never comes, and the answer of the stub is what set_secret returns. mockmesh 0.1.0, which stands in for Azure in
# tests, is such a stub: it gives back a sample value for each secret. So a stub has to answer 401 first, as Azure does.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check azure-keyvault-secrets==4.12.0 azure-core==1.41.0 requests==2.34.2
"$folder/venv/bin/python" - <<'PYTHON'
import io
import json
import time
from importlib.metadata import version

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.keyvault.secrets import SecretClient
from urllib3 import HTTPResponse

VAULT = "https://contoso-kv.vault.azure.net"
came = []


class Credential:
    """Gives a token to whoever asks."""

    def get_token(self, *scopes, **_):
        return AccessToken("a-token", int(time.time()) + 3600)


class Stub(requests.adapters.HTTPAdapter):
    """Answers each request with a sample, after a challenge or without one; nothing leaves the process."""

    challenges = False

    def send(self, request, **_):
        token = "Authorization" in request.headers
        came.append((token, json.loads(request.body)["value"] if request.body else None))
        sample = {"id": f"{VAULT}/secrets/db-password/{'0' * 32}", "value": "sample", "attributes": {}}
        status, headers = 200, {"Content-Type": "application/json"}
        if self.challenges and not token:
            status, sample = 401, {}
            headers["WWW-Authenticate"] = (
                'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"'
            )
        body = io.BytesIO(json.dumps(sample).encode())
        return self.build_response(
            request, HTTPResponse(body, headers, status, preload_content=False, request_method=request.method)
        )


session = requests.Session()
session.mount(VAULT, Stub())
seen = {}
for Stub.challenges in (False, True):
    came.clear()
    client = SecretClient(VAULT, Credential(), transport=RequestsTransport(session=session, session_owner=False))
    returned = client.set_secret("db-password", "the value").value
    seen["401 first" if Stub.challenges else "200 at once"] = (returned, list(came))
print("azure-keyvault-secrets", version("azure-keyvault-secrets"), "azure-core", version("azure-core"))
for answered, (returned, asked) in seen.items():
    print(f"{answered}: set_secret returned {returned!r}; it sent (with a token, value):", asked)
assert seen["200 at once"] == ("sample", [(False, None)])
assert seen["401 first"] == ("sample", [(False, None), (True, "the value")])
PYTHON
