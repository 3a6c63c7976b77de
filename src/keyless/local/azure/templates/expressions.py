"""Reads the expressions of templates: ``[format('{0}-kv', parameters('name'))]``.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/template-expressions
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>\.\?|\[\?|[().,\[\]]))"
)
_DEEPEST: Final = 60
_LONGEST: Final = 24_576
"""The longest expression that Azure takes."""


class Literal(Record, frozen=True):
    """A text or a number."""

    value: str | int | float


class Call(Record, frozen=True):
    """A call of a function; the name of a user's own has a dot in it."""

    name: str
    arguments: tuple[Expression, ...]


class Access(Record, frozen=True):
    """A property of an object, or an element of a list.

    Attributes:
        of: The object or the list.
        key: Which one.
        safe: Whether null is the value of what is not there.
        dotted: Whether it is written with a dot.
    """

    of: Expression
    key: Expression
    safe: bool
    dotted: bool


Expression = Literal | Call | Access


def is_expression(text: str) -> bool:
    """Return whether a text in a template is an expression."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def plain(text: str) -> str:
    """Return the text that one which is not an expression stands for: the second bracket at its start is not part of it."""
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


def parse(text: str) -> Expression:
    """Return what an expression, with its brackets, says.

    Raises:
        TemplateError: If it cannot be read.
    """
    if len(text) > _LONGEST:
        raise TemplateError(f"The template language expression is longer than {_LONGEST} characters.")
    return _Parser(text).whole()


def calls(expression: Expression) -> Iterator[Call]:
    """Go through every call in an expression, from the outermost inwards."""
    match expression:
        case Call(arguments=arguments):
            yield expression
            for each in arguments:
                yield from calls(each)
        case Access(of=of, key=key):
            yield from calls(of)
            yield from calls(key)


class _Parser:
    """Reads one expression from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._inner = text[1:-1]
        self._at = 0

    def whole(self) -> Expression:
        found = self._expression(0)
        if self._inner[self._at :].strip():
            raise self._error()
        return found

    def _expression(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise TemplateError(f"The template language expression is nested more than {_DEEPEST} times.")
        kind, token = self._take()
        found: Expression
        match kind:
            case "text":
                found = Literal(token[1:-1].replace("''", "'"))
            case "number":
                found = Literal(float(token) if "." in token else int(token))
            case "name":
                found = self._call(token, depth)
            case _:
                raise self._error()
        return self._accesses(found, depth)

    def _call(self, name: str, depth: int) -> Call:
        while self._next() == ".":
            self._take()
            kind, rest = self._take()
            if kind != "name":
                raise self._error()
            name += f".{rest}"
        self._expect("(")
        arguments = []
        while self._next() != ")":
            arguments.append(self._expression(depth + 1))
            if self._next() != ")":
                self._expect(",")
        self._expect(")")
        return Call(name, tuple(arguments))

    def _accesses(self, found: Expression, depth: int) -> Expression:
        while True:
            match self._next():
                case "." | ".?" as sign:
                    self._take()
                    kind, name = self._take()
                    if kind != "name":
                        raise self._error()
                    found = Access(found, Literal(name), safe=sign == ".?", dotted=True)
                case "[" | "[?" as sign:
                    self._take()
                    key = self._expression(depth + 1)
                    self._expect("]")
                    found = Access(found, key, safe=sign == "[?", dotted=False)
                case _:
                    return found

    def _next(self) -> str:
        found = _TOKEN.match(self._inner, self._at)
        return found["sign"] or "" if found else ""

    def _take(self) -> tuple[str, str]:
        found = _TOKEN.match(self._inner, self._at)
        if found is None or found.lastgroup is None:
            raise self._error()
        self._at = found.end()
        return found.lastgroup, found[found.lastgroup]

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise self._error()
        self._take()

    def _error(self) -> TemplateError:
        return TemplateError(
            f"The template language expression '{self._text[:200]}' is not valid at position {self._at + 1}. "
            "Please see https://aka.ms/arm-functions for usage details."
        )
