"""Reads Bicep: resources, modules, parameters, and the values of a parameter file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import WATCHED, Package, Parameter, Resource, Setting
from keyless.audit.readers.secret_names import CANDIDATE, names_secret
from keyless.audit.source import above, node_at, text_of
from keyless.audit.values import EMPTY, Computed, Group, Listing, Scalar, Unread, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

# Where to look; the syntax tree has what is there.
_RESOURCE: Final = re.compile(
    rb"(?m)^[ \t]*resource\s+\w+\s+'(?P<type>(?i:microsoft\.(?:keyvault|web|authorization)/[^'@]*|"
    rb"microsoft\.resources/deploymentscripts|[a-z/]+))(?:@[^']*)?'"
)
_MODULE: Final = re.compile(rb"(?m)^[ \t]*module\s+\w+\s+'br[:/][^']*avm/res/key-vault/vault:[^']*'")
_PARAMETER: Final = re.compile(rb"(?m)^[ \t]*param\s+(?P<name>" + CANDIDATE + rb")")
_NAMED: Final = re.compile(rb"(?m)^[ \t]*(?:param|var)\s+(\w+)[^=\n]*=\s*'([^'\n$]*)'[ \t]*(?://.*)?\r?$")
_SYMBOL: Final = re.compile(rb"(?m)^[ \t]*resource\s+(?P<name>\w+)\s+'(?P<type>[^'\n@]+)")
_OWN_NAME: Final = re.compile(rb"\bname:[ \t]*'([^'$\n]*)'")
_REFERENCE: Final = re.compile(
    rb"(?i)reference\([^)\n]*?microsoft\.keyvault/[^)\n]*\)\s*,\s*'(?P<version>\d{4}-\d\d-\d\d[\w-]*)'"
)
_NEAR: Final = 400  # Bytes that a short resource takes.
_BODIES: Final = ("object", "if_statement", "for_statement", "parenthesized_expression")


def read(source: Source) -> Iterator[Fact]:
    """Yield the facts in a template."""
    root = source.tree("bicep")
    names = _Names(source.data)
    for found in _RESOURCE.finditer(source.data):
        node = above(node_at(root, found.start("type"), found.end("type")), "resource_declaration")
        resource = _resource(node, source, names) if node is not None else None
        if resource is not None:
            yield resource
    for found in _MODULE.finditer(source.data) if b"avm/res/key-vault" in source.data else ():
        node = above(node_at(root, found.end() - 1, found.end()), "module_declaration")
        if node is not None:
            name, _, version = _literal(node.named_children[1]).rpartition(":")
            place = source.place(source.line_of(node))
            yield Package(ecosystem="bicep", name=name[name.index("avm/") :], requirement=version, place=place)
    yield from _parameters(source, root)
    yield from _references(source, root)


def read_parameters(source: Source) -> Iterator[Fact]:
    """Yield the values of a parameter file (``.bicepparam``), of which the grammar knows but the words."""
    root = source.grammars.tree("bicep", source.data)
    for found in _PARAMETER.finditer(source.data):
        node = above(node_at(root, found.start("name"), found.end("name")), "parameter_declaration")
        if node is not None and len(node.named_children) > 1:
            last = node.named_children[-1]
            value = _value(
                last.named_children[0] if last.type == "type" and last.named_children else last, source, _Names(b"")
            )
            name = found["name"].decode()
            yield Setting(name=name, value=value, place=source.place(source.line_of(node)), dialect="bicep")


class _Names:
    """The meaning of names in a file: the texts of parameters and variables, and the types of resources."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known: dict[str, str] | None = None

    def within(self, expression: str) -> tuple[str, ...]:
        """Return what the names in an expression stand for, as far as the file shows it."""
        if self._known is None:
            self._known = self._read()
        known = self._known
        return tuple(known[name] for name in re.findall(r"[A-Za-z_]\w*", expression) if name in known)

    def _read(self) -> dict[str, str]:
        known = {name.decode(): text.decode(errors="replace") for name, text in _NAMED.findall(self._data)}
        for found in _SYMBOL.finditer(self._data):
            text = found["type"]
            if text.lower().endswith(b"/roledefinitions"):  # Its name is the role's number.
                own = _OWN_NAME.search(self._data, found.end(), found.end() + _NEAR)
                text += b"/" + own[1] if own else b""
            known[found["name"].decode()] = text.decode(errors="replace")
        return known


