"""``keyless env``: the variables that lead a program to the running local Azure, as one kind of host has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from keyless.cli.shells import SHELLS, Shell, commands
from keyless.errors import LocalAzureError
from keyless.local.environment import IDENTITY_VARIABLES
from keyless.local.identity.sources import SOURCES

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

_HTTP_PROXY = ("HTTP_PROXY", "http_proxy")


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
