"""The JSON schema of a keyless.toml, for editors: made from the one declaration that its reader asks."""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec.json import schema_components

from keyless.local.azure.config.declaration import KeylessToml

_EMPTY: Final[tuple[tuple[str, object], ...]] = (("default", None), ("required", []))
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """Return the schema as it is in ``docs/keyless.schema.json``."""
    (root,), components = schema_components([KeylessToml], ref_template="#/$defs/{name}")
    schema = {"$schema": _DIALECT, "title": "keyless.toml", **root, "$defs": components}
    return f"{json.dumps(_plain(schema), indent=2)}\n"


def _plain(schema: Any) -> Any:
    """Leave out what says nothing, and what TOML does not have: null, as a value and as a default."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    options = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(options) == 1:
        schema = {**{key: value for key, value in schema.items() if key != "anyOf"}, **options[0]}
    elif options:
        schema = {**schema, "anyOf": options}
        if all("type" in each for each in options):  # A value of several types, of which msgspec names the first.
            schema.pop("type", None)
    return {key: _plain(value) for key, value in schema.items() if (key, value) not in _EMPTY}
