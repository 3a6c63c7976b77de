"""Stands for the real metadata service, at its own address in a network of its own; says on standard error who came."""

import http.server
import sys


class Real(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the real one")

    def log_message(self, *_: object) -> None:
        sys.stderr.write("THE REAL ADDRESS WAS ASKED\n")


server = http.server.ThreadingHTTPServer(("169.254.169.254", 80), Real)
sys.stdout.write("ready\n")
sys.stdout.flush()
server.serve_forever()
