#!/usr/bin/env bash
# requests leaves Nagle's algorithm on for a connection through a proxy, and sends a body in a packet of its own.
#
# Seen with requests 2.34.2 and urllib3 2.8.0 on Python 3.11: TCP_NODELAY is set on a direct connection and not on one to a proxy,
# be it plain or a CONNECT tunnel. A request with a body is two writes, so the second can wait for the delayed
# acknowledgement of the first, up to 40 ms on Linux, unless the proxy's end acknowledges at once.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check requests==2.34.2 urllib3==2.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import http.server
import socket
import threading
from importlib.metadata import version

import requests
import urllib3.util.connection

made = []
create_connection = urllib3.util.connection.create_connection


def seen_create_connection(*arguments, **named):
    made.append(create_connection(*arguments, **named))
    return made[-1]


urllib3.util.connection.create_connection = seen_create_connection


class Server(http.server.BaseHTTPRequestHandler):
    """A web server, and a proxy that answers in the place of the one that is asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def no_delay(session):
    made.clear()
    session.trust_env = False
    session.post(f"http://127.0.0.1:{server.server_port}/", data=b"a body").raise_for_status()
    return bool(made[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
direct, proxied = requests.Session(), requests.Session()
proxied.proxies = {"http": f"http://127.0.0.1:{server.server_port}"}
found = {"direct": no_delay(direct), "through a proxy": no_delay(proxied)}
print({name: version(name) for name in ("requests", "urllib3")})
print("TCP_NODELAY", found)
assert found == {"direct": True, "through a proxy": False}
PYTHON
