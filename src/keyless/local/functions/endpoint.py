"""Where a function of a host is called."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FunctionEndpoint:
    """Where a function is called.

    Attributes:
        url: Its address; parameters of its route stand in it as in the template, such as ``{id}``.
        key: What opens it, as the header ``x-functions-key`` or the query's ``code``; None where it is anonymous.
        methods: The methods that it answers to; empty means all.
    """

    url: str
    key: str | None = field(repr=False)
    methods: tuple[str, ...]
