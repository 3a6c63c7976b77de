"""The actions of the control API, by method and path below ``/_keyless/``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

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
from keyless.local.wire.control.door import answered, refused
from keyless.local.wire.http.router import Route, Router

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response

    Action = Callable[[Azure, ControlRequest], object]

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

    Args:
        azure: The world that it shows and changes.
        sources: Says of each source of managed identities what a program must set and unset, and has the one that is named
            served, or all of them.
        console: Makes a link that opens the console once; gives None where there is no console.
    """

    def __init__(
        self,
        azure: Azure,
        *,
        sources: Callable[[str | None], object],
        console: Callable[[], str | None],
    ) -> None:
        self._azure = azure
        self._sources = sources
        self._console = console

    @property
    def answer(self) -> Handler:
        """What answers a request that was let in."""
        found = [Route(method, ROOT + path, self._answering(action)) for (method, path), action in _ACTIONS.items()]
        return Router(
            [
                *found,
                Route("GET", f"{ROOT}/sources", self._answering(self._show_sources)),
                Route("POST", f"{ROOT}/console", self._answering(self._open_console)),
                Route("*", f"{ROOT}{{rest:.*}}", self._answering(_refuse)),
            ]
        ).answer

    def _answering(self, action: Action) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                asked = ControlRequest.parse(
                    path=request.path_parameters, query=request.query, text=request.body.decode()
                )
                # Beside the loop: some actions make keys of RSA, which takes seconds.
                return answered(await asyncio.to_thread(action, self._azure, asked))
            except KeylessError as error:
                return refused(error.what, cause=error.cause, remedy=error.remedy, status=400, kl_code=error.kl_code)
            except UnicodeDecodeError:
                return refused("The body is not UTF-8.", cause="JSON is.", remedy="Send it as UTF-8.", status=400)

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


def _refuse(_: Azure, request: ControlRequest) -> object:
    raise ConfigurationError(
        f"The control API has no such path or method: {request.path.get('rest', '').lstrip('/')!r}.",
        cause="Paths and methods are fixed.",
        remedy=f"Known: {', '.join(f'{method} {ROOT}{path}' for method, path in _ACTIONS)}.",
    )
