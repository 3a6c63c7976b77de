"""The part of Azure that is left alone: the option ``--real``, and the line that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click

from keyless.local.sources import Real

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

real_option = click.option(
    "--real",
    type=click.Choice(get_args(Real)),
    multiple=True,
    help="Leave this part of Azure real: arm is Azure Resource Manager, with Microsoft Entra ID and Graph. "
    "[default: as in keyless.toml, else none]",
)


def told_real(azure: LocalAzure) -> str:
    """Return which hosts of Azure are local, and which are left alone."""
    hosts = "management.azure.com, login.microsoftonline.com and graph.microsoft.com"
    if "arm" in azure.real:
        return f"{hosts} are the real ones: what a program changes there, it changes in Azure."
    return f"{hosts} are local, too. For the real ones: --real arm"
