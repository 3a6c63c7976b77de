"""The proxy: no vault host leaves the machine, every other host is reached straight, and no tunnel outlives its use."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from keyless.local.pki.authority import CertificateAuthority
from keyless.local.wire.proxy.proxy import ConnectProxy
from keyless.local.wire.proxy.reached import Local
from keyless.local.wire.proxy.target import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PASSWORD = "pass:word"
VAULT = "contoso-kv.vault.azure.net"
Tunnel = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def ipv6_loopback() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class Echo:
    """A server that answers every chunk with its name and that chunk, and counts its connections."""

    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.opened = 0
        self.open = 0
        self.address = ("", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open += 1
        try:
            while chunk := await reader.read(65536):
                writer.write(self.name + b":" + chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def echoing(name: str, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Echo]:
    echo = Echo(name)
    server = await asyncio.start_server(echo.serve, host, 0, ssl=tls)
    echo.address = server.sockets[0].getsockname()[:2]
    yield echo
    server.close()
    await server.wait_closed()
    await until(lambda: echo.open == 0)


@asynccontextmanager
async def proxying(
    vaults: Echo,
    *,
    bundle_file: Path | None = None,
    metadata_at: tuple[str, int] | None = None,
    head_timeout: float = 10,
    connect_timeout: float = 10,
    idle_timeout: float = 60,
) -> AsyncIterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    proxy = ConnectProxy(
        Local(
            vault_hosts=lambda: {VAULT, "fabrikam.vault.azure.cn"}, vaults_at=vaults.address, metadata_at=metadata_at
        ),
        password=PASSWORD,
        bundle_file=bundle_file,
        trusts=lambda *_: True,
        head_timeout=head_timeout,
        connect_timeout=connect_timeout,
        idle_timeout=idle_timeout,
    )
    address = listener.getsockname()
    await proxy.start(listener)
    yield address
    await proxy.close()


@pytest.fixture
async def vaults() -> AsyncIterator[Echo]:
    async with echoing("vaults") as echo:
        yield echo


@pytest.fixture
async def proxy(vaults: Echo) -> AsyncIterator[tuple[str, int]]:
    async with proxying(vaults) as address:
        yield address


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (what is awaited has no event of its own)
            await asyncio.sleep(0.005)


async def ask(proxy: tuple[str, int], target: str, *, method: str = "CONNECT") -> tuple[int, str, Tunnel]:
    """Send a request; return the status, the whole head, and the streams."""
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return int(head.split()[1]), head, (reader, writer)


async def refusal(proxy: tuple[str, int], target: str, *, method: str = "CONNECT") -> tuple[int, str]:
    """Send a request that gets no tunnel; return the status and all that was answered."""
    status, head, (reader, writer) = await ask(proxy, target, method=method)
    body = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert f"Content-Length: {len(body.encode())}\r\n" in head
    return status, head + body


async def through(tunnel: Tunnel, data: bytes) -> bytes:
    reader, writer = tunnel
    writer.write(data)
    async with asyncio.timeout(5):
        return await reader.read(65536)


async def leave(tunnel: Tunnel) -> None:
    tunnel[1].close()
    await tunnel[1].wait_closed()


@pytest.mark.parametrize(
    "target",
    [
        f"{VAULT}:443",
        "CONTOSO-KV.Vault.Azure.NET:443",
        f"{VAULT}.:443",
        f"{VAULT}:0443",
        "fabrikam.vault.azure.cn:443",
    ],
)
async def test_a_vault_that_exists_is_the_local_one_however_it_is_written(
    proxy: tuple[str, int], vaults: Echo, target: str
) -> None:
    status, _, tunnel = await ask(proxy, target)
    assert status == 200
    assert await through(tunnel, b"hello") == b"vaults:hello"
    await leave(tunnel)


@pytest.mark.parametrize(
    "head",
    [
        f"CONNECT {VAULT}\t:443 HTTP/1.1",
        "CONNECT  HTTP/1.1",
        f"CONNECT {VAULT}:443 HTTP/2",
        "GET http://127.0.0.1 x/ HTTP/1.1",
        "GET http://127.0.0.1/ HTTP/1.1\r\nX : 1",
        "GET http://127.0.0.1/ HTTP/1.1\r\nX: 1\r\n and more",
        "GET http://127.0.0.1/ HTTP/1.1\r\nX: 1\nY: 2",
    ],
)
async def test_what_is_not_http_goes_to_nobody(proxy: tuple[str, int], vaults: Echo, head: str) -> None:
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(f"{head}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    assert vaults.opened == 0
    await leave((reader, writer))


@pytest.mark.parametrize(
    "host",
    [
        "ghost.vault.azure.net",
        "GHOST.VAULT.AZURE.NET",
        "ghost.vault.azure.net.",
        "contoso-kv.vault.azure.cn",
        "contoso-kv.vault.usgovcloudapi.net",
        "x.contoso-kv.vault.azure.net",
        "vault.azure.net",
        "contoso-kv.privatelink.vaultcore.azure.net",
        "contoso-kv.vaultcore.azure.net",
        "contoso-kv.vaultcore.usgovcloudapi.net",
    ],
)
async def test_a_vault_that_does_not_exist_is_refused_and_those_that_do_are_named(
    proxy: tuple[str, int], vaults: Echo, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    plain = host.lower().removesuffix(".")
    status, answer = await refusal(proxy, f"{host}:443")
    assert status == 502
    assert answer.startswith(f"HTTP/1.1 502 No vault {plain} in the local Azure\r\n")
    assert 'Proxy-Status: keyless; error=dns_error; rcode="NXDOMAIN"' in answer
    assert f"There is no vault {plain} in the local Azure, and the request was not let out." in answer
    assert f"Vaults that exist: {VAULT}, fabrikam.vault.azure.cn." in answer
    assert capsys.readouterr().err == (
        f"keyless: no vault {plain} in the local Azure. Vaults that exist: {VAULT}, fabrikam.vault.azure.cn.\n"
    )
    assert vaults.opened == 0


async def test_a_vault_has_no_other_port(proxy: tuple[str, int], vaults: Echo) -> None:
    status, answer = await refusal(proxy, f"{VAULT}:8443")
    assert status == 502
    assert "Key Vault listens on port 443 alone" in answer
    assert vaults.opened == 0


@pytest.mark.parametrize(
    "target",
    [
        f"[{VAULT}]:443",
        f"{VAULT}..:443",
        "contoso-kv\uff0evault.azure.net:443",
        "contoso-kv.vault%2Eazure.net:443",
        f"user@{VAULT}:443",
        f"https://{VAULT}:443",
        f"{VAULT}",
        f"{VAULT}:",
        f"{VAULT}:0",
        f"{VAULT}:65536",
        f"{VAULT}:https",
        "[::1%contoso]:443",
        "[::1:443",
        "::1:443",
        ":443",
    ],
)
async def test_what_is_not_a_host_and_a_port_is_refused(proxy: tuple[str, int], vaults: Echo, target: str) -> None:
    status, answer = await refusal(proxy, target)
    assert status == 400
    assert "CONNECT takes HOST:PORT or [IPv6]:PORT, and a URL has a host." in answer
    assert vaults.opened == 0


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "2852039166",
        "0xa9fea9fe",
        "169.254.43518",
        "169.254.169.254.",
        "168.63.129.16",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:a9fe:a9fe::1]",
        "[::169.254.169.254]",
        "[64:ff9b::a83f:8110]",
        "metadata.azure.internal",
        "Metadata.Azure.Internal.",
    ],
)
@pytest.mark.parametrize(
    "url", ["{host}:80", "{host}:443", "http://{host}/metadata/instance", "http://{host}:8080/", "https://{host}/"]
)
async def test_no_address_of_the_platform_is_reached_by_a_tunnel_or_by_a_url(
    proxy: tuple[str, int], host: str, url: str
) -> None:
    target = url.format(host=host)
    status, answer = await refusal(proxy, target, method="GET" if "//" in target else "CONNECT")
    assert status == 403
    assert "where a machine in Azure has its metadata service" in answer
    assert "With --source imds the local Azure answers at http://169.254.169.254." in answer


@asynccontextmanager
async def metadata_service(vaults: Echo) -> AsyncIterator[tuple[str, int]]:
    """A proxy for a source that has a metadata service, where that is a server that says what it is."""
    async with echoing("metadata") as echo, proxying(vaults, metadata_at=echo.address) as proxy:
        yield proxy


async def test_where_the_source_has_a_metadata_service_the_local_one_answers_for_its_address(vaults: Echo) -> None:
    async with metadata_service(vaults) as proxy:
        reader, writer = await asyncio.open_connection(*proxy)
        writer.write(b"GET http://169.254.169.254/metadata/x?y=1 HTTP/1.1\r\nHost: wrong\r\nMetadata: true\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
        head = b"GET /metadata/x?y=1 HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\nConnection: close\r\n\r\n"
        assert answer == b"metadata:" + head
        await leave((reader, writer))


async def test_node_js_tunnels_plain_http_to_the_metadata_service_and_the_local_one_answers(vaults: Echo) -> None:
    async with metadata_service(vaults) as proxy:
        status, _, tunnel = await ask(proxy, "169.254.169.254:80")
        assert status == 200
        assert await through(tunnel, b"hello") == b"metadata:hello"
        await leave(tunnel)


@pytest.mark.parametrize(
    "target", ["169.254.169.254:443", "[::ffff:169.254.169.254]:80", "2852039166:80", "168.63.129.16:80"]
)
async def test_the_local_metadata_service_answers_at_its_own_address_alone(vaults: Echo, target: str) -> None:
    async with metadata_service(vaults) as proxy:
        assert (await refusal(proxy, target))[0] == 403


class Page:
    """A web server that notes what it is asked, and answers each request in pieces, keeping the connection."""

    def __init__(self, *, announces: bool = False) -> None:
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.announces = announces
        self.netloc = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(head)
                if self.announces:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                size = next((int(line[15:]) for line in head.splitlines() if line.startswith("Content-Length:")), 0)
                self.bodies.append(await reader.readexactly(size))
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nX-Kept: yes\r\nContent-Length: 4\r\n\r\n")
                for piece in (b"pa", b"ge"):
                    writer.write(piece)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def page(*, announces: bool = False) -> AsyncIterator[Page]:
    made = Page(announces=announces)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.netloc = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()


async def test_a_plain_url_of_another_host_is_fetched_as_before_and_the_connection_is_for_one_answer(
    proxy: tuple[str, int],
) -> None:
    async with page() as other:
        reader, writer = await asyncio.open_connection(*proxy)
        url = f"http://{other.netloc}/a?b=c"
        secret = "Proxy-Authorization: Basic a2V5bGVzczpwYXNzOndvcmQ="
        writer.write(
            f"PUT {url} HTTP/1.1\r\nHost: x\r\n{secret}\r\nX-Mine: 1\r\nContent-Length: 5\r\n\r\nhello".encode()
        )
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"page")
        await leave((reader, writer))
    assert answer == b"HTTP/1.1 200 OK\r\nX-Kept: yes\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage"
    assert other.bodies == [b"hello"]
    assert other.asked == [
        f"PUT /a?b=c HTTP/1.1\r\nHost: {other.netloc}\r\nX-Mine: 1\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    ]


async def test_a_client_that_waits_to_be_told_to_go_on_is_told(proxy: tuple[str, int]) -> None:
    async with page(announces=True) as other:
        reader, writer = await asyncio.open_connection(*proxy)
        writer.write(
            f"PUT http://{other.netloc}/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n".encode()
        )
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await reader.readuntil(b"page")).endswith(b"Connection: close\r\n\r\npage")
        await leave((reader, writer))
    assert other.bodies == [b"hello"]


async def test_a_client_may_go_on_in_another_protocol(proxy: tuple[str, int]) -> None:
    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Upgrade: websocket\r\nConnection: Upgrade\r\n" in head
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        writer.write(b"echo " + await reader.readexactly(5))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(switch, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert b"\r\nConnection: Upgrade\r\n" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello")
        assert await reader.read() == b"echo hello"
    await leave((reader, writer))
    server.close()


@pytest.mark.parametrize("url", [f"http://{VAULT}/secrets", "http://ghost.vault.azure.net/", f"http://{VAULT}:8080/"])
async def test_no_plain_url_of_a_vault_is_let_out(proxy: tuple[str, int], vaults: Echo, url: str) -> None:
    status, answer = await refusal(proxy, url, method="GET")
    assert status == 502
    assert "No vault ghost" in answer or "Key Vault listens on port 443 alone" in answer
    assert vaults.opened == 0


@pytest.mark.parametrize("url", ["http://", "http://:80/", "http://user:word@127.0.0.1/", "http://[::1/"])
async def test_a_plain_url_without_a_host_is_refused(proxy: tuple[str, int], url: str) -> None:
    assert (await refusal(proxy, url, method="GET"))[0] in {400, 405}


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "168.63.129.16"]
)
async def test_a_name_that_resolves_to_the_metadata_service_is_refused_before_anything_is_sent(
    proxy: tuple[str, int], monkeypatch: pytest.MonkeyPatch, azure_requests: list[str], address: str
) -> None:
    resolve = asyncio.get_running_loop().getaddrinfo

    async def lead_astray(host: str, *rest: Any, **options: Any) -> Any:
        return await resolve(address if host == "innocent.example" else host, *rest, **options)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lead_astray)
    status, answer = await refusal(proxy, "innocent.example:80")
    assert status == 403
    assert "where a machine in Azure has its metadata service" in answer
    assert azure_requests == []


async def test_another_host_is_reached_straight_with_its_own_tls(proxy: tuple[str, int], vaults: Echo) -> None:
    authority = CertificateAuthority()  # Stands for the other host's own: TLS runs from end to end.
    async with echoing("other", tls=authority.issue("localhost").server_context()) as other:
        status, _, (reader, writer) = await ask(proxy, f"localhost:{other.address[1]}")
        assert status == 200
        context = ssl.create_default_context(cadata=authority.root_pem.decode())
        await writer.start_tls(context, server_hostname="localhost")
        assert await through((reader, writer), b"hello") == b"other:hello"
        await leave((reader, writer))
    assert vaults.opened == 0


@pytest.mark.skipif(not ipv6_loopback(), reason="this machine has no IPv6 loopback")
async def test_an_ipv6_address_is_reached_straight(proxy: tuple[str, int]) -> None:
    async with echoing("six", host="::1") as other:
        status, _, tunnel = await ask(proxy, f"[::1]:{other.address[1]}")
        assert status == 200
        assert await through(tunnel, b"hello") == b"six:hello"
        await leave(tunnel)


async def test_another_host_that_refuses_is_a_502_that_says_so(proxy: tuple[str, int]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        status, answer = await refusal(proxy, f"127.0.0.1:{port}")
    assert status == 502
    assert f"No connection to 127.0.0.1 port {port}" in answer


async def test_another_host_that_does_not_answer_is_a_504(vaults: Echo) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = []
        for _ in range(4):  # A full backlog takes no more connections and refuses none.
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        async with proxying(vaults, connect_timeout=0.2) as proxy:
            status, answer = await refusal(proxy, f"127.0.0.1:{full.getsockname()[1]}")
        for filler in fillers:
            filler.close()
    assert status == 504
    assert "error=connection_timeout" in answer


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "connect"])
@pytest.mark.parametrize("target", ["/secrets", "*", "ftp://example.com/", f"{VAULT}:443"])
async def test_what_is_asked_of_the_proxy_itself_is_refused_with_what_to_do(
    proxy: tuple[str, int], method: str, target: str
) -> None:
    status, answer = await refusal(proxy, target, method=method)
    assert status == 405
    assert "Allow: CONNECT\r\n" in answer
    assert "set it as HTTP_PROXY and HTTPS_PROXY" in answer


async def ask_for_url(proxy: tuple[str, int], url: str) -> str:
    """Send a request as axios before 1.16.1 does, which leaves TLS to the proxy, and return what comes first."""
    reader, writer = await asyncio.open_connection(*proxy)
    head = ("Host: other.example", "Proxy-Authorization: Basic a2V5bGVzczpwYXNzOndvcmQ=", "Connection: keep-alive")
    writer.write("\r\n".join((f"POST {url} HTTP/1.1", *head, "Content-Length: 2", "", "{}")).encode())
    async with asyncio.timeout(5):
        answer = await reader.read(65536)
    await leave((reader, writer))
    return answer.decode()


@pytest.mark.parametrize(
    ("path", "asked"), [("/secrets/a?x=1", "/secrets/a?x=1"), ("?x=1", "/?x=1"), ("", "/"), (":443/a", "/a")]
)
async def test_where_a_client_leaves_tls_to_the_proxy_the_vault_gets_its_request_and_not_the_proxys_password(
    tmp_path: Path, path: str, asked: str
) -> None:
    authority = CertificateAuthority()
    (tmp_path / "ca.pem").write_bytes(authority.root_pem)
    async with (
        echoing("vaults", tls=authority.issue(VAULT).server_context()) as vaults,
        proxying(vaults, bundle_file=tmp_path / "ca.pem") as proxy,
    ):
        answer = await ask_for_url(proxy, f"https://{VAULT}{path}")
    host = f"{VAULT}:443" if path.startswith(":") else VAULT
    assert answer.startswith(
        f"vaults:POST {asked} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    )


async def test_where_a_client_leaves_tls_to_the_proxy_a_host_that_is_not_trusted_gets_nothing(vaults: Echo) -> None:
    authority = CertificateAuthority()
    async with echoing("other", tls=authority.issue("localhost").server_context()) as other, proxying(vaults) as proxy:
        answer = await ask_for_url(proxy, f"https://localhost:{other.address[1]}/")
        assert answer.startswith(f"HTTP/1.1 502 No TLS with localhost port {other.address[1]}\r\n")
        assert "CERTIFICATE_VERIFY_FAILED" in answer
        assert other.opened == 0


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://ghost.vault.azure.net/secrets", 502),
        ("https://169.254.169.254/metadata", 403),
        (f"https://user@{VAULT}/", 400),
        ("https://:443/", 400),
    ],
)
async def test_where_a_client_leaves_tls_to_the_proxy_the_same_hosts_are_refused(
    proxy: tuple[str, int], vaults: Echo, url: str, status: int
) -> None:
    assert (await ask_for_url(proxy, url)).startswith(f"HTTP/1.1 {status} ")
    assert vaults.opened == 0


async def test_a_request_whose_header_never_ends_is_refused(proxy: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(b"CONNECT x:443 HTTP/1.1\r\n" + b"X-Long: " + b"a" * 70_000)
    assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
    await leave((reader, writer))


async def test_what_the_client_sends_with_its_request_goes_through(proxy: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(f"CONNECT {VAULT}:443 HTTP/1.1\r\n\r\nearly".encode())
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.read(100) == b"vaults:early"
    await leave((reader, writer))


async def test_much_data_goes_through_whole(proxy: tuple[str, int]) -> None:
    _, _, (reader, writer) = await ask(proxy, f"{VAULT}:443")
    sent = bytes(range(256)) * 16_384

    async def send() -> None:
        writer.write(sent)
        await writer.drain()

    sending = asyncio.create_task(send())
    received = b""
    async with asyncio.timeout(20):
        while len(received.replace(b"vaults:", b"")) < len(sent):
            received += await reader.read(1 << 20)
    await sending
    assert received.replace(b"vaults:", b"") == sent
    await leave((reader, writer))


async def test_a_tunnel_ends_on_both_sides_when_the_client_leaves(proxy: tuple[str, int], vaults: Echo) -> None:
    _, _, tunnel = await ask(proxy, f"{VAULT}:443")
    await through(tunnel, b"hello")
    await leave(tunnel)
    await until(lambda: vaults.open == 0)
    assert vaults.opened == 1


async def test_a_tunnel_ends_on_both_sides_when_the_server_leaves(vaults: Echo) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"goodbye")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with proxying(vaults) as proxy:
        _, _, tunnel = await ask(proxy, f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert await tunnel[0].read() == b"goodbye"
        await leave(tunnel)
    server.close()
    await server.wait_closed()


async def test_a_half_open_tunnel_is_closed(proxy: tuple[str, int], vaults: Echo) -> None:
    _, _, (reader, writer) = await ask(proxy, f"{VAULT}:443")
    writer.write_eof()
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    await until(lambda: vaults.open == 0)
    await leave((reader, writer))


async def test_an_idle_tunnel_is_closed_and_a_busy_one_is_not(vaults: Echo) -> None:
    async with proxying(vaults, idle_timeout=0.3) as proxy:
        _, _, idle = await ask(proxy, f"{VAULT}:443")
        _, _, busy = await ask(proxy, f"{VAULT}:443")
        reading = asyncio.create_task(idle[0].read())
        while not reading.done():
            assert await through(busy, b"still here") == b"vaults:still here"
            await asyncio.sleep(0.05)
        assert await reading == b""
        assert await through(busy, b"still here") == b"vaults:still here"
        await leave(idle)
        await leave(busy)


async def test_a_client_that_sends_no_request_is_dropped(vaults: Echo) -> None:
    async with proxying(vaults, head_timeout=0.1) as proxy:
        reader, writer = await asyncio.open_connection(*proxy)
        writer.write(b"CONNECT ")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        await leave((reader, writer))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # For what asyncio forgets.
@pytest.mark.parametrize("turns", range(8))
async def test_clients_that_connect_at_the_last_moment_keep_nobody_from_closing(vaults: Echo, turns: int) -> None:
    async with asyncio.timeout(5), proxying(vaults) as proxy:
        clients = [socket.create_connection(proxy) for _ in range(3)]
        for _ in range(turns):  # A client is taken in several turns of the event loop.
            await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    # The one that asyncio is just taking, it forgets itself.
    assert sum(map(is_open, clients)) <= 1
    for client in clients:
        client.close()
    gc.collect()


def is_open(client: socket.socket) -> bool:
    """Whether the other side has not ended a connection."""
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except ConnectionResetError:
        return False
    except BlockingIOError:
        return True


async def in_two_parts(writer: asyncio.StreamWriter) -> None:
    for part in (b"head", b"body"):
        writer.write(part)
        await asyncio.sleep(0.001)  # So that they are no single packet.


@pytest.mark.skipif(
    sys.platform != "linux", reason="ACKNOWLEDGEMENTS ARE NOT TESTED: Linux alone lets a program hasten one."
)
async def test_messages_in_two_parts_wait_for_no_acknowledgement() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(EOFError):
            while await reader.readexactly(8):
                await in_two_parts(writer)
        writer.close()
        await writer.wait_closed()
        closed.set()

    vaults, closed, times = Echo("vaults"), asyncio.Event(), []
    loop, server = asyncio.get_running_loop(), await asyncio.start_server(answer, "127.0.0.1", 0)
    vaults.address = server.sockets[0].getsockname()[:2]
    async with server, proxying(vaults) as proxy:
        _, _, (reader, writer) = await ask(proxy, f"{VAULT}:443")
        # urllib3 leaves Nagle's algorithm on behind a proxy; asyncio turns it off.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        for _ in range(30):
            started = loop.time()
            await in_two_parts(writer)
            assert await reader.readexactly(8) == b"headbody"
            times.append(loop.time() - started)
        await leave((reader, writer))
        await closed.wait()
    # An acknowledgement that waits does so for 40 ms at least. The first ones do not wait.
    assert min(times[15:]) < 0.03, times


async def test_closing_the_proxy_closes_every_tunnel_even_one_whose_client_does_not_read(vaults: Echo) -> None:
    async with proxying(vaults) as proxy:
        tunnels = [(await ask(proxy, f"{VAULT}:443"))[2] for _ in range(5)]
        tunnels[0][1].write(b"x" * 8_000_000)
        half_sent = await asyncio.open_connection(*proxy)
        half_sent[1].write(b"CONNECT contoso")
        await until(lambda: vaults.open == 5)
    await until(lambda: vaults.open == 0)
    for _, writer in [*tunnels, half_sent]:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def test_five_hundred_tunnels_live_at_once(proxy: tuple[str, int], vaults: Echo) -> None:
    opened = await asyncio.gather(*(ask(proxy, f"{VAULT}:443") for _ in range(500)))
    assert {status for status, _, _ in opened} == {200}
    answers = await asyncio.gather(*(through(tunnel, str(i).encode()) for i, (_, _, tunnel) in enumerate(opened)))
    assert answers == [f"vaults:{i}".encode() for i in range(500)]
    assert vaults.open == 500
    await asyncio.gather(*(leave(tunnel) for _, _, tunnel in opened))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM.:443", Target("example.com", 443)),
        ("127.0.0.1:80", Target("127.0.0.1", 80)),
        ("[0:0:0:0:0:0:0:1]:443", Target("::1", 443)),
        ("under_score.example:1", Target("under_score.example", 1)),
        (f"{'a' * 64}.example:443", None),
        ("[127.0.0.1]:443", None),
    ],
)
def test_a_target_is_read_in_one_form(text: str, expected: Target | None) -> None:
    assert Target.parse(text) == expected
