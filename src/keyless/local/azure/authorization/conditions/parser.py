"""The grammar of conditions: from text to expressions, with the place of an error.

condition  = operand { AND operand } | operand { OR operand }      (mixing both needs parentheses)
operand    = ( NOT | ! ) operand | "(" condition ")" | term
term       = ActionMatches{'pattern'} | Exists attribute | attribute [quantifier:]operator value
value      = 'text' | { 'text', ... }

https://learn.microsoft.com/en-us/azure/role-based-access-control/conditions-format
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.conditions.expressions import (
    OPERATORS,
    ActionMatches,
    AllOf,
    AnyOf,
    Attribute,
    Comparison,
    Exists,
    Not,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.authorization.conditions.expressions import Expression, Source

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign>&&|\|\||[!(){},])"
    r"|(?P<attribute>@\w+\s*\[[^\]]*\])|(?P<word>[A-Za-z][\w:.]*)",
    re.DOTALL,
)
_QUANTIFIERS: Final[Mapping[str, bool]] = {
    "foranyofanyvalues": False,
    "forallofanyvalues": False,
    "foranyofallvalues": True,
    "forallofallvalues": True,
}
_SIGNS: Final[Mapping[str, str]] = {"&&": "AND", "||": "OR", "!": "NOT"}
_SOURCES: Final[Mapping[str, Source]] = {"@resource": "@Resource", "@request": "@Request"}
_OPERATORS: Final[Mapping[str, str]] = {name.lower(): name for name in OPERATORS}
# A condition of 8 KB can open more parentheses than Python can follow.
_DEEPEST = 100


class _Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The keyword that it means, in capitals; a sign counts as its word."""
        return _SIGNS.get(self.text, self.text.upper()) if self.kind in {"word", "sign"} else ""


def parse(text: str) -> Expression:
    """Read a condition.

    Raises:
        ConfigurationError: If it is not one; the error names line and column, what is there, and what can be there.
    """
    return _Parser(text).condition()


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def condition(self) -> Expression:
        """Read the whole text."""
        found = self._sequence()
        if self._now.kind != "end":
            raise self._error(self._now, "Write AND or OR between two expressions, and close each parenthesis once.")
        return found

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise self._error(
                    _Token("unknown", self._text[at : at + 1], at),
                    "Write texts in single quotation marks, and close each mark and bracket.",
                )
            if found.lastgroup and found.lastgroup != "space":
                tokens.append(_Token(found.lastgroup, found[0], at))
            at = found.end()
        return [*tokens, _Token("end", "", len(self._text))]

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._now
        self._next += token.kind != "end"
        return token

    def _expect(self, sign: str, after: str) -> None:
        if self._now.text != sign:
            raise self._error(self._now, f"Write {sign} after {after}.")
        self._take()

    def _sequence(self) -> Expression:
        parts, joint = [self._operand()], ""
        while self._now.word in {"AND", "OR"}:
            if joint and self._now.word != joint:
                raise self._error(
                    self._now, "Put parentheses around one of them: (a AND b) OR c.", "AND and OR are mixed here."
                )
            joint = self._take().word
            parts.append(self._operand())
        if len(parts) == 1:
            return parts[0]
        return AllOf(tuple(parts)) if joint == "AND" else AnyOf(tuple(parts))

    def _operand(self) -> Expression:
        token = self._now
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(token, f"Nest {_DEEPEST} levels at most.")
        if token.word == "NOT":
            self._take()
            found: Expression = Not(self._operand())
        elif token.text == "(":
            self._take()
            found = self._sequence()
            self._expect(")", "the expression, for each ( before it")
        else:
            found = self._term()
        self._depth -= 1
        return found

    def _term(self) -> Expression:
        token = self._take()
        if token.kind == "attribute":
            return self._comparison(token)
        if token.word == "ACTIONMATCHES":
            self._expect("{", "ActionMatches")
            pattern = self._string("ActionMatches{")
            self._expect("}", "the action")
            return ActionMatches(pattern)
        if token.word == "EXISTS":
            if self._now.kind != "attribute":
                raise self._error(self._now, "Write an attribute after Exists, such as @Resource[...].")
            return Exists(self._attribute(self._take()))
        if token.word == "SUBOPERATIONMATCHES":
            raise self._error(token, "Leave it out: Key Vault's actions have no suboperations.")
        raise self._error(
            token, "Write ActionMatches{'...'}, Exists, NOT, a parenthesis or an attribute such as @Resource[...]."
        )

    def _attribute(self, token: _Token) -> Attribute:
        source, _, name = token.text.removesuffix("]").partition("[")
        found = _SOURCES.get(source.strip().lower())
        if found is None:
            raise self._error(token, "Use @Resource or @Request: Key Vault gives conditions no others.")
        if not name.strip():
            raise self._error(token, "Write the attribute's name between the brackets.")
        return Attribute(found, name.strip())

    def _comparison(self, token: _Token) -> Comparison:
        attribute = self._attribute(token)
        operator = self._take()
        quantifier, colon, name = operator.text.rpartition(":")
        known = _OPERATORS.get(name.lower())
        if operator.kind != "word" or known is None:
            near = get_close_matches(name.lower(), _OPERATORS, n=1)
            meant = f"Did you mean {_OPERATORS[near[0]]}? " if near else ""
            raise self._error(
                operator, f"{meant}The operators compare texts: StringEquals, StringStartsWith, StringLike and others."
            )
        if colon and quantifier.lower() not in _QUANTIFIERS:
            raise self._error(
                operator, "Use ForAnyOfAnyValues, ForAllOfAnyValues, ForAnyOfAllValues or ForAllOfAllValues."
            )
        if self._now.text == "{" and not colon:
            raise self._error(self._now, f"Write ForAnyOfAnyValues:{known} to compare with several values.")
        values = self._set() if self._now.text == "{" else (self._string(known),)
        last = self._tokens[self._next - 1]
        text = " ".join(self._text[token.at : last.at + len(last.text)].split())
        return Comparison(attribute, known, values, _QUANTIFIERS.get(quantifier.lower(), False), text)

    def _set(self) -> tuple[str, ...]:
        self._expect("{", "the operator")
        values = [self._string("{")]
        while self._now.text == ",":
            self._take()
            values.append(self._string(","))
        self._expect("}", "the last value")
        return tuple(values)

    def _string(self, after: str) -> str:
        token = self._take()
        if token.kind != "text":
            raise self._error(token, f"Write a text in single quotation marks after {after}.")
        # A pattern keeps \* and \? for StringLike.
        return re.sub(r"\\(['\\])", r"\1", token.text[1:-1])

    def _error(self, token: _Token, remedy: str, problem: str | None = None) -> ConfigurationError:
        before = self._text[: token.at]
        line, column = before.count("\n") + 1, token.at - before.rfind("\n")
        found = problem or (f"{token.text[:40]!r} cannot be there." if token.text else "The text ends too early.")
        return ConfigurationError(
            f"The condition cannot be read at line {line}, column {column}.", cause=found, remedy=remedy
        )
