"""A value that is not known before the deployment runs. In its place is the expression that gives it, as in `bicep snapshot`."""

from __future__ import annotations

from typing import Any

from keyless.local.record import Record


class Unresolved(Record, frozen=True):
    """A value that only the deployment finds, or that must not be shown.

    Attributes:
        text: The expression that gives it, without brackets.
        is_empty: Whether the value is empty, where that is known.
    """

    text: str
    is_empty: bool | None = None


def is_unresolved(value: Any) -> bool:
    """Return whether a value, or one inside it, is not known."""
    if isinstance(value, dict):
        return any(is_unresolved(each) for each in value.values())
    if isinstance(value, list):
        return any(is_unresolved(each) for each in value)
    return isinstance(value, Unresolved)


def written(value: Any) -> str:
    """Return the expression that stands for a value."""
    match value:
        case Unresolved(text=text):
            return text
        case None:
            return "null()"
        case bool():
            return "true()" if value else "false()"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case list():
            return f"createArray({', '.join(written(each) for each in value)})"
        case dict():
            pairs = (f"{written(key)}, {written(each)}" for key, each in value.items())
            return f"createObject({', '.join(pairs)})"
    return str(value)


def shown(value: Any) -> Any:
    """Return a value with an expression in brackets in the place of each that is not known."""
    match value:
        case Unresolved(text=text):
            return f"[{text}]"
        case list():
            return [shown(each) for each in value]
        case dict():
            return {key: shown(each) for key, each in value.items()}
    return value
