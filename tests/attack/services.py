"""A vault and an identity endpoint that answer well or badly, as the name that is asked for says; a process of their own.

Run as ``python -m tests.attack.services FOLDER``: the first line says where they are, as JSON. They end with their standard
input. Everything is on 127.0.0.1.
"""

from __future__ import annotations

import gzip
import json
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "contoso-kv.vault.azure.net"
VERSION = "0" * 32
TOKEN = "t0ken-of-the-attack"
DRIP_SECONDS = 30.0
_STEP = 0.05
_LATE = 0.05


def value_of(name: str) -> str:
    """Return the value of a secret, by which its reader knows that it is the one that was asked for."""
    return f"the value of {name}"


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def good(name: str, *headers: str) -> bytes:
    """Return the answer with a secret."""
    body = {"value": value_of(name), "id": f"https://{HOST}/secrets/{name}/{VERSION}", "attributes": {"enabled": True}}
    return answer(json.dumps(body).encode(), "Content-Type: application/json", *headers)


def _forever(start: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        until = time.monotonic() + DRIP_SECONDS
        while time.monotonic() < until:
            connection.sendall(drop)
            time.sleep(_STEP)

    return drip


# Each is a wait that ends with no timeout of requests: bytes come, and no answer does.
DRIPS: dict[str, Callable[[socket.socket], None]] = {
    "status": _forever(b"HTTP/1.1 200 ", b"a"),
    "header": _forever(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "chunk": _forever(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "continue": _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": _forever(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "gzip": _forever(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n" + gzip.compress(b"")[:10],
        b"\0\0\0\xff\xff",
    ),
    "silence": lambda _: time.sleep(DRIP_SECONDS),
}
# Answers that are no secret; each must come out as one of the library's own errors.
ODD: dict[str, bytes] = {
    "charset": answer(b"{}", "Content-Type: application/json; charset=idna"),
    "list": answer(b"[]"),
    "truncated": answer(b'{"value": "'),
    "not-utf-8": answer(b'{"value": "\xff"}'),
    "surrogate": answer(
        json.dumps({"value": "\ud800", "id": f"https://{HOST}/secrets/odd-surrogate/{VERSION}"}).encode()
    ),
    "number": answer(json.dumps({"value": 1, "id": f"https://{HOST}/secrets/odd-number/{VERSION}"}).encode()),
    "id-no-url": answer(json.dumps({"value": "x", "id": "https://[x/secrets/a/b"}).encode()),
    "id-other": answer(json.dumps({"value": "x", "id": f"https://{HOST}/secrets/other/{VERSION}"}).encode()),
    "id-other-vault": answer(
        json.dumps({"value": "x", "id": f"https://other/secrets/odd-id-other-vault/{VERSION}"}).encode()
    ),
    "id-no-version": answer(json.dumps({"value": "x", "id": f"https://{HOST}/secrets/odd-id-no-version/"}).encode()),
    "html": answer(b"<html>Sign in</html>", "Content-Type: text/html"),
    "error-number": answer(b'{"error": 5}', status="403 Forbidden"),
    "error-list": answer(b'{"error": [[]]}', status="500 Internal Server Error"),
    "echo": answer(
        json.dumps({"error": {"code": f"Bad\n{TOKEN}", "message": f"\x1b[2J Bearer {TOKEN}"}}).encode(),
        status="403 Forbidden",
    ),
}


class Services:
    """Both services, each connection in a thread."""

    def __init__(self, folder: Path) -> None:
        # What attacks imports this module, too, and is to have loaded no more than a program that reads.
        from keyless.local.pki.authority import CertificateAuthority  # noqa: PLC0415

        authority = CertificateAuthority()
        roots = folder / "roots.pem"
        roots.write_bytes(authority.root_pem)
        self._tls = authority.issue(f"*.{HOST.partition('.')[2]}").server_context()
        vault, identity = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
        self.where = {
            "vault_url": f"https://{HOST}:{vault.getsockname()[1]}",
            "identity": f"http://127.0.0.1:{identity.getsockname()[1]}",
            "roots": str(roots),
        }
        for listener, serve in ((vault, self._vault), (identity, self._identity)):
            threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        def guarded(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                serve(connection)

        while True:
            threading.Thread(target=guarded, args=(listener.accept()[0],), daemon=True).start()

    def _vault(self, plain: socket.socket) -> None:
        with self._tls.wrap_socket(plain, server_side=True) as connection:
            served = 0
            while path := _asked(connection):
                name = path.split("/")[2]
                kind, _, which = name.partition("-")
                served += 1
                if kind == "drip":
                    DRIPS[which.partition("-")[0]](connection)
                    return
                if kind == "odd":
                    connection.sendall(ODD[which])
                elif kind == "late":
                    # Its answer, and a while later a second one that nobody has asked for.
                    connection.sendall(good(name))
                    time.sleep(_LATE)
                    connection.sendall(good(name))
                elif kind == "race" and served > 1:
                    return  # The connection ends just when the next request comes.
                else:
                    connection.sendall(good(name))

    def _identity(self, connection: socket.socket) -> None:
        while path := _asked(connection):
            if "drip" in path:
                DRIPS["header"](connection)
                return
            body = {"access_token": TOKEN, "expires_on": str(int(time.time()) + 86_400), "token_type": "Bearer"}
            connection.sendall(answer(json.dumps(body).encode(), "Content-Type: application/json"))


def _asked(connection: socket.socket) -> str:
    """Return the path that the next request asks for; an empty text at the end."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return ""
        head += piece
    return urlsplit(head.split(b" ")[1].decode()).path


def main() -> None:
    """Serve until the standard input ends."""
    services = Services(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(services.where) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
