"""A network with a round trip: forwards connections to other ports, each way late by half of it. A process of its own.

Run as ``python -m bench.delays PORT SECONDS PORT SECONDS ...``; it prints the port that it listens at for each.
"""

import asyncio
import sys
from contextlib import suppress


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, in order, each piece late by so many seconds; pieces do not wait for each other."""
    loop = asyncio.get_running_loop()
    while piece := await reader.read(65_536):
        loop.call_later(seconds, writer.write, piece)
    loop.call_later(seconds, writer.close)


async def listen(port: int, seconds: float) -> int:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        # At the end everything is cancelled, and asyncio would print that.
        with suppress(asyncio.CancelledError, ConnectionError):
            await asyncio.gather(carry(reader, to_writer, seconds / 2), carry(to_reader, writer, seconds / 2))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def main(arguments: list[str]) -> None:
    ports = [int(port) for port in arguments[::2]]
    print(*[await listen(*pair) for pair in zip(ports, map(float, arguments[1::2]), strict=True)], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
