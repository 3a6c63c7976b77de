"""Answers about roles and who has them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management import role_assignments, role_definitions
from keyless.local.wire.arm.call import ArmAnswer, ArmCall, listed, made
from keyless.local.wire.arm.filters import Filter, read_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _list_assignments(call: ArmCall) -> ArmAnswer:
    wanted = read_filter(call.query.get("$filter"))
    wanted.expect("principalid", calls=("atscope", "assignedto"))
    found = role_assignments.list_assignments(
        call.azure,
        role_assignments.scope_of(call.azure, call.named["scope"]),
        below="atscope" not in wanted.calls,
        of=_asked_for(call, wanted),
    )
    return listed(found)


def _asked_for(call: ArmCall, wanted: Filter) -> tuple[str, ...] | None:
    """Return whose assignments are asked for: one's own, or with those of one's groups; None means everybody's."""
    if "principalid" in wanted.equal:
        return (wanted.equal["principalid"].lower(),)
    if "assignedto" not in wanted.calls:
        return None
    asked = wanted.calls["assignedto"].lower()
    return (asked, *call.azure.directory.groups_of(asked))


def _get_assignment(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, role_assignments.get_assignment(call.azure, call.name))


def _put_assignment(call: ArmCall) -> ArmAnswer:
    scope, by = call.named["scope"], call.claims.object_id
    is_new, found = role_assignments.put_assignment(call.azure, scope, call.name, call.body(), by=by)
    return made(is_new, found)


def _delete_assignment(call: ArmCall) -> ArmAnswer:
    return _gone(role_assignments.delete_assignment(call.azure, call.name))


def _list_definitions(call: ArmCall) -> ArmAnswer:
    wanted = read_filter(call.query.get("$filter"))
    wanted.expect("rolename", "type", calls=("atscopeandbelow",))
    found = role_definitions.list_definitions(call.azure, subscription=bool(call.named["scope"]))
    return listed(
        [
            each
            for each in found
            if wanted.takes({"roleName": each["properties"]["roleName"], "type": each["properties"]["type"]})
        ]
    )


def _get_definition(call: ArmCall) -> ArmAnswer:
    role = role_definitions.find_definition(call.azure, call.name)
    return ArmAnswer(200, role_definitions.shown(call.azure, role, subscription=bool(call.named["scope"])))


def _put_definition(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(201, role_definitions.put_definition(call.azure, call.name, call.body()))


def _delete_definition(call: ArmCall) -> ArmAnswer:
    return _gone(role_definitions.delete_definition(call.azure, call.name))


def _list_permissions(call: ArmCall) -> ArmAnswer:
    """Return what the caller's own roles allow at the scope."""
    scope = role_assignments.scope_of(call.azure, call.named["scope"])
    held = call.azure.role_assignments.with_groups(call.claims.object_id)
    here = [each.role for each in held if role_assignments.is_at(scope, each.scope)]
    return listed(
        [
            {
                "actions": list(role.actions),
                "notActions": list(role.not_actions),
                "dataActions": list(role.data_actions),
                "notDataActions": list(role.not_data_actions),
            }
            for role in here
        ]
    )


def _gone(found: dict[str, Any] | None) -> ArmAnswer:
    return ArmAnswer(204) if found is None else ArmAnswer(200, found)


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "listRoleAssignments": _list_assignments,
        "getRoleAssignment": _get_assignment,
        "putRoleAssignment": _put_assignment,
        "deleteRoleAssignment": _delete_assignment,
        "listRoleDefinitions": _list_definitions,
        "getRoleDefinition": _get_definition,
        "putRoleDefinition": _put_definition,
        "deleteRoleDefinition": _delete_definition,
        "listPermissions": _list_permissions,
    }
)
