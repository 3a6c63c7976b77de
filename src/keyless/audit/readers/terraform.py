"""Reader of Terraform: its own resources get ARM's names, so that one rule is for all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import WATCHED, Package, Parameter, Resource, Setting
from keyless.audit.readers.secret_names import names_secret
from keyless.audit.readers.terraform_names import ARM_TYPES, in_arm
from keyless.audit.source import above, node_at, text_of
from keyless.audit.values import EMPTY, Computed, Group, Listing, Scalar, Unread, Value, known_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

# Where to look; the syntax tree has what is there.
_BLOCK: Final = re.compile(
    rb'(?m)^[ \t]*(?P<kind>(?:resource|data)(?=[ \t]+"?(?:azapi_|azurerm_(?:key_vault|role_assignment|service_plan|app_service|'
    rb'function_app|linux_|windows_)))|variable(?=[ \t]+"?\w)|terraform(?=[ \t]*\{))'
)
_VAULTS: Final = "Microsoft.KeyVault/vaults"


def read(source: Source) -> Iterator[Fact]:
    """Yield the facts in a configuration."""
    root = source.tree("hcl")
    for found in _BLOCK.finditer(source.data):
        node = above(node_at(root, found.start("kind"), found.end("kind")), "block", "comment", "template_literal")
        if node is None or node.type != "block":
            continue
        kind, labels = _head(node)
        match kind, labels:
            case "resource" | "data", [str(name), *_] if name.startswith("azapi_"):
                yield from _azapi(node, source, existing=kind == "data")
            case "resource", [str(name), *_] if name in ARM_TYPES:
                body = _body(node, source)
                place = source.place(source.line_of(node))
                yield Resource(type=ARM_TYPES[name], dialect="terraform", place=place, body=in_arm(name, body))
            case "resource" | "data", [str(name), *_] if name.startswith("azurerm_key_vault"):
                place = source.place(source.line_of(node))
                yield Resource(type=_VAULTS, dialect="terraform", place=place, existing=True)
            case "variable", [str(name)] if names_secret(name):
                yield _variable(name, node, source)
            case "terraform", _:
                yield from _providers(_body(node, source), source)


def read_variables(source: Source) -> Iterator[Fact]:
    """Yield the values of a file of variables (``.tfvars``)."""
    root = source.tree("hcl")
    for body in root.named_children:
        for node in body.named_children:
            if node.type == "attribute":
                name, inner = text_of(node.named_children[0]), node.named_children[-1]
                place = source.place(source.line_of(node))
                yield Setting(name=name, value=_value(inner, source), place=place, dialect="terraform")


def read_lock(source: Source) -> Iterator[Fact]:
    """Yield the providers of a lock file (``.terraform.lock.hcl``)."""
    for node in _blocks(source.tree("hcl")):
        kind, labels = _head(node)
        version = _body(node, source).get("version")
        if kind == "provider" and labels and isinstance(version, Scalar):
            name = "/".join(labels[0].split("/")[-2:])
            yield Package(
                ecosystem="terraform", name=name, requirement=f"= {version.value}", place=source.place(version.line)
            )


def _blocks(root: Node) -> Iterator[Node]:
    for body in root.named_children:
        yield from (node for node in body.named_children if node.type == "block")


def _head(node: Node) -> tuple[str, list[str]]:
    """Return a block's type and its labels."""
    words = [text_of(child).strip('"') for child in node.named_children if child.type in {"identifier", "string_lit"}]
    return words[0], words[1:]


def _azapi(node: Node, source: Source, *, existing: bool) -> Iterator[Resource]:
    body = _body(node, source)
    written = body.get("type")
    kind, _, version = (known_text(written) or "").partition("@")
    if written is None or not kind.lower().startswith(WATCHED):
        return
    inner = body.get("body")
    yield Resource(
        type=kind,
        version=version,
        place=source.place(written.line, source.line_of(node)),
        dialect="azapi",
        body=inner if isinstance(inner, Group) else EMPTY,
        # One that only changes or reads a vault does not show how it is made.
        existing=existing
        or _head(node)[1][0] != "azapi_resource"
        or (inner is not None and not isinstance(inner, Group)),
    )


def _variable(name: str, node: Node, source: Source) -> Parameter:
    body = _body(node, source)
    kind, default, sensitive = body.get("type"), body.get("default"), body.get("sensitive")
    return Parameter(
        name=name,
        place=source.place(source.line_of(node)),
        dialect="terraform",
        secure=isinstance(sensitive, Scalar) and sensitive.value is True,
        has_default=isinstance(default, Scalar) and isinstance(default.value, str) and bool(default.value),
        takes_text=kind is None
        or (isinstance(kind, Computed) and kind.text == "string")
        or known_text(kind) == "string",
    )


def _providers(body: Group, source: Source) -> Iterator[Package]:
    for group in body.groups("required_providers"):
        for name, given in group.members.items():
            version = given.get("version") if isinstance(given, Group) else given
            origin = (given.text("source") if isinstance(given, Group) else None) or f"hashicorp/{name}"
            if isinstance(version, Scalar):
                place = source.place(version.line)
                yield Package(ecosystem="terraform", name=origin, requirement=str(version.value), place=place)


def _body(node: Node, source: Source) -> Group:
    """Return a block's attributes, and the blocks in it as lists of groups."""
    members: dict[str, Value] = {}
    inside = next((child for child in node.named_children if child.type == "body"), None)
    for child in inside.named_children if inside is not None else ():
        if child.type == "attribute":
            members[text_of(child.named_children[0])] = _value(child.named_children[-1], source)
        elif child.type == "block":
            kind, labels = _head(child)
            # `dynamic "access_policy" { content { ... } }` makes blocks of that name.
            kind = labels[0] if kind == "dynamic" and labels else kind
            before = members.get(kind)
            items = before.items if isinstance(before, Listing) else ()
            members[kind] = Listing((*items, _body(child, source)), source.line_of(child))
    return Group(members, source.line_of(node))


def _value(node: Node, source: Source) -> Value:
    """Return the value of an expression, as far as it has one by itself."""
    while node.type in {"expression", "literal_value", "collection_value"} and len(node.named_children) == 1:
        node = node.named_children[0]
    line = source.line_of(node)
    parts = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "object":
            return Group(Unread(dict(_members(parts)), lambda inner: _value(inner, source)), line)
        case "tuple":
            return Listing(tuple(_value(part, source) for part in parts if part.type == "expression"), line)
        case "bool_lit" | "null_lit" | "numeric_lit" | "string_lit":
            return _literal(node, line)
        case "function_call" if text_of(parts[0]) == "jsonencode" and len(parts) > 1:
            inner = [part for part in parts[1].named_children if part.type == "expression"]
            if inner:
                return _value(inner[0], source)
    return Computed(text_of(node), line)


def _literal(node: Node, line: int) -> Scalar:
    written = text_of(node)
    match node.type:
        case "bool_lit":
            return Scalar(written == "true", line)
        case "null_lit":
            return Scalar(None, line)
        case "string_lit":
            return Scalar(re.sub(r"\\(.)", r"\1", written[1:-1]), line)
    return Scalar(written, line)


def _members(parts: list[Node]) -> Iterator[tuple[str, Node]]:
    for part in parts:
        inner = [child for child in part.named_children if child.type == "expression"]
        if part.type == "object_elem" and len(inner) > 1:
            yield text_of(inner[0]).strip('"'), inner[1]
