"""The JSON that Bicep makes of the templates, and what in it is not what the Bicep beside it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.infra.bicep import INFRA, Choice, Expression, Template, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infra.bicep import Declaration, Value

# A template as JSON.
Json: TypeAlias = dict[str, Any]

MODULE = "Microsoft.Resources/deployments"
# The templates that are deployed by themselves. Each stands beside the JSON that is made of it.
DEPLOYED = [INFRA / "main.bicep", INFRA / "rotation.bicep"]
# What the compiler works out by itself: names get those of their parents, and order comes from what is used.
_WORKED_OUT = {"name", "parent", "dependsOn"}
_DECORATORS = {"allowed": "allowedValues", "minValue": "minValue", "maxValue": "maxValue"}
_DECORATORS |= {"minLength": "minLength", "maxLength": "maxLength"}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource in a compiled template.

    Attributes:
        place: Where it stands: the modules down to it, and its symbol.
        body: All of it.
    """

    place: str
    body: Json


def committed(path: Path) -> Json:
    """Return the JSON that is committed beside a template."""
    found: Json = json.loads(path.with_suffix(".json").read_text())
    return found


def resources(template: Json, place: str = "") -> Iterator[Resource]:
    """Return the resources of a template and of all its modules, but for those that are only looked up."""
    for symbol, body in by_symbol(template).items():
        if body["type"] == MODULE:
            yield from resources(body["properties"]["template"], f"{place}{symbol}.")
        elif not body.get("existing"):
            yield Resource(f"{place}{symbol}", body)


def by_symbol(template: Json) -> dict[str, Json]:
    """Return resources by symbol; a template without modules lists them, and names are then all that there is."""
    found = template["resources"]
    return found if isinstance(found, dict) else {each["type"]: each for each in found}


def without_generator(found: Any) -> Any:
    """Leave out what differs with the compiler's version alone: its name, its version, and a hash over both and the template."""
    if isinstance(found, dict):
        return {name: without_generator(held) for name, held in found.items() if name != "_generator"}
    return [without_generator(each) for each in found] if isinstance(found, list) else found


def stale(path: Path, compiled: Json) -> list[str]:
    """Say where the JSON of a template, modules included, is not what its Bicep says."""
    return list(_differences(Template(path), compiled))


def _differences(template: Template, compiled: Json) -> Iterator[str]:
    params = template.of_kind("param")
    yield from _names(f"{template.path.name}: parameters", params, compiled.get("parameters", {}))
    for name in params.keys() & compiled.get("parameters", {}).keys():
        yield from _parameter(template, params[name], compiled["parameters"][name])
    outputs = template.of_kind("output")
    yield from _names(f"{template.path.name}: outputs", outputs, compiled.get("outputs", {}))
    for name in outputs.keys() & compiled.get("outputs", {}).keys():
        yield from _unequal(
            f"{template.path.name}: {name}", template, outputs[name].value, compiled["outputs"][name]["value"]
        )
        yield from _described(f"{template.path.name}: {name}", outputs[name], compiled["outputs"][name])
    variables = {**template.of_kind("var"), **template.of_kind("import")}
    yield from _names(f"{template.path.name}: variables", variables, compiled.get("variables", {}))
    for name, found in variables.items():
        held = Template(template.path.parent / found.source).declarations[name] if found.kind == "import" else found
        yield from _unequal(f"{template.path.name}: {name}", template, held.value, compiled["variables"].get(name))
    yield from _all_made(template, compiled)


def _all_made(template: Template, compiled: Json) -> Iterator[str]:
    declared = {**template.of_kind("module"), **template.of_kind("resource")}
    if isinstance(compiled["resources"], list):
        declared = {found.source.partition("@")[0]: found for found in declared.values() if not found.existing}
    made = by_symbol(compiled)
    yield from _names(f"{template.path.name}: resources", declared, made)
    for symbol in declared.keys() & made.keys():
        found, body, where = declared[symbol], made[symbol], f"{template.path.name}: {symbol}"
        if found.existing != body.get("existing", False) or found.conditional != ("condition" in body):
            yield f"{where} is looked up, made or made on a condition in one of the two alone"
        if found.kind == "module":
            yield from _module(template, found, body["properties"])
            continue
        if found.source != (version := f"{body['type']}@{body['apiVersion']}"):
            yield f"{where} is {found.source} in Bicep, and {version} in JSON"
        given = {name: held for name, held in found.properties.items() if name not in _WORKED_OUT}
        known = {*_WORKED_OUT, "type", "apiVersion", "existing", "condition"}
        yield from _unequal(where, template, given, {name: held for name, held in body.items() if name not in known})


def _module(template: Template, found: Declaration, properties: Json) -> Iterator[str]:
    where = f"{template.path.name}: {found.name}"
    yield from _names(f"{where} is given", found.given, properties["parameters"])
    for name in found.given.keys() & properties["parameters"].keys():
        held = properties["parameters"][name]
        held = held["value"] if isinstance(held, dict) else held
        yield from _unequal(f"{where}.{name}", template, found.given[name], held)
    yield from _differences(Template(template.path.parent / found.source), properties["template"])


def _parameter(template: Template, found: Declaration, compiled: Json) -> Iterator[str]:
    where = f"{template.path.name}: {found.name}"
    yield from _described(where, found, compiled)
    if ("secure" in found.decorators) != compiled["type"].lower().startswith("secure"):
        yield f"{where} is secure in one of the two alone"
    for decorator, name in _DECORATORS.items():
        yield from _unequal(f"{where}.{name}", template, found.decorators.get(decorator), compiled.get(name))
    yield from _unequal(where, template, found.value, compiled.get("defaultValue"))


def _described(where: str, found: Declaration, compiled: Json) -> Iterator[str]:
    if found.decorators.get("description") != compiled.get("metadata", {}).get("description"):
        yield f"{where} has another description"


def _names(where: str, declared: dict[str, Any], compiled: dict[str, Any]) -> Iterator[str]:
    if missing := sorted(declared.keys() ^ compiled.keys()):
        yield f"{where}: {', '.join(missing)} in one of the two alone"


def _unequal(where: str, template: Template, said: Value, compiled: Any) -> Iterator[str]:
    """Compare what Bicep says by itself; of what only Azure works out, that it names the same parameters and variables."""
    match said:
        case Expression() | Choice():
            used = sorted({name for name in _all_names(said) if name in template.of_kind("param")})
            if not isinstance(compiled, str) or not all(f"parameters('{name}')" in compiled for name in used):
                yield f"{where}: {compiled!r} does not use {', '.join(used)}"
        case dict() if isinstance(compiled, dict):
            # A key that is an expression is written in two ways.
            plain = {name for name in said if "$" not in name}
            yield from _names(where, dict.fromkeys(plain), {name: 0 for name in compiled if not name.startswith("[")})
            for name in plain & compiled.keys():
                yield from _unequal(f"{where}.{name}", template, said[name], compiled[name])
        case list() if isinstance(compiled, list) and len(said) == len(compiled):
            for index, each in enumerate(said):
                yield from _unequal(f"{where}[{index}]", template, each, compiled[index])
        case _ if said != compiled or isinstance(said, bool) != isinstance(compiled, bool):
            yield f"{where} is {said!r} in Bicep, and {compiled!r} in JSON"


def _all_names(said: Value) -> Iterator[str]:
    match said:
        case Choice():
            yield from re.findall(r"\w+", said.condition)
            yield from (*_all_names(said.yes), *_all_names(said.no))
        case dict():
            yield from (name for held in said.values() for name in _all_names(held))
        case list():
            yield from (name for held in said for name in _all_names(held))
        case _:
            yield from names(said)
