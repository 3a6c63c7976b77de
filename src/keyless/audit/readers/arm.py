"""Reads ARM's JSON: templates, as people or the Bicep compiler write them, and parameter files."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import WATCHED, Parameter, Resource, Setting
from keyless.audit.readers.secret_names import CANDIDATE, names_secret
from keyless.audit.source import above, node_at, text_of
from keyless.audit.values import EMPTY, Computed, Group, Listing, Scalar, Unread, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

    Lookup = Callable[[str], tuple[str, ...]]

_TYPE: Final = re.compile(
    rb'(?i)"type"\s*:\s*"(?P<type>microsoft\.(?:keyvault|web|authorization)/[^"]*|microsoft\.resources/deploymentscripts|[a-z/]+)"'
)
_TEXT: Final = re.compile(rb'"type"\s*:\s*"(?:[sS]ecure)?[sS]tring"')
_PARAMETER: Final = re.compile(rb'"(?P<name>' + CANDIDATE + rb')"\s*:\s*\{')
_REFERENCE: Final = re.compile(
    rb"(?i)reference\([^\"]*?microsoft\.keyvault/[^\"]*?\),\s*'(?P<version>\d{4}-\d\d-\d\d[\w-]*)'"
)
_NAME: Final = re.compile(r"(variables|parameters)\('([^']+)'\)")
_TEXTS: Final = frozenset({"string", "securestring"})
_SECURE: Final = frozenset({"securestring", "secureobject"})


def is_template(data: bytes) -> bool:
    """Return whether a JSON text is a template for a deployment."""
    return re.search(rb'"\$schema"\s*:\s*"[^"]*[dD]eploymentTemplate\.json', data) is not None


def is_parameters(data: bytes) -> bool:
    """Return whether a JSON text holds a template's parameters."""
    return re.search(rb'"\$schema"\s*:\s*"[^"]*[dD]eploymentParameters\.json', data) is not None


def read(source: Source) -> Iterator[Fact]:
    """Yield the facts in a template."""
    root = source.tree("json")
    lookup = _lookup(source.data)
    for found in _TYPE.finditer(source.data):
        node = above(node_at(root, found.start("type"), found.end("type")), "object")
        resource = _resource(node, source, lookup) if node is not None else None
        if resource is not None:
            yield resource
    for found in _TEXT.finditer(source.data):
        node = above(node_at(root, found.start(), found.end()), "object")
        if node is not None:
            yield from _parameter(node, source)
    for found in _REFERENCE.finditer(source.data) if b"reference(" in source.data else ():
        place, version = source.place(source.line_at(found.start("version"))), found["version"].decode()
        yield Resource(type="Microsoft.KeyVault/vaults", version=version, place=place, dialect="arm", existing=True)


def read_parameters(source: Source) -> Iterator[Fact]:
    """Yield the values of a parameter file."""
    root = source.tree("json")
    for found in _PARAMETER.finditer(source.data):
        name = found["name"].decode()
        node = above(node_at(root, found.end() - 1, found.end()), "object") if names_secret(name) else None
        body = value(node, source) if node is not None else None
        inner = body.get("value") if isinstance(body, Group) else None
        if inner is not None:
            yield Setting(name=name, value=inner, place=source.place(inner.line), dialect="arm")


def _resource(node: Node, source: Source, lookup: Lookup) -> Resource | None:
    body = value(node, source, lookup)
    if not isinstance(body, Group):
        return None
    kind = _type_of(node, body, source)
    version = body.get("apiVersion")
    if version is None or not kind.lower().startswith(WATCHED):
        return None
    known = str(version.value) if isinstance(version, Scalar) else "".join(getattr(version, "known", ())[:1])
    return Resource(
        type=kind,
        version=known,
        place=source.place(version.line if known else body.line, body.line),
        dialect="arm",
        body=body,
        existing=body.get("existing") is not None,
    )


def _type_of(node: Node, body: Group, source: Source) -> str:
    """Return the whole type: a child in a parent's ``resources`` goes on from the parent's."""
    written = body.text("type") or ""
    outer = above(node.parent, "object")
    if outer is None or written.lower().startswith("microsoft."):
        return written
    # An object of resources by name, as the compiler writes it, lies between.
    for _ in range(2):
        parent = value(outer, source)
        if isinstance(parent, Group) and parent.text("type") and parent.get("apiVersion") is not None:
            return f"{parent.text('type')}/{written}"
        outer = above(outer.parent, "object")
        if outer is None:
            break
    return written


def _parameter(node: Node, source: Source) -> Iterator[Parameter]:
    own = node.parent
    outer = above(own.parent, "pair") if own is not None else None
    if own is None or own.type != "pair" or outer is None or _key(outer) != "parameters" or not names_secret(_key(own)):
        return
    body = value(node, source)
    kind = body.text("type") if isinstance(body, Group) else None
    if not isinstance(body, Group) or kind is None:
        return
    yield Parameter(
        name=_key(own),
        place=source.place(body.line),
        dialect="arm",
        secure=kind.lower() in _SECURE,
        has_default=bool(body.text("defaultValue")) and isinstance(body.get("defaultValue"), Scalar),
        takes_text=kind.lower() in _TEXTS and body.get("allowedValues") is None,
    )


def _lookup(data: bytes) -> Lookup:
    """Return what finds the texts that variables and parameters have, as far as they are written plainly."""

    def find(expression: str) -> tuple[str, ...]:
        found = []
        for kind, name in _NAME.findall(expression):
            escaped = re.escape(name.encode())
            plain = rb'"' + escaped + rb'"\s*:\s*"([^"\[][^"]*)"'
            default = rb'"' + escaped + rb'"\s*:\s*\{[^{}]*"defaultValue"\s*:\s*"([^"\[][^"]*)"'
            match = re.search(plain if kind == "variables" else default, data)
            found += [match[1].decode(errors="replace")] if match else []
        return tuple(found)

    return find


def _key(pair: Node) -> str:
    return text_of(pair.named_children[0]).strip('"')


def value(node: Node, source: Source, lookup: Lookup | None = None) -> Value:
    """Return the value of a node of JSON."""
    line = source.line_of(node)
    parts = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "object":
            pairs = {_key(part): part.named_children[-1] for part in parts if part.type == "pair"}
            return Group(Unread(pairs, lambda inner: value(inner, source, lookup)), line)
        case "array":
            return Listing(tuple(value(part, source, lookup) for part in parts), line)
        case "true" | "false":
            return Scalar(node.type == "true", line)
        case "null":
            return Scalar(None, line)
        case "number":
            return Scalar(float(text_of(node)), line)
        case "string":
            return _string(text_of(node), line, lookup)
    return Computed("", line) if parts else EMPTY


def _string(written: str, line: int, lookup: Lookup | None) -> Value:
    text = written[1:-1]
    if "\\" in text:
        with suppress(json.JSONDecodeError):
            text = json.loads(written, strict=False)
    if text.startswith("[") and not text.startswith("[["):
        return Computed(text, line, lookup(text) if lookup else ())
    return Scalar(text, line)
