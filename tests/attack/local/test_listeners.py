"""Every listener answers or closes whatever comes, and none of it is seen anywhere; nothing waits for ever."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.attack.local.malformed import CANARY, Listener, requests, send
from tests.attack.local.started import Up, up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = int(os.environ.get("KEYLESS_ATTACK_REQUESTS", "150"))
SEED = int(os.environ.get("KEYLESS_ATTACK_SEED", "25"))
AS_ROOT = pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root alone can be two users"
)
NAMES = ("identity", "control", "vault", "authority", "service-fabric", "proxy")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that every test of this file attacks: what one leaves behind, the next meets."""
    with up(folder=tmp_path_factory.mktemp("attacked")) as found:
        yield found


def at(found: Up, name: str) -> Listener:
    return next(each for each in found.listeners() if each.name == name)


@pytest.mark.parametrize("name", NAMES)
def test_malformed_requests_are_answered_or_closed_and_never_by_an_error_of_its_own(attacked: Up, name: str) -> None:
    listener = at(attacked, name)
    answers: Counter[str] = Counter()

    def one(made: bytes) -> str:
        try:
            return send(listener, made)[9:12].decode("latin-1") or "closed"
        except TimeoutError:
            return "hang"

    with ThreadPoolExecutor(8) as pool:
        answers.update(pool.map(one, requests(SEED, COUNT, listener)))
    print(f"{name}: {sum(answers.values())} malformed requests, seed {SEED}: {dict(answers)}")  # noqa: T201 (the table)
    assert answers["hang"] == 0
    assert not [status for status in answers if status.startswith("5")]
    assert attacked.ask("GET", "clock").status_code == 200


def test_a_client_that_hangs_up_in_its_body_is_nobody_s_failure(attacked: Up) -> None:
    for name in ("control", "vault", "authority"):
        listener = at(attacked, name)
        for _ in range(10):
            head = f"PUT {listener.path} HTTP/1.1\r\nHost: {listener.host}\r\nContent-Length: 1000\r\n\r\n{CANARY}"
            with contextlib.suppress(OSError):
                send(listener, head.encode(), patience=0.01)


def test_half_a_request_is_given_ten_seconds(attacked: Up) -> None:
    """On every listener at once: nothing, half a head, and half a body; and half a second request."""
    token = attacked.said["control"]["token"]
    opened: list[tuple[str, socket.socket]] = []
    for listener in attacked.listeners():
        for half in (b"", b"GET / HTTP/1.1\r\nHost: 127"):
            client = socket.create_connection(("127.0.0.1", listener.port), timeout=20)
            stream = _secured(client, listener) if listener.tls else client
            stream.sendall(half) if half else None
            opened.append((f"{listener.name} {half[:3]!r}", stream))
        if listener.tls:
            client = socket.create_connection(("127.0.0.1", listener.port), timeout=20)
            client.sendall(b"\x16\x03\x01\x02")
            opened.append((f"{listener.name} handshake", client))
    control = at(attacked, "control")
    client = socket.create_connection(("127.0.0.1", control.port), timeout=20)
    head = f"POST {control.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Length: 99\r\n\r\n"
    client.sendall(f"{head}{{".encode())
    opened.append(("control body", client))
    client = socket.create_connection(("127.0.0.1", control.port), timeout=20)
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert client.recv(1000).startswith(b"HTTP/1.1 404 ")
    client.sendall(b"GET / HT")
    opened.append(("a second request", client))
    end, left = time.monotonic() + 14, []
    for name, stream in opened:
        stream.settimeout(max(0.1, end - time.monotonic()))
        try:
            with contextlib.suppress(ConnectionError):  # A reset closes it as well.
                stream.recv(1000)
        except TimeoutError:
            left.append(name)
        stream.close()
    assert left == []


def test_idle_tunnels_do_not_keep_others_out(tmp_path: Path) -> None:
    with up(folder=tmp_path, descriptors=1024) as found:
        proxy, vault = at(found, "proxy"), at(found, "vault")
        opened = []
        for _ in range(400):
            client = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
            client.sendall(f"CONNECT {vault.host}:443 HTTP/1.1\r\nHost: {vault.host}:443\r\n\r\n".encode())
            opened.append(client)
        started = time.monotonic()
        assert found.ask("GET", "clock").status_code == 200
        assert time.monotonic() - started < 3
        for client in opened:
            client.close()
        assert found.stop() == 0
        assert "Traceback" not in found.stderr
        assert len(found.stderr) < 10_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors that a test could set.")
def test_a_process_without_descriptors_says_so_once_and_recovers(tmp_path: Path) -> None:
    with up(folder=tmp_path, descriptors=60) as found:
        port = at(found, "identity").port
        clients = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(80)]
        # Real time: another process, in the time of its sockets, would write a line for each refused connection many times.
        time.sleep(3)
        for client in clients:
            client.close()
        assert found.ask("GET", "clock").status_code == 200
        assert found.stop() == 0
        assert "Traceback" not in found.stderr
        assert found.stderr.count("no connection can be taken") == 1
        assert len(found.stderr) < 2_000


@AS_ROOT
def test_another_user_gets_nothing_from_any_listener(attacked: Up) -> None:
    for listener in attacked.listeners():
        if listener.name != "proxy":
            assert b" 403 " in _as_nobody(listener), listener.name
    proxy = at(attacked, "proxy")
    assert b" 407 " in _as_nobody(proxy, b"CONNECT contoso-kv.vault.azure.net:443 HTTP/1.1\r\n\r\n")


@AS_ROOT
def test_an_orphaned_socket_of_another_user_reaches_nobody(attacked: Up) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        target.settimeout(2)
        port = target.getsockname()[1]
        for _ in range(20):
            _as_nobody(at(attacked, "proxy"), f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nBYTES".encode(), wait=False)
        with pytest.raises(TimeoutError):
            target.accept()


def test_a_source_that_was_not_chosen_is_not_there(attacked: Up) -> None:
    identity = at(attacked, "identity")
    for path in (
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net",
        "/oauth2/token",
    ):
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nMetadata: true\r\nConnection: close\r\n\r\n"
        assert b" 404 " in send(identity, head.encode(), patience=2).split(b"\r\n")[0]


def test_nothing_of_all_this_is_seen_anywhere(attacked: Up) -> None:
    """The last test of this file: it ends the one that was attacked."""
    journal = attacked.ask("GET", "journal").text
    assert attacked.stop() == 0
    for where in (journal, attacked.stderr, attacked.first.decode()):
        assert CANARY not in where
    assert "Traceback" not in attacked.stderr
    assert len(attacked.stderr) < 20_000


def _secured(client: socket.socket, listener: Listener) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(client, server_hostname=listener.host)


def _as_nobody(listener: Listener, made: bytes | None = None, *, wait: bool = True) -> bytes:
    """Send a request as another user, from a process of its own."""
    head = (
        f"GET {listener.path} HTTP/1.1\r\nHost: {listener.host}\r\nMetadata: true\r\nConnection: close\r\n\r\n".encode()
    )
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            if wait:
                os.write(writing, send(listener, made or head, patience=3))
            else:
                with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as client:
                    client.sendall(made or head)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answered:
        got = answered.read()
    os.waitpid(child, 0)
    return got
