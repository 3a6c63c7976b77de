#!/usr/bin/env bash
# azure-identity reads a federated token's file once in ten minutes, and shows the old token after the file has a new one.
#
# Seen with azure-identity 1.27.0 on Python 3.11: WorkloadIdentityCredential keeps what it read for 600 s. It looks neither at the
# token's own end nor at Entra's refusal. Kubernetes renews a projected token at 80 % of its life, which can be as short as 600 s: then
# the credential shows a token that is over, while a good one is in the file.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check azure-identity==1.27.0
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import json
import logging
import os
from importlib.metadata import version
from pathlib import Path
from unittest import mock

from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import HttpTransport
from azure.identity import WorkloadIdentityCredential

logging.disable()
file = Path(os.environ["FOLDER"], "token")
shown = []


class Answer:
    """What Entra answers to a token that is over."""

    status_code = 401
    reason = "Unauthorized"
    headers = {"Content-Type": "application/json"}
    content_type = "application/json"
    body = json.dumps({"error": "invalid_client", "error_description": "AADSTS700024: not within its valid time range"})

    def text(self, encoding=None):
        return self.body


class Entra(HttpTransport):
    def send(self, request, **_):
        answer = Answer()
        answer.request = request
        if "openid-configuration" in request.url:
            answer.status_code = 200
            base = "https://login.microsoftonline.com/made-up"
            answer.body = json.dumps({"token_endpoint": f"{base}/token", "authorization_endpoint": f"{base}/authorize", "issuer": base})
        else:
            shown.append(request.data["client_assertion"])
        return answer

    def open(self):
        pass

    def close(self):
        pass

    def __exit__(self, *_):
        pass


def ask(text, at):
    """Write a token to the file, and ask `at` seconds after the start."""
    file.write_text(text)
    with mock.patch("azure.identity._credentials.workload_identity.time.time", return_value=1_900_000_000 + at):
        try:
            credential.get_token("https://vault.azure.net/.default")
        except ClientAuthenticationError:
            return shown[-1]
    raise AssertionError("A token was had where none is given.")


credential = WorkloadIdentityCredential(
    tenant_id="made-up", client_id="made-up", token_file_path=str(file), transport=Entra(), disable_instance_discovery=True
)
found = [ask("first", 0), ask("second", 480), ask("second", 600), ask("second", 601)]
print("azure-identity", version("azure-identity"))
print("shown at once, after 480 s with a new file, after 600 s and after 601 s:", found)
assert found == ["first", "first", "first", "second"]
PYTHON
