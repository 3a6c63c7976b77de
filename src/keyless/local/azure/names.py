"""Errors of a local Azure for a name that is taken, or that means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Collection


def taken(kind: str, name: str) -> LocalAzureError:
    """Return the error for a name that something has already."""
    return LocalAzureError(
        f"There is a {kind} {name!r} already.",
        cause="Names are compared without case." if kind == "vault" else "Names are unique.",
        remedy="Use the one there is, or another name.",
    )


def missing(kind: str, name: str, known: Collection[str]) -> LocalAzureError:
    """Return the error for a name that nothing has."""
    return LocalAzureError(
        f"There is no {kind} {name!r}.",
        cause=f"Those that exist: {', '.join(known)}." if known else f"No {kind} exists.",
        remedy=f"Use one of those, or add it: `keyless {kind} add {name}`. In a test: local_azure.azure.add_{kind}({name!r}).",
    )
