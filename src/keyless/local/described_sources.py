"""Each source of managed identities, as what a program must set and unset for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError
from keyless.local.environment import IDENTITY_VARIABLES
from keyless.local.identity.sources import SOURCES

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure


def describe_sources(azure: LocalAzure) -> dict[str, dict[str, Any]]:
    """Return for each source what a program must ``set`` and ``unset``, or the ``error`` why it cannot be had here."""
    found: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        try:
            variables = azure.environment(source=source)
        except LocalAzureError as error:
            found[source] = {"error": {"what": error.what, "cause": error.cause, "remedy": error.remedy}}
        else:
            gone = [name for name in IDENTITY_VARIABLES if name not in variables]
            found[source] = {"set": variables, "unset": gone}
    return found
