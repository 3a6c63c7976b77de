"""The output of ``keyless up`` for people when it is ready: one screenful."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rich.console import Console
from rich.text import Text

from keyless.cli.real import told_real

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyless.cli.config_file import ChosenConfig
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.managed_identity import Identity
    from keyless.local.functions.endpoint import FunctionEndpoint
    from keyless.local.functions.host import FunctionHost
    from keyless.local.server import LocalAzure

_FUNCTION = "AcquireTokenMsi"
_ADDRESS = "cyan"


def show(azure: LocalAzure, host: FunctionHost, *, chosen: ChosenConfig) -> None:
    """Print what there is, calls that work, and where to go on."""
    console = Console(highlight=False)
    console.print("[bold]The local Azure is up.[/] Ctrl+C stops it.")
    _show(console, f"Using {chosen}")
    _show(console, told_real(azure))
    if (url := azure.console_url) is not None:
        _section(console, "The console (a link works once: `keyless console` prints another)")
        _show(console, f"  {url}", style=_ADDRESS)
    _section(console, "Vaults and their secrets")
    for vault in azure.azure.vaults.values():
        _show(
            console,
            f"  {vault.url}",
            style=_ADDRESS,
            after=f"  {', '.join(each.name for each in vault.list_secrets())}",
        )
    _section(console, "Managed identities and their roles")
    width = max((len(name) for name in azure.azure.identities), default=0)
    for identity in azure.azure.identities.values():
        _show(
            console,
            f"  {identity.name.ljust(width)}  {identity.kind}-assigned".ljust(width + 21) + _roles(azure, identity),
        )
    _show_applications(console, azure)
    _section(console, "Functions")
    _show_functions(console, azure, host)
    if by_hand := list(_by_hand(azure)):
        _section(console, "A token, then the vault, by hand")
        for command in by_hand:
            _show(console, f"  {command}")
    _section(console, "Your own program, in another terminal")
    for command in _own(azure):
        _show(console, f"  {command}")
    _section(console, "Look at it and change it")
    _show(console, "  keyless journal --follow    keyless secret set NAME VALUE    keyless --help")


def _show_applications(console: Console, azure: LocalAzure) -> None:
    applications = azure.azure.directory.applications.values()
    if not applications:
        return
    _section(console, f"Applications, which sign in themselves, in the tenant {azure.azure.tenant_id}")
    for found in applications:
        _show(console, f"  {found.name}  client id {found.client_id}  object id {found.object_id}")


def _section(console: Console, title: str) -> None:
    console.print(f"\n[bold]{title}[/]")


def _show(console: Console, line: str, *, style: str = "", after: str = "") -> None:
    # Routes of functions hold brackets, which are not markup of ours.
    console.print(Text(line, style).append(after, "default"), soft_wrap=True)


def _roles(azure: LocalAzure, identity: Identity) -> str:
    state: Azure = azure.azure
    held = [f"{grant.role.name} on {grant.scope}" for grant in state.role_assignments.held_by(identity.object_id)]
    held += [
        f"access policy on {vault.name}" for vault in state.vaults.values() if identity.object_id in vault.policies
    ]
    return ", ".join(held) or "no role"


def _show_functions(console: Console, azure: LocalAzure, host: FunctionHost) -> None:
    bundled = _FUNCTION in host.functions
    for name, end in host.functions.items():
        if name == _FUNCTION or not bundled:
            for command in _calls(azure, end):
                _show(console, f"  {command}")
    for name in host.event_functions:
        _show(console, f"  {name} is called when a secret gets a new version.")
    for name, trigger in host.not_served.items():
        _show(console, f"  {name} is not served: {trigger}.")
    if host.not_served:
        _show(console, "  Start one of those by hand, with its input:")
        _show(
            console,
            f"  curl -s -X POST -H 'x-functions-key: {host.master_key}' -H 'Content-Type: application/json' "
            f"-d '{{\"input\": \"TEXT\"}}' '{host.url}/admin/functions/NAME'",
        )


def _calls(azure: LocalAzure, end: FunctionEndpoint) -> list[str]:
    curl = "curl -s" if not end.methods or "GET" in end.methods else f"curl -s -X {end.methods[0]}"
    if end.key is None:
        return [f"{curl} '{end.example_url}'"]
    queries = [""]
    if end.url.endswith(f"/{_FUNCTION}"):  # Another app's functions know nothing of this query.
        users = [identity for identity in azure.azure.identities.values() if identity.kind == "user"][:1]
        queries += [f"?{urlencode({'userAssignedClientId': user.client_id})}" for user in users]
    return [f"{curl} -H 'x-functions-key: {end.key}' '{end.example_url}{query}'" for query in queries]


def _by_hand(azure: LocalAzure) -> Iterator[str]:
    env: Mapping[str, str] = azure.environment()
    vault = next(iter(azure.azure.vaults.values()), None)
    if vault is None or "IDENTITY_ENDPOINT" not in env:
        return
    by_hand = azure.environment(source="app-service")
    token_url = f"{by_hand['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={vault.cloud.resource}"
    yield (
        f"TOKEN=$(curl -s -H 'X-IDENTITY-HEADER: {by_hand['IDENTITY_HEADER']}' '{token_url}' | "
        "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')"
    )
    yield (
        f'curl -s --proxy {env["HTTPS_PROXY"]} --cacert {azure.ca_file} -H "Authorization: Bearer $TOKEN" '
        f"'{vault.url}/secrets?api-version=7.4'"
    )


def _own(azure: LocalAzure) -> Iterator[str]:
    yield 'eval "$(keyless env)"'
    for vault in azure.azure.vaults.values():
        for secret in vault.list_secrets():
            yield f"keyless get {secret.name} --vault-url {vault.url}"
            return
