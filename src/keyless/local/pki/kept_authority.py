"""The certificate authority of a folder, so that who trusts its root once trusts it after every restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.files.data_folder import write_private
from keyless.local.pki.authority import CertificateAuthority

if TYPE_CHECKING:
    from pathlib import Path

_RENEW_BEFORE = timedelta(days=30)


def kept_authority(file: Path) -> CertificateAuthority:
    """Return the authority that a file keeps; where there is none, or it ends within a month, make one and keep it.

    Raises:
        LocalAzureError: If the file holds something else, or cannot be read or written.
    """
    try:
        if file.exists():
            authority = CertificateAuthority(file.read_bytes())
            if authority.ends_on - datetime.now(UTC) > _RENEW_BEFORE:
                return authority
        authority = CertificateAuthority()
        write_private(file, authority.pem)
    except (OSError, ValueError, TypeError) as error:
        raise LocalAzureError(
            f"The certificate authority that {file} keeps cannot be used.",
            cause="The file cannot be read or written, or something else is in it.",
            remedy="Remove the file: a new authority is made, whose certificate is then to be trusted anew.",
        ) from error
    return authority
