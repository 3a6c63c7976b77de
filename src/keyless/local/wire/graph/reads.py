"""Microsoft Graph's answers about the tenant.

https://learn.microsoft.com/en-us/graph/api/serviceprincipal-list
https://learn.microsoft.com/en-us/graph/api/directoryobject-getbyids
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from keyless.local.azure.identities.directory import Group
from keyless.local.wire.graph import objects
from keyless.local.wire.graph.call import Answer, RefusedError, no_object
from keyless.local.wire.graph.filters import passes, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyless.local.azure.azure import Identity
    from keyless.local.azure.identities.application import Application
    from keyless.local.wire.graph.call import Call

_T = TypeVar("_T")


def list_service_principals(call: Call) -> Answer:
    """Return the service principals that a filter lets pass."""
    return _listed(call, "servicePrincipals", _service_principals(call))


def get_service_principal(call: Call) -> Answer:
    """Return a service principal by its object id, or by ``appId='...'``."""
    found = _named(call, [(each["id"], each["appId"], each) for each in _service_principals(call)])
    return _single(call, "servicePrincipals", found)


def list_applications(call: Call) -> Answer:
    """Return the applications that a filter lets pass."""
    found = call.azure.directory.applications.values()
    return _listed(call, "applications", (objects.application(each) for each in found))


def get_application(call: Call) -> Answer:
    """Return an application by its object id, or by ``appId='...'``."""
    return _single(call, "applications", objects.application(find_application(call)))


def list_groups(call: Call) -> Answer:
    """Return the groups that a filter lets pass."""
    return _listed(call, "groups", (objects.group(each) for each in call.azure.directory.groups.values()))


def get_group(call: Call) -> Answer:
    """Return a group by its object id."""
    return _single(call, "groups", objects.group(find_group(call)))


def list_members(call: Call) -> Answer:
    """Return who was put into a group."""
    found = call.azure.directory.members_of(find_group(call))
    return _listed(call, "directoryObjects", (objects.described(call.azure, each) for each in found))


def list_nobody(call: Call) -> Answer:
    """Return nobody: there are no people in the local tenant, and nobody owns anything."""
    return _listed(call, "directoryObjects", ())


def get_user(call: Call) -> Answer:
    """Refuse: there is no such person."""
    raise no_object(call.parts["id"])


def get_me(_: Call) -> Answer:
    """Refuse: the bearer is not a person."""
    raise RefusedError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")


def get_object(call: Call) -> Answer:
    """Return the principal that has an object id."""
    found = call.azure.directory.principal_of(call.parts["id"])
    if found is None:
        raise no_object(call.parts["id"])
    return _single(call, "directoryObjects", objects.described(call.azure, found))


def get_by_ids(call: Call) -> Answer:
    """Return those whose object ids a list has, and who are of the types that it names."""
    ids, types = call.body.get("ids"), call.body.get("types") or ["directoryObject"]
    if not isinstance(ids, list) or not isinstance(types, list):
        raise RefusedError(400, "Request_BadRequest", "Invalid value specified for property 'ids' of resource.")
    directory = call.azure.directory
    found = (directory.principal_of(each) for each in ids if isinstance(each, str))
    told = [objects.described(call.azure, each) for each in found if each is not None]
    asked = {f"#microsoft.graph.{each}" for each in types}
    kept = [each for each in told if each[objects.TYPE] in asked or "directoryObject" in types]
    return _listed(call, "directoryObjects", kept)


def member_groups(call: Call) -> Answer:
    """Return the object ids of the groups that someone is in: all, or those of a list."""
    found = call.azure.directory.principal_of(call.parts["id"])
    if found is None:
        raise no_object(call.parts["id"])
    asked = call.body.get("groupIds")
    held = call.azure.directory.groups_of(found.object_id)
    kept = [each for each in held if not isinstance(asked, list) or each in asked]
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#Collection(Edm.String)", "value": kept})


def find_client(call: Call) -> Identity | Application:
    """Return whose service principal the path names."""
    return _named(call, [(each.object_id, each.client_id, each) for each in _clients(call)])


def find_application(call: Call) -> Application:
    """Return the application that the path names."""
    known = call.azure.directory.applications.values()
    return _named(call, [(objects.registration_id(each), each.client_id, each) for each in known])


def find_group(call: Call) -> Group:
    """Return the group that the path names."""
    known = call.azure.directory.groups.values()
    return _named(call, [(each.object_id, "", each) for each in known])


def _service_principals(call: Call) -> list[dict[str, Any]]:
    """Return everybody's, and that of Key Vault itself, which every tenant has."""
    return [*(objects.service_principal(call.azure, each) for each in _clients(call)), objects.key_vault()]


def _clients(call: Call) -> tuple[Identity | Application, ...]:
    return tuple(each for each in call.azure.directory.principals() if not isinstance(each, Group))


def _named(call: Call, known: Iterable[tuple[str, str, _T]]) -> _T:
    asked = call.parts["id"]
    by_client_id = re.fullmatch(r"\(appId='([^']*)'\)", asked)
    wanted = (by_client_id[1] if by_client_id else asked).lower()
    for object_id, client_id, found in known:
        if wanted == (client_id if by_client_id else object_id).lower():
            return found
    raise no_object(wanted)


def _listed(call: Call, kind: str, found: Iterable[dict[str, Any]]) -> Answer:
    terms = terms_of(call.filter)
    if terms is None:
        raise RefusedError(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")
    kept = [each for each in found if all(passes(term, each) for term in terms)]
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#{kind}", "value": kept})


def _single(call: Call, kind: str, found: dict[str, Any]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#{kind}/$entity", **found})
