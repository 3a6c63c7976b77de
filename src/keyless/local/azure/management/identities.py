"""The user-assigned identities, and the tokens of others that each one may be had for."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from keyless.errors import KeylessError
from keyless.local.azure.management import bodies
from keyless.local.azure.management.groups import get_group, group_id, group_name
from keyless.local.azure.management.refusals import ArmError, bad_request, location_differs, no_resource

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.azure.management.bodies import Body

TYPE: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
CREDENTIALS: Final = "federatedIdentityCredentials"
_MOST_CREDENTIALS: Final = 20


def identity_id(azure: Azure, group: str, name: str) -> str:
    """Return the ARM id of a user-assigned identity."""
    return f"{group_id(azure, group)}/providers/{TYPE}/{name}"


def find_by_id(azure: Azure, resource_id: str) -> Identity | None:
    """Return the user-assigned identity with an ARM id; None where there is none."""
    wanted = resource_id.lower()
    users = (found for found in azure.identities.values() if found.kind == "user")
    return next((found for found in users if found.resource_id.lower() == wanted), None)


def find(azure: Azure, group: str, name: str) -> Identity:
    """Return an identity of a group.

    Raises:
        ArmError: If the group has none of that name.
    """
    get_group(azure, group)
    found = find_by_id(azure, identity_id(azure, group, name))
    if found is None:
        raise no_resource(f"{TYPE}/{name}", group)
    return found


def list_identities(azure: Azure, group: str | None = None) -> list[Body]:
    """Return the user-assigned identities of the subscription, or of a group in it."""
    if group is not None:
        get_group(azure, group)
    prefix = (group_id(azure, group) if group else f"/subscriptions/{azure.subscription_id}").lower() + "/"
    users = [found for found in azure.identities.values() if found.kind == "user"]
    return [shown(azure, found) for found in users if found.resource_id.lower().startswith(prefix)]


def put_identity(azure: Azure, group: str, name: str, body: Body) -> tuple[bool, Body]:
    """Make an identity, or change its tags; return whether it was made.

    Raises:
        ArmError: If no identity can have the name, or the body does not name where.
    """
    spelled, where = get_group(azure, group)["name"], bodies.location(body)
    wanted = identity_id(azure, spelled, name)
    before = find_by_id(azure, wanted)
    kept: Body = {"name": name, "location": where, "tags": bodies.tags(body)}
    if before is None:
        kept |= {"clientId": str(uuid.uuid4()), "principalId": str(uuid.uuid4()), "resourceId": wanted}
        restore(azure, wanted, kept)
    else:
        here = shown(azure, before)
        if here["location"] != where:
            raise location_differs(name, group, here=here["location"], wanted=where)
        kept |= _ids(before)
    azure.documents.put(wanted, kept)
    return before is None, shown(azure, find(azure, group, name))


def update_identity(azure: Azure, group: str, name: str, body: Body) -> Body:
    """Change the tags of an identity.

    Raises:
        ArmError: If there is none.
    """
    before = shown(azure, find(azure, group, name))
    tags = bodies.tags(body) if "tags" in body else before["tags"]
    return put_identity(azure, group, name, {"location": before["location"], "tags": tags})[1]


def delete_identity(azure: Azure, group: str, name: str) -> bool:
    """Delete an identity; its role assignments stay, and are of nobody. Say whether there was one."""
    get_group(azure, group)
    found = find_by_id(azure, identity_id(azure, group, name))
    if found is None:
        return False
    prefix = f"{found.resource_id}/{CREDENTIALS}/".lower()
    for resource_id, _ in list(azure.documents.all()):
        if resource_id.startswith(prefix):
            azure.documents.put(resource_id, None)
    azure.documents.put(found.resource_id, None)
    azure.remove_identity(found.name)
    return True


def restore(azure: Azure, resource_id: str, kept: Body | None) -> None:
    """Have an identity as it was kept; None means that it was deleted."""
    known = find_by_id(azure, resource_id)
    if kept is None:
        if known is not None:
            azure.remove_identity(known.name)
        return
    if known is not None:
        return
    name = kept["name"]
    if any(name.lower() == each.lower() for each in (*azure.identities, "system")):
        name = f"{name}-{group_name(resource_id)}"  # Here names are unique, in Azure only within a group.
    try:
        azure.add_identity(
            name,
            client_id=kept["clientId"],
            object_id=kept["principalId"],
            resource_id=kept["resourceId"],
            assigned=False,
        )
    except KeylessError as error:
        raise bad_request(f"{error.what} {error.remedy}") from None


def shown(azure: Azure, found: Identity) -> Body:
    """Return an identity as the management plane shows it."""
    kept = azure.documents.get(found.resource_id) or {}
    properties: dict[str, Any] = {
        "tenantId": azure.tenant_id,
        "principalId": found.object_id,
        "clientId": found.client_id,
    }
    return {
        "id": found.resource_id,
        "name": found.resource_id.rpartition("/")[2],
        "type": TYPE,
        "location": kept.get("location", azure.region),
        "tags": kept.get("tags", {}),
        "properties": properties,
    }


def list_credentials(azure: Azure, found: Identity) -> list[Body]:
    """Return the federated credentials of an identity."""
    prefix = f"{found.resource_id}/{CREDENTIALS}/".lower()
    return [
        _credential(found, kept)
        for resource_id, kept in azure.documents.all()
        if kept and resource_id.startswith(prefix)
    ]


def get_credential(azure: Azure, found: Identity, name: str) -> Body:
    """Return a federated credential.

    Raises:
        ArmError: If there is none of that name.
    """
    kept = azure.documents.get(_credential_id(found, name))
    if kept is None:
        message = f"The federated credential '{name}' of the identity '{found.name}' was not found."
        raise ArmError(404, "NotFound", message)
    return _credential(found, kept)


def put_credential(azure: Azure, found: Identity, name: str, body: Body) -> tuple[bool, Body]:
    """Trust the tokens that an issuer gives to a subject; return whether that is new.

    Raises:
        ArmError: If something is missing, another credential is the same, or there are too many.
    """
    given = bodies.table(body, "properties")
    issuer, subject = bodies.text(given, "issuer"), bodies.text(given, "subject")
    audiences = bodies.texts(given, "audiences")
    if not issuer or not subject or not audiences:
        raise bad_request("A federated credential has an issuer, a subject and audiences.")
    others = [each for each in list_credentials(azure, found) if each["name"].lower() != name.lower()]
    if any((each["properties"]["issuer"], each["properties"]["subject"]) == (issuer, subject) for each in others):
        raise ArmError(409, "Conflict", "Issuer and subject combination already exists for this Managed Identity.")
    if len(others) >= _MOST_CREDENTIALS:
        raise bad_request(f"Too many Federated Identity Credentials: the most is {_MOST_CREDENTIALS}.")
    is_new = azure.documents.get(_credential_id(found, name)) is None
    properties = {"issuer": issuer, "subject": subject, "audiences": audiences}
    azure.documents.put(_credential_id(found, name), {"name": name, "properties": properties})
    return is_new, get_credential(azure, found, name)


def delete_credential(azure: Azure, found: Identity, name: str) -> bool:
    """Trust those tokens no more; return whether there was such a credential."""
    resource_id = _credential_id(found, name)
    if azure.documents.get(resource_id) is None:
        return False
    azure.documents.put(resource_id, None)
    return True


def _ids(found: Identity) -> Body:
    return {"clientId": found.client_id, "principalId": found.object_id, "resourceId": found.resource_id}


def _credential_id(found: Identity, name: str) -> str:
    return f"{found.resource_id}/{CREDENTIALS}/{name}"


def _credential(found: Identity, kept: Body) -> Body:
    return {
        "id": _credential_id(found, kept["name"]),
        "name": kept["name"],
        "type": f"{TYPE}/{CREDENTIALS}",
        "properties": kept["properties"],
    }
