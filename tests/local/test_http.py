"""The local Azure's own HTTP, byte by byte: what comes over a connection, and what goes back."""

from __future__ import annotations

import asyncio
import socket
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from keyless.local.wire.http.app import App, one_mib
from keyless.local.wire.http.connection import Connection
from keyless.local.wire.http.response import HttpError, Response, streamed
from keyless.local.wire.http.router import Route, Router
from keyless.local.wire.http.site import Site
from keyless.local.wire.serving.boundary import Boundary
from keyless.local.wire.serving.forms import text_form
from keyless.local.wire.serving.lines import Lines
from keyless.local.wire.serving.site import accept, site

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.conftest import Serve

    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Send

    Exchange = Callable[..., bytes]

END = b"Connection: close\r\n\r\n"


async def echo(request: Request) -> Response:
    """Say what was understood."""
    body = request.body.decode("latin-1")
    return Response(text=f"{request.method} {request.path} {dict(request.query)} {request.host} {body}|")


async def wait(_: Request) -> Response:
    """Answer later, from another thread."""
    await asyncio.sleep(0.01)
    return Response(text=await asyncio.to_thread(lambda: "waited|"))


async def fail(_: Request) -> Response:
    """Wait for what fails, and say so."""
    try:
        await asyncio.to_thread(int, "no number")
    except ValueError:
        await asyncio.sleep(0)
        return Response(409, text="refused|")
    raise AssertionError


async def drip(request: Request) -> Response:
    """Send a body piece by piece: fewer bytes than promised where the query says so."""

    async def stream(send: Send) -> None:
        for _ in range(3):
            await send(b"piece")
            await send(b"")
            await asyncio.sleep(0)

    return streamed({"Content-Length": "1000"} if "promised" in request.query else {}, stream)


async def split(_: Request) -> Response:
    return Response(headers={"X-Split": "one\r\nX-Two: two"})


async def half(_: Request) -> Response:
    """Give a header with half a character, which no bytes stand for."""
    return Response(headers={"X-Half": "a\ud800b"})


async def cancelled(_: Request) -> Response:
    """Wait for what nobody does any more."""
    await asyncio.sleep(0)
    raise asyncio.CancelledError


async def nothing(_: Request) -> Response:
    return Response(204)


async def missing(_: Request) -> Response:
    raise HttpError(404, "there is nothing")


ROUTES = (
    Route("GET", "/wait", wait),
    Route("GET", "/fail", fail),
    Route("GET", "/drip", drip),
    Route("GET", "/split", split),
    Route("GET", "/half", half),
    Route("GET", "/cancelled", cancelled),
    Route("GET", "/nothing", nothing),
    Route("GET", "/missing", missing),
    Route("GET", "/only/{name}", echo),
    Route("*", "/echo{rest:.*}", echo),
)


@pytest.fixture
def port(serve: Serve) -> int:
    return int(serve(App(Router(ROUTES).answer, lambda _: 1000)).rpartition(":")[2])


