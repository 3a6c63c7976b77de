"""Azure's resource types as JSON Schema, made as strict as a template has to be.

They are Microsoft's (the package ``Azure.Bicep.Types.Az``) and not part of this project: the tests look for them beside the
repository.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.compiled import Json, Resource

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
FOLDERS = (REFERENCE / "arm-types", REFERENCE / "arm" / "types")
ABSENT = "AZURE'S TYPES ARE NOT HERE, so nothing holds the compiled templates to them: ../shared/reference/arm-types"
# Those that are in neither folder.
NOT_DESCRIBED = {"Microsoft.Web/sites/basicPublishingCredentialsPolicies"}
# What Azure works out when it deploys: any value can come of it.
_EXPRESSION = {"type": "string", "pattern": r"^\["}
# Bicep writes these into every resource, and they are not part of what Azure is sent.
_OF_TEMPLATES = {"dependsOn", "condition", "scope"}
_KEPT = ("type", "const", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "required")


def type_problems(resource: Resource) -> Iterator[str]:
    """Tell of what Azure's type for a resource does not allow: names, kinds of value, and values that are not known."""
    kind, version = resource.body["type"], resource.body["apiVersion"]
    schema = _schema(kind, version)
    if schema is None:
        if kind not in NOT_DESCRIBED:
            yield f"{resource.place}: Azure has no {kind}@{version}"
        return
    body = {name: held for name, held in resource.body.items() if name not in _OF_TEMPLATES}
    for error in schema.iter_errors(body):
        yield f"{'.'.join((resource.place, *map(str, error.instance_path)))}: {error.message}"


@functools.cache
def _schema(kind: str, version: str) -> jsonschema_rs.Draft202012Validator | None:
    name = f"{kind.partition('/')[0]}@{version}.json"
    for folder in FOLDERS:
        if (file := folder / name).exists():
            described: Json = json.loads(file.read_text())
            if kind in described["x-resources"]:
                known = described["$defs"]
                strict = {each: _strict(schema, known) for each, schema in known.items()}
                return jsonschema_rs.Draft202012Validator({**described["x-resources"][kind], "$defs": strict})
    return None


def _strict(schema: Json, known: Json) -> Json:
    """Allow no name that is not listed, none that only answers have, and no value beside the known ones."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    if "oneOf" in schema:
        # One of several kinds, each with the members that all of them have.
        kinds = [known[each["$ref"].rpartition("/")[2]] for each in schema["oneOf"]]
        shared = schema.get("properties", {})
        merged = [{**each, "properties": {**shared, **each.get("properties", {})}} for each in kinds]
        return {"if": _EXPRESSION, "else": {"anyOf": [_strict(each, known) for each in merged]}}
    made: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    if "examples" in schema:
        made["enum"] = schema["examples"]
    if "items" in schema:
        made["items"] = _strict(schema["items"], known)
    if schema.get("type") == "object":
        made["properties"] = {name: _member(name, each, known) for name, each in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties", False)
        made["additionalProperties"] = _strict(others, known) if isinstance(others, dict) else others
    return {"if": _EXPRESSION, "else": made}


def _member(name: str, schema: Json, known: Json) -> Json | bool:
    if schema.get("readOnly") and name not in {"type", "apiVersion"}:
        return False
    return _strict(schema, known)
