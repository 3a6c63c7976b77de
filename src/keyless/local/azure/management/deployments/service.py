"""The operations on deployments: deploy, validate, predict, show, list, cancel, delete, export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management import bodies
from keyless.local.azure.management.deployments import preflight, records
from keyless.local.azure.management.deployments.execution import Job, execute
from keyless.local.azure.management.deployments.masking import Secrets
from keyless.local.azure.management.deployments.what_if import changes
from keyless.local.azure.management.groups import get_group
from keyless.local.azure.management.refusals import ArmError, bad_request
from keyless.local.azure.templates.template import DEPLOYMENTS

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body
    from keyless.local.azure.management.deployments.requests import Requests

_FORMATS: Final = frozenset({"fullresourcepayloads", "resourceidonly"})


def deploy(
    azure: Azure, group: str, name: str, body: Body, *, requests: Requests, correlation_id: str
) -> tuple[bool, Body]:
    """Deploy a template; return whether the deployment is new.

    Args:
        azure: The local Azure.
        group: The resource group.
        name: The name of the deployment.
        body: The template with its parameters.
        requests: Makes the resources in the name of the caller.
        correlation_id: What the operations of this request have in common.

    Returns:
        Whether it is new, and the deployment. A deployment that failed says so itself.

    Raises:
        ArmError: If it is refused before anything is made.
    """
    asked = preflight.read_request(azure, group, name, body, requests)
    here = records.deployment_id(azure, asked.place.group["name"], name)
    secrets = Secrets()
    deployment = preflight.prepared(azure, asked, requests, secrets)
    preflight.check(asked, requests)
    is_new = azure.documents.get(here) is None
    job = Job(
        azure=azure,
        requests=requests,
        id=here,
        template=asked.template,
        deployment=deployment,
        tags=asked.tags,
        correlation_id=correlation_id,
        secrets=secrets,
    )
    return is_new, records.shown(execute(job).kept)


def validate(azure: Azure, group: str, name: str, body: Body, *, requests: Requests, correlation_id: str) -> Body:
    """Return what would be deployed.

    Raises:
        ArmError: If it cannot be.
    """
    asked = preflight.read_request(azure, group, name, body, requests)
    here = records.deployment_id(azure, asked.place.group["name"], name)
    secrets = Secrets()
    deployment = preflight.prepared(azure, asked, requests, secrets)
    prediction = preflight.check(asked, requests)
    secrets.meet(deployment)
    properties: dict[str, Any] = {
        "templateHash": records.template_hash(asked.template),
        "parameters": records.parameters_shown(deployment, secrets),
        "mode": "Incremental",
        "provisioningState": "Succeeded",
        "timestamp": bodies.moment(azure.clock.now()),
        "duration": "PT0S",
        "correlationId": correlation_id,
        "providers": [],
        "dependencies": [],
        "validatedResources": [{"id": each.body["id"]} for each in prediction.resources],
    }
    return {"id": here, "name": name, "type": DEPLOYMENTS, "properties": properties}


def predict(azure: Azure, group: str, name: str, body: Body, *, requests: Requests, correlation_id: str) -> None:
    """Work out what a deployment would change, and keep it until it is asked for.

    Raises:
        ArmError: If the template is not valid, or cannot be deployed here.
    """
    settings = bodies.table(bodies.table(body, "properties"), "whatIfSettings")
    form = (bodies.text(settings, "resultFormat") or "FullResourcePayloads").lower()
    if form not in _FORMATS:
        raise bad_request(f"The result format '{form}' is not known.")
    asked = preflight.read_request(azure, group, name, body, requests)
    preflight.prepared(azure, asked, requests, Secrets())
    found = changes(azure, group, preflight.check(asked, requests), requests)
    if form == "resourceidonly":
        short = ("resourceId", "changeType", "unsupportedReason")
        found = [
            {**{key: each[key] for key in short if key in each}, "changeType": _deploys(each["changeType"])}
            for each in found
        ]
    result = {"status": "Succeeded", "properties": {"correlationId": correlation_id, "changes": found}}
    records.keep_what_if(azure, group, name, result, by=requests.object_id)


def _deploys(change: str) -> str:
    """Return the change of a resource of which nothing is compared."""
    return "Deploy" if change in {"Create", "Modify", "NoChange"} else change


def status(azure: Azure, group: str, name: str) -> Body:
    """Return how a deployment went, as clients that wait for it ask.

    Raises:
        ArmError: If there is none.
    """
    properties = records.find(azure, group, name)["properties"]
    found = {"status": properties["provisioningState"]}
    return {**found, "error": properties["error"]} if "error" in properties else found


def list_deployments(azure: Azure, group: str, *, state: str | None, top: int | None) -> list[Body]:
    """Return the deployments of a group, the latest first.

    Args:
        azure: The local Azure.
        group: The resource group.
        state: The state that they are in; None means any.
        top: How many of them at most; None means all.

    Raises:
        ArmError: If there is no such group.
    """
    get_group(azure, group)
    found = [records.shown(each) for each in records.all_of(azure, group)]
    wanted = state and state.lower()
    return [each for each in found if wanted in {None, each["properties"]["provisioningState"].lower()}][:top]


def cancel(azure: Azure, group: str, name: str) -> None:
    """Refuse to cancel a deployment: here each is done when it is answered.

    Raises:
        ArmError: Always.
    """
    state = records.find(azure, group, name)["properties"]["provisioningState"]
    message = f"The deployment '{name}' cannot be cancelled because it is in the state '{state}'."
    raise ArmError(409, "Conflict", message)


def operations(azure: Azure, group: str, name: str) -> list[Body]:
    """Return what a deployment did, one operation for each resource.

    Raises:
        ArmError: If there is no such deployment.
    """
    found: list[Body] = records.find(azure, group, name)["operations"]
    return found


def operation(azure: Azure, group: str, name: str, operation_id: str) -> Body:
    """Return one operation of a deployment.

    Raises:
        ArmError: If there is none.
    """
    found = [each for each in operations(azure, group, name) if each["operationId"].lower() == operation_id.lower()]
    if not found:
        message = f"Deployment operation '{operation_id}' of '{name}' could not be found."
        raise ArmError(404, "DeploymentNotFound", message)
    return found[0]


def exported(azure: Azure, group: str, name: str) -> Body:
    """Return the template of a deployment.

    Raises:
        ArmError: If there is no such deployment.
    """
    return {"template": records.find(azure, group, name)["template"]}
