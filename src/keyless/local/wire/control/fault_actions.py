"""The control API's faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from keyless.local.instruments.faults import NAMED

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.instruments.faults import Fault
    from keyless.local.wire.control.control_request import ControlRequest


def list_faults(azure: Azure, request: ControlRequest) -> object:
    """Return the faults that may still strike, and the names of those that can be added."""
    request.check_fields()
    return {"active": [_described(fault) for fault in azure.faults.active()], "known": list(NAMED)}


def add_fault(azure: Azure, request: ControlRequest) -> object:
    """Switch on a fault that has a name."""
    narrowing = ("operation", "identity", "vault", "secret", "key", "certificate", "source")
    request.check_fields("name", *narrowing, "headers", "times", "share", "seed")
    operation, identity, vault, secret, key, certificate, source = (request.optional_text(name) for name in narrowing)
    times = int(request.number("times"))
    return _described(
        azure.faults.add_named(
            request.text("name"),
            operation=operation,
            identity=identity and azure.identity(identity).name,
            vault=vault and azure.vault(vault).name,
            secret=secret,
            key=key,
            certificate=certificate,
            source=source,
            headers=request.texts("headers"),
            times=times if "times" in request.body else None,
            share=request.number("share", default=1.0),
            seed=int(request.number("seed")),
        )
    )


def remove_fault(azure: Azure, request: ControlRequest) -> object:
    """Take one fault away."""
    request.check_fields()
    azure.faults.remove(request.path["fault"])
    return {}


def clear_faults(azure: Azure, request: ControlRequest) -> object:
    """Take every fault away."""
    request.check_fields()
    azure.faults.clear()
    return {}


def _described(fault: Fault) -> dict[str, object]:
    """Return a fault without the body of its answer, which is long."""
    return {name: value for name, value in asdict(fault).items() if name != "body"}
