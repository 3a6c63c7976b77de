"""The certificate authority of a folder, so that who trusts its root once trusts it after every restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.files.data_folder import write_private
from keyless.local.pki.authority import CertificateAuthority
from keyless.local.wire.serving import listeners

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

_RENEW_BEFORE = timedelta(days=30)


def kept_authority(file: Path, *, listen: Callable[[int], str]) -> CertificateAuthority:
    """Return the authority that a file keeps, or make one and keep it.

    One that ends within a month, or cannot vouch for all that one of today can, is made again.

    Args:
        file: The file.
        listen: Listens for who asks for lists of revoked certificates, at a port or 0 for any, and returns the URL.

    Raises:
        LocalAzureError: If the file holds something else, or cannot be read or written.
    """
    try:
        pem = file.read_bytes() if file.exists() else None
        kept = CertificateAuthority(pem) if pem is not None else None
        if kept is not None and kept.is_current and kept.ends_on - datetime.now(UTC) > _RENEW_BEFORE:
            return CertificateAuthority(pem, lists_url=listen(kept.lists_port))
        authority = CertificateAuthority(lists_url=listen(0))
        write_private(file, authority.pem)
    except (OSError, ValueError, TypeError) as error:
        raise LocalAzureError(
            f"The certificate authority that {file} keeps cannot be used.",
            cause="The file cannot be read or written, or something else is in it.",
            remedy="Remove the file: a new authority is made, whose certificate is then to be trusted again.",
        ) from error
    return authority


def bound_authority(stack: ExitStack, file: Path | None) -> tuple[CertificateAuthority, socket.socket]:
    """Return the authority, and the socket at which its lists of revoked certificates are.

    Args:
        stack: Closes the socket.
        file: The file that keeps the authority; None makes one that ends with the run.
    """
    bound: list[socket.socket] = []

    def listen(port: int) -> str:
        bound.append(stack.enter_context(listeners.bind_near(port)))
        return f"http://{listeners.netloc(bound[-1])}"

    if file is None:
        return CertificateAuthority(lists_url=listen(0)), bound[-1]
    return kept_authority(file, listen=listen), bound[-1]
