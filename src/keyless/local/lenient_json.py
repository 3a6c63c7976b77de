"""JSON as Newtonsoft.Json takes it, and with it the Functions host and Core Tools: comments, commas at the end, and more.

Source: https://github.com/JamesNK/Newtonsoft.Json/blob/master/Src/Newtonsoft.Json/JsonTextReader.cs
"""

from __future__ import annotations

import math
import re
from typing import Any

_SPACE = re.compile(r"(?:\s|/\*.*?\*/|//[^\r\n]*)*", re.DOTALL)
_WORD = re.compile(r"-?Infinity|[A-Za-z]+")
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?)")
_NAME = re.compile(r"[\w$]+")
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}
_DEEPEST = 64


class LenientJSONError(ValueError):
    """A text that is not JSON, however leniently it is read. The message holds nothing of it but a place."""


def lenient_loads(text: str) -> Any:
    """Return what a text holds; names that are there twice have the last value.

    Raises:
        LenientJSONError: If it is not JSON.
    """
    reader = _Reader(text.removeprefix("\ufeff"))
    value = reader.value(depth=0)
    reader.end()
    return value


class _Reader:
    """Reads a text from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def value(self, *, depth: int) -> Any:
        """Read one value."""
        self._skip()
        if depth > _DEEPEST:
            raise self._error("It is nested too deeply")
        match self._text[self._at : self._at + 1]:
            case "{":
                return self._object(depth)
            case "[":
                return self._array(depth)
            case '"' | "'":
                return self._string()
        word = _WORD.match(self._text, self._at)
        if word and word[0] in _WORDS:
            self._at = word.end()
            return _WORDS[word[0]]
        return self._number()

    def end(self) -> None:
        """Make sure that nothing follows."""
        self._skip()
        if self._at < len(self._text):
            raise self._error("Something follows the value")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._at += 1
        while not self._closes("}"):
            name = self._name()
            self._skip()
            self._take(":")
            found[name] = self.value(depth=depth + 1)
            self._separate("}")
        return found

    def _array(self, depth: int) -> list[Any]:
        found = []
        self._at += 1
        while not self._closes("]"):
            found.append(self.value(depth=depth + 1))
            self._separate("]")
        return found

    def _name(self) -> str:
        if self._text[self._at : self._at + 1] in {'"', "'"}:
            return self._string()
        name = _NAME.match(self._text, self._at)
        if name is None:
            raise self._error("A name is missing")
        self._at = name.end()
        return name[0]

    def _string(self) -> str:
        quote, start = self._text[self._at], self._at + 1
        parts = []
        at = start
        while at < len(self._text) and self._text[at] != quote:
            if self._text[at] == "\\":
                parts.append(self._text[start:at])
                at, character = self._escaped(at + 1)
                parts.append(character)
                start = at
            else:
                at += 1
        if at >= len(self._text):
            raise self._error("A text does not end")
        self._at = at + 1
        text = "".join([*parts, self._text[start:at]])
        # Halves of a character that were escaped one by one.
        return text if not parts else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _escaped(self, at: int) -> tuple[int, str]:
        kind = self._text[at : at + 1]
        if kind == "u" and re.fullmatch("[0-9a-fA-F]{4}", self._text[at + 1 : at + 5]):
            return at + 5, chr(int(self._text[at + 1 : at + 5], 16))
        if kind not in _ESCAPES:
            self._at = at
            raise self._error("A backslash is before what needs none")
        return at + 1, _ESCAPES[kind]

    def _number(self) -> int | float:
        found = _NUMBER.match(self._text, self._at)
        text = found[0] if found else ""
        if not re.search("[0-9]", text):
            raise self._error("A value is missing")
        self._at += len(text)
        try:
            if text.lower().startswith("0x"):
                return int(text, 16)
            if re.fullmatch("0[0-9]+", text):
                return int(text, 8)
            return int(text) if re.fullmatch("-?[0-9]+", text) else float(text)
        except ValueError:
            raise self._error("A number cannot be read") from None

    def _separate(self, closing: str) -> None:
        self._skip()
        if self._text[self._at : self._at + 1] != closing:
            self._take(",")

    def _closes(self, closing: str) -> bool:
        self._skip()
        if self._text[self._at : self._at + 1] != closing:
            return False
        self._at += 1
        return True

    def _take(self, character: str) -> None:
        if self._text[self._at : self._at + 1] != character:
            raise self._error(f"{character!r} is missing")
        self._at += 1

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _error(self, what: str) -> LenientJSONError:
        line = self._text.count("\n", 0, self._at) + 1
        return LenientJSONError(f"{what} in line {line}")
