"""The words that a filter of the journal can use; one that is misspelt would match nothing, and show nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.operations.codes import CODES
from keyless.local.operations.names import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Collection


def check_operation(service: str | None, operation: str | None) -> None:
    """Refuse a service that there is not, and an operation that it does not have.

    Raises:
        LocalAzureError: If there is none of that name; the nearest one is suggested.
    """
    _check("service", service, OPERATIONS)
    known = {name: found for found, names in OPERATIONS.items() for name in names if service in {None, found}}
    _check("operation" if service is None else f"operation of the service {service}", operation, known)


def check_code(code: str | None) -> None:
    """Refuse a code that no service gives.

    Raises:
        LocalAzureError: If there is none of that name; the nearest one is suggested.
    """
    _check("code", code, CODES)


def _check(what: str, word: str | None, known: Collection[str]) -> None:
    if word is None or word in known:
        return
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    raise LocalAzureError(
        f"The journal has no {what} {word!r}.",
        cause="Nothing could ever match it, so a test that counts it would show nothing.",
        remedy=f"Did you mean {near[0]!r}?" if near else f"Use one of: {', '.join(known)}.",
    )
