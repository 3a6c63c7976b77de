"""The subscription's resource groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless.local.azure.management import bodies
from keyless.local.azure.management.refusals import location_differs, no_group

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body

_PARTS = 4


def group_name(resource_id: str) -> str:
    """Return the name of the resource group in an ARM id; empty where it names none."""
    parts = resource_id.strip("/").split("/")
    return parts[3] if len(parts) >= _PARTS and parts[2].lower() == "resourcegroups" else ""


def group_id(azure: Azure, name: str) -> str:
    """Return the ARM id of a resource group."""
    return f"/subscriptions/{azure.subscription_id}/resourceGroups/{name}"


def list_groups(azure: Azure) -> list[Body]:
    """Return every resource group: those that were made, and those of what the local Azure started with."""
    found: dict[str, Body] = {}
    subscription = f"/subscriptions/{azure.subscription_id}/"
    ids = [azure.group_id, *(each.resource_id for each in azure.identities.values())]
    for resource_id in (*ids, *(vault.resource_id for vault in azure.vaults.values())):
        if resource_id.lower().startswith(subscription):
            name = group_name(resource_id)
            found.setdefault(name.lower(), {"name": name, "location": azure.region, "tags": {}})
    for resource_id, kept in azure.documents.all():
        key = group_name(resource_id)
        if key and len(resource_id.strip("/").split("/")) == _PARTS:
            if kept is None:
                found.pop(key, None)
            else:
                found[key] = kept
    return [_shown(azure, each) for each in found.values()]


def get_group(azure: Azure, name: str) -> Body:
    """Return a resource group.

    Raises:
        ArmError: If there is none.
    """
    found = next((each for each in list_groups(azure) if each["name"].lower() == name.lower()), None)
    if found is None:
        raise no_group(name)
    return found


def put_group(azure: Azure, name: str, body: Body) -> tuple[bool, Body]:
    """Make a resource group, or change its tags; return whether it was made.

    Raises:
        ArmError: If the group is elsewhere already, or the body does not name where.
    """
    before = _find(azure, name)
    where = bodies.location(body)
    if before is not None and before["location"] != where:
        raise location_differs(name, name, here=before["location"], wanted=where)
    spelled = before["name"] if before else name
    azure.documents.put(group_id(azure, name), {"name": spelled, "location": where, "tags": bodies.tags(body)})
    return before is None, get_group(azure, name)


def update_group(azure: Azure, name: str, body: Body) -> Body:
    """Change the tags of a resource group.

    Raises:
        ArmError: If there is none.
    """
    before = get_group(azure, name)
    tags = bodies.tags(body) if "tags" in body else before.get("tags", {})
    azure.documents.put(group_id(azure, name), {"name": before["name"], "location": before["location"], "tags": tags})
    return get_group(azure, name)


def _find(azure: Azure, name: str) -> Body | None:
    return next((each for each in list_groups(azure) if each["name"].lower() == name.lower()), None)


def _shown(azure: Azure, kept: Body) -> Body:
    shown: dict[str, Any] = {
        "id": group_id(azure, kept["name"]),
        "name": kept["name"],
        "type": "Microsoft.Resources/resourceGroups",
        "location": kept["location"],
        "properties": {"provisioningState": "Succeeded"},
    }
    return {**shown, "tags": kept["tags"]} if kept.get("tags") else shown
