"""The page of the Python API: every exported name with its signature and its docstring."""

from __future__ import annotations

import inspect
import json
import re
from enum import Enum
from typing import TYPE_CHECKING, Any

import keyless
import keyless.local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

# A heading of a Google docstring, and what the page calls it.
_SECTIONS = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Raises": "Raises",
    "Yields": "Yields",
}


def python_page() -> str:
    """Return the page."""
    parts = [
        "# Python\n\nEvery name of `keyless` and `keyless.local`. The errors and the events are in [Names](names.md), too.\n"
    ]
    for module in (keyless, keyless.local):
        parts.append(f"## {module.__name__}\n")
        parts += _names(module)
    return "\n".join(parts)


def _names(module: ModuleType) -> Iterator[str]:
    for name in sorted(module.__all__, key=str.lower):
        found = getattr(module, name)
        yield f"### {module.__name__}.{name}\n"
        if getattr(found, "__module__", "").startswith("msal"):
            yield f"MSAL's own class `{name}`.\n"
        elif inspect.isclass(found):
            yield from _class(found)
        elif inspect.isfunction(found):
            yield _described(name, found)
        else:
            yield f"```python\n{name}: {type(found).__name__}\n```\n"


def _class(kind: Any) -> Iterator[str]:
    if issubclass(kind, Enum):  # What its call takes differs from Python to Python, and nobody calls it.
        members = "\n".join(f"{kind.__name__}.{member.name} = {json.dumps(member.value)}" for member in kind)
        yield f"```python\n{members}\n```\n\n{_text(inspect.getdoc(kind) or '')}"
        return
    yield _described(kind.__name__, kind)
    for name, member in vars(kind).items():
        if name.startswith("_") or issubclass(kind, BaseException):
            continue
        if isinstance(member, property):
            yield f"#### .{name}\n\n{_text(inspect.getdoc(member) or '')}"
        elif inspect.isfunction(member) or isinstance(member, (classmethod, staticmethod)):
            yield f"#### .{name}()\n\n{_described(name, getattr(kind, name))}"


def _described(name: str, found: Any) -> str:
    try:
        signature = re.sub(r"<[^>]*>", "...", str(inspect.signature(found))).replace("'", "")
        signature = re.sub(
            r"\b(?:keyless|collections|ipaddress)\.(?:[a-z_]+\.)*", "", signature
        )  # Where a class comes from, its reader need not know.
    except (TypeError, ValueError):
        signature = "(...)"
    return f"```python\n{name}{signature}\n```\n\n{_text(inspect.getdoc(found) or '')}"


def _text(docstring: str) -> str:
    """Write a Google docstring in Markdown: sections become lists, examples code."""
    lines, listed, code = [], False, False
    for line in docstring.splitlines():
        heading = _SECTIONS.get(line.rstrip(":")) if line.endswith(":") else None
        if code and line and not line.startswith(" "):
            lines.append("```")
            code = False
        if heading or line == "Example:":
            lines += [f"**{heading or 'Example'}**", *([] if heading else ["", "```python"])]
            listed, code = bool(heading), not heading
            lines += [""] if heading else []
        elif code:
            lines.append(line.removeprefix("    "))
        elif listed and line.startswith("    ") and not line.startswith("     "):
            lines.append(re.sub(r"^(\w+): ", r"* `\1`: ", line.strip()))
        elif listed and line and not line.startswith(" "):
            listed = False
            lines.append(line)
        else:
            lines.append(f"  {line.strip()}" if listed and line else line)
    return re.sub("(?<!`)``(?!`)", "`", "\n".join([*lines, *(["```"] if code else []), ""]))
