"""Goes through a template: each resource in its turn, and then the outputs. Who makes the resources is somebody else's work.

The same walk deploys and predicts: only the maker differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from msgspec import field
from msgspec.structs import replace

from keyless.local.azure.templates.budget import Budget
from keyless.local.azure.templates.errors import TemplateError, cannot_evaluate, not_valid
from keyless.local.azure.templates.evaluation import turns, value_of
from keyless.local.azure.templates.parameters import SPELLED, Parameters, resolved
from keyless.local.azure.templates.planned import Finder, Planned, ordered, plan
from keyless.local.azure.templates.scope import Scope, Variables
from keyless.local.azure.templates.template import read_template
from keyless.local.azure.templates.unresolved import Unresolved, written
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.templates.scope import Json, Outside, Place
    from keyless.local.azure.templates.template import Template


class Maker(Protocol):
    """Makes the resources of a deployment, or predicts them."""

    def make(self, planned: Planned) -> bool:
        """Make a resource, and return whether that worked."""

    def look_up(self, resource_id: str | Unresolved, api_version: str, *, full: bool) -> Any:
        """Return the properties of a resource, or all of it.

        Raises:
            TemplateError: If there is none.
        """


class Deployment(Record, frozen=True, kw_only=True):
    """A template with what it is given, ready to be gone through.

    Attributes:
        template: The template.
        scope: What its expressions can ask for.
        parameters: The values of its parameters; None for a nested template that has its parent's.
    """

    template: Template
    scope: Scope
    parameters: Parameters | None


class Outcome(Record, frozen=True):
    """The result of a deployment.

    Attributes:
        succeeded: Whether every resource was made.
        outputs: The outputs, each with type and value.
    """

    succeeded: bool
    outputs: dict[str, Json] = field(default_factory=dict)


def prepare(
    raw: Any,
    given: Mapping[str, Any],
    *,
    place: Place,
    name: str,
    outside: Outside,
    hides: bool = False,
    budget: Budget | None = None,
) -> Deployment:
    """Read a template, and work out its parameters.

    Args:
        raw: The template.
        given: The values of its parameters, by name.
        place: Where it is deployed to.
        name: The name of the deployment.
        outside: Gives new GUIDs and the time to the defaults of parameters.
        hides: Whether the value of a secure parameter is not to be seen, as in a prediction.
        budget: What is left of the work that may be done; None where the deployment is inside no other.

    Raises:
        TemplateError: If the template is not valid, or a parameter cannot be as it is given.
    """
    template = read_template(raw)
    deployment = {
        "name": name,
        "properties": {"template": {"contentVersion": template.content_version}, "mode": "Incremental"},
    }
    scope = Scope(
        place=place,
        deployment=deployment,
        parameters={},
        variables=Variables(template.variables),
        functions=template.functions,
        budget=budget or Budget(),
    )
    parameters = Parameters(
        template.parameters, template.definitions, given, replace(scope, outside=outside), hides=hides
    )
    dict(parameters)  # Each is checked before anything is made.
    return Deployment(template=template, scope=replace(scope, parameters=parameters), parameters=parameters)


def nested(planned: Planned, *, place: Place, outside: Outside, hides: bool = False) -> Deployment:
    """Read a nested deployment, whose parameters may have been waiting for other resources.

    Args:
        planned: The resource that it is.
        place: Where it is deployed to.
        outside: Gives new GUIDs and the time to the defaults of parameters.
        hides: Whether the value of a secure parameter is not to be seen.

    Raises:
        TemplateError: If the template is not valid, or a parameter cannot be as it is given.
    """
    properties = planned.body.get("properties")
    if not isinstance(properties, dict) or "template" not in properties:
        raise not_valid(
            f"The nested deployment '{planned.name}' has no template: the local Azure follows no 'templateLink'"
        )
    mode = str(value_of(properties.get("mode", ""), planned.scope)).lower()
    if mode != "incremental":
        raise not_valid(f"The nested deployment '{planned.name}' must have the mode 'Incremental'")
    options = value_of(properties.get("expressionEvaluationOptions") or {}, planned.scope)
    raw = properties.get("parameters") or {}
    if not isinstance(options, dict) or not isinstance(raw, dict):
        raise not_valid(f"The options and the parameters of the nested deployment '{planned.name}' must be objects")
    if str(options.get("scope", "outer")).lower() != "inner":
        template = read_template(properties["template"])
        return Deployment(template=template, scope=planned.scope, parameters=None)
    given = given_values({name: value_of(each, planned.scope) for name, each in raw.items()}, outside)
    name = planned.name if isinstance(planned.name, str) else f"[{planned.name.text}]"
    return prepare(
        properties["template"], given, place=place, name=name, outside=outside, hides=hides, budget=planned.scope.budget
    )


def given_values(parameters: Any, outside: Outside) -> dict[str, Any]:
    """Return the values in the objects that a deployment gives its parameters in, with the secrets that they refer to.

    Raises:
        TemplateError: If one is not such an object.
    """
    if not isinstance(parameters, dict):
        raise not_valid("The parameters of a deployment are an object")
    found = {}
    for name, each in parameters.items():
        if isinstance(each, Unresolved):
            found[name] = Unresolved(f"{each.text}.value")
        elif isinstance(each, dict) and "value" in each:
            found[name] = each["value"]
        elif isinstance(each, dict) and "reference" in each:
            found[name] = outside.secret(name, each["reference"])
        else:
            raise not_valid(f"The parameter '{name}' must be an object with a 'value'")
    return found


class Run:
    """Goes through a deployment once.

    Args:
        deployment: The deployment.
        maker: Makes its resources.

    Raises:
        TemplateError: If the resources cannot be worked out or put into an order.
    """

    def __init__(self, deployment: Deployment, maker: Maker) -> None:
        self._deployment = deployment
        self._maker = maker
        self._scope = replace(deployment.scope, references=self)
        self._around = deployment.scope.references  # Of a nested template that is worked out in its parent's scope.
        template = deployment.template
        planned = plan(template, deployment.scope)
        self._finder = Finder(planned, is_symbolic=template.is_symbolic)
        self._order = [
            (replace(each, scope=replace(each.scope, references=self)), waits)
            for each, waits in ordered(planned, is_symbolic=template.is_symbolic)
        ]

    @property
    def planned(self) -> list[tuple[Planned, frozenset[str]]]:
        """The resources, in their order, each with the keys of those that it waits for."""
        return self._order

    def proceed(self) -> Outcome:
        """Make every resource that waits for none that failed, and then work out the outputs.

        Raises:
            TemplateError: If an output cannot be worked out.
        """
        failed: set[str] = set()
        for each, waits in self._order:
            if each.existing or not each.wanted:
                continue
            if waits & failed or not self._maker.make(each):
                failed.add(each.key)
        return Outcome(False) if failed else Outcome(True, self._outputs())

    def reference(self, arguments: tuple[Any, ...]) -> Any:
        """Return what ``reference()`` does."""
        target, *rest = arguments
        full = [str(each).lower() for each in rest[1:]] == ["full"]
        if isinstance(target, Unresolved):
            return self._maker.look_up(target, rest[0] if rest else "", full=full)
        found = self._finder.find(target)
        if len(found) == 1:
            version = rest[0] if rest else found[0].api_version
            return self._maker.look_up(found[0].id, version, full=full)
        if not found and self._around is not None:
            return self._around.reference(arguments)
        if not isinstance(target, str) or "/" not in target:
            raise TemplateError(
                f"The resource '{target}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details."
            )
        if not rest:
            raise cannot_evaluate(
                "reference", f"the API version is missing for '{target}', which is not in the template."
            )
        resource_id = target if target.startswith("/") else f"{self._scope.place.group_id}/providers/{target}"
        return self._maker.look_up(resource_id, rest[0], full=full)

    def references(self, symbol: str, *, full: bool) -> Any:
        """Return what ``references()`` does."""
        return [self._maker.look_up(each.id, each.api_version, full=full) for each in self._finder.find(symbol)]

    def _outputs(self) -> dict[str, Json]:
        found = {}
        for name, raw in self._deployment.template.outputs.items():
            declared = resolved(raw, self._deployment.template.definitions)
            if value_of(declared.get("condition", True), self._scope) is not True:
                continue
            loop = declared.get("copy")
            if isinstance(loop, dict):
                value = [value_of(loop.get("input"), turn) for turn in turns(loop, self._scope, named=name)]
            else:
                value = value_of(declared.get("value"), self._scope)
            found[name] = {"type": SPELLED[declared["type"].lower()], "value": value}
        return found


def unresolved_reference(resource_id: str | Unresolved, api_version: str, *, full: bool) -> Unresolved:
    """Return the call of ``reference`` that stands for what is not known yet."""
    words = [written(resource_id), *([written(api_version)] if api_version else []), *(["'full'"] if full else [])]
    return Unresolved(f"reference({', '.join(words)})")
