"""The control API's export and import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.exchange.exported import document_of
from keyless.local.azure.exchange.imported import config_of, import_config

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.wire.control.control_request import ControlRequest


def export_configuration(azure: Azure, request: ControlRequest) -> object:
    """Return all there is, as a keyless.toml says it; values only where ``values=true`` says so."""
    request.check_fields("values")
    return document_of(azure, with_values=request.flag("values"))


def import_configuration(azure: Azure, request: ControlRequest) -> object:
    """Add what a document has and this Azure lacks."""
    return import_config(azure, config_of("The document", dict(request.body)))
