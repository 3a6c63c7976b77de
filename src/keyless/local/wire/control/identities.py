"""The control API's identities and their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from keyless.local.azure.config.declaration import NewIdentity
from keyless.local.azure.explanation import explain

if TYPE_CHECKING:
    from keyless.local.azure.authorization.roles import RoleAssignment
    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.control.control_request import ControlRequest


def list_identities(azure: Azure, request: ControlRequest) -> object:
    """Return the identities."""
    request.check_fields()
    return [_described(identity) for identity in azure.identities.values()]


def add_identity(azure: Azure, request: ControlRequest) -> object:
    """Make an identity."""
    asked = request.declared(NewIdentity)
    return _described(
        azure.add_identity(
            asked.name,
            client_id=asked.client_id,
            object_id=asked.object_id,
            resource_id=asked.resource_id,
            assigned=asked.assigned,
        )
    )


def assign_identity(azure: Azure, request: ControlRequest) -> object:
    """Give an identity to the host, or take it away."""
    request.check_fields("assigned")
    identity = azure.identity(request.path["identity"])
    if request.flag("assigned", default=True):
        identity.assign()
    else:
        identity.unassign()
    return _described(identity)


def list_roles(azure: Azure, request: ControlRequest) -> object:
    """Return every role that an identity has, and where it holds."""
    request.check_fields()
    return [
        _assignment(identity.name, held)
        for identity in azure.identities.values()
        for held in azure.role_assignments.held_by(identity.object_id)
    ]


def grant_role(azure: Azure, request: ControlRequest) -> object:
    """Give a role to an identity."""
    request.check_fields("identity", "role", "on", "condition")
    identity = _named(azure, request.text("identity"))
    made = identity.grant(request.text("role"), on=request.text("on"), condition=request.optional_text("condition"))
    return _assignment(identity.name, made)


def revoke_role(azure: Azure, request: ControlRequest) -> object:
    """Take a role from an identity."""
    request.check_fields("identity", "role", "on")
    _named(azure, request.text("identity")).revoke(request.text("role"), on=request.text("on"))
    return {}


def explain_role(azure: Azure, request: ControlRequest) -> object:
    """Explain why an identity may do something, or why not."""
    request.check_fields("identity", "action", "on")
    found = explain(azure, identity=request.text("identity"), action=request.text("action"), on=request.text("on"))
    return {
        "allowed": found.decision.allowed,
        "reason": found.decision.reason,
        "action": found.action,
        "assignments": [asdict(step) for step in found.steps],
    }


def _named(azure: Azure, text: str) -> Identity:
    """Return the identity with that name, client id or object id: errors of a vault name an object id."""
    by_id = {each: found for found in azure.identities.values() for each in (found.client_id, found.object_id)}
    return by_id.get(text.lower()) or azure.identity(text)


def _assignment(identity: str, found: RoleAssignment) -> dict[str, object]:
    condition = {"condition": found.condition.text} if found.condition else {}
    return {"identity": identity, "role": found.role.name, "on": str(found.scope), **condition}


def _described(identity: Identity) -> dict[str, object]:
    return {
        "name": identity.name,
        "kind": identity.kind,
        "client_id": identity.client_id,
        "object_id": identity.object_id,
        "resource_id": identity.resource_id,
        "assigned": identity.assigned,
    }
