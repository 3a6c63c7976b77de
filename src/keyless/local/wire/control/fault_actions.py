"""The control API's faults."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from keyless.local.instruments.faults import NAMED

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.instruments.faults import Fault
    from keyless.local.wire.control.ask import Ask


def list_faults(azure: Azure, ask: Ask) -> object:
    """Return the faults that may still strike, and the names of those that can be added."""
    ask.check_fields()
    return {"active": [_described(fault) for fault in azure.faults.active()], "known": list(NAMED)}


def add_fault(azure: Azure, ask: Ask) -> object:
    """Let a fault strike that has a name."""
    narrowing = ("operation", "identity", "vault", "secret", "key", "certificate", "source")
    ask.check_fields("name", *narrowing, "headers", "times", "share", "seed")
    operation, identity, vault, secret, key, certificate, source = (ask.optional_text(name) for name in narrowing)
    times = int(ask.number("times"))
    return _described(
        azure.faults.add_named(
            ask.text("name"),
            operation=operation,
            identity=identity and azure.identity(identity).name,
            vault=vault and azure.vault(vault).name,
            secret=secret,
            key=key,
            certificate=certificate,
            source=source,
            headers=ask.texts("headers"),
            times=times if "times" in ask.body else None,
            share=ask.number("share", default=1.0),
            seed=int(ask.number("seed")),
        )
    )


def remove_fault(azure: Azure, ask: Ask) -> object:
    """Take one fault away."""
    ask.check_fields()
    azure.faults.remove(ask.path["fault"])
    return {}


def clear_faults(azure: Azure, ask: Ask) -> object:
    """Take every fault away."""
    ask.check_fields()
    azure.faults.clear()
    return {}


def _described(fault: Fault) -> dict[str, object]:
    """Return a fault without the body of its answer, which is long."""
    return {name: value for name, value in asdict(fault).items() if name != "body"}
