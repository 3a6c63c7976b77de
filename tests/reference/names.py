"""The page of names: sources, faults, drills, roles, operations of the journal, codes and events."""

from __future__ import annotations

import inspect

import keyless
from keyless import errors, events
from keyless.local.azure.authorization.roles import BUILT_IN_ROLES
from keyless.local.instruments.faults import NAMED
from keyless.local.operations import VAULT_OPERATIONS
from keyless.local.operations.codes import CODES
from keyless.local.operations.names import OPERATIONS
from keyless.local.sources import SOURCES
from keyless.local.testing.drills import DRILLS


def names_page() -> str:
    """Return the page."""
    sections = {
        "Sources": (
            "Values of `--source`. [Sources](../sources.md) describes them.",
            ["source"],
            [[f"`{name}`"] for name in SOURCES],
        ),
        "Faults": (
            "Names for `keyless fault add` and `faults.add_named(...)`. [Faults](../faults.md) describes them.",
            ["fault", "service", "operation", "answer"],
            [
                [f"`{name}`", fault.service, fault.operation or "every", _strikes(fault)]
                for name, fault in NAMED.items()
            ],
        ),
        "Drills": (
            "Names for `keyless drill`. [Testing](../testing.md) describes them.",
            ["drill", "what happens"],
            [[f"`{name}`", drill.says] for name, drill in DRILLS.items()],
        ),
        "Built-in roles": (
            "Names for `keyless role grant` and `keyless.toml`.",
            ["role", "GUID"],
            [[role.name, f"`{role.id}`"] for role in BUILT_IN_ROLES],
        ),
        "Operations of a vault": (
            "Names in the journal and in faults.",
            ["operation", "request", "data action", "permission"],
            [
                [f"`{each.name}`", f"`{each.method} {each.path}`", f"`{each.action}`", each.permission]
                for each in VAULT_OPERATIONS
            ],
        ),
        "Other operations in the journal": (
            "What else the journal records.",
            ["service", "operations"],
            [
                [
                    service,
                    ", ".join(f"`{name}`" for name in names if name not in {each.name for each in VAULT_OPERATIONS}),
                ]
                for service, names in OPERATIONS.items()
            ],
        ),
        "Codes in the journal": ("Values of `code`.", ["code"], [[f"`{code}`"] for code in CODES]),
        "Errors": (
            "Every error of the library. [Errors](../errors.md) has causes and remedies.",
            ["code", "class", "meaning"],
            [[kind.kl_code, f"`{kind.__name__}`", _first(kind)] for kind in _errors()],
        ),
        "Events": (
            "What a hook of `SecretReader(on_event=...)` receives.",
            ["event", "meaning", "fields"],
            [
                [f"`{kind.__name__}`", _first(kind), ", ".join(f"`{name}`" for name in kind.__annotations__)]
                for kind in _events()
            ],
        ),
    }
    parts = [
        "# Names\n\nEvery name that you can give to a command, a test or a file, or that you find in the journal.\n"
    ]
    for title, (intro, head, rows) in sections.items():
        table = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
        parts.append("\n".join([f"## {title}\n\n{intro}\n", *table, ""]))
    return "\n".join(parts)


def _strikes(fault: object) -> str:
    status, effect, delay = (getattr(fault, name) for name in ("status", "effect", "delay"))
    return f"status {status}" if status else f"`{effect}`" if effect else f"no answer for {delay:.0f} s"


def _errors() -> list[type[errors.KeylessError]]:
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.KeylessError)]
    return sorted(found, key=lambda kind: kind.kl_code)


def _events() -> list[type]:
    return [kind for name in keyless.__all__ if inspect.isclass(kind := getattr(events, name, None))]


def _first(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
