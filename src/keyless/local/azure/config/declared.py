"""Holds values against a declaration, and returns them as it has them, or says which one is wrong and what is allowed."""

from __future__ import annotations

import re
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import NODEFAULT, Meta, ValidationError, convert
from msgspec.structs import fields

from keyless.local.azure.config.declaration import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.errors import ConfigurationError

_T = TypeVar("_T", bound=Table)
Options = tuple[tuple[Meta, Any], ...]
_NO_META: Final = Meta()
_WORDS: Final = {str: "a string", bool: "true or false", int: "an integer", float: "a number", list: "a list"}


class Wrong(Protocol):
    """Makes the error about what a path leads to."""

    def __call__(self, path: tuple[str, ...], problem: str, allowed: str) -> ConfigurationError:
        """Return the error; ``allowed`` completes "Allowed: ...", without a full stop."""


def read_declared(kind: type[_T], values: Mapping[str, Any], *, wrong: Wrong) -> _T:
    """Return values as a table that was declared. A value of None is as if it were absent.

    Args:
        kind: The table.
        values: What is to be it.
        wrong: Makes the error about a path in it.

    Raises:
        ConfigurationError: At the first key or value that the table cannot have. No value that may be secret is in it.
    """
    found: _T = _Reader(wrong).table(kind, values, ())
    return found


def is_text(value: str) -> bool:
    """Return whether UTF-8 can hold a text."""
    return value.isascii() or not re.search("[\ud800-\udfff]", value)


class _Reader:
    def __init__(self, wrong: Wrong) -> None:
        self._wrong = wrong

    def table(self, kind: Any, values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        """Read a table, key by key."""
        known = _fields(kind)
        self._check_keys(values, list(known), path)
        for name, found in known.items():
            if found.required and values.get(name) is None:
                raise self._wrong(path or (name,), f"the {kind.says} has no {name}", kind.example)
        given = {name: value for name, value in values.items() if value is not None}
        return kind(**{name: self._value(known[name].options, value, (*path, name)) for name, value in given.items()})

    def _value(self, options: Options, value: Any, path: tuple[str, ...]) -> Any:
        """Read a value as the one of several types that it can be."""
        for meta, kind in options:
            if _is_a(value, kind):
                return self._of_kind(kind, meta, value, path)
        meta, kind = options[0]
        raise self._wrong(path, f"it is {_said(value)}", meta.description or _allowed(kind))

    def _of_kind(self, kind: Any, meta: Meta, value: Any, path: tuple[str, ...]) -> Any:
        origin = get_origin(kind)
        if origin is list:
            options = _options(get_args(kind)[0])
            return [self._value(options, item, path) for item in value]
        if origin is dict:
            names, values = get_args(kind)
            return self._mapping(names, values, value, path)
        if isinstance(kind, type) and issubclass(kind, Table):
            return self.table(kind, value, path)
        return self._leaf(kind, meta, value, path)

    def _mapping(self, names: Any, kind: Any, values: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        """Read a table whose keys are names, each alike."""
        meta, plain = _meta_of(names)
        extra = meta.extra or {}
        if get_origin(plain) is Literal:
            self._check_keys(values, list(get_args(plain)), path)
        seen: dict[str, str] = {}
        for name in values:
            self._leaf(str, meta, name, (*path, name))
            twin = seen.setdefault(name.lower() if extra.get("caseless") else name, name)
            if twin != name:
                problem = f"it is the same name as {twin!r}"
                raise self._wrong((*path, name), problem, "names that differ in more than case")
        options = _options(kind)
        return {name: self._value(options, value, (*path, name)) for name, value in values.items()}

    def _leaf(self, kind: Any, meta: Meta, value: Any, path: tuple[str, ...]) -> Any:
        extra, allowed = meta.extra or {}, meta.description or _allowed(kind)
        if isinstance(value, str) and not is_text(value):
            raise self._wrong(path, "it holds half a character, which UTF-8 has not", allowed)
        if kind is datetime and isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise self._wrong(path, "it is not a time", allowed) from None
        if get_origin(kind) is Literal and value not in get_args(kind):
            problem = extra.get("problem", "there is no {key} {value!r}")
            raise self._wrong(path, problem.format(key=path[-1], value=value), allowed)
        try:
            found = convert(value, kind if meta is _NO_META else _annotated(kind, meta))
        except ValidationError:
            hint = _dashed(meta.pattern, value) if meta.pattern else ""
            raise self._wrong(path, f"{extra.get('problem') or f'it is {value}'}{hint}", allowed) from None
        # In a pattern, $ lets the end of a line pass.
        if meta.pattern and not re.fullmatch(meta.pattern, value):
            raise self._wrong(path, f"{extra['problem']}{_dashed(meta.pattern, value)}", allowed)
        if extra.get("or_from", 0) > 0 and 0 < value < extra["or_from"]:
            raise self._wrong(path, f"it is {value}", allowed)
        return found

    def _check_keys(self, values: Mapping[str, Any], known: list[str], path: tuple[str, ...]) -> None:
        for key in values:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                raise self._wrong((*path, key), f"unknown key{hint}", ", ".join(known))


class _Field(NamedTuple):
    options: Options
    required: bool


@cache
def _fields(kind: Any) -> dict[str, _Field]:
    types = get_type_hints(kind, include_extras=True)
    return {
        each.name: _Field(_options(types[each.name]), each.default is NODEFAULT and each.default_factory is NODEFAULT)
        for each in fields(kind)
    }


@cache
def _annotated(kind: Any, meta: Meta) -> Any:
    return Annotated[kind, meta]


def _meta_of(declared: Any) -> tuple[Meta, Any]:
    metas = getattr(declared, "__metadata__", ())
    return (metas[0], declared.__origin__) if metas else (_NO_META, declared)


def _options(declared: Any, outer: Meta = _NO_META) -> Options:
    """Return the types that a value can be of, each with what is said of it, or of all of them."""
    own, plain = _meta_of(declared)
    meta = outer if own is _NO_META else own
    if get_origin(plain) in {Union, UnionType}:
        return tuple(found for option in get_args(plain) for found in _options(option, meta))
    return () if plain is NoneType else ((meta, plain),)


def _is_a(value: Any, kind: Any) -> bool:
    """Return whether a value is of a type, bounds and patterns aside; true is not a number, and a time may be text."""
    origin = get_origin(kind)
    plain = str if origin is Literal else origin or kind
    if isinstance(value, bool) or plain is bool:
        return isinstance(value, bool) and plain is bool
    if isinstance(plain, type) and issubclass(plain, Table):
        return isinstance(value, dict)
    return isinstance(value, {float: (int, float), datetime: (datetime, str)}.get(plain, plain))


def _dashed(pattern: str, value: str) -> str:
    """Return a hint where a name would be one with hyphens: Azure takes no underscores."""
    other = value.replace("_", "-")
    return f", did you mean {other!r}?" if other != value and re.fullmatch(pattern, other) else ""


def _allowed(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    return _WORDS.get(kind, "a table")


def _said(value: object) -> str:
    """Return what kind a value is, and never the value: it may be a secret."""
    return "a table" if isinstance(value, dict) else _WORDS.get(type(value), "a date or time")
