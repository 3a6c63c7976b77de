"""Reads Bicep into plain values: what a template declares, and what stands in each declaration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

INFRA = Path(__file__).parents[2] / "infra"
TEMPLATES = sorted(INFRA.rglob("*.bicep"))
_DECLARATIONS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "module_declaration": "module",
    "resource_declaration": "resource",
    "output_declaration": "output",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """What only Azure can work out.

    Attributes:
        node: The syntax tree of it.
    """

    node: Node

    def __str__(self) -> str:
        return text(self.node)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two values, by a condition that only Azure can work out."""

    condition: str
    yes: Value
    no: Value


Value = str | int | bool | None | Expression | Choice | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """One thing that a template declares.

    Attributes:
        kind: ``param``, ``var``, ``module``, ``resource``, ``output`` or ``import``.
        name: Its symbol.
        source: What a module or resource is made of, such as ``Microsoft.Web/sites@2025-03-01``; else empty.
        value: What stands after the equals sign; None for a parameter without a default, and for an import.
        decorators: Its decorators by name, such as ``secure``, each with what it is given.
        existing: Whether it is a resource that is only looked up.
        conditional: Whether it is a module or resource that is made under a condition.
    """

    kind: str
    name: str
    source: str
    value: Value
    decorators: dict[str, Value]
    existing: bool
    conditional: bool

    @property
    def properties(self) -> dict[str, Value]:
        """The properties of a module or resource."""
        return as_object(self.value)

    @property
    def given(self) -> dict[str, Value]:
        """What a module is given."""
        return as_object(self.properties["params"])


class Template:
    """One Bicep file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = Parser(Language(tree_sitter_bicep.language())).parse(path.read_bytes()).root_node
        self.declarations = {found.name: found for found in self._read()}

    def of_kind(self, kind: str) -> dict[str, Declaration]:
        """Return the declarations of one kind, by name."""
        return {name: found for name, found in self.declarations.items() if found.kind == kind}

    def _read(self) -> Iterator[Declaration]:
        decorators: dict[str, Value] = {}
        for node in self.root.named_children:
            if node.type == "decorators":
                decorators = dict(_decorator(each.named_children[0]) for each in node.named_children)
            elif node.type in _DECLARATIONS:
                yield _declaration(node, decorators)
                decorators = {}
            elif node.type == "import_functionality":
                *imported, source = (text(each).strip("'") for each in node.named_children)
                for name in imported:
                    yield Declaration("import", name, source, None, {}, existing=False, conditional=False)


def _decorator(call: Node) -> tuple[str, Value]:
    """Return the name of a decorator, and what it is given."""
    name, arguments = call.named_children
    return text(name), value(arguments.named_children[0]) if arguments.named_children else None


def _declaration(node: Node, decorators: dict[str, Value]) -> Declaration:
    kind = _DECLARATIONS[node.type]
    name, *rest = [child for child in node.named_children if child.type != "type"]
    source = text(rest.pop(0)).strip("'") if kind in {"module", "resource"} else ""
    existing = any(child.type == "existing" for child in node.children)
    # A parameter may have no default; a module or resource may stand under a condition, which comes first.
    body = value(rest[-1]) if rest else None
    conditional = bool(rest) and rest[-1].type == "if_statement"
    return Declaration(kind, text(name), source, body, decorators, existing=existing, conditional=conditional)


def value(node: Node) -> Value:
    """Return what an expression says, as far as it says it by itself."""
    parts = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "object":
            return {text(part.named_children[0]).strip("'"): value(part.named_children[-1]) for part in parts}
        case "array":
            return [value(part) for part in parts]
        case "if_statement" | "parenthesized_expression":
            return value(parts[-1])
        case "ternary_expression":
            return Choice(text(parts[0]), value(parts[1]), value(parts[2]))
        case "boolean":
            return text(node) == "true"
        case "number":
            return int(text(node))
        case "null":
            return None
        case "string" if all(part.type in {"string_content", "escape_sequence"} for part in parts):
            return text(node).strip("'")
        case _:
            return Expression(node)


def as_object(found: Value) -> dict[str, Value]:
    """Return a value that has to be an object."""
    assert isinstance(found, dict), found
    return found


def text(node: Node) -> str:
    """Return a node as it is written."""
    return (node.text or b"").decode()


def nodes(node: Node) -> Iterator[Node]:
    """Walk through a syntax tree."""
    yield node
    for child in node.children:
        yield from nodes(child)


def names(found: Value) -> list[str]:
    """Return the identifiers in an expression, in their order."""
    return (
        [text(node) for node in nodes(found.node) if node.type == "identifier"] if isinstance(found, Expression) else []
    )
