"""The control API's identities and their roles."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from keyless.local.azure.explanation import explain

if TYPE_CHECKING:
    from keyless.local.azure.authorization.roles import RoleAssignment
    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.control.ask import Ask


def list_identities(azure: Azure, ask: Ask) -> object:
    """Return the identities."""
    ask.check_fields()
    return [_described(identity) for identity in azure.identities.values()]


def add_identity(azure: Azure, ask: Ask) -> object:
    """Make an identity."""
    ask.check_fields("name", "client_id", "object_id", "resource_id", "assigned")
    return _described(
        azure.add_identity(
            ask.text("name"),
            client_id=ask.optional_text("client_id"),
            object_id=ask.optional_text("object_id"),
            resource_id=ask.optional_text("resource_id"),
            assigned=ask.flag("assigned", default=True),
        )
    )


def assign_identity(azure: Azure, ask: Ask) -> object:
    """Give an identity to the host, or take it away."""
    ask.check_fields("assigned")
    identity = azure.identity(ask.path["identity"])
    if ask.flag("assigned", default=True):
        identity.assign()
    else:
        identity.unassign()
    return _described(identity)


def list_roles(azure: Azure, ask: Ask) -> object:
    """Return every role that an identity has, and where it holds."""
    ask.check_fields()
    return [
        _assignment(identity.name, held)
        for identity in azure.identities.values()
        for held in azure.role_assignments.held_by(identity.object_id)
    ]


def grant_role(azure: Azure, ask: Ask) -> object:
    """Give a role to an identity."""
    ask.check_fields("identity", "role", "on", "condition")
    identity = azure.identity(ask.text("identity"))
    made = identity.grant(ask.text("role"), on=ask.text("on"), condition=ask.optional_text("condition"))
    return _assignment(identity.name, made)


def revoke_role(azure: Azure, ask: Ask) -> object:
    """Take a role from an identity."""
    ask.check_fields("identity", "role", "on")
    azure.identity(ask.text("identity")).revoke(ask.text("role"), on=ask.text("on"))
    return {}


def explain_role(azure: Azure, ask: Ask) -> object:
    """Explain why an identity may do something, or why not."""
    ask.check_fields("identity", "action", "on")
    found = explain(azure, identity=ask.text("identity"), action=ask.text("action"), on=ask.text("on"))
    return {
        "allowed": found.decision.allowed,
        "reason": found.decision.reason,
        "action": found.action,
        "assignments": [asdict(step) for step in found.steps],
    }


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
