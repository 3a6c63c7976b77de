"""Preflight checks of a deployment, before anything is made: whether all of it can be made here, and by this caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management import bodies, inert
from keyless.local.azure.management.deployments.outside import FromOutside, place_of
from keyless.local.azure.management.refusals import ArmError, bad_request
from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.prediction import NothingNew, Predicted, Prediction
from keyless.local.azure.templates.run import given_values, prepare
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body
    from keyless.local.azure.management.deployments.masking import Secrets
    from keyless.local.azure.management.deployments.requests import Requests
    from keyless.local.azure.templates.run import Deployment
    from keyless.local.azure.templates.scope import Place

MAKES: Final = (
    "Microsoft.KeyVault/vaults",
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.KeyVault/vaults/accessPolicies",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/config",
    "Microsoft.Resources/deployments",
)
"""What a deployment makes here, and that takes effect."""
_DEEPEST: Final = 64


class Asked(Record, frozen=True, kw_only=True):
    """A request to deploy.

    Attributes:
        place: Where to.
        name: The name of the deployment.
        template: The template as it was sent.
        given: The parameters as they were sent.
        tags: The tags of the deployment.
    """

    place: Place
    name: str
    template: Any
    given: Body
    tags: Body


def read_request(azure: Azure, group: str, name: str, body: Body, requests: Requests) -> Asked:
    """Read a request to deploy.

    Raises:
        ArmError: If it is not of the form of one, or asks for what is not here.
    """
    place = place_of(azure, group, requests)
    properties = bodies.table(body, "properties")
    for linked in ("templateLink", "parametersLink"):
        if properties.get(linked) is not None:
            raise bad_request(
                f"The local Azure follows no '{linked}': send the template and its parameters themselves."
            )
    mode = bodies.text(properties, "mode") or ""
    if mode.lower() != "incremental":
        raise bad_request(
            f"The local Azure deploys in the mode 'Incremental', and not in '{mode}': it deletes nothing."
        )
    if _depth(properties) > _DEEPEST:
        raise ArmError(400, "InvalidTemplate", f"The template is nested more than {_DEEPEST} times.")
    return Asked(
        place=place,
        name=name,
        template=properties.get("template"),
        given=bodies.table(properties, "parameters"),
        tags=bodies.tags(body),
    )


def prepared(azure: Azure, asked: Asked, requests: Requests, secrets: Secrets) -> Deployment:
    """Read the template and work out its parameters, with new GUIDs and secrets of vaults, which are noted.

    Raises:
        ArmError: If it is not valid.
    """
    outside = FromOutside(azure, requests, secrets)
    try:
        given = given_values(asked.given, outside)
        return prepare(asked.template, given, place=asked.place, name=asked.name, outside=outside)
    except TemplateError as error:
        raise ArmError(400, "InvalidTemplate", error.message) from None


def predicted(asked: Asked) -> tuple[Prediction, Body]:
    """Work out what would be made, and the outputs, as far as they are known.

    Raises:
        ArmError: If the template is not valid.
    """
    outside = NothingNew()
    try:
        given = given_values(asked.given, outside)
        prediction = Prediction(asked.place)
        deployment = prepare(asked.template, given, place=asked.place, name=asked.name, outside=outside, hides=True)
        return prediction, prediction.run(deployment)
    except TemplateError as error:
        raise ArmError(400, "InvalidTemplate", error.message) from None


def check(asked: Asked, requests: Requests) -> Prediction:
    """Refuse what cannot be made here, and what the caller may not make.

    Raises:
        ArmError: If there is anything of that.
    """
    prediction, _ = predicted(asked)
    problems = []
    for each in prediction.resources:
        forbidden = _forbidden(each, requests)
        if forbidden:
            problems.append(forbidden)
    if problems:
        said = ":".join(problems)
        many = len(problems) > 1
        start = "Deployment failed with multiple errors" if many else "The template deployment failed with error"
        raise ArmError(400, "InvalidTemplateDeployment", f"{start}: '{said}'.")
    return prediction


def _forbidden(each: Predicted, requests: Requests) -> str | None:
    planned = each.planned
    known = {name.lower() for name in MAKES} | set(inert.KINDS)
    type_ = planned.type.lower()
    if type_ not in known and "/providers/" not in type_:  # Of one on another resource the routes know the type.
        raise ArmError(
            400,
            "InvalidTemplate",
            f"The local Azure does not deploy the resource '{each.body['name']}' of the type '{planned.type}'. It makes "
            f"{', '.join(MAKES)}, and keeps {', '.join(kind.type for kind in inert.KINDS.values())}, which do nothing.",
        )
    if not isinstance(planned.id, str):
        return None  # Its name is known only when its turn comes, and then it is decided.
    forbidden = requests.forbidden("PUT", planned.id, planned.api_version)
    if forbidden is None:
        return None
    return (
        f"Authorization failed for template resource '{planned.name}' of type '{planned.type}'. The client "
        f"'{requests.client_id}' with object id '{requests.object_id}' does not have permission to perform action "
        f"'{forbidden.action}' at scope '{forbidden.scope}'."
    )


def _depth(found: Any) -> int:
    """Return how deep something is nested, without calling itself."""
    deepest, left = 0, [(found, 1)]
    while left:
        held, depth = left.pop()
        deepest = max(deepest, depth)
        inside = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
        left += [(each, depth + 1) for each in inside]
    return deepest