@pytest.fixture
def exchange(port: int) -> Exchange:
    """Send some bytes, in several pieces where there are several, and return all that comes back until the end."""

    def exchanging(*pieces: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            for piece in pieces:
                client.sendall(piece)
                if piece is not pieces[-1]:
                    time.sleep(0.02)  # Real time: the other end is to see the pieces one by one.
            return b"".join(iter(lambda: client.recv(65536), b""))

    return exchanging


def bodies(answers: bytes) -> list[bytes]:
    """Return the bodies of answers to ``echo`` and its like, which end in a bar."""
    return [each.rpartition(b"\r\n\r\n")[2] for each in answers.split(b"|") if each]


def test_requests_that_come_at_once_are_answered_in_turn(exchange: Exchange) -> None:
    asked = [f"GET {path} HTTP/1.1\r\nHost: a\r\n".encode() for path in ("/echo?n=1", "/wait", "/fail", "/echo?n=4")]
    got = exchange(b"\r\n".join(asked) + END)
    assert bodies(got) == [b"GET /echo {'n': '1'} a ", b"waited", b"refused", b"GET /echo {'n': '4'} a "]
    assert got.count(b"Connection: close") == 1


def test_more_requests_than_are_read_ahead_are_all_answered(exchange: Exchange) -> None:
    asked = [b"GET /wait HTTP/1.1\r\nHost: a\r\n"] * 100
    assert bodies(exchange(b"\r\n".join(asked) + END)) == [b"waited"] * 100


@pytest.mark.parametrize("size", [1, 7])
def test_a_request_may_come_in_pieces(exchange: Exchange, size: int) -> None:
    whole = b"PUT /echo/a%20b?c=%2Fd HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + END
    whole += b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert bodies(exchange(*pieces)) == [b"PUT /echo/a b {'c': '/d'} a abcde"]


@pytest.mark.parametrize(
    "before", [b"", *(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in (b"/echo", b"/wait"))]
)
def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(port: int, before: bytes) -> None:
    asked = b"PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue \r\nContent-Length: 3\r\n" + END
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(before + asked)
        got = b""
        while not got.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            got += client.recv(1000)
        assert got.count(b"|") == (before != b"")
        client.sendall(b"abc")
        assert b"abc|" in client.recv(65536)


def test_an_old_client_is_given_no_leave_which_it_would_not_know(exchange: Exchange) -> None:
    head = b"PUT /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert exchange(head, b"abc").startswith(b"HTTP/1.1 200 ")


def test_a_head_in_pieces_is_not_too_large_for_what_came_before_it(exchange: Exchange) -> None:
    head = b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3;note=" + b"x" * 66_000 + b"\r\nabc\r\n0\r\n\r\n"
    got = exchange(head, body, b"GET /ec", b"ho HTTP/1.1\r\nHost: a\r\n" + END)
    assert bodies(got) == [b"PUT /echo {} a abc", b"GET /echo {} a "]


def test_a_body_in_small_chunks_takes_no_more_room_than_another(serve: Serve) -> None:
    port = int(serve(App(Router(ROUTES).answer)).rpartition(":")[2])
    size = 150_000
    asked = (
        b"PUT /only/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        + END
        + b"2\r\nab\r\n" * (size // 2)
        + b"0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        tracemalloc.start()
        client.sendall(asked)
        got = b"".join(iter(lambda: client.recv(65536), b""))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert got.startswith(b"HTTP/1.1 405 ")
    assert most < 10 * size


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", id="said before"),
        pytest.param(b"Content-Length: 900000\r\n\r\n" + b"x" * 900_000, id="said, and sent"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, id="in chunks"),
    ],
)
def test_a_body_that_is_too_large_is_refused_and_nothing_after_it_is_read(exchange: Exchange, body: bytes) -> None:
    got = exchange(b"PUT /echo HTTP/1.1\r\nHost: a\r\n" + body)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert got.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param(b"GET /echo HTTP/1.1\r\nX: y\r\n\r\n", 400, id="no host"),
        pytest.param(b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET /echo HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, 431, id="a head without end"),
        pytest.param(
            b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * 500_000,
            431,
            id="a trailer without end",
        ),
        pytest.param(b"GET /echo\r\n\r\n", 400, id="no version"),
        pytest.param(b"GET /echo HTTP/2.0\r\nHost: a\r\n\r\n", 400, id="another version"),
        pytest.param(
            b"PUT /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="smuggling"
        ),
        pytest.param(b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, id="no chunk"),
    ],
)
def test_what_is_not_http_is_refused(exchange: Exchange, asked: bytes, status: int) -> None:
    got = exchange(asked)
    assert got.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in got


def test_a_refusal_of_head_has_no_body(exchange: Exchange) -> None:
    assert exchange(b"HEAD /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").endswith(b"\r\n\r\n")


