"""A vault's refusals about certificates: in words for people, and in those that Azure has on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from keyless.local.operations.codes import VaultCode

# Quoted: https://github.com/Azure/azure-sdk-for-go/issues/21780, with the line end.
INVALID_POLICY: Final = "Property policy has invalid value\r\n"


class RefusedCertificateError(ConfigurationError):
    """Something that no certificate of a vault can be, or that cannot be done with it as it is. No text holds material.

    Attributes:
        http_status: The status that Azure answers.
        code: The code of its error.
        message: The message of its error.
        inner_code: The code of its inner error; None where it has none.
    """

    def __init__(
        self,
        what: str,
        *,
        allowed: str,
        message: str = INVALID_POLICY,
        status: int = 400,
        code: VaultCode = "BadParameter",
        inner_code: VaultCode | None = None,
    ) -> None:
        super().__init__(what, cause=f"A vault takes {allowed}.", remedy="Give what a vault takes.")
        self.http_status = status
        self.code: VaultCode = code
        self.message = message
        self.inner_code = inner_code
