#!/usr/bin/env bash
# A token whose end is told as a date ends in a bare ValueError, past MSAL's and azure-identity's own kinds of error.
#
# Azure's identity endpoint has sent expires_on as a date in ISO 8601
# (https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/4963), and the endpoint of 2017 sends one
# as MM/DD/YYYY. Seen with msal 1.39.0 and azure-identity 1.25.1 on Python 3.11: both raise ValueError from int(). A chain of
# credentials takes that for a refusal and not for "unavailable": it ends, and its next credential is never asked.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check msal==1.39.0 azure-identity==1.25.1
"$folder/venv/bin/python" - <<'PYTHON'
import http.server
import json
import logging
import os
import threading
from importlib.metadata import version

import msal
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ChainedTokenCredential, ManagedIdentityCredential

logging.disable()


class Endpoint(http.server.BaseHTTPRequestHandler):
    ends = ""

    def do_GET(self):
        answer = {"access_token": "made-up", "token_type": "Bearer", "resource": "https://vault.azure.net", "expires_on": self.ends}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Next:
    asked = False

    def get_token(self, *_, **__):
        Next.asked = True
        return AccessToken("another", 4102444800)


def outcome(ask):
    try:
        ask()
    except Exception as error:
        return type(error)
    return "a token"


server = http.server.HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ.update(IDENTITY_ENDPOINT=f"http://127.0.0.1:{server.server_port}/msi/token", IDENTITY_HEADER="made-up")
print({name: version(name) for name in ("msal", "azure-identity")})
for ends, alone, chained in (
    ("1896091200", "a token", "a token"),
    ("2030-01-31T12:00:00+00:00", ValueError, ClientAuthenticationError),
):
    Endpoint.ends = ends
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    chain = ChainedTokenCredential(ManagedIdentityCredential(), Next())
    found = {
        "msal": outcome(lambda: client.acquire_token_for_client(resource="https://vault.azure.net")),
        "azure-identity": outcome(lambda: ManagedIdentityCredential().get_token("https://vault.azure.net/.default")),
        "a chain": outcome(lambda: chain.get_token("https://vault.azure.net/.default")),
    }
    print(f"expires_on={ends}", found)
    assert found == {"msal": alone, "azure-identity": alone, "a chain": chained}
assert not Next.asked
PYTHON
