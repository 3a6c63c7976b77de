"""Which identity of the host a request for a token means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import MultiMapping

    from keyless.local.model import Azure, Identity

IdKind = Literal["client_id", "object_id", "resource_id"]


class AskedId(NamedTuple):
    """The id by which a request chooses a user-assigned identity."""

    kind: IdKind
    value: str


def asked_ids(query: MultiMapping[str], parameters: Mapping[str, IdKind]) -> list[AskedId]:
    """Return every id that a request gives, in the order of its parameters.

    Args:
        query: The request's parameters.
        parameters: The parameter names that the source knows, and the id that each one gives.
    """
    return [AskedId(parameters[name], value) for name, value in query.items() if name in parameters]


def system_assigned(azure: Azure) -> Identity | None:
    """Return the host's system-assigned identity; None where it has none."""
    return next((found for found in azure.identities.values() if found.kind == "system" and found.assigned), None)


def user_assigned(azure: Azure, asked: AskedId) -> Identity | None:
    """Return the host's user-assigned identity with an id; None where it has none. Ids are compared without case."""
    for identity in azure.identities.values():
        if identity.kind == "user" and identity.assigned and _id_of(identity, asked.kind) == asked.value.lower():
            return identity
    return None


def _id_of(identity: Identity, kind: IdKind) -> str:
    ids = {"client_id": identity.client_id, "object_id": identity.object_id, "resource_id": identity.resource_id}
    return ids[kind].lower()
