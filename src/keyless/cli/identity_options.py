"""The options that name a managed identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def identity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--client-id``, ``--resource-id`` and ``--object-id``."""
    for kind in ("object", "resource", "client"):
        option = click.option(f"--{kind}-id", help=f"Use the user-assigned identity with this {kind} id.")
        command = option(command)
    return command


def chosen_identity(*, client_id: str | None, resource_id: str | None, object_id: str | None) -> Any:
    """Return the identity that the options name, in MSAL's own classes; None, for what the host offers, where none does.

    Raises:
        click.UsageError: If more than one is given, or one is empty.
    """
    import msal  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

    ids = {"client_id": client_id, "resource_id": resource_id, "object_id": object_id}
    named = {kind: value for kind, value in ids.items() if value is not None}
    if len(named) > 1:
        raise click.UsageError("Name the identity once: --client-id, --resource-id and --object-id exclude each other.")
    if "" in named.values():
        raise click.UsageError("The identity's id is empty: give one, or leave the option out for the system-assigned.")
    return msal.UserAssignedManagedIdentity(**named) if named else None
