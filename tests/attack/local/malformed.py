"""Requests that are no requests, made from a seed, each with a canary that must be seen nowhere."""

from __future__ import annotations

import random
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "CANARY-9f3b"


@dataclass(frozen=True)
class Listener:
    """Where requests are sent.

    Attributes:
        name: What it is.
        port: Its port on 127.0.0.1.
        host: The header Host of a good request; the name for TLS, too.
        path: A path that it knows.
        tls: Whether it speaks TLS.
    """

    name: str
    port: int
    host: str
    path: str
    tls: bool = False


def requests(seed: int, count: int, listener: Listener) -> Iterator[bytes]:
    """Make requests: of each kind alike, with bytes changed at random in every third."""
    chance = random.Random(seed)
    for number in range(count):
        made = _KINDS[number % len(_KINDS)](chance, listener)
        if number % 3 == 2:
            changed = bytearray(made)
            for _ in range(chance.randint(1, 4)):
                changed[chance.randrange(len(changed))] = chance.choice(b"\x00\r\n\x80\xff \t:/;[%")
            made = bytes(changed)
        yield made


def send(listener: Listener, made: bytes, *, patience: float = 0.1, timeout: float = 5.0) -> bytes:
    """Send a request on a connection of its own, and return what comes back.

    Half a request is waited on for a moment; then the client ends its side.

    Raises:
        TimeoutError: If the listener neither answers nor closes.
    """
    with socket.create_connection(("127.0.0.1", listener.port), timeout=timeout) as plain:
        got = b""
        with (
            _secured(plain, listener) if listener.tls else plain as stream,
            suppress(ConnectionError, ssl.SSLError, BrokenPipeError),
        ):  # It has closed already: there is nothing more to come.
            stream.sendall(made)
            stream.settimeout(patience)
            try:
                got = stream.recv(65536)
            except TimeoutError:
                stream.settimeout(timeout)
                # Not SSLSocket's own, which ends TLS: what comes is still to be read.
                socket.socket.shutdown(stream, socket.SHUT_WR)
                got = stream.recv(65536)
        return got


def _secured(plain: socket.socket, listener: Listener) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=listener.host, suppress_ragged_eofs=True)


def _head(listener: Listener, *lines: str, method: str = "GET", path: str | None = None, end: str = "\r\n") -> bytes:
    first = f"{method} {path or listener.path} HTTP/1.1"
    host = [] if any(line.lower().startswith("host:") for line in lines) else [f"Host: {listener.host}"]
    return end.join((first, *host, *lines, "Connection: close", "", "")).encode("utf-8", "surrogateescape")


def _first_line(chance: random.Random, at: Listener) -> bytes:
    version = chance.choice(("HTTP/9.9", "HTTP/1", "HTTX/1.1", "", "HTTP/1.1 more", "http/1.1"))
    return f"GET {at.path}?{CANARY} {version}\r\nHost: {at.host}\r\nConnection: close\r\n\r\n".encode()


def _host(chance: random.Random, at: Listener) -> bytes:
    odd = ("[", "[::1", "[x]", "a:99999999", "\udcff\udcfe", "@", "%", " ", f"{CANARY}:x", "]", "a" * 300, "\x00")
    return _head(at, f"Host: {chance.choice(odd)}", f"Authorization: Bearer {CANARY}")


def _authorization(chance: random.Random, at: Listener) -> bytes:
    odd = (
        f"Bearer {CANARY}\n",
        f"Bearer {CANARY}\x00",
        f"Bearer {CANARY}\udcff",
        f"Bearer {CANARY}" + "x" * 9000,
        f"Bearer\n {CANARY}",
        CANARY,
        f"PoP {CANARY}.{CANARY}.{CANARY}",
    )
    name = chance.choice(("Authorization", "X-IDENTITY-HEADER", "Secret", "Proxy-Authorization"))
    return _head(at, f"{name}: {chance.choice(odd)}", "Metadata: true")


def _line_ends(chance: random.Random, at: Listener) -> bytes:
    return _head(at, f"Authorization: Bearer {CANARY}", end=chance.choice(("\n", "\r", "\n\r", "\r\r\n")))


def _lengths(chance: random.Random, at: Listener) -> bytes:
    body = f'{{"value":"{CANARY}"}}'
    odd = chance.choice(
        (
            ("Content-Length: x",),
            ("Content-Length: -1",),
            ("Content-Length: 5", "Content-Length: 6"),
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked, chunked",),
            ("Transfer-Encoding: gzip",),
            (f"Content-Length: {'9' * 400}",),
        )
    )
    return _head(at, *odd, "Content-Type: application/json", method=chance.choice(("PUT", "POST"))) + body.encode()


def _chunks(chance: random.Random, at: Listener) -> bytes:
    body = f'{{"value":"{CANARY}"}}'
    size = chance.choice((f"{len(body) - 1:x}", "zz", "-1", "f" * 40, f"{len(body):x};{CANARY}\n", ""))
    head = _head(at, "Transfer-Encoding: chunked", f"Authorization: Bearer {CANARY}", method="PUT")
    return head + f"{size}\r\n{body}\r\n0\r\n\r\n".encode()


def _encoding(chance: random.Random, at: Listener) -> bytes:
    coding = chance.choice(("gzip", "deflate", "br", CANARY))
    kind = chance.choice(
        (
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=undefined",
            "multipart/form-data; boundary=x",
            "application/json; charset=x",
        )
    )
    part = f"--x\r\nContent-Disposition: form-data; name=resource\r\n\r\n{CANARY}\r\n--x--"
    body = (part if kind.startswith("multipart") else f"resource={CANARY}").encode()
    lines = (f"Content-Encoding: {coding}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Metadata: true")
    return _head(at, *lines, method="POST") + body


def _upgrade(chance: random.Random, at: Listener) -> bytes:
    wish = ("Connection: Upgrade, close", f"Upgrade: {chance.choice(('h2c', 'websocket', CANARY))}")
    hidden = _head(at, f"X: {CANARY}")
    return _head(at, *wish, f"Content-Length: {len(hidden)}", method=chance.choice(("GET", "POST", "CONNECT"))) + hidden


def _target(chance: random.Random, at: Listener) -> bytes:
    odd = (
        "*",
        "//",
        "http://[",
        "http://[x]/",
        f"http://{CANARY}@x/",
        "/%",
        "/%ff%fe",
        "/\udcff",
        "/" + "a" * 9000,
        "/a?b=%00#",
    )
    return _head(at, f"X: {CANARY}", path=chance.choice(odd))


def _garbage(chance: random.Random, _: Listener) -> bytes:
    return chance.randbytes(chance.randint(1, 60)) + CANARY.encode() + b"\r\n\r\n"


_KINDS = (_first_line, _host, _authorization, _line_ends, _lengths, _chunks, _encoding, _upgrade, _target, _garbage)
