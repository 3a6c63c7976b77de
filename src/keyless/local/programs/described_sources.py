"""Each source of managed identities, as what a program must set and unset for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def describe_sources(environment: Callable[..., Mapping[str, str]]) -> dict[str, dict[str, Any]]:
    """Return for each source what a program must ``set`` and ``unset``, or the ``error`` why it cannot be had here."""
    found: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        try:
            variables = environment(source=source)
        except LocalAzureError as error:
            found[source] = {"error": {"what": error.what, "cause": error.cause, "remedy": error.remedy}}
        else:
            gone = [name for name in IDENTITY_VARIABLES if name not in variables]
            found[source] = {"set": variables, "unset": gone}
    return found
