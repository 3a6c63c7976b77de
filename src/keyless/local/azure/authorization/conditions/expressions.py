"""The expressions of a condition, and how each one is decided.

https://learn.microsoft.com/en-us/azure/role-based-access-control/conditions-format
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, assert_never

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Source = Literal["@Resource", "@Request"]


class Facts(Record, frozen=True):
    """The attributes of one call that a condition can ask about.

    Attributes:
        action: The data action, such as ``Microsoft.KeyVault/vaults/secrets/getSecret/action``.
        resource: Attributes of what the call is for, by their names in lower case.
        request: Attributes of the call itself, by their names in lower case.
    """

    action: str
    resource: Mapping[str, str]
    request: Mapping[str, str]

    def value_of(self, attribute: Attribute) -> str | None:
        """Return an attribute's value; None where this call has none."""
        values = self.resource if attribute.source == "@Resource" else self.request
        return values.get(attribute.name.lower())


class Attribute(Record, frozen=True):
    """An attribute, such as ``@Resource[Microsoft.KeyVault/vaults/secrets:name]``."""

    source: Source
    name: str

    def __str__(self) -> str:
        return f"{self.source}[{self.name}]"


class ActionMatches(Record, frozen=True):
    """True where the action fits a pattern, in any case, with ``*`` for any text."""

    pattern: str

    def __str__(self) -> str:
        return f"ActionMatches{{'{self.pattern}'}}"


class Exists(Record, frozen=True):
    """True where the call has the attribute."""

    attribute: Attribute

    def __str__(self) -> str:
        return f"Exists {self.attribute}"


class Comparison(Record, frozen=True):
    """An attribute compared with one value or several.

    Attributes:
        attribute: What is compared.
        operator: The operator's name as in OPERATORS.
        values: What it is compared with; at least one.
        every_value: Whether it must hold for every value; otherwise one is enough. The attributes of a vault have one
            value each, so the first half of a quantifier (``ForAny...``, ``ForAll...``) makes no difference.
        text: The comparison as it was written, for reasons.
    """

    attribute: Attribute
    operator: str
    values: tuple[str, ...]
    every_value: bool
    text: str

    def __str__(self) -> str:
        return self.text


class Not(Record, frozen=True):
    """True where the inner expression is false."""

    inner: Expression

    def __str__(self) -> str:
        return f"NOT ({self.inner})"


class AllOf(Record, frozen=True):
    """True where every part is true."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({part})" for part in self.parts)


class AnyOf(Record, frozen=True):
    """True where at least one part is true."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " OR ".join(f"({part})" for part in self.parts)


Expression = AllOf | AnyOf | Not | ActionMatches | Exists | Comparison


def _like(text: str, pattern: str) -> bool:
    """Return whether a text fits a pattern with ``*`` and ``?``; a backslash makes either an ordinary character."""
    parts = re.findall(r"\\[*?]|.", pattern, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    regex = "".join(wild.get(part, re.escape(part.removeprefix("\\") if len(part) > 1 else part)) for part in parts)
    return re.fullmatch(regex, text, re.DOTALL) is not None


_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": str.__contains__,
    "Like": _like,
}


def _operator(test: Callable[[str, str], bool], *, wanted: bool, any_case: bool) -> Callable[[str, str], bool]:
    if any_case:
        return lambda left, right: test(left.lower(), right.lower()) is wanted
    return lambda left, right: test(left, right) is wanted


# StringEquals, StringNotEquals, StringEqualsIgnoreCase and so on; GUIDs compare in any case.
OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    **{
        f"String{'' if wanted else 'Not'}{name}{'IgnoreCase' if any_case else ''}": _operator(
            test, wanted=wanted, any_case=any_case
        )
        for name, test in _TESTS.items()
        for wanted in (True, False)
        for any_case in (False, True)
    },
    "GuidEquals": _operator(str.__eq__, wanted=True, any_case=True),
    "GuidNotEquals": _operator(str.__eq__, wanted=False, any_case=True),
}


def holds(expression: Expression, facts: Facts) -> bool:
    """Decide an expression. A comparison with an attribute that the call lacks is false, a negative one too."""
    match expression:
        case AllOf(parts):
            return all(holds(part, facts) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts) for part in parts)
        case Not(inner):
            return not holds(inner, facts)
        case ActionMatches(pattern):
            return fnmatchcase(facts.action.lower(), pattern.lower().replace("[", "[[]").replace("?", "[?]"))
        case Exists(attribute):
            return facts.value_of(attribute) is not None
        case Comparison(attribute, operator, values, every_value):
            value = facts.value_of(attribute)
            quantify = all if every_value else any
            return value is not None and quantify(OPERATORS[operator](value, right) for right in values)
        case _:
            assert_never(expression)


def why(expression: Expression, facts: Facts) -> str:
    """Return why an expression is true or false for a call, in the words of the condition."""
    outcome = holds(expression, facts)
    match expression:
        case AllOf(parts) | AnyOf(parts):
            decisive = [part for part in parts if holds(part, facts) is outcome]
            # One false part decides an AND, and one true part an OR.
            one_is_enough = isinstance(expression, AllOf) is not outcome
            return " and ".join(why(part, facts) for part in (decisive[:1] if one_is_enough else decisive))
        case Not(inner):
            return why(inner, facts)
        case ActionMatches():
            return f"the action is {facts.action}"
        case Exists(attribute):
            return f"the call {'has' if outcome else 'has no'} {attribute}"
        case Comparison(attribute, text=text):
            value = facts.value_of(attribute)
            if value is None:
                return f"the call has no {attribute}, so `{text}` is false"
            return f"{attribute} is '{value}', so `{text}` is {'true' if outcome else 'false'}"
        case _:
            assert_never(expression)
