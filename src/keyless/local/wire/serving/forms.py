"""The answers of each site to unexpected failures, and their text in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.instruments.journal_entry import Entry
from keyless.local.operations.names import UNKNOWN
from keyless.local.wire.http.response import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.azure import Azure
    from keyless.local.operations.names import Service
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.serving.boundary import Failure

_CODES = {400: "BadParameter", 403: "Forbidden"}
_ERROR = "InternalServerError"


def vault_form(_: Request, failure: Failure) -> Response:
    """Answer as a vault does; Azure's own text for an error of its own is not known."""
    return _json(failure, {"error": {"code": _CODES.get(failure.status, _ERROR), "message": failure.cause}})


def oauth_form(_: Request, failure: Failure) -> Response:
    """Answer as an identity endpoint or the authority does."""
    code = "invalid_request" if failure.status < 500 else "server_error"  # noqa: PLR2004 (HTTP's own bound)
    return _json(failure, {"error": code, "error_description": failure.cause})


def control_form(_: Request, failure: Failure) -> Response:
    """Answer as the control API does."""
    remedy = "See the journal and standard error of the local Azure."
    told = {
        "kl_code": "KL-500",
        "what": "The request could not be answered.",
        "cause": failure.cause,
        "remedy": remedy,
    }
    return _json(failure, {"error": told})


def text_form(_: Request, failure: Failure) -> Response:
    """Answer in plain text."""
    return Response(status=failure.status, text=f"{failure.cause}\n")


def journaling(azure: Azure, service: Service, say: Callable[[str], None]) -> Callable[[Request, Failure], None]:
    """Return what writes a failure into the journal, and a line of it where the fault is not the client's."""

    def tell(_: Request, failure: Failure) -> None:
        code = _CODES.get(failure.status, _ERROR)
        azure.journal.record(
            Entry(
                time=azure.clock.now(),
                service=service,
                operation=UNKNOWN,
                status=failure.status,
                code=code,
                reason=failure.cause,
            )
        )
        if failure.status >= 500 or failure.status == 403:  # noqa: PLR2004 (HTTP's own numbers)
            say(f"{service}: {failure.cause}")

    return tell


def _json(failure: Failure, body: object) -> Response:
    return json_response(body, status=failure.status, headers={"Cache-Control": "no-store"})