def test_requests_before_one_that_is_not_http_keep_their_answers(exchange: Exchange) -> None:
    got = exchange(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\nNONSENSE\r\n\r\n")
    assert (got.count(b"HTTP/1.1 200"), got.count(b"HTTP/1.1 400"), b"waited|" in got) == (1, 1, True)


def test_an_upgrade_that_nobody_speaks_is_passed_over(exchange: Exchange) -> None:
    """Java's client asks so for HTTP/2."""
    first = b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert len(bodies(exchange(first + b"GET /echo HTTP/1.1\r\nHost: a\r\n" + END))) == 2


@pytest.mark.parametrize("size", [1000, 40, 0], ids=["whole", "in pieces", "the head alone"])
@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 36\r\n\r\n%b", b"Transfer-Encoding: chunked\r\n\r\n24\r\n%b\r\n0\r\n\r\n"],
    ids=["length", "chunks"],
)
def test_the_body_of_a_request_that_asks_for_an_upgrade_is_no_second_request(
    exchange: Exchange, body: bytes, size: int
) -> None:
    hidden = b"GET /other HTTP/1.1\r\nHost: another\r\n"
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    whole = head + body % hidden + b"GET /echo HTTP/1.1\r\nHost: a\r\n" + END
    size = size or whole.index(b"\r\n\r\n") + 4
    got = exchange(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert bodies(got) == [b"POST /echo {} a " + hidden, b"GET /echo {} a "]


def test_nothing_after_a_request_for_a_tunnel_is_read_as_a_request(exchange: Exchange) -> None:
    got = exchange(b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (got[:13], got.count(b"HTTP/1.1"), b"Connection: close\r\n" in got) == (b"HTTP/1.1 404 ", 1, True)


def test_blanks_around_the_value_of_a_header_do_not_belong_to_it(exchange: Exchange) -> None:
    assert bodies(exchange(b"GET /echo HTTP/1.1\r\nHost: \t a \t\r\n" + END)) == [b"GET /echo {} a "]


def test_a_whole_url_is_asked_as_its_path(exchange: Exchange) -> None:
    got = exchange(b"GET http://b:80/echo?c=d HTTP/1.1\r\nHost: a\r\n" + END)
    assert bodies(got) == [b"GET /echo {'c': 'd'} a "]


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("=b", {"": "b"}),
        ("a=b", {"a": "b"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=b;c=d", {"a": "b;c=d"}),
        ("%61=%62", {"a": "b"}),
        ("a=b+c", {"a": "b c"}),
        ("a=b&a=c&d=e", {"d": "e", "a": "b"}),
    ],
)
def test_a_query_is_read_as_a_form_is(exchange: Exchange, query: str, read: dict[str, str]) -> None:
    answer = exchange(f"GET /echo?{query} HTTP/1.1\r\nHost: a\r\n".encode() + END)
    assert bodies(answer) == [f"GET /echo {read} a ".encode()]


def test_an_old_client_keeps_its_connection_where_it_asks_to(exchange: Exchange) -> None:
    kept = exchange(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /echo HTTP/1.0\r\n\r\n")
    assert (kept.count(b"Connection: keep-alive"), kept.count(b"Connection: close")) == (1, 1)


def test_an_answer_to_head_has_the_length_alone(exchange: Exchange) -> None:
    got = exchange(b"HEAD /only/a HTTP/1.1\r\nHost: a\r\n" + END)
    assert b"Content-Length: 19\r\n" in got  # HEAD /only/a {} a  and a bar.
    assert got.endswith(b"\r\n\r\n")


def test_an_answer_without_a_body_has_no_length(exchange: Exchange) -> None:
    assert b"Content-Length" not in exchange(b"GET /nothing HTTP/1.1\r\nHost: a\r\n" + END)


def test_a_body_that_comes_piece_by_piece_is_sent_in_chunks(exchange: Exchange) -> None:
    got = exchange(b"GET /drip HTTP/1.1\r\nHost: a\r\n" + END)
    assert got.endswith(b"\r\n\r\n" + b"5\r\npiece\r\n" * 3 + b"0\r\n\r\n")


@pytest.mark.parametrize("path", [b"/drip", b"/drip?promised"])
def test_head_is_answered_without_the_pieces_and_the_connection_goes_on(exchange: Exchange, path: bytes) -> None:
    got = exchange(b"HEAD %b HTTP/1.1\r\nHost: a\r\n\r\nGET /wait HTTP/1.1\r\nHost: a\r\n" % path + END)
    first, between, second = got.partition(b"\r\n\r\n")
    assert (first[:13], second[:13], second[-7:]) == (b"HTTP/1.1 200 ", b"HTTP/1.1 200 ", b"waited|")
    assert between


def test_a_body_that_is_shorter_than_promised_ends_the_connection(exchange: Exchange) -> None:
    got = exchange(b"GET /drip?promised HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"Content-Length: 1000\r\n" in got
    assert got.endswith(b"\r\n\r\npiecepiecepiece")


def test_a_header_of_an_answer_is_one_line(exchange: Exchange) -> None:
    got = exchange(b"GET /split HTTP/1.1\r\nHost: a\r\n" + END)
    assert b"X-Split: one X-Two: two\r\n" in got


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/elsewhere", 404), ("POST", "/wait", 405), ("GET", "/only/", 404), ("GET", "/missing", 404)],
)
def test_a_path_or_a_method_that_nothing_answers_is_said(
    exchange: Exchange, method: str, path: str, status: int
) -> None:
    got = exchange(f"{method} {path} HTTP/1.1\r\nHost: a\r\n".encode() + END)
    assert got.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"Allow: GET\r\n" in got) == (status == 405)


def test_a_client_whose_answer_never_comes_does_not_wait_for_it(exchange: Exchange) -> None:
    assert exchange(b"GET /cancelled HTTP/1.1\r\nHost: a\r\n\r\n") == b""


def test_half_a_character_in_a_header_is_replaced(exchange: Exchange) -> None:
    got = exchange(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /half HTTP/1.1\r\nHost: a\r\n" + END)
    assert b"X-Half: a?b\r\n" in got


def test_nothing_more_is_answered_to_a_client_that_reads_nothing(serve: Serve) -> None:
    asked, size = 0, 1_000_000

    async def large(request: Request) -> Response:
        nonlocal asked
        if request.path == "/count":
            return Response(text=f"{asked}|")
        asked += 1
        return Response(body=b"z" * size)

    port = int(serve(App(large)).rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as slow,
        socket.create_connection(("127.0.0.1", port), timeout=10) as other,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 29 + b"GET / HTTP/1.1\r\nHost: a\r\n" + END)
        got = slow.recv(1)
        other.sendall(b"GET /count HTTP/1.1\r\nHost: a\r\n" + END)
        [count] = bodies(b"".join(iter(lambda: other.recv(65536), b"")))
        assert int(count) < 30
        got += b"".join(iter(lambda: slow.recv(65536), b""))
    assert (got.count(b"HTTP/1.1 200"), got.count(b"z")) == (30, 30 * size)


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_a_client_that_does_not_read_its_answer_is_waited_for_no_longer_than_one_that_asks_nothing(
    path: str,
) -> None:
    async def endless(send: Send) -> None:
        while True:
            await send(b"x" * 100_000)

    async def large(request: Request) -> Response:
        return streamed({}, endless) if request.path == "/pieces" else Response(body=b"x" * 30_000_000)

    served = Site(large, print, lambda _: None, one_mib)
    listener = socket.create_server(("127.0.0.1", 0))
    server = await accept(lambda: Connection(served), listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n".encode() + END)
    await reader.readexactly(1)
    [connection] = served.connections
    now = asyncio.get_running_loop().time()
    assert not connection.is_overdue(now + served.patience.idle - 10)
    assert connection.is_overdue(now + served.patience.idle + 10)
    await connection.end(0)
    writer.close()
    server.close()


async def test_an_answer_that_comes_while_the_server_ends_is_still_sent() -> None:
    begun, going = asyncio.Event(), asyncio.Event()

    async def late(_: Request) -> Response:
        begun.set()
        await going.wait()
        return Response(text="late|")

    listener = socket.create_server(("127.0.0.1", 0))
    boundary = Boundary(text_form, lambda _, failure: pytest.fail(failure.cause))
    async with site(App(late), listener, None, boundary=boundary, lines=Lines()):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await begun.wait()
        asyncio.get_running_loop().call_soon(going.set)
    assert (await reader.read()).endswith(b"late|")
    writer.close()
