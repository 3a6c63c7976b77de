"""The function app that runs, as the management plane shows it: the host of the identities that are assigned here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.management import bodies
from keyless.local.azure.management.groups import get_group, group_name
from keyless.local.azure.management.identities import find_by_id
from keyless.local.azure.management.refusals import ArmError, bad_request, no_resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.azure.management.bodies import Body

TYPE: Final = "Microsoft.Web/sites"
_SYSTEM: Final = "system"
_READER: Final = "SystemAssigned"
"""Who resolves Key Vault references where nobody else is named. Here it is shown, and `keyless run` goes by its own option."""
_ASSIGN: Final = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_KINDS: Final = frozenset({"none", "systemassigned", "userassigned"})


def site_id(azure: Azure) -> str:
    """Return the ARM id of the function app."""
    found = azure.identities.get(_SYSTEM)
    return found.resource_id if found else f"{azure.group_id}/providers/{TYPE}/keyless"


def expect_site(azure: Azure, group: str, name: str) -> None:
    """Refuse a function app that there is not.

    Raises:
        ArmError: If it is not the one.
    """
    get_group(azure, group)
    here = site_id(azure)
    if (group_name(here).lower(), here.rpartition("/")[2].lower()) != (group.lower(), name.lower()):
        raise no_resource(f"{TYPE}/{name}", group)


def list_sites(azure: Azure, group: str | None = None) -> list[Body]:
    """Return the function app, where it is asked for in its group or the subscription."""
    if group is not None:
        get_group(azure, group)
    return [shown(azure)] if group is None or group_name(site_id(azure)).lower() == group.lower() else []


def put_site(azure: Azure, group: str, name: str, body: Body, *, by: str, merging: bool) -> Body:
    """Change the function app: its identities, its tags, its settings where the body has them. It starts once more.

    Args:
        azure: The local Azure.
        group: The resource group.
        name: Its name.
        body: What it is to be.
        by: The object id of the caller, who must be allowed to assign identities.
        merging: Whether identities that are not named stay, as in a PATCH.

    Raises:
        ArmError: If it is not the one, or an identity cannot be assigned.
    """
    expect_site(azure, group, name)
    kept = dict(azure.documents.get(site_id(azure)) or {})
    if "tags" in body:
        kept["tags"] = bodies.tags(body)
    if body.get("identity") is not None:
        _assign(azure, bodies.table(body, "identity"), by=by, merging=merging)
        kept["assigned"] = [found.resource_id for found in _users(azure)]
        kept["system"] = _has_system(azure)
    properties = bodies.table(body, "properties")
    if (reader := bodies.text(properties, "keyVaultReferenceIdentity")) is not None:
        kept["referenceIdentity"] = reader
    settings = bodies.table(properties, "siteConfig").get("appSettings")
    if settings is not None:
        azure.function_app.set_settings(settings_in(settings))
        kept["settings"] = dict(azure.function_app.settings)
    azure.documents.put(site_id(azure), kept)
    azure.function_app.restart()
    return shown(azure)


def settings_shown(azure: Azure) -> Body:
    """Return the application settings, as anyone who may list them sees them."""
    return {
        "id": f"{site_id(azure)}/config/appsettings",
        "name": "appsettings",
        "type": f"{TYPE}/config",
        "location": bodies.display_name(azure.region),
        "properties": dict(azure.function_app.settings),
    }


def put_settings(azure: Azure, body: Body) -> Body:
    """Have other application settings in place of all that there are. The function app starts once more.

    Raises:
        ArmError: If one is not text.
    """
    given = bodies.table(body, "properties")
    if not all(isinstance(value, str) for value in given.values()):
        raise bad_request("The value of an application setting must be a string.")
    azure.function_app.set_settings(given)
    kept = azure.documents.get(site_id(azure)) or {}
    azure.documents.put(site_id(azure), {**kept, "settings": given})
    azure.function_app.restart()
    return settings_shown(azure)


def keys_shown(azure: Azure) -> Body:
    """Return the keys of the host.

    Raises:
        ArmError: If nobody serves the function app.
    """
    keys = azure.function_app.keys
    if keys is None:
        raise bad_request("The function app is not served, so that it has no keys. `keyless up` serves it.")
    return {"masterKey": keys.master, "functionKeys": dict(keys.functions), "systemKeys": dict(keys.system)}


def restore(azure: Azure, kept: Body) -> None:
    """Have the function app as it was kept."""
    if "settings" in kept:
        azure.function_app.set_settings(kept["settings"])
    if "assigned" in kept:
        wanted = {each.lower() for each in kept["assigned"]}
        for found in azure.identities.values():
            if found.kind == "user":
                _set(found, assigned=found.resource_id.lower() in wanted)
        _set_system(azure, assigned=kept["system"])


def config_shown(azure: Azure, resource_id: str) -> Body:
    """Return how a function app is set up, as far as the commands that show it ask."""
    return {
        "id": f"{resource_id}/config/web",
        "name": resource_id.rpartition("/")[2],
        "type": f"{TYPE}/config",
        "location": bodies.display_name(azure.region),
        "properties": {
            "linuxFxVersion": "Python|3.12",
            "numberOfWorkers": 1,
            "http20Enabled": False,
            "minTlsVersion": "1.2",
            "ftpsState": "Disabled",
            "alwaysOn": False,
            "keyVaultReferenceIdentity": _reader(azure, resource_id),
        },
    }


def shown(azure: Azure) -> Body:
    """Return the function app."""
    here = site_id(azure)
    kept: Mapping[str, Any] = azure.documents.get(here) or {}
    return site(azure, here, identity=_identity(azure), tags=kept.get("tags", {}))


def site(azure: Azure, resource_id: str, *, identity: Body, tags: Mapping[str, str]) -> Body:
    """Return a function app as the management plane shows every one."""
    name = resource_id.rpartition("/")[2]
    host = f"{name}.azurewebsites.net"
    return {
        "id": resource_id,
        "name": name,
        "type": TYPE,
        "kind": "functionapp,linux",
        "location": bodies.display_name(azure.region),
        "tags": tags,
        "identity": identity,
        "properties": {
            "state": "Running",
            "hostNames": [host],
            "enabledHostNames": [host],
            "defaultHostName": host,
            "repositorySiteName": name,
            "resourceGroup": group_name(resource_id),
            "enabled": True,
            "reserved": True,
            "httpsOnly": True,
            "sku": "FlexConsumption",
            "serverFarmId": f"{azure.group_id}/providers/Microsoft.Web/serverfarms/{name}-plan",
            "siteConfig": {"linuxFxVersion": "", "numberOfWorkers": 1},
            "hostNameSslStates": [],
            "keyVaultReferenceIdentity": _reader(azure, resource_id),
            "lastModifiedTimeUtc": bodies.moment(azure.clock.now()),
        },
    }


def _reader(azure: Azure, resource_id: str) -> str:
    """Return the identity that reads the Key Vault references of a site."""
    return str((azure.documents.get(resource_id) or {}).get("referenceIdentity", _READER))


def _identity(azure: Azure) -> Body:
    users = {
        found.resource_id: {"principalId": found.object_id, "clientId": found.client_id} for found in _users(azure)
    }
    kinds = [*(["SystemAssigned"] if _has_system(azure) else []), *(["UserAssigned"] if users else [])]
    found: Body = {"type": ", ".join(kinds) or "None"}
    if _has_system(azure):
        found |= {"tenantId": azure.tenant_id, "principalId": azure.identities[_SYSTEM].object_id}
    return {**found, "userAssignedIdentities": users} if users else found


def _users(azure: Azure) -> list[Identity]:
    return [found for found in azure.identities.values() if found.kind == "user" and found.assigned]


def _has_system(azure: Azure) -> bool:
    found = azure.identities.get(_SYSTEM)
    return found is not None and found.assigned


def _assign(azure: Azure, given: Body, *, by: str, merging: bool) -> None:
    kinds = identity_kinds(given)
    named = bodies.table(given, "userAssignedIdentities") if "userassigned" in kinds else {}
    wanted = {
        resource_id: expect_identity(azure, resource_id) for resource_id, said in named.items() if said is not None
    }
    held = _users(azure)
    for found in wanted.values():
        if found not in held:
            expect_may_assign(azure, found, by=by, site=site_id(azure))
    gone = {resource_id.lower() for resource_id, said in named.items() if said is None}
    for found in held:
        stays = found in wanted.values() or (merging and "userassigned" in kinds)
        _set(found, assigned=stays and found.resource_id.lower() not in gone)
    for found in wanted.values():
        _set(found, assigned=True)
    _set_system(azure, assigned="systemassigned" in kinds)


def identity_kinds(given: Body) -> set[str]:
    """Return which kinds of identity a site is to have, in lower case.

    Raises:
        ArmError: If there is no such kind.
    """
    kinds = {kind.strip().lower() for kind in (bodies.text(given, "type") or "").split(",")}
    if not kinds <= _KINDS:
        raise bad_request(f"The identity type '{given.get('type')}' is not valid.")
    return kinds


def expect_identity(azure: Azure, resource_id: str) -> Identity:
    """Return the user-assigned identity that a site is to have.

    Raises:
        ArmError: If there is none.
    """
    found = find_by_id(azure, resource_id)
    if found is None:
        parts = resource_id.strip("/").split("/")
        raise no_resource("/".join(parts[5:]), group_name(resource_id))
    return found


def _set(identity: Identity, *, assigned: bool) -> None:
    if assigned:
        identity.assign()
    else:
        identity.unassign()


def _set_system(azure: Azure, *, assigned: bool) -> None:
    found = azure.identities.get(_SYSTEM)
    if found is not None:
        _set(found, assigned=assigned)
    elif assigned:
        azure.add_identity(_SYSTEM)


def expect_may_assign(azure: Azure, found: Identity, *, by: str, site: str) -> None:
    """Refuse a caller who may not assign an identity.

    Raises:
        ArmError: If no role of the caller allows it.
    """
    if not azure.role_assignments.allows_management(by, _ASSIGN, ResourceScope(found.resource_id.lower())):
        raise _not_linked(azure, by, found.resource_id, site)


def settings_in(given: Any) -> dict[str, str]:
    """Return the settings in the list ``appSettings`` of a site.

    Raises:
        ArmError: If they are in no such list.
    """
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise bad_request("The value of 'appSettings' must be a list of objects with name and value.")
    return {str(each.get("name")): str(each.get("value") or "") for each in given}


def _not_linked(azure: Azure, by: str, resource_id: str, site: str) -> ArmError:
    client = getattr(azure.directory.principal_of(by), "client_id", by)
    return ArmError(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{client}' with object id '{by}' has permission to perform action 'Microsoft.Web/sites/write' on scope "
        f"'{site}'; however, it does not have permission to perform action(s) '{_ASSIGN}' on the linked scope(s) "
        f"'{resource_id}' (respectively) or the linked scope(s) are invalid.",
    )
