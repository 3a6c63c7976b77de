"""Answers about deployments. The resources of one are made by the requests that a client would send, with the caller's rights."""

from __future__ import annotations

import json
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from keyless.errors import KeylessError
from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.management.deployments import records, service
from keyless.local.azure.management.deployments.requests import Forbidden
from keyless.local.azure.management.refusals import bad_request
from keyless.local.wire.arm.call import PAUSE, ArmAnswer, ArmCall, listed
from keyless.local.wire.arm.errors import unauthorized
from keyless.local.wire.arm.filters import read_filter
from keyless.local.wire.arm.handlers import HANDLERS as OTHERS
from keyless.local.wire.arm.routes import check_version, find_kept, find_operation
from keyless.local.wire.http.fields import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.wire.arm.routes import Match


class Sender:
    """Sends requests in the name of who asked for a deployment.

    Args:
        call: What was asked.
    """

    def __init__(self, call: ArmCall) -> None:
        self._call = call

    @property
    def object_id(self) -> str:
        """The object id of the caller."""
        return self._call.claims.object_id

    @property
    def client_id(self) -> str:
        """The client id of the caller."""
        return self._call.claims.client_id

    def forbidden(self, method: str, resource_id: str, api_version: str) -> Forbidden | None:
        """Return why a request would not be let in; None where it would."""
        match = self._match(method, resource_id, api_version)
        action, scope = match.operation.action, match.scope
        held = self._call.azure.role_assignments
        if not action or held.allows_management(self.object_id, action, ResourceScope(scope.lower().rstrip("/"))):
            return None
        return Forbidden(action, scope)

    def send(
        self, method: str, resource_id: str, api_version: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a request, and return the status and the body of the answer."""
        match = self._match(method, resource_id, api_version)
        forbidden = self.forbidden(method, resource_id, api_version)
        if forbidden is not None:
            raise unauthorized(self._call.claims, forbidden.action, forbidden.scope)
        content = b"" if body is None else json.dumps(body).encode()
        call = replace(self._call, named=match.named, query={}, api_version=api_version, content=content)
        act = {**OTHERS, **HANDLERS}[match.operation.name]
        try:
            answer = act(call)
        except KeylessError as error:  # What the Azure itself refuses, in its own words.
            raise bad_request(f"{error.what} {error.cause}") from None
        return answer.status, answer.body if isinstance(answer.body, dict) else {}

    def _match(self, method: str, resource_id: str, api_version: str) -> Match:
        path = quote(resource_id, safe="/")
        match = find_kept(method, path) or find_operation(method, path)
        check_version(api_version, match.operation)
        return match


def _here(call: ArmCall) -> str:
    return f"{call.base}{records.deployment_id(call.azure, call.group, call.name)}"


def _put(call: ArmCall) -> ArmAnswer:
    """Deploy; the answer shows that it has begun, as Azure's does, and the client asks how it went."""
    is_new, found = service.deploy(
        call.azure, call.group, call.name, call.body(), requests=Sender(call), correlation_id=call.correlation_id
    )
    begun = {
        name: each
        for name, each in found["properties"].items()
        if name not in {"outputs", "outputResources", "error", "provisioningState"}
    }
    status = f"{_here(call)}/operationStatuses/{uuid.uuid4().hex}?api-version={call.api_version}"
    answer = {**found, "properties": {**begun, "provisioningState": "Accepted"}}
    return ArmAnswer(201 if is_new else 200, answer, {"Azure-AsyncOperation": status, **PAUSE})


def _get_status(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, service.status(call.azure, call.group, call.name))


def _validate(call: ArmCall) -> ArmAnswer:
    found = service.validate(
        call.azure, call.group, call.name, call.body(), requests=Sender(call), correlation_id=call.correlation_id
    )
    return ArmAnswer(200, found)


def _what_if(call: ArmCall) -> ArmAnswer:
    service.predict(
        call.azure, call.group, call.name, call.body(), requests=Sender(call), correlation_id=call.correlation_id
    )
    where = f"{_here(call)}/whatIfResults/{uuid.uuid4().hex}?api-version={call.api_version}"
    return ArmAnswer(202, headers={"Location": where, **PAUSE})


def _get_what_if(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, records.what_if_of(call.azure, call.group, call.name, by=call.claims.object_id))


def _list(call: ArmCall) -> ArmAnswer:
    wanted = read_filter(call.query.get("$filter"))
    wanted.expect("provisioningstate")
    found = service.list_deployments(
        call.azure,
        call.group,
        state=wanted.equal.get("provisioningstate"),
        top=whole_number(call.query.get("$top", "")),
    )
    return listed(found)


def _get(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, records.shown(records.find(call.azure, call.group, call.name)))


def _check(call: ArmCall) -> ArmAnswer:
    records.find(call.azure, call.group, call.name)
    return ArmAnswer(204)


def _delete(call: ArmCall) -> ArmAnswer:
    if not records.forget(call.azure, call.group, call.name):
        return ArmAnswer(204)
    where = f"{call.base}/subscriptions/{call.azure.subscription_id}/operationresults/{uuid.uuid4()}"
    return ArmAnswer(202, headers={"Location": f"{where}?api-version={call.api_version}", **PAUSE})


def _cancel(call: ArmCall) -> ArmAnswer:
    service.cancel(call.azure, call.group, call.name)
    return ArmAnswer(204)


def _export(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, service.exported(call.azure, call.group, call.name))


def _list_operations(call: ArmCall) -> ArmAnswer:
    return listed(service.operations(call.azure, call.group, call.name))


def _get_operation(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, service.operation(call.azure, call.group, call.name, call.child))


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "listDeployments": _list,
        "checkDeployment": _check,
        "getDeployment": _get,
        "putDeployment": _put,
        "deleteDeployment": _delete,
        "cancelDeployment": _cancel,
        "validateDeployment": _validate,
        "whatIfDeployment": _what_if,
        "getWhatIfResult": _get_what_if,
        "exportTemplate": _export,
        "listDeploymentOperations": _list_operations,
        "getDeploymentOperation": _get_operation,
        "getDeploymentStatus": _get_status,
    }
)
