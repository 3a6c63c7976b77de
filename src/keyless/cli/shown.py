"""What ``keyless up`` shows a person: where everything is, and commands to paste."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rich.console import Console

from keyless.cli.real import told_real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.functions.endpoint import FunctionEndpoint
    from keyless.local.functions.host import FunctionHost
    from keyless.local.server import LocalAzure


def show(azure: LocalAzure, host: FunctionHost) -> None:
    """Print where everything is, and commands to paste, for a person."""
    console = Console(highlight=False)
    console.print("[bold]The local Azure is up.[/] Ctrl+C stops it.\n")
    _show(console, f"{told_real(azure)}\n")
    if (url := azure.console_url) is not None:
        console.print("[bold]The console[/], which this link opens once; `keyless console` gives another:")
        _show(console, f"  {url}\n")
    console.print("[bold]Vaults[/] and what is in them:")
    for vault in azure.azure.vaults.values():
        _show(console, f"  {vault.url}  {', '.join(secret.name for secret in vault.list_secrets())}")
    console.print("\n[bold]Managed identities[/]:")
    for identity in azure.azure.identities.values():
        ids = f"client id {identity.client_id}  object id {identity.object_id}"
        _show(console, f"  {identity.name:12} {identity.kind}-assigned".ljust(32) + ids)
    _show_applications(console, azure)
    _show_functions(console, azure, host)
    env = azure.environment()
    if by_hand := _by_hand(azure, env):
        console.print(
            "\n[bold]The same by hand[/]: a token, then the vault under its production URL, certificate checked:"
        )
        for command in by_hand:
            _show(console, command)
    console.print("\n[bold]Your own program[/], in this shell's environment:")
    for variable, value in env.items():
        _show(console, f"  export {variable}={shlex.quote(value)}")


def _show_applications(console: Console, azure: LocalAzure) -> None:
    applications = azure.azure.directory.applications.values()
    if not applications:
        return
    console.print("\n[bold]Applications[/], which sign in by themselves:")
    _show(console, f"  {'tenant':<32}{azure.azure.tenant_id}")
    for found in applications:
        _show(console, f"  {found.name:<32}client id {found.client_id}  object id {found.object_id}")


def _show_functions(console: Console, azure: LocalAzure, host: FunctionHost) -> None:
    console.print("\n[bold]The functions[/], and how to call them:")
    for end in host.functions.values():
        for command in _calls(azure, end):
            _show(console, command)
    for name in host.event_functions:
        _show(console, f"  {name} is called when a secret gets a new version.")
    for name, trigger in host.not_served.items():
        _show(console, f"  {name} is not served: {trigger}.")
    if host.not_served:
        start = f"{host.url}/admin/functions/NAME"
        console.print("  One with another trigger is started by hand, with what it is to be given:")
        _show(
            console,
            f"  curl -s -X POST -H 'x-functions-key: {host.master_key}' -H 'Content-Type: application/json' "
            f"-d '{{\"input\": \"TEXT\"}}' '{start}'",
        )


def _show(console: Console, line: str) -> None:
    # Routes of functions hold brackets, which are no markup of ours.
    console.print(line, markup=False, soft_wrap=True)


def _by_hand(azure: LocalAzure, env: Mapping[str, str]) -> list[str]:
    if not azure.azure.vaults or "IDENTITY_ENDPOINT" not in env:
        return []
    vault = next(iter(azure.azure.vaults.values()))
    by_hand = azure.environment(source="app-service")
    token_url = f"{by_hand['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={vault.cloud.resource}"
    return [
        (
            f"  TOKEN=$(curl -s -H 'X-IDENTITY-HEADER: {by_hand['IDENTITY_HEADER']}' '{token_url}' | "
            "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')"
        ),
        (
            f'  curl -s --proxy {env["HTTPS_PROXY"]} --cacert {azure.ca_file} -H "Authorization: Bearer $TOKEN" '
            f"'{vault.url}/secrets?api-version=7.4'"
        ),
    ]


def _calls(azure: LocalAzure, end: FunctionEndpoint) -> list[str]:
    curl = "  curl -s" if not end.methods or "GET" in end.methods else f"  curl -s -X {end.methods[0]}"
    if end.key is None:
        return [f"{curl} '{end.example_url}'"]
    users = [identity for identity in azure.azure.identities.values() if identity.kind == "user"]
    queries = ["", *(f"?{urlencode({'userAssignedClientId': user.client_id})}" for user in users)]
    known = end.url.endswith(("/AcquireTokenMsi", "/doctor"))  # Another app's functions know nothing of these queries.
    return [
        f"{curl} -H 'x-functions-key: {end.key}' '{end.example_url}{query}'" for query in (queries if known else [""])
    ]
