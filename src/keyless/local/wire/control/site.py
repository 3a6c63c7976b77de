"""Serves the control API under ``/_keyless/``: whose requests are answered, by what, and how failures are reported."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from keyless.errors import ConfigurationError, KeylessError
from keyless.local.wire.control import (
    configuration,
    fault_actions,
    identities,
    times,
    vault_certificates,
    vault_keys,
    vault_secrets,
)
from keyless.local.wire.control.address import ROOT
from keyless.local.wire.control.control_request import ControlRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keyless.local.azure.azure import Azure

    Action = Callable[[Azure, ControlRequest], object]

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ONE_SECRET: Final = "/vaults/{vault}/secrets/{secret}"  # noqa: S105 (a path)
_ONE_CERTIFICATE: Final = "/vaults/{vault}/certificates/{certificate}"
_ONE_KEY: Final = "/vaults/{vault}/keys/{key}"
_ACTIONS: Final[Mapping[tuple[str, str], Action]] = {
    ("GET", "/identities"): identities.list_identities,
    ("POST", "/identities"): identities.add_identity,
    ("PATCH", "/identities/{identity}"): identities.assign_identity,
    ("GET", "/roles"): identities.list_roles,
    ("POST", "/roles"): identities.grant_role,
    ("DELETE", "/roles"): identities.revoke_role,
    ("GET", "/roles/explain"): identities.explain_role,
    ("GET", "/vaults"): vault_secrets.list_vaults,
    ("POST", "/vaults"): vault_secrets.add_vault,
    ("DELETE", "/vaults/{vault}"): vault_secrets.remove_vault,
    ("GET", "/vaults/{vault}/secrets"): vault_secrets.list_secrets,
    ("GET", _ONE_SECRET): vault_secrets.show_secret,
    ("PUT", _ONE_SECRET): vault_secrets.set_secret,
    ("DELETE", _ONE_SECRET): vault_secrets.delete_secret,
    ("POST", f"{_ONE_SECRET}/rotate"): vault_secrets.rotate_secret,
    ("GET", "/vaults/{vault}/keys"): vault_keys.list_keys,
    ("GET", _ONE_KEY): vault_keys.show_key,
    ("PUT", _ONE_KEY): vault_keys.create_key,
    ("DELETE", _ONE_KEY): vault_keys.delete_key,
    ("POST", f"{_ONE_KEY}/rotate"): vault_keys.rotate_key,
    ("GET", "/vaults/{vault}/certificates"): vault_certificates.list_certificates,
    ("GET", _ONE_CERTIFICATE): vault_certificates.show_certificate,
    ("PUT", _ONE_CERTIFICATE): vault_certificates.keep,
    ("DELETE", _ONE_CERTIFICATE): vault_certificates.delete_certificate,
    ("POST", f"{_ONE_CERTIFICATE}/renew"): vault_certificates.renew_certificate,
    ("GET", "/clock"): times.show_clock,
    ("POST", "/clock"): times.advance_clock,
    ("GET", "/journal"): times.read_journal,
    ("DELETE", "/journal"): times.clear_journal,
    ("GET", "/configuration"): configuration.export_configuration,
    ("POST", "/configuration"): configuration.import_configuration,
    ("GET", "/faults"): fault_actions.list_faults,
    ("POST", "/faults"): fault_actions.add_fault,
    ("DELETE", "/faults"): fault_actions.clear_faults,
    ("DELETE", "/faults/{fault}"): fault_actions.remove_fault,
}


class Control:
    """The control API of one local Azure.

    Whoever has its token can do everything, so it answers to that token alone, under the names of this machine alone, and
    to no web page: browsers send Origin, and pages that renamed themselves to this machine send another Host.

    Args:
        azure: The world that it shows and changes.
        token: What a request must show.
        sources: Says of each source of managed identities what a program must set and unset, and has the one that is named
            served, or all of them.
        console: Makes a link that opens the console once; gives None where there is no console.
    """

    def __init__(
        self,
        azure: Azure,
        *,
        token: str,
        sources: Callable[[str | None], object],
        console: Callable[[], str | None],
    ) -> None:
        self._token = token
        self._azure = azure
        self._sources = sources
        self._console = console

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, to be added before any that takes every path."""
        found = [web.route(method, ROOT + path, self._answering(action)) for (method, path), action in _ACTIONS.items()]
        return [
            *found,
            web.get(f"{ROOT}/sources", self._answering(self._show_sources)),
            web.post(f"{ROOT}/console", self._answering(self._open_console)),
            web.route("*", ROOT, self._answering(_refuse)),
            web.route("*", f"{ROOT}/{{rest:.*}}", self._answering(_refuse)),
        ]

    def _answering(self, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            refused = self._refusal(request)
            if refused is not None:
                return refused
            try:
                text = (await request.content.read()).decode()  # Of any length: a whole Azure may be imported.
                asked = ControlRequest.parse(path=request.match_info, query=request.query, text=text)
                # Beside the loop: some actions make keys of RSA, which takes seconds.
                return _json(await asyncio.to_thread(action, self._azure, asked), status=200)
            except KeylessError as error:
                return _failure(error, status=400)
            except UnicodeDecodeError:
                return _told("The body is not UTF-8.", cause="JSON is.", remedy="Send it as UTF-8.", status=400)

        return answer

    def _show_sources(self, _: Azure, request: ControlRequest) -> object:
        request.check_fields("source")
        return self._sources(request.optional_text("source"))

    def _open_console(self, _: Azure, request: ControlRequest) -> object:
        request.check_fields()
        url = self._console()
        if url is None:
            raise ConfigurationError(
                "This local Azure serves no console.",
                cause="It was started without one.",
                remedy="Start it with `keyless up`, or with `keyless run --console -- CMD`.",
            )
        return {"url": url}

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not request.raw_path.startswith(ROOT) or _name(request.host) not in _LOOPBACK or "Origin" in request.headers:
            return _told(
                "The control API does not answer this request.",
                cause="It is for programs on this machine: Host must be a name of it, and there must be no Origin.",
                remedy="ControlRequest it at the address that `keyless up --json` gives, and from no web page.",
                status=403,
            )
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            token.strip().encode(errors="surrogateescape"), self._token.encode()
        ):
            return _told(
                "The control API does not know the token of this request.",
                cause="There is none, or it is of another run.",
                remedy="Send `Authorization: Bearer TOKEN` with the token that `keyless up --json` gives.",
                status=401,
            )
        return None


def _refuse(_: Azure, request: ControlRequest) -> object:
    raise ConfigurationError(
        f"The control API has no such path or method: {request.path.get('rest', '')!r}.",
        cause="Paths and methods are fixed.",
        remedy=f"Known: {', '.join(f'{method} {ROOT}{path}' for method, path in _ACTIONS)}.",
    )


def _failure(error: KeylessError, *, status: int) -> web.Response:
    return _told(error.what, cause=error.cause, remedy=error.remedy, status=status, kl_code=error.kl_code)


def _told(what: str, *, cause: str, remedy: str, status: int, kl_code: str = "KL-500") -> web.Response:
    return _json({"error": {"kl_code": kl_code, "what": what, "cause": cause, "remedy": remedy}}, status=status)


def _json(body: object, *, status: int) -> web.Response:
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
