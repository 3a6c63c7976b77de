"""A template, read: its parts, with the resources that are inside others taken out of them.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/syntax
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.templates.errors import TemplateError, not_valid
from keyless.local.azure.templates.scope import Looped
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.templates.scope import Json

_KNOWN: Final = frozenset(
    {
        *("$schema", "contentversion", "apiprofile", "languageversion", "metadata", "definitions", "parameters"),
        *("variables", "functions", "resources", "outputs"),
    }
)
DEPLOYMENTS: Final = "Microsoft.Resources/deployments"


class Declared(Record, frozen=True):
    """A resource as a template declares it.

    Attributes:
        symbol: Its symbolic name; None in a template that lists its resources.
        body: All of it, with its whole type and name.
    """

    symbol: str | None
    body: Json


class Template(Record, frozen=True, kw_only=True):
    """A template.

    Attributes:
        is_symbolic: Whether its resources have symbolic names.
        definitions: The types that it declares.
        parameters: The parameters that it declares.
        variables: Its variables as they are written, a loop as an object that holds it alone.
        functions: Its functions, by ``namespace.name`` in lower case.
        resources: Its resources.
        outputs: Its outputs as they are written.
        content_version: Its version.
    """

    is_symbolic: bool
    definitions: Json
    parameters: Json
    variables: Json
    functions: dict[str, Json]
    resources: tuple[Declared, ...]
    outputs: Json
    content_version: str


def read_template(raw: Any) -> Template:
    """Return a template.

    Raises:
        TemplateError: If it is not of the form of one, or needs what the local Azure does not have.
    """
    if not isinstance(raw, dict):
        raise TemplateError(
            "The template is missing: the local Azure takes it in the request, as 'properties.template'."
        )
    parts = {name.lower(): each for name, each in raw.items()}
    for name in ("$schema", "contentVersion", "resources"):
        if name.lower() not in parts:
            raise not_valid(f"Required property '{name}' not found in JSON")
    unknown = [name for name in raw if name.lower() not in _KNOWN]
    if unknown:
        raise not_valid(f"Could not find member '{unknown[0]}' on object of type 'Template'")
    version = parts.get("languageversion", "1.0")
    if version not in ("1.0", "2.0"):
        raise not_valid(f"The local Azure does not know the language version '{version}': it knows 1.0 and 2.0")
    resources = parts["resources"]
    return Template(
        is_symbolic=isinstance(resources, dict),
        definitions=_table(parts, "definitions"),
        parameters=_table(parts, "parameters"),
        variables=_variables(_table(parts, "variables")),
        functions=dict(_functions(parts.get("functions") or [])),
        resources=tuple(_declared(resources)),
        outputs=_table(parts, "outputs"),
        content_version=str(parts["contentversion"]),
    )


def _table(parts: Json, name: str) -> Json:
    found = parts.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise not_valid(f"The value of '{name}' must be an object")
    return found


def _variables(raw: Json) -> Json:
    """Return the variables with those that a loop makes: each becomes an object with the loop, of which its value is taken."""
    loops = raw.get("copy")
    if not isinstance(loops, list):
        return raw
    found = {name: each for name, each in raw.items() if name != "copy"}
    for loop in loops:
        if not isinstance(loop, dict) or not isinstance(loop.get("name"), str):
            raise not_valid("A copy loop of variables has a name, a count and an input")
        found[loop["name"]] = Looped(loop)
    return found


def _functions(raw: Any) -> Iterator[tuple[str, Json]]:
    for space in raw if isinstance(raw, list) else []:
        if not isinstance(space, dict) or not isinstance(space.get("members"), dict):
            raise not_valid("The functions of a template have a namespace and members")
        for name, each in space["members"].items():
            output, parameters = (
                (each.get("output"), each.get("parameters")) if isinstance(each, dict) else (None, None)
            )
            if not isinstance(output, dict) or "value" not in output:
                raise not_valid(f"The function '{name}' has no output")
            if not isinstance(parameters or [], list) or not all(_has_name(one) for one in parameters or []):
                raise not_valid(f"The parameters of the function '{name}' must be a list of objects with a name")
            yield f"{space.get('namespace')}.{name}".lower(), each


def _has_name(parameter: Any) -> bool:
    return isinstance(parameter, dict) and isinstance(parameter.get("name"), str)


def _declared(resources: Any) -> Iterator[Declared]:
    if isinstance(resources, dict):
        for symbol, body in resources.items():
            yield from _with_children(symbol, body)
    elif isinstance(resources, list):
        for body in resources:
            yield from _with_children(None, body)
    else:
        raise not_valid("The value of 'resources' must be an array or an object")


def _with_children(symbol: str | None, body: Any) -> Iterator[Declared]:
    if not isinstance(body, dict):
        raise not_valid("A resource of a template must be an object")
    for name in ("type", "apiVersion", "name"):
        if not isinstance(body.get(name), str):
            raise not_valid(f"The template resource '{symbol or body.get('name')}' must have '{name}'")
    children = body.get("resources") if body["type"].lower() != DEPLOYMENTS.lower() else None
    yield Declared(symbol, {name: each for name, each in body.items() if children is None or name != "resources"})
    if not isinstance(children or [], list | dict):
        raise not_valid("The value of 'resources' must be an array or an object")
    pairs: list[tuple[str | None, Any]] = (
        list(children.items()) if isinstance(children, dict) else [(None, each) for each in children or []]
    )
    for inner_symbol, child in pairs:
        if not isinstance(child, dict):
            raise not_valid("A resource of a template must be an object")
        inside = {
            **child,
            "type": f"{body['type']}/{child.get('type')}",
            "name": _below(body["name"], child.get("name")),
        }
        for inherited in ("condition", "copy"):
            if inherited in body and inherited not in child:
                inside[inherited] = body[inherited]
        yield from _with_children(inner_symbol, inside)


def _below(parent: str, child: Any) -> str:
    """Return the name of a resource inside another one."""
    return f"[concat({_inner(parent)}, '/', {_inner(str(child))})]"


def _inner(text: str) -> str:
    is_expression = text.startswith("[") and text.endswith("]") and not text.startswith("[[")
    return text[1:-1] if is_expression else "'" + text.replace("'", "''") + "'"
