"""The addresses of a host's functions."""

from __future__ import annotations

import re
from typing import ClassVar

from keyless.local.functions.worker.templates import Literal, Parameter, parse_template
from keyless.local.record import Record

_EXAMPLES = {
    **dict.fromkeys(("int", "long", "decimal", "double", "float"), "1"),
    "bool": "true",
    "guid": "00000000-0000-0000-0000-000000000000",
    "datetime": "2026-01-31",
}


class FunctionEndpoint(Record, frozen=True):
    """The address of a function.

    Attributes:
        url: Its address; parameters of its route are in it as in the template, such as ``{id}``.
        key: What opens it, as the header ``x-functions-key`` or the query's ``code``; None where it is anonymous.
        methods: The methods that it answers to; empty means all.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"key"})

    url: str
    key: str | None
    methods: tuple[str, ...]

    @property
    def example_url(self) -> str:
        """The address with something in the place of each parameter, to be called as it is."""
        if "{" not in self.url:
            return self.url
        scheme, _, host, template = self.url.split("/", 3)
        segments = ("".join(_example(part) for part in segment) for segment in parse_template(template))
        return "/".join([scheme, "", host, *segments])


def _example(part: Literal | Parameter) -> str:
    """Return what may be in the place of a part of a route."""
    if isinstance(part, Literal):
        return part.text
    if part.default is not None:
        return part.default
    for constraint in part.constraints:
        name, _, arguments = constraint.partition("(")
        number = re.search(r"\d+", arguments)
        if name.lower() in {"min", "max", "range"} and number:
            return number[0]
        if "length" in name.lower() and number:
            return "x" * int(number[0])
        if name.lower() in _EXAMPLES:
            return _EXAMPLES[name.lower()]
    return part.name.strip()
