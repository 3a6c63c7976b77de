"""Resources of other services that a deployment keeps: they are shown as they were given, and do nothing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.azure.identities.managed_identity import derived_guid
from keyless.local.azure.management import bodies
from keyless.local.azure.management.groups import get_group, group_name
from keyless.local.azure.management.refusals import ArmError, location_differs, no_resource
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body

_TOP: Final = 2  # How many parts the type of a resource has that is inside no other.


class Kind(Record, frozen=True):
    """A type of resource that is kept.

    Attributes:
        type: The type.
        is_somewhere: Whether it has a location.
        adds: The properties that Azure adds, and templates read, by the name and the ARM id of the resource.
    """

    type: str
    is_somewhere: bool = False
    adds: Callable[[str, str], Body] = lambda _name, _id: {}


def _endpoints(name: str, _: str) -> Body:
    services = ("blob", "dfs", "file", "queue", "table", "web")
    return {"primaryEndpoints": {each: f"https://{name}.{each}.core.windows.net/" for each in services}}


def _component(name: str, resource_id: str) -> Body:
    # No key opens anything, and telemetry would reach nobody.
    key = "00000000-0000-0000-0000-000000000000"
    address = f"InstrumentationKey={key};IngestionEndpoint=https://localhost/"
    return {"AppId": derived_guid(resource_id), "Name": name, "InstrumentationKey": key, "ConnectionString": address}


def _workspace(_: str, resource_id: str) -> Body:
    return {"customerId": derived_guid(resource_id)}


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        each.type.lower(): each
        for each in (
            Kind("Microsoft.EventGrid/systemTopics", is_somewhere=True),
            Kind("Microsoft.EventGrid/systemTopics/eventSubscriptions"),
            Kind("Microsoft.Insights/actionGroups", is_somewhere=True),
            Kind("Microsoft.Insights/components", is_somewhere=True, adds=_component),
            Kind("Microsoft.Insights/diagnosticSettings"),
            Kind("Microsoft.Insights/metricAlerts", is_somewhere=True),
            Kind("Microsoft.Network/privateDnsZones", is_somewhere=True),
            Kind("Microsoft.Network/privateDnsZones/virtualNetworkLinks", is_somewhere=True),
            Kind("Microsoft.Network/privateEndpoints", is_somewhere=True),
            Kind("Microsoft.Network/privateEndpoints/privateDnsZoneGroups"),
            Kind("Microsoft.Network/virtualNetworks", is_somewhere=True),
            Kind("Microsoft.OperationalInsights/workspaces", is_somewhere=True, adds=_workspace),
            Kind("Microsoft.Storage/storageAccounts", is_somewhere=True, adds=_endpoints),
            Kind("Microsoft.Storage/storageAccounts/blobServices"),
            Kind("Microsoft.Storage/storageAccounts/blobServices/containers"),
            Kind("Microsoft.Web/serverfarms", is_somewhere=True),
            Kind("Microsoft.Web/sites/basicPublishingCredentialsPolicies"),
        )
    }
)
"""By type in lower case."""


def kind_of(resource_id: str) -> Kind | None:
    """Return which type an ARM id is of; None where it is not one of these."""
    _, marker, last = resource_id.rpartition("/providers/")
    namespace, *rest = last.split("/")
    return KINDS.get("/".join([namespace, *rest[::2]]).lower()) if marker and rest and len(rest) % 2 == 0 else None


def get(azure: Azure, resource_id: str) -> Body:
    """Return a resource.

    Raises:
        ArmError: If there is none.
    """
    found = azure.documents.get(resource_id)
    if found is None:
        raise no_resource(resource_id.rpartition("/providers/")[2], group_name(resource_id))
    return found


def put(azure: Azure, resource_id: str, body: Body) -> tuple[bool, Body]:
    """Keep a resource as it is given; return whether it is new.

    Args:
        azure: The local Azure.
        resource_id: Its ARM id, of one of these types.
        body: What it is to be.

    Raises:
        ArmError: If it has no location and needs one, is elsewhere already, or what it is inside of is not there.
    """
    kind, name = KINDS[_type(resource_id)], resource_id.rpartition("/")[2]
    get_group(azure, group_name(resource_id))
    before = azure.documents.get(resource_id)
    where = bodies.location(body) if kind.is_somewhere else None
    if before is not None and where != before.get("location"):
        raise location_differs(name, group_name(resource_id), here=before["location"], wanted=where or "")
    _expect_parent(azure, resource_id, kind)
    given = {key: each for key, each in body.items() if key not in {"id", "name", "type"}}
    properties = {**bodies.table(body, "properties"), **kind.adds(name, resource_id), "provisioningState": "Succeeded"}
    head: Body = {"id": resource_id, "name": name, "type": kind.type}
    kept = {**head, **given, "properties": properties}
    if where is not None:
        kept |= {"location": where, "tags": bodies.tags(body)}
    azure.documents.put(resource_id, kept)
    return before is None, kept


def delete(azure: Azure, resource_id: str) -> bool:
    """Delete a resource with all that is inside it; return whether there was one."""
    gone = [kept["id"] for kept in _all(azure) if f"{kept['id']}/".lower().startswith(f"{resource_id}/".lower())]
    for each in gone:
        azure.documents.put(each, None)
    return bool(gone)


def list_inert(azure: Azure, group: str | None = None) -> list[Body]:
    """Return the resources that lists of a subscription or a group have: those that are inside no other."""
    return [
        kept
        for kept in _all(azure)
        if KINDS[kept["type"].lower()].is_somewhere
        and kept["type"].count("/") < _TOP
        and (group is None or group_name(kept["id"]).lower() == group.lower())
    ]


def delete_all(azure: Azure, group: str) -> None:
    """Delete every one of a resource group."""
    for kept in [each for each in _all(azure) if group_name(each["id"]).lower() == group.lower()]:
        azure.documents.put(kept["id"], None)


def _type(resource_id: str) -> str:
    found = kind_of(resource_id)
    return found.type.lower() if found else ""


def _all(azure: Azure) -> Iterator[Body]:
    return (
        kept for resource_id, kept in azure.documents.all() if kept is not None and kind_of(resource_id) is not None
    )


def _expect_parent(azure: Azure, resource_id: str, kind: Kind) -> None:
    parent = resource_id.rsplit("/", 2)[0]
    if kind_of(parent) is not None and azure.documents.get(parent) is None:
        raise ArmError(
            404,
            "ParentResourceNotFound",
            f"Failed to perform 'write' on resource(s) of type '{kind.type.partition('/')[2]}', because the parent resource "
            f"'{parent}' could not be found.",
        )
