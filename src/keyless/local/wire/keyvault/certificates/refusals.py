"""The answers by which a vault refuses what is asked of a certificate, to the letter where that is known.

Recorded ones come from the recordings in Microsoft's SDK repositories, quoted ones from public issues; docs/fidelity.md
has them all in one table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.wire.keyvault.keys.refusals import refused_key
from keyless.local.wire.keyvault.protocol.errors import RefusedError

if TYPE_CHECKING:
    from keyless.errors import ConfigurationError


def refused_certificate(error: ConfigurationError) -> RefusedError:
    """Refuse something that no certificate can be, or that cannot be done with it as it is."""
    if isinstance(error, RefusedCertificateError):
        return RefusedError(
            error.http_status,
            error.code,
            error.message,
            inner_code=error.inner_code,
            reason=f"{error.what} {error.cause}",
        )
    return refused_key(error)


def nothing_pending(name: str, *, merging: bool = False) -> RefusedError:
    """404: nothing was ordered, or no longer. Recorded; a merge spells it differently."""
    noun = "Certificate" if merging else "certificate"
    return RefusedError(404, "PendingCertificateNotFound", f"Pending {noun} not found: {name}")


def no_issuer() -> RefusedError:
    """404. Recorded."""
    return RefusedError(404, "CertificateIssuerNotFound", "Issuer not found")


def no_contacts() -> RefusedError:
    """404. Recorded."""
    return RefusedError(404, "ContactsNotFound", "Contacts not found")
