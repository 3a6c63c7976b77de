"""Deploys: makes one resource after another, notes how each went, and works out the outputs.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/deployment-modes
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec.structs import replace

from keyless.local.azure.management import bodies, inert
from keyless.local.azure.management.deployments import records
from keyless.local.azure.management.deployments.outside import FromOutside, place_of
from keyless.local.azure.management.groups import group_name
from keyless.local.azure.management.refusals import ArmError
from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.ids import parts_of
from keyless.local.azure.templates.run import Run, nested
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body
    from keyless.local.azure.management.deployments.masking import Secrets
    from keyless.local.azure.management.deployments.requests import Requests
    from keyless.local.azure.templates.planned import Planned
    from keyless.local.azure.templates.run import Deployment
    from keyless.local.azure.templates.unresolved import Unresolved

_FAILED: Final = (
    "At least one resource deployment operation failed. Please list deployment operations for details. Please see "
    "https://aka.ms/arm-deployment-operations for usage details."
)
_TERMINAL: Final = (
    "The resource write operation failed to complete successfully, because it reached terminal provisioning state "
    "'Failed'."
)


class Job(Record, frozen=True, kw_only=True):
    """A deployment that is to be made.

    Attributes:
        azure: The local Azure.
        requests: Makes the resources in the name of the caller.
        id: The ARM id of the deployment.
        template: The template as it was sent.
        deployment: The template, read, with its parameters.
        tags: The tags of the deployment.
        correlation_id: What the operations of one request have in common.
        secrets: The secure values, which nothing that is kept may hold.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"template", "deployment", "secrets"})

    azure: Azure
    requests: Requests
    id: str
    template: Any
    deployment: Deployment
    tags: Body
    correlation_id: str
    secrets: Secrets


