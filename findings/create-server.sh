#!/usr/bin/env bash
# A server that asyncio serves on a socket from socket.create_server() sends with Nagle's algorithm; one that it binds itself does not.
#
# asyncio sets TCP_NODELAY only where the socket's protocol is IPPROTO_TCP. socket.create_server() leaves it at 0, and accepted
# sockets take it over. Seen with uvicorn 0.38.0 on Python 3.11: served by host and port, an accepted connection has TCP_NODELAY;
# served by sockets=[socket.create_server(...)], as under a process manager, it has not. An answer in two writes can then wait for the
# client's delayed acknowledgement, about 40 ms on Linux.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.38.0
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import http.client
import socket
import sys
from importlib.metadata import version

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

seen = []


class Protocol(H11Protocol):
    def connection_made(self, transport):
        connection = transport.get_extra_info("socket")
        seen.append((connection.proto, connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0))
        super().connection_made(transport)


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 204
    connection.close()


async def serve(sockets):
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=Protocol, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=sockets))
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    await asyncio.to_thread(ask, port)
    server.should_exit = True
    await running


asyncio.run(serve(None))
asyncio.run(serve([socket.create_server(("127.0.0.1", 0))]))
print("uvicorn", version("uvicorn"), "Python", sys.version.split()[0])
for how, (protocol, at_once) in zip(("host and port", "socket.create_server()"), seen, strict=True):
    print(f"{how}: protocol {protocol}, TCP_NODELAY {at_once}")
assert seen == [(socket.IPPROTO_TCP, True), (0, False)]
PYTHON
