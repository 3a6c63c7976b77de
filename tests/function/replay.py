"""The tables of what Azure's own Functions host answered, and what asks the development host the same.

They lie beside the checkout, in ``../shared/reference/functions-host``; where they do not, each test that needs them is
skipped, and says so.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from tests.function.replay_differences import LEFT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest.mark.structures import ParameterSet

TABLES = Path(__file__).parents[3] / "shared" / "reference" / "functions-host"
_ABBREVIATED = re.compile(r"\((\d+) (chars|bytes|headers)\)")
# What the tables leave out.
_LEFT_OUT = frozenset({"date", "server", "connection"})


def cases(table: str) -> list[dict[str, Any]]:
    """Return the cases of a table; none where the tables are not there."""
    file = TABLES / f"{table}.json"
    found: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["cases"] if file.exists() else []
    return found


def rows(table: str, named: Iterable[tuple[str, Any]]) -> list[ParameterSet]:
    """Return a parameter of a test for each case; what is known to be different must be different."""
    found = [
        pytest.param(
            case,
            id=name,
            marks=[pytest.mark.xfail(strict=True, reason=LEFT[table, name])] if (table, name) in LEFT else [],
        )
        for name, case in named
    ]
    absent = pytest.mark.skip(
        reason=f"The answers of Azure's Functions host, {table}.json, are not beside this checkout."
    )
    return found or [pytest.param(None, id=f"no-{table}-table", marks=absent)]


def write_app(folder: Path, body: str, *, host: object = None) -> Path:
    """Write a function app."""
    head = "import json, azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
    (folder / "function_app.py").write_text(head + dedent(body), "utf-8")
    text = host if isinstance(host, str) else json.dumps({"version": "2.0"} if host is None else host)
    (folder / "host.json").write_text(text, "utf-8")
    return folder


@dataclass(frozen=True)
class Got:
    """An answer, as it came over the wire.

    Attributes:
        status: Its status; None where none came.
        headers: Its headers.
        body: Its body.
    """

    status: int | None
    headers: list[list[str]] = field(default_factory=list)
    body: bytes = b""

    def json(self) -> Any:
        """Return what its body holds."""
        return json.loads(self.body)

    def compared_headers(self) -> list[list[str]]:
        """Return the headers that the tables have."""
        return sorted(pair for pair in self.headers if pair[0].lower() not in _LEFT_OUT)


def ask(port: int, sent: bytes, *, timeout: float = 10.0, method: str = "GET") -> Got:
    """Send bytes over a connection of their own, and return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout) as client:
        client.sendall(sent)
        received = bytearray()
        try:
            while more := client.recv(1 << 20):
                received += more
        except (TimeoutError, ConnectionError):
            pass
    return _parsed(bytes(received), method)


def request(
    method: str,
    target: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
    host: str = "127.0.0.1",
) -> bytes:
    """Return the bytes of a request that closes its connection."""
    own = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"Host: {host}"] if "host" not in own else []
    lines += [*(f"{name}: {value}" for name, value in headers), "Connection: close"]
    if body is not None and "transfer-encoding" not in own:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def same(expected: Any, got: Any) -> bool:
    """Compare two values; a text of the table such as "(5000 chars)" stands for one of that size."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(expected[key], got[key]) for key in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    found = _ABBREVIATED.fullmatch(expected) if isinstance(expected, str) else None
    return expected == got or (found is not None and hasattr(got, "__len__") and len(got) == int(found[1]))


def _parsed(received: bytes, method: str) -> Got:
    head, found, body = received.partition(b"\r\n\r\n")
    line = re.match(rb"HTTP/1.1 (-?\d+) ?", head)
    if not found or line is None:
        return Got(None, body=received)
    headers = [one.decode("latin-1").split(": ", 1) for one in head.split(b"\r\n")[1:]]
    named = {name.lower(): value for name, value in headers}
    if "chunked" in named.get("transfer-encoding", ""):
        body = _unchunked(body)
    return Got(int(line[1]), headers, b"" if method == "HEAD" else body)


def _unchunked(body: bytes) -> bytes:
    whole = bytearray()
    while True:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size, 16)
        except ValueError:
            return b""
        if not length:
            return bytes(whole)
        whole += body[:length]
        body = body[length + 2 :]
