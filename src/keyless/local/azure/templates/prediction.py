"""A prediction of what a deployment would make, as far as that is known before it runs.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/deploy-what-if
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyless.local.azure.templates.run import Run, nested, unresolved_reference
from keyless.local.azure.templates.unresolved import Unresolved, shown
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.azure.templates.planned import Planned
    from keyless.local.azure.templates.run import Deployment
    from keyless.local.azure.templates.scope import Json, Place


class Predicted(Record, frozen=True):
    """A resource that a deployment would make.

    Attributes:
        planned: The resource.
        body: All of it, with an expression in the place of each value that is not known.
    """

    planned: Planned
    body: Json


class NothingNew:
    """Stands for what is not known before the deployment runs by the call that gives it."""

    def new_guid(self) -> Unresolved:
        """Return the call."""
        return Unresolved("newGuid()", is_empty=False)

    def utc_now(self, form: str) -> Unresolved:
        """Return the call."""
        return Unresolved(f"utcNow('{form}')", is_empty=False)

    def secret(self, parameter: str, _: Any) -> Unresolved:
        """Return the call of the parameter."""
        return Unresolved(f"parameters('{parameter}')", is_empty=False)


class Prediction:
    """The maker of a prediction: it makes nothing.

    Args:
        place: Where the deployment goes.

    Attributes:
        resources: What would be made, nested deployments as their parts.
        deployments: The nested deployments themselves.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._outputs: dict[str, Json] = {}
        self.resources: list[Predicted] = []
        self.deployments: list[Planned] = []

    def run(self, deployment: Deployment) -> dict[str, Json]:
        """Predict a deployment, and return its outputs.

        Raises:
            TemplateError: If the template is not valid.
        """
        return Run(deployment, self).proceed().outputs

    def make(self, planned: Planned) -> bool:
        """Note a resource, or the parts of a nested deployment."""
        if planned.is_deployment:
            self.deployments.append(planned)
            place = nested_place(self._place, planned)
            inner = Prediction(place)
            outputs = inner.run(nested(planned, place=place, outside=NothingNew(), hides=True))
            self.resources += inner.resources
            self.deployments += inner.deployments
            self._outputs[str(planned.id).lower()] = outputs
            return True
        head = {"id": planned.id, "type": planned.type, "name": planned.name, "apiVersion": planned.api_version}
        self.resources.append(Predicted(planned, shown({**head, **planned.content()})))
        return True

    def look_up(self, resource_id: str | Unresolved, api_version: str, *, full: bool) -> Any:
        """Return the outputs of a nested deployment, and for all else the call that would look it up."""
        outputs = self._outputs.get(str(resource_id).lower())
        if outputs is None:
            return unresolved_reference(resource_id, api_version, full=full)
        properties = {"outputs": outputs}
        return {"properties": properties} if full else properties


def nested_place(place: Place, planned: Planned) -> Place:
    """Return where a nested deployment goes: the same group, or another one of the subscription."""
    group_id = str(planned.id).partition("/providers/")[0]
    if group_id.lower() == place.group_id.lower():
        return place
    name = group_id.rpartition("/")[2]
    return replace(place, group={**place.group, "id": group_id, "name": name})
