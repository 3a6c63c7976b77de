"""Function apps beside the one that runs: they have identities and settings, and run nothing."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from keyless.errors import KeylessError
from keyless.local.azure.management import bodies
from keyless.local.azure.management.groups import get_group, group_id, group_name
from keyless.local.azure.management.refusals import bad_request, no_resource
from keyless.local.azure.management.sites import (
    TYPE,
    expect_identity,
    expect_may_assign,
    identity_kinds,
    settings_in,
    site,
    site_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.azure.management.bodies import Body

_GIVEN: Final = ("serverFarmId", "httpsOnly", "publicNetworkAccess", "virtualNetworkSubnetId", "clientAffinityEnabled")
"""What a template says of a site, and an answer repeats."""


def is_other(azure: Azure, group: str, name: str) -> bool:
    """Return whether a site is not the one that runs, whether it is there or not."""
    here = site_id(azure)
    return (group_name(here).lower(), here.rpartition("/")[2].lower()) != (group.lower(), name.lower())


def list_sites(azure: Azure, group: str | None = None) -> list[Body]:
    """Return these sites, of the subscription or of a group."""
    wanted = None if group is None else group.lower()
    return [shown(azure, kept) for kept in _all(azure) if wanted in {None, kept["group"].lower()}]


def get_site(azure: Azure, group: str, name: str) -> Body:
    """Return a site.

    Raises:
        ArmError: If there is none of that name.
    """
    return shown(azure, _find(azure, group, name))


def put_site(azure: Azure, group: str, name: str, body: Body, *, by: str, merging: bool) -> Body:
    """Make a site, or change one.

    Args:
        azure: The local Azure.
        group: The resource group.
        name: Its name.
        body: What it is to be.
        by: The object id of the caller, who must be allowed to assign identities.
        merging: Whether what is not named stays, as in a PATCH.

    Raises:
        ArmError: If it cannot be so.
    """
    spelled = get_group(azure, group)["name"]
    before = azure.documents.get(_id(azure, spelled, name))
    if before is None and merging:
        raise no_resource(f"{TYPE}/{name}", group)
    kept: dict[str, Any] = dict(before or {"group": spelled, "name": name, "settings": {}, "users": [], "system": None})
    kept["location"] = kept.get("location") or bodies.location(body)
    if "tags" in body or not merging:
        kept["tags"] = bodies.tags(body)
    given = bodies.table(body, "properties")
    said = {each: given[each] for each in _GIVEN if each in given}
    kept["properties"] = {**kept.get("properties", {}), **said} if merging else said
    if "identity" in body or not merging:
        kept |= _identities(azure, kept, bodies.table(body, "identity"), by=by, merging=merging)
    if (reader := bodies.text(given, "keyVaultReferenceIdentity")) is not None:
        kept["referenceIdentity"] = reader
    settings = bodies.table(given, "siteConfig").get("appSettings")
    if settings is not None:
        kept["settings"] = settings_in(settings)
    restore(azure, kept)
    azure.documents.put(_id(azure, spelled, name), kept)
    return shown(azure, kept)


def delete_site(azure: Azure, group: str, name: str) -> bool:
    """Delete a site with its system-assigned identity; return whether there was one."""
    get_group(azure, group)
    kept = azure.documents.get(_id(azure, group, name))
    if kept is None:
        return False
    found = system_identity(azure, _id(azure, group, name))
    if found is not None:
        azure.remove_identity(found.name)
    azure.documents.put(_id(azure, group, name), None)
    return True


def settings_shown(azure: Azure, group: str, name: str) -> Body:
    """Return the application settings of a site, as anyone who may list them sees them."""
    kept = _find(azure, group, name)
    return {
        "id": f"{_id(azure, kept['group'], kept['name'])}/config/appsettings",
        "name": "appsettings",
        "type": f"{TYPE}/config",
        "location": bodies.display_name(kept["location"]),
        "properties": dict(kept["settings"]),
    }


def put_settings(azure: Azure, group: str, name: str, body: Body) -> Body:
    """Replace the application settings of a site.

    Raises:
        ArmError: If there is no such site, or a value is not a string.
    """
    kept = _find(azure, group, name)
    given = bodies.table(body, "properties")
    if not all(isinstance(value, str) for value in given.values()):
        raise bad_request("The value of an application setting must be a string.")
    azure.documents.put(_id(azure, kept["group"], kept["name"]), {**kept, "settings": given})
    return settings_shown(azure, group, name)


def system_identity(azure: Azure, resource_id: str) -> Identity | None:
    """Return the system-assigned identity of a site; None where it has none."""
    wanted = resource_id.lower()
    systems = (found for found in azure.identities.values() if found.kind == "system")
    return next((found for found in systems if found.resource_id.lower() == wanted), None)


def restore(azure: Azure, kept: Body) -> None:
    """Make the system-assigned identity of a site that was kept."""
    here = _id(azure, kept["group"], kept["name"])
    found, wanted = system_identity(azure, here), kept["system"]
    if found is not None and (wanted is None or found.object_id != wanted["principalId"]):
        azure.remove_identity(found.name)
    if wanted is None or (found is not None and found.object_id == wanted["principalId"]):
        return
    name = kept["name"].lower()
    if any(name == each.lower() for each in (*azure.identities, "system")):
        name = f"{name}-{kept['group']}".lower()  # Here names are unique, in Azure only within a group.
    ids = {"client_id": wanted["clientId"], "object_id": wanted["principalId"], "resource_id": here}
    try:
        azure.add_identity(name, **ids, assigned=False)
    except KeylessError as error:
        raise bad_request(f"{error.what} {error.remedy}") from None


def shown(azure: Azure, kept: Body) -> Body:
    """Return a site as the management plane shows it."""
    users = {found.resource_id: _ids(found) for found in _users(azure, kept)}
    kinds = [*(["SystemAssigned"] if kept["system"] else []), *(["UserAssigned"] if users else [])]
    identity: Body = {"type": ", ".join(kinds) or "None"}
    if kept["system"]:
        identity |= {"tenantId": azure.tenant_id, "principalId": kept["system"]["principalId"]}
    if users:
        identity["userAssignedIdentities"] = users
    found = site(azure, _id(azure, kept["group"], kept["name"]), identity=identity, tags=kept["tags"])
    location = bodies.display_name(kept["location"])
    return {**found, "location": location, "properties": {**found["properties"], **kept["properties"]}}


def _identities(azure: Azure, kept: Body, given: Body, *, by: str, merging: bool) -> Body:
    kinds = identity_kinds(given) if given else {"none"}
    named = bodies.table(given, "userAssignedIdentities") if "userassigned" in kinds else {}
    here = _id(azure, kept["group"], kept["name"])
    held = {each.lower() for each in kept["users"]}
    wanted = [expect_identity(azure, each).resource_id for each, said in named.items() if said is not None]
    for each in wanted:
        if each.lower() not in held:
            expect_may_assign(azure, expect_identity(azure, each), by=by, site=here)
    gone = {each.lower() for each, said in named.items() if said is None}
    stays = [each for each in kept["users"] if merging and "userassigned" in kinds and each.lower() not in gone]
    users = list({each.lower(): each for each in (*stays, *wanted)}.values())
    system = kept["system"] or {"principalId": str(uuid.uuid4()), "clientId": str(uuid.uuid4())}
    return {"users": users, "system": system if "systemassigned" in kinds else None}


def _ids(found: Identity) -> Body:
    return {"principalId": found.object_id, "clientId": found.client_id}


def _users(azure: Azure, kept: Body) -> Iterator[Identity]:
    wanted = {each.lower() for each in kept["users"]}
    return (each for each in azure.identities.values() if each.resource_id.lower() in wanted)


def _all(azure: Azure) -> Iterator[Body]:
    prefix = f"/subscriptions/{azure.subscription_id}/".lower()
    for resource_id, kept in azure.documents.all():
        path = resource_id.rpartition("/")[0]
        is_site = resource_id.startswith(prefix) and path.endswith(f"/providers/{TYPE}".lower())
        if is_site and kept is not None and "group" in kept:
            yield kept


def _find(azure: Azure, group: str, name: str) -> Body:
    get_group(azure, group)
    found = azure.documents.get(_id(azure, group, name))
    if found is None or "group" not in found:
        raise no_resource(f"{TYPE}/{name}", group)
    return found


def _id(azure: Azure, group: str, name: str) -> str:
    return f"{group_id(azure, group)}/providers/{TYPE}/{name}"