def _resource(node: Node, source: Source, names: _Names) -> Resource | None:
    kind, version = _type_of(node)
    if not kind.lower().startswith(WATCHED):
        return None
    bodies = [child for child in node.named_children if child.type in _BODIES]
    body = _value(bodies[-1], source, names) if bodies else None
    return Resource(
        type=kind,
        version=version,
        place=source.place(source.line_of(node)),
        dialect="bicep",
        body=body if isinstance(body, Group) else EMPTY,
        existing=any(child.type == "existing" for child in node.children),
    )


def _type_of(node: Node) -> tuple[str, str]:
    """Return the whole type of a resource and its version: a child in a parent's body goes on from the parent's."""
    written = next((child for child in node.named_children if child.type == "string"), None)
    kind, _, version = _literal(written).partition("@")
    outer = above(node.parent, "resource_declaration")
    if outer is None or kind.lower().startswith("microsoft."):
        return kind, version
    parent, parents_version = _type_of(outer)
    return f"{parent}/{kind}", version or parents_version


def _parameters(source: Source, root: Node) -> Iterator[Parameter]:
    for found in _PARAMETER.finditer(source.data):
        name = found["name"].decode()
        if not names_secret(name):
            continue
        node = above(node_at(root, found.start("name"), found.end("name")), "parameter_declaration")
        if node is None:
            continue
        before = node.prev_named_sibling
        decorators = text_of(before) if before is not None and before.type == "decorators" else ""
        children = node.named_children
        kind = next((text_of(child) for child in children if child.type == "type"), "")
        default = children[-1] if children[-1].type == "string" else None
        yield Parameter(
            name=name,
            place=source.place(source.line_of(node), source.line_of(before) if decorators and before else 0),
            dialect="bicep",
            secure=re.search(r"@(sys\.)?secure\(", decorators) is not None,
            has_default=default is not None and bool(default.named_children),
            takes_text=kind == "string" and "@allowed(" not in decorators,
        )


def _references(source: Source, root: Node) -> Iterator[Resource]:
    """Yield the vaults that ``reference()`` looks up with a version."""
    # Few files have one, and a plain search is many times as fast.
    for found in _REFERENCE.finditer(source.data) if b"reference(" in source.data else ():
        if above(node_at(root, found.start(), found.end()), "comment") is None:
            place = source.place(source.line_at(found.start("version")))
            version = found["version"].decode()
            yield Resource(
                type="Microsoft.KeyVault/vaults", version=version, place=place, dialect="bicep", existing=True
            )


def _literal(node: Node | None) -> str:
    return text_of(node).strip("'")


def _value(node: Node, source: Source, names: _Names) -> Value:
    """Return the value of an expression, as far as it has one by itself."""
    line = source.line_of(node)
    parts = [child for child in node.named_children if child.type not in {"comment", "diagnostic_comment"}]
    match node.type:
        case "object":
            return Group(Unread(dict(_members(parts)), lambda inner: _value(inner, source, names)), line)
        case "array":
            return Listing(tuple(_value(part, source, names) for part in parts), line)
        case "if_statement" | "parenthesized_expression" | "for_statement" if parts:
            return _value(parts[-1], source, names)
        case "boolean":
            return Scalar(text_of(node) == "true", line)
        case "null":
            return Scalar(None, line)
        case "number":
            return Scalar(int(text_of(node)) if text_of(node).isdecimal() else text_of(node), line)
        case "string" if all(part.type in {"string_content", "escape_sequence"} for part in parts):
            return Scalar(re.sub(r"\\(.)", r"\1", _literal(node)), line)
    written = text_of(node)
    return Computed(written, line, names.within(written))


def _members(parts: list[Node]) -> Iterator[tuple[str, Node]]:
    for part in parts:
        children = [child for child in part.named_children if child.type != "comment"]
        # What has no name here is a resource inside this one, which is read by itself.
        if part.type == "object_property" and len(children) > 1 and children[-1].type != "resource_declaration":
            yield _literal(children[0]), children[-1]
