#!/usr/bin/env bash
# azure-core takes "Retry-After: 0" for no header while it waits for a long operation, and asks again after 30 s and not at once.
#
# Seen with azure-core 1.41.0 on Python 3.11: LROBasePolling waits 1 s for "Retry-After: 1", and its own interval of 30 s for
# "Retry-After: 0", which RFC 9110 (section 10.2.3) allows, as for an answer without the header. Every azure-mgmt client polls like this.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check azure-core==1.41.0 requests==2.34.2
"$folder/venv/bin/python" - <<'PYTHON'
import http.server
import threading
from importlib.metadata import version

from azure.core import PipelineClient
from azure.core.pipeline.policies import RequestIdPolicy
from azure.core.pipeline.transport import HttpRequest, RequestsTransport
from azure.core.polling import LROPoller
from azure.core.polling.base_polling import LROBasePolling

waited = []


class Transport(RequestsTransport):
    """Notes how long the client would sleep, and does not."""

    def sleep(self, duration):
        waited.append(duration)


class Service(http.server.BaseHTTPRequestHandler):
    """Accepts an operation, and has ended it when it is asked for the second time."""

    retry_after = None
    asked = 0

    def do_PUT(self):
        self.answer(202, b"")

    def do_GET(self):
        Service.asked += 1
        self.answer(*((202, b"") if Service.asked == 1 else (200, b"{}")))

    def answer(self, status, body):
        self.send_response(status)
        if status == 202:
            self.send_header("Location", f"http://127.0.0.1:{server.server_port}/operation")
            if self.retry_after is not None:
                self.send_header("Retry-After", self.retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = PipelineClient(f"http://127.0.0.1:{server.server_port}", transport=Transport(), policies=[RequestIdPolicy()])
found = {}
for header in ("1", "0", None):
    Service.retry_after, Service.asked = header, 0
    waited.clear()
    first = client._pipeline.run(HttpRequest("PUT", f"http://127.0.0.1:{server.server_port}/thing"))
    LROPoller(client, first, lambda _: None, LROBasePolling()).result(timeout=60)
    (found[header],) = waited
print("azure-core", version("azure-core"))
print("seconds until it asks again, by Retry-After:", found)
assert found == {"1": 1, "0": 30, None: 30}
PYTHON
