"""The answers by which a vault refuses what is asked of a key, to the letter where that is known.

Recorded ones come from the recordings in Microsoft's SDK repositories, quoted ones from public issues; docs/fidelity.md
has them all in one table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.keys.refusal import INVALID_PROPERTY, RefusedKeyError
from keyless.local.wire.keyvault.protocol.errors import RefusedError, invalid_property

if TYPE_CHECKING:
    from keyless.errors import ConfigurationError
    from keyless.local.operations.codes import VaultCode


def refused_key(error: ConfigurationError) -> RefusedError:
    """400: something that no key can be, or take."""
    if isinstance(error, RefusedKeyError):
        return RefusedError(
            400, "BadParameter", error.message, inner_code=error.inner_code, reason=f"{error.what} {error.cause}"
        )
    return invalid_property(f"{error.what} {error.cause}")


def kty_missing() -> RefusedError:
    """400: a key without a type, which is wrong twice. Recorded."""
    return RefusedError(400, "BadParameter", INVALID_PROPERTY * 2, reason="The body has no kty.")


def no_body() -> RefusedError:
    """400: a body that is needed is empty. Quoted: https://github.com/Azure/azure-sdk-for-net/issues/9986."""
    return RefusedError(400, "BadParameter", "Request body not specified", reason="The request has no body.")


def required(name: str, *, problem: str = "") -> RefusedError:
    """400: a value that is missing, or is not base64url. Quoted for the latter."""
    return RefusedError(400, "BadParameter", f"{problem}Property '{name}' is required.\r\n")


def not_base64url(name: str) -> RefusedError:
    """400: a value that is not base64url. Quoted, in an issue of a third party."""
    return required(name, problem=f"Content of '{name}' is not base64url.\r\n")


def not_permitted(operation: str) -> RefusedError:
    """403: the operation is not among the key's. Quoted: https://github.com/Azure/azure-sdk-for-net/issues/11518."""
    return _forbidden(f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden")


def expired(operation: str) -> RefusedError:
    """403: the key has expired. Azure's words are not known; these are made after those for a disabled key."""
    return _forbidden(f"Operation {operation} is not allowed on an expired key.", "KeyExpired")


def not_yet_valid(operation: str) -> RefusedError:
    """403: the key is not valid yet. Azure's words are not known; these are made after those for a disabled key."""
    return _forbidden(f"Operation {operation} is not allowed on a key that is not yet valid.", "KeyNotYetValid")


def not_attested() -> RefusedError:
    """403: what asks for a key does not show that it may have it. Recorded."""
    return _forbidden("Target environment attestation statement cannot be verified.", "AccessDenied")


def only_of_managed_hsm(operation: str) -> RefusedError:
    """400: what a managed HSM does and a vault does not. What a vault answers is not known."""
    message = f'Operation "{operation}" is not enabled for this vault.'
    return RefusedError(400, "NotSupported", message, reason=f"Only a managed HSM does {operation}.")


def _forbidden(message: str, inner_code: VaultCode) -> RefusedError:
    return RefusedError(403, "Forbidden", message, inner_code=inner_code)
