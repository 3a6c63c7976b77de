"""The access page: identities, their roles, the sources that give their tokens, and a matrix over all that the vaults hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.azure.authorization.roles import BUILT_IN_ROLES
from keyless.local.azure.explanation import explain
from keyless.local.operations.names import ON_VAULTS
from keyless.local.sources import SOURCES
from keyless.local.wire.console.asked import Page
from keyless.local.wire.console.holdings import objects_of
from keyless.local.wire.console.lesson import clients_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.console.asked import Asked

_MOST: Final = 100
# What the matrix asks of each thing: the operation, and its word in a cell.
_ASKED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "vault": (("listSecrets", "list secrets"), ("listKeys", "list keys")),
    "secret": (("getSecret", "get"), ("setSecret", "set"), ("deleteSecret", "delete")),
    "certificate": (("getCertificate", "get"), ("updateCertificate", "update")),
    "key": (("getKey", "get"), ("sign", "sign"), ("decrypt", "decrypt"), ("createKey", "create")),
}


def access(asked: Asked) -> Page:
    """Show the identities, their roles, and the matrix."""
    azure = asked.azure
    return Page(
        "access",
        "Access",
        {
            "identities": [
                (identity, azure.role_assignments.held_by(identity.object_id)) for identity in azure.identities.values()
            ],
            "policies": _policies(azure),
            "roles": [role.name for role in BUILT_IN_ROLES],
            "scopes": _scopes(azure),
            "matrix": [_row(azure, scope, kind) for scope, kind in _things(azure)],
            "names": list(clients_of(azure)),
            "others": [
                (kind, each, azure.role_assignments.held_by(each.object_id))
                for kind, found in (("application", azure.directory.applications), ("group", azure.directory.groups))
                for each in found.values()
            ],
            "sources": [(source, source in asked.counsel.sources()) for source in SOURCES],
        },
    )


def _things(azure: Azure) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for vault in azure.vaults.values():
        found.append((vault.name, "vault"))
        for held in objects_of(vault):
            if held.kind in _ASKED:
                within = "" if held.kind == "secret" else f"{held.kind}s/"
                found += [(f"{vault.name}/{within}{each.name}", held.kind) for each in held]
    return found[:_MOST]


def _scopes(azure: Azure) -> list[str]:
    return [scope for scope, _ in _things(azure)]


def _row(azure: Azure, scope: str, kind: str) -> tuple[str, list[list[str]]]:
    """Return a thing, and what each identity may do with it now, decided as a call would be."""
    asked = [(action, word) for action, word in _ASKED[kind] if action in ON_VAULTS]
    return scope, [
        [word for action, word in asked if explain(azure, identity=name, action=action, on=scope).decision.allowed]
        for name in clients_of(azure)
    ]


def _policies(azure: Azure) -> list[tuple[str, str, str]]:
    found = []
    for vault in azure.vaults.values():
        if vault.settings.access != "policies":
            continue
        for object_id, held in vault.policies.items():
            identity = azure.identity_of(object_id)
            words = ", ".join(sorted(name for permissions in held.values() for name in permissions))
            found.append((vault.name, identity.name if identity else object_id, words))
    return found
