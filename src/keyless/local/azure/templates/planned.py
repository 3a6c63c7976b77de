"""The resources that a template is about, each turn of a loop for itself, and the order in which they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.templates.errors import TemplateError, not_valid
from keyless.local.azure.templates.evaluation import evaluate, turns, value_of
from keyless.local.azure.templates.expressions import calls, is_expression, parse
from keyless.local.azure.templates.ids import relative_id, unresolved
from keyless.local.azure.templates.template import DEPLOYMENTS
from keyless.local.azure.templates.unresolved import Unresolved, written
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyless.local.azure.templates.scope import Json, Scope
    from keyless.local.azure.templates.template import Declared, Template

_OWN: Final = frozenset({"condition", "copy", "dependsOn", "scope", "existing", "comments", "metadata"})
"""What a template says of a resource to the engine, and not to the service."""
_MOST: Final = 800
"""How many resources a template may have, as in Azure."""


class Planned(Record, frozen=True, kw_only=True):
    """One resource.

    Attributes:
        key: What it is called in the template: its symbol, with the turn of a loop, or its place in the list.
        group: The symbol or the name of the loop that it is of; None where it is of none.
        body: What the template says of it.
        scope: What its expressions can ask for.
        type: Its whole type.
        api_version: The version of the API that makes it.
        name: Its name.
        id: Its ARM id.
        wanted: Whether its condition is true.
        existing: Whether it is only looked up.
    """

    key: str
    group: str | None
    body: Json
    scope: Scope
    type: str
    api_version: str
    name: str | Unresolved
    id: str | Unresolved
    wanted: bool
    existing: bool

    @property
    def is_deployment(self) -> bool:
        """Whether it is a nested deployment."""
        return self.type.lower() == DEPLOYMENTS.lower()

    @property
    def title(self) -> str:
        """How errors name it."""
        return f"{self.type}/{self.name.text if isinstance(self.name, Unresolved) else self.name}"

    def content(self) -> Json:
        """Return what a request to make it holds.

        Raises:
            TemplateError: If a value cannot be worked out.
        """
        given = {name: each for name, each in self.body.items() if name not in _OWN}
        found: Json = value_of(given, self.scope)
        return {name: each for name, each in found.items() if name not in {"type", "apiVersion", "name"}}


def plan(template: Template, scope: Scope) -> list[Planned]:
    """Return the resources of a template.

    Raises:
        TemplateError: If one has no type, version or name that can be worked out, or two are the same.
    """
    found = [each for at, declared in enumerate(template.resources) for each in _turned(declared, at, scope)]
    if len(found) > _MOST:
        raise not_valid(f"The number of template resources limit exceeded. Limit: {_MOST} and actual: {len(found)}")
    seen: set[str] = set()
    for each in found:
        if isinstance(each.id, str) and not each.existing and each.wanted:
            if each.id.lower() in seen:
                raise not_valid(
                    f"The resource '{each.title}' is defined multiple times in a template. Please see "
                    "https://aka.ms/arm-syntax-resources for usage details."
                )
            seen.add(each.id.lower())
    return found


def _turned(declared: Declared, at: int, scope: Scope) -> Iterator[Planned]:
    loop, key = declared.body.get("copy"), declared.symbol or f"#{at}"
    if loop is None:
        yield _planned(declared, key, None, scope)
        return
    name = loop.get("name") if isinstance(loop, dict) else None
    if not isinstance(name, str):
        raise not_valid("The copy loop of a resource has a name and a count")
    for turn, inside in enumerate(turns(loop, scope, named=name)):
        yield _planned(declared, f"{key}[{turn}]", declared.symbol or name, inside)


def _planned(declared: Declared, key: str, group: str | None, scope: Scope) -> Planned:
    body = declared.body
    type_, version, name = (value_of(body[each], scope) for each in ("type", "apiVersion", "name"))
    for what, value in (("type", type_), ("apiVersion", version), ("name", name)):
        if not isinstance(value, str) and not (what == "name" and isinstance(value, Unresolved)):
            raise not_valid(f"The '{what}' of the template resource '{key}' must be a string")
    condition = value_of(body.get("condition", True), scope)
    if not isinstance(condition, bool | Unresolved):
        raise not_valid(f"The condition of the template resource '{name}' must be true or false")
    return Planned(
        key=key,
        group=group,
        body=body,
        scope=scope,
        type=type_,
        api_version=version,
        name=name,
        id=_id(body, type_, name, scope),
        wanted=condition is not False,
        existing=value_of(body.get("existing", False), scope) is True,
    )


def _id(body: Json, type_: str, name: str | Unresolved, scope: Scope) -> str | Unresolved:
    above = value_of(body.get("scope"), scope)
    if not isinstance(above, str | Unresolved | None):
        raise not_valid(f"The scope of the template resource '{type_}' must be a string")
    if isinstance(above, str) and not above.startswith("/"):
        above = f"{scope.place.group_id}/providers/{above}"
    if above is not None and not isinstance(above, str | Unresolved):
        raise not_valid(f"The scope of the template resource '{body['name']}' must be a string")
    if isinstance(name, Unresolved) or isinstance(above, Unresolved):
        if above is None:
            return unresolved(scope.place, "resourceId", (type_, name))
        return Unresolved(f"extensionResourceId({written(above)}, {written(type_)}, {written(name)})")
    root = scope.place.group_id if above is None else above.rstrip("/")
    if type_.lower() == DEPLOYMENTS.lower():
        root = _deployed_at(body, scope)
    try:
        return f"{root}{relative_id(type_, name.split('/'))}"
    except TemplateError as error:
        raise not_valid(f"The template resource '{name}' is not valid. {error.message}") from None


def _deployed_at(body: Json, scope: Scope) -> str:
    """Return the ARM id of the resource group that a nested deployment goes to."""
    here: str = scope.place.subscription["subscriptionId"]
    subscription = value_of(body.get("subscriptionId", here), scope)
    group = value_of(body.get("resourceGroup", scope.place.group["name"]), scope)
    if subscription != here or "scope" in body or ("subscriptionId" in body and "resourceGroup" not in body):
        raise not_valid("The local Azure deploys to the resource groups of one subscription, and to nothing else")
    return f"/subscriptions/{here}/resourceGroups/{group}"


def ordered(planned: list[Planned], *, is_symbolic: bool) -> list[tuple[Planned, frozenset[str]]]:
    """Return resources in the order in which they can be made, each with the keys of those that it waits for.

    Raises:
        TemplateError: If one waits for what is not in the template, or for itself.
    """
    finder = Finder(planned, is_symbolic=is_symbolic)
    waits = {each.key: frozenset(_waits(each, finder)) for each in planned}
    left, found, done = list(planned), [], set[str]()
    while left:
        ready = next((each for each in left if waits[each.key] <= done), None)
        if ready is None:
            raise not_valid(
                f"Circular dependency detected on resource: '{left[0].id}'. Please see "
                "https://aka.ms/arm-syntax-resources#dependson for usage details."
            )
        left.remove(ready)
        found.append((ready, waits[ready.key]))
        done.add(ready.key)
    return found


class Finder:
    """Finds the resources that names in a template mean.

    Args:
        planned: The resources.
        is_symbolic: Whether they have symbolic names.
    """

    def __init__(self, planned: Iterable[Planned], *, is_symbolic: bool) -> None:
        self._by_name: dict[str, list[Planned]] = {}
        for each in planned:
            names = {each.key, each.group} if is_symbolic else {each.group}
            if isinstance(each.id, str) and isinstance(each.name, str):
                names |= {each.id.lower(), each.title.lower()}
                names |= set() if is_symbolic else {each.name.lower()}
            for name in names - {None}:
                self._by_name.setdefault(str(name), []).append(each)

    def find(self, name: Any) -> list[Planned]:
        """Return what a name means: one resource, those of a loop, or nothing."""
        if not isinstance(name, str):
            return []
        return self._by_name.get(name) or self._by_name.get(name.lower()) or []


def _waits(planned: Planned, finder: Finder) -> Iterator[str]:
    named = value_of(planned.body.get("dependsOn") or [], planned.scope)
    for name in named if isinstance(named, list) else [named]:
        if isinstance(name, Unresolved):
            continue
        found = finder.find(name)
        if not found:
            raise not_valid(
                f"The resource '{name}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details."
            )
        yield from (each.key for each in found)
    for name in set(_referred(planned.body, planned.scope)):
        yield from (each.key for each in finder.find(name) if each.key != planned.key)


def _referred(raw: Any, scope: Scope) -> Iterator[str]:
    """Return the first arguments of the calls of ``reference`` in something, as far as they are known before it is made."""
    match raw:
        case str() if is_expression(raw):
            yield from _named_in(raw, scope)
        case list():
            for each in raw:
                yield from _referred(each, scope)
        case dict():
            for name, each in raw.items():
                if not (name == "template" and _is_inner(raw)):
                    yield from _referred(each, scope)


def _named_in(expression: str, scope: Scope) -> Iterator[str]:
    for call in calls(parse(expression)):
        if call.name.lower() in {"reference", "references"} and call.arguments:
            try:
                found = evaluate(call.arguments[0], scope)
            except TemplateError:
                continue
            if isinstance(found, str):
                yield found


def _is_inner(properties: Mapping[str, Any]) -> bool:
    """Return whether the nested template in some properties has a scope of its own."""
    options = properties.get("expressionEvaluationOptions")
    return isinstance(options, dict) and str(options.get("scope", "")).lower() == "inner"
