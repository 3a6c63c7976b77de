"""A check whether the program at the other end of a connection belongs to the user whom this program runs as.

Some clients cannot give a password to a proxy: those of the Java runtime take none from a setting. The user's own programs
could read that password anyway, so they need none where the kernel says whose they are.

Source: https://docs.kernel.org/networking/proc_net_tcp.html
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from keyless.local.wire.proxy.socket_owner import NOBODY, ask_kernel

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

Address = tuple[str, int]


def same_user(peer: Address, here: Address) -> bool:
    """Return whether a connection on this machine was made by a program of this program's user.

    Args:
        peer: The other end's address and port.
        here: This end's.

    Returns:
        False, too, where the kernel does not tell: on other systems than Linux, and for a peer on another machine. False
        also for a socket that its program has closed already, which is nobody's.
    """
    if sys.platform != "linux":
        return False
    owner = ask_kernel(peer, here)
    if owner is not None:
        return owner == os.geteuid()
    return any(_owner(table, peer, here) == os.geteuid() for table in _TABLES)


def tells(listener: socket.socket) -> bool:
    """Return whether this machine shows who connects to a listener, by connecting to another at its address.

    Args:
        listener: A socket that listens at an address of this machine. It is left alone: its first client is a client.
    """
    with ExitStack() as stack:
        try:
            other = stack.enter_context(
                socket.create_server((listener.getsockname()[0], 0), family=listener.family, backlog=1)
            )
            client = stack.enter_context(socket.socket(listener.family))
            client.settimeout(1.0)
            client.connect(other.getsockname())
        except OSError:
            return False
        peer, here = client.getsockname()[:2], client.getpeername()[:2]
        return same_user((peer[0], peer[1]), (here[0], here[1]))


def _owner(table: Path, peer: Address, here: Address) -> int | None:
    """Return the user id of the socket that connects one address with the other, from the kernel's table of them."""
    try:
        rows = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    ends = f":{peer[1]:04X}", f":{here[1]:04X}"
    for row in rows:
        _, local, remote, _, _, _, _, uid, _, inode, *_ = row.split()
        if local.endswith(ends[0]) and remote.endswith(ends[1]) and (_ip(local), _ip(remote)) == (peer[0], here[0]):
            return int(uid) if inode != "0" else NOBODY
    return None


def _ip(written: str) -> str:
    """Return an address as Python writes it; the kernel writes it in words of four bytes, in the machine's own order."""
    words = bytes.fromhex(written.partition(":")[0])
    swapped = b"".join(
        int.from_bytes(words[start : start + 4], sys.byteorder).to_bytes(4, "big") for start in range(0, len(words), 4)
    )
    address = ipaddress.ip_address(swapped)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
