"""Answers about user-assigned identities and their federated credentials."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management import identities, kept_sites, sites
from keyless.local.azure.management.refusals import no_resource
from keyless.local.wire.arm.call import ArmAnswer, ArmCall, deleted, listed, made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Identity


def _list(call: ArmCall) -> ArmAnswer:
    return listed(identities.list_identities(call.azure, call.named.get("group")))


def _found(call: ArmCall) -> Identity:
    return identities.find(call.azure, call.group, call.name)


def _get(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, identities.shown(call.azure, _found(call)))


def _put(call: ArmCall) -> ArmAnswer:
    return made(*identities.put_identity(call.azure, call.group, call.name, call.body()))


def _update(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, identities.update_identity(call.azure, call.group, call.name, call.body()))


def _delete(call: ArmCall) -> ArmAnswer:
    return deleted(identities.delete_identity(call.azure, call.group, call.name))


def _list_credentials(call: ArmCall) -> ArmAnswer:
    return listed(identities.list_credentials(call.azure, _found(call)))


def _get_credential(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, identities.get_credential(call.azure, _found(call), call.child))


def _put_credential(call: ArmCall) -> ArmAnswer:
    return made(*identities.put_credential(call.azure, _found(call), call.child, call.body()))


def _delete_credential(call: ArmCall) -> ArmAnswer:
    return deleted(identities.delete_credential(call.azure, _found(call), call.child))


def _get_system(call: ArmCall) -> ArmAnswer:
    """Return the system-assigned identity of a resource; only function apps can have one here."""
    scope = call.named["scope"]
    is_running = scope.lower() == sites.site_id(call.azure).lower()
    found = call.azure.identities.get("system") if is_running else kept_sites.system_identity(call.azure, scope)
    if found is None or (is_running and not found.assigned):
        raise no_resource("Microsoft.ManagedIdentity/identities/default", "".join(scope.split("/")[4:5]))
    shown: dict[str, Any] = {
        "id": f"{scope}/providers/Microsoft.ManagedIdentity/identities/default",
        "name": "default",
        "type": "Microsoft.ManagedIdentity/identities",
        "location": call.azure.region,
        "properties": {
            "tenantId": call.azure.tenant_id,
            "principalId": found.object_id,
            "clientId": found.client_id,
        },
    }
    return ArmAnswer(200, shown)


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "listIdentities": _list,
        "getIdentity": _get,
        "putIdentity": _put,
        "updateIdentity": _update,
        "deleteIdentity": _delete,
        "listFederatedCredentials": _list_credentials,
        "getFederatedCredential": _get_credential,
        "putFederatedCredential": _put_credential,
        "deleteFederatedCredential": _delete_credential,
        "getSystemIdentity": _get_system,
    }
)