class Done(Record, frozen=True):
    """A deployment that was made, or failed.

    Attributes:
        kept: What is kept of it.
        outputs: Its outputs, with secure ones.
        error: Why it failed; None where it did not.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"outputs"})

    kept: Body
    outputs: dict[str, Body]
    error: ArmError | None


def execute(job: Job) -> Done:
    """Deploy, and keep how it went."""
    job.secrets.meet(job.deployment)
    maker = _Maker(job)
    outputs: dict[str, Body] = {}
    run: Run | None = None
    try:
        run = Run(job.deployment, maker)
        outputs = run.proceed().outputs
        records.check_outputs(outputs)
    except TemplateError as caught:
        maker.errors.append(_invalid(job, caught.message))
    except ArmError as caught:
        maker.errors.append(_masked(job, caught, ""))
    error = None
    if maker.errors:
        error = ArmError(409, "DeploymentFailed", _FAILED, details=tuple(maker.errors), target=job.id)
        outputs = {}
    kept = _kept(job, maker, run, outputs, error)
    records.keep(job.azure, kept)
    return Done(kept, outputs, error)


def _kept(job: Job, maker: _Maker, run: Run | None, outputs: dict[str, Body], error: ArmError | None) -> Body:
    planned = [each for each, _ in run.planned if each.wanted and not each.existing] if run else []
    properties: Body = {
        "templateHash": records.template_hash(job.template),
        "parameters": records.parameters_shown(job.deployment, job.secrets),
        "mode": "Incremental",
        "provisioningState": "Failed" if error else "Succeeded",
        "timestamp": bodies.moment(job.azure.clock.now()),
        "duration": "PT0S",
        "correlationId": job.correlation_id,
        "providers": _providers(planned),
        "dependencies": _dependencies(run, job.secrets) if run else [],
    }
    if error:
        properties["error"] = error.body()
    else:
        properties["outputs"] = records.outputs_shown(outputs)
        properties["outputResources"] = [{"id": job.secrets.masked(each)} for each in maker.made]
    return {
        "id": job.id,
        "name": job.id.rpartition("/")[2],
        "tags": job.tags,
        "properties": properties,
        "operations": maker.operations,
        "template": job.template,
    }


def _providers(planned: list[Planned]) -> list[Body]:
    found: dict[str, list[str]] = {}
    for each in planned:
        namespace, _, type_ = each.type.partition("/")
        found.setdefault(namespace, []).append(type_)
    return [
        {"namespace": namespace, "resourceTypes": [{"resourceType": each} for each in dict.fromkeys(types)]}
        for namespace, types in found.items()
    ]


def _dependencies(run: Run, secrets: Secrets) -> list[Body]:
    named = {each.key: _named(each, secrets) for each, _ in run.planned if each.wanted and not each.existing}
    return [
        {"dependsOn": [named[key] for key in sorted(waits) if key in named], **named[each.key]}
        for each, waits in run.planned
        if each.key in named and any(key in named for key in waits)
    ]


def _named(planned: Planned, secrets: Secrets) -> Body:
    name = secrets.masked(str(planned.name))
    return {"id": secrets.masked(str(planned.id)), "resourceType": planned.type, "resourceName": name}


def _invalid(job: Job, problem: str) -> ArmError:
    return ArmError(400, "InvalidTemplate", job.secrets.masked(problem))


def _masked(job: Job, error: ArmError, target: str) -> ArmError:
    """Return an error without secure values; those that led to it are without them already."""
    message, target = job.secrets.masked(error.message), job.secrets.masked(error.target or target)
    return ArmError(error.status, error.code, message, details=error.details, target=target)


class _Maker:
    """Makes the resources of a deployment by the requests that a client would send."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._outputs: dict[str, dict[str, Body]] = {}
        self.operations: list[Body] = []
        self.made: list[str] = []
        self.errors: list[ArmError] = []

    def make(self, planned: Planned) -> bool:
        """Make a resource, note how that went, and return whether it worked."""
        resource_id = str(planned.id)
        try:
            status = (self._deploy if planned.is_deployment else self._put)(planned, resource_id)
        except TemplateError as error:
            where = f"Unable to process template language expressions for resource '{resource_id}'. '{error.message}'"
            return self._failed(planned, _invalid(self._job, where))
        except ArmError as error:
            return self._failed(planned, error)
        self.made.append(resource_id)
        self._note(planned, status, None)
        return True

    def look_up(self, resource_id: str | Unresolved, api_version: str, *, full: bool) -> Any:
        """Return the properties of a resource, or all of it.

        Raises:
            ArmError: If there is none, or the caller may not read it.
        """
        here = str(resource_id)
        outputs = self._outputs.get(here.lower())
        if outputs is not None:
            found: Body = {"properties": {"outputs": outputs, "provisioningState": "Succeeded"}}
        else:
            _, found = self._job.requests.send("GET", here, api_version)
        if not full:
            return found.get("properties") or {}
        parts = here.strip("/").split("/")
        head: Body = {"apiVersion": api_version, "resourceId": here.partition("/providers/")[2], "scope": ""}
        return {
            **head,
            "subscriptionId": parts[1] if len(parts) > 1 else "",
            "resourceGroupName": group_name(here),
            **found,
        }

    def _put(self, planned: Planned, resource_id: str) -> int:
        content = planned.content()
        if inert.kind_of(resource_id) is not None:
            content = self._job.secrets.masked(content)  # Its answers repeat what it was given.
        status, _ = self._job.requests.send("PUT", resource_id, planned.api_version, content)
        return status

    def _deploy(self, planned: Planned, resource_id: str) -> int:
        """Deploy a nested deployment.

        Raises:
            ArmError: If it may not be deployed, or fails.
            TemplateError: If its template is not valid.
        """
        job, requests = self._job, self._job.requests
        forbidden = requests.forbidden("PUT", resource_id, planned.api_version)
        if forbidden is not None:
            raise ArmError(
                403,
                "AuthorizationFailed",
                f"The client '{requests.client_id}' with object id '{requests.object_id}' does not have authorization to "
                f"perform action '{forbidden.action}' over scope '{forbidden.scope}' or the scope is invalid. If access was "
                "recently granted, please refresh your credentials.",
            )
        group = group_name(resource_id)
        name = resource_id.rpartition("/")[2]
        checked_id = records.deployment_id(job.azure, group, name)
        place = place_of(job.azure, group, requests)
        deployment = nested(planned, place=place, outside=FromOutside(job.azure, requests, job.secrets))
        if deployment.parameters is None:
            deployment = replace(deployment, scope=replace(deployment.scope, place=place))
        done = execute(
            replace(job, id=checked_id, template=planned.body["properties"]["template"], deployment=deployment, tags={})
        )
        if done.error is not None:
            raise ArmError(409, "ResourceDeploymentFailure", _TERMINAL, details=(done.error,), target=checked_id)
        self._outputs[resource_id.lower()] = done.outputs
        return HTTPStatus.OK

    def _failed(self, planned: Planned, error: ArmError) -> bool:
        told = _masked(self._job, error, str(planned.id))
        self.errors.append(told)
        self._note(planned, error.status, told)
        return False

    def _note(self, planned: Planned, status: int, error: ArmError | None) -> None:
        operation = uuid.uuid4().hex[:16].upper()
        properties: Body = {
            "provisioningOperation": "Create",
            "provisioningState": "Failed" if error else "Succeeded",
            "timestamp": bodies.moment(self._job.azure.clock.now()),
            "duration": "PT0S",
            "trackingId": str(uuid.uuid4()),
            "statusCode": HTTPStatus(status).phrase.replace(" ", ""),
            "targetResource": {
                "id": self._job.secrets.masked(str(planned.id)),
                "resourceType": parts_of(str(planned.id))[0],
                "resourceName": self._job.secrets.masked(parts_of(str(planned.id))[1]),
            },
        }
        if error:
            properties["statusMessage"] = {"status": "Failed", "error": error.body()}
        here = f"{self._job.id}/operations/{operation}"
        self.operations.append({"id": here, "operationId": operation, "properties": properties})
