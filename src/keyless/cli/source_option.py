"""The option ``--source``: which kind of Azure host a program finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable


def source_option(default: str | None = "app-service", *, told: str = "") -> Callable[..., Any]:
    """Return the option.

    Args:
        default: The source where none is named; None leaves the choice to the command.
        told: What the help says of the default, where it is None.
    """
    known = ", ".join(SOURCES)
    return click.option(
        "--source",
        type=click.Choice(SOURCES),
        metavar="SOURCE",
        default=default,
        help=f"The kind of Azure host: {known}. [default: {told or default}]",
    )
