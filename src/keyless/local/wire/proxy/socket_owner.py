"""Asks the kernel whose the other end of a connection on this machine is, by its one entry rather than the whole table.

Source: https://man7.org/linux/man-pages/man7/sock_diag.7.html
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from typing import Final

Address = tuple[str, int]

NOBODY: Final = -1
"""The owner of a socket that its program has closed: the kernel then says 0, as it does of root's."""

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST: Final = 1
_HEADER: Final = struct.Struct("=IHHII")
_ASKED: Final = struct.Struct("=BBBBI")
_PORTS: Final = struct.Struct("!HH16s16s")
_END: Final = struct.Struct("=III")
_OWNER: Final = struct.Struct("=II")
_OWNER_AT: Final = 16 + 4 + 48 + 12
_STATE_AT: Final = 16 + 1
_LISTENS: Final = 10


def ask_kernel(peer: Address, here: Address) -> int | None:
    """Return the user id of the socket at ``peer`` that is connected to ``here``; NOBODY for a closed one.

    Returns:
        None where the kernel knows no such socket, or answers no such question.
    """
    if sys.platform != "linux":
        return None
    try:
        ends = [ipaddress.ip_address(end[0].partition("%")[0]) for end in (peer, here)]
        family = socket.AF_INET if ends[0].version == 4 else socket.AF_INET6  # noqa: PLR2004
        packed = [end.packed for end in ends]
        asked = (
            _ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
            + _PORTS.pack(peer[1], here[1], *packed)
            + _END.pack(0, 0xFFFFFFFF, 0xFFFFFFFF)
        )
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(1.0)
            kernel.send(_HEADER.pack(_HEADER.size + len(asked), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + asked)
            answer = kernel.recv(4096)
    except (OSError, ValueError):
        return None
    if len(answer) < _OWNER_AT + _OWNER.size or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None
    if answer[_STATE_AT] == _LISTENS:  # Where no connection is so, the kernel gives what would take one.
        return None
    user, inode = _OWNER.unpack_from(answer, _OWNER_AT)
    return int(user) if inode else NOBODY
