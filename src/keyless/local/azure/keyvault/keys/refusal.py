"""A vault's refusals about keys: in words for people, and in those that Azure has on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from keyless.local.operations.codes import VaultCode

# What Azure answers to most bad properties. Recorded, with the two blanks and the line end.
INVALID_PROPERTY: Final = "Property  has invalid value\r\n"


class RefusedKeyError(ConfigurationError):
    """Something that no key of a vault can be, or take. No text of it holds key material.

    Attributes:
        message: What Azure answers.
        inner_code: The code of its inner error; None where it has none.
    """

    def __init__(
        self,
        what: str,
        *,
        allowed: str,
        message: str = INVALID_PROPERTY,
        inner_code: VaultCode | None = None,
    ) -> None:
        super().__init__(what, cause=f"A vault takes {allowed}.", remedy="Give what a vault takes.")
        self.message = message
        self.inner_code = inner_code
