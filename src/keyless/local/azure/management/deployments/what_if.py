"""The changes that a deployment would make: each resource, before and after.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/deploy-what-if
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management import bodies, resources
from keyless.local.azure.management.deployments.masking import HIDDEN
from keyless.local.azure.management.groups import group_name
from keyless.local.azure.management.refusals import ArmError
from keyless.local.azure.templates.ids import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body
    from keyless.local.azure.management.deployments.requests import Requests
    from keyless.local.azure.templates.prediction import Predicted, Prediction

_UNKNOWN: Final = (
    "Changes to the resource cannot be analyzed because its resource ID cannot be calculated until the deployment is under way. "
    "Please see https://aka.ms/WhatIfUnidentifiableResource for more details."
)
_SETTINGS: Final = "/config/appsettings"
_NOT_KEPT: Final = frozenset({"properties.createMode", "properties.siteConfig", "properties.functionAppConfig"})
"""What a service takes, and does not answer."""


def changes(azure: Azure, group: str, prediction: Prediction, requests: Requests) -> list[Body]:
    """Return what would become of each resource of the template, and of the others of the group: nothing."""
    found = [_change(each, requests) for each in prediction.resources]
    touched = {each["resourceId"].lower() for each in found}
    others = [each for each in resources.list_resources(azure, group) if each["id"].lower() not in touched]
    return [
        *found,
        *({"resourceId": each["id"], "changeType": "Ignore", "before": each, "after": each} for each in others),
    ]


def _change(predicted: Predicted, requests: Requests) -> Body:
    planned = predicted.planned
    after = _hidden(predicted.body)
    if not isinstance(planned.id, str):
        reason = f"{_UNKNOWN} ({after['id']})"
        return {"resourceId": after["id"], "changeType": "Unsupported", "unsupportedReason": reason, "after": None}
    before = _before(planned.id, planned.api_version, requests)
    after["resourceGroup"] = group_name(planned.id)
    if before is None:
        return {"resourceId": planned.id, "changeType": "Create", "before": None, "after": after}
    delta = list(_differences(before, {name: each for name, each in after.items() if name in _COMPARED}, ""))
    known = {**{name: before.get(name) for name in before if name in _COMPARED}, "id": planned.id}
    kind = "Modify" if delta else "NoChange"
    before = {**known, "apiVersion": planned.api_version, "type": planned.type, "name": predicted.body["name"]}
    return {"resourceId": planned.id, "changeType": kind, "before": before, "after": after, "delta": delta}


_COMPARED: Final = frozenset({"location", "tags", "kind", "sku", "identity", "properties"})


def _before(resource_id: str, api_version: str, requests: Requests) -> Body | None:
    is_settings = resource_id.lower().endswith(_SETTINGS)
    method, path = ("POST", f"{resource_id}/list") if is_settings else ("GET", resource_id)
    try:
        return requests.send(method, path, api_version)[1]
    except ArmError as error:
        if error.status not in {404, 405}:
            raise
        return None


def _hidden(body: Body) -> Body:
    """Return a resource without the value of a secret."""
    properties = body.get("properties")
    if parts_of(body["id"])[0].lower() == "microsoft.keyvault/vaults/secrets" and isinstance(properties, dict):
        return {**body, "properties": {**properties, **({"value": HIDDEN} if "value" in properties else {})}}
    return dict(body)


def _differences(before: Body, after: Body, path: str) -> Iterator[Body]:
    """Return what differs of that which the template says; what it does not say stays as it is."""
    names = {name.lower(): name for name in before}
    for name, wanted in after.items():
        here = f"{path}.{name}" if path else name
        held = before.get(names.get(name.lower(), name))
        if here in _NOT_KEPT or wanted is None or wanted == held or _is_same_place(here, held, wanted):
            continue
        if isinstance(wanted, dict) and isinstance(held, dict):
            yield from _differences(held, wanted, here)
        elif isinstance(wanted, list) and isinstance(held, list):
            children = list(_elements(held, wanted))
            yield {"path": here, "propertyChangeType": "Array", "before": None, "after": None, "children": children}
        else:
            yield _changed(here, held, wanted)


def _elements(held: list[Any], wanted: list[Any]) -> Iterator[Body]:
    """Return what differs of the elements of a list, by their places."""
    for at, (old, new) in enumerate(zip_longest(held, wanted)):
        if old != new:
            yield _changed(str(at), old, new)


def _changed(path: str, held: Any, wanted: Any) -> Body:
    kind = "Create" if held is None else "Delete" if wanted is None else "Modify"
    return {"path": path, "propertyChangeType": kind, "before": held, "after": wanted, "children": None}


def _is_same_place(path: str, held: Any, wanted: Any) -> bool:
    """Return whether a location or an id is the same, spelled in another way."""
    if not isinstance(held, str) or not isinstance(wanted, str):
        return False
    if path == "location":
        return bodies.short_name(held) == bodies.short_name(wanted)
    return held.lower() == wanted.lower()
