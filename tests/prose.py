"""Measure the prose of the documents, and hold it and the texts in the code to our word list.

`make prose` prints the figures of every page. `make check` runs the check. CONTRIBUTING.md has the word list for people.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
# Words, and what to write instead.
WORDS: Final = {
    r"(?<!\bthere )(?<!\bThere )\b(is|are|was|were) no (?!longer|more\b)\w+": "is not a ..., or there is no ...",
    r"\banew\b": "again",
    r"\b(bites?|papered over)\b": "takes effect, hides",
    r"\bwhoever\b": "anyone who",
    r"\b(feels?|felt|hears?|heard)\b": "takes effect, receives",
    r"\b(stands?|stood) (?!for\b|in for\b)": "is",
    r"\b(is|are|be|was|were) told\b": "gets, receives, is reported",
    r"\b(?<!you )tells? (?!you\b|us\b)": "reports, shows",
    r"\b[Ii]t says\b|\b(page|file|error|answer|host|command|vault|service|setting|list)s? says?\b": "shows, reports, is",
    r"(?:^|[.:] )Let \w+": "the imperative of what you mean",
    r"\bthinks? itself\b": "runs as if on",
    r"\bthe whole of it\b": "all of it",
    r"\b[Mm]end(s|ed)?\b": "fix",
}
OPENERS: Final = r"(What|Who|Where|Which|How|When|Why|Says?)\b"
"""How a docstring of a module or a class must not begin: write a noun."""
CODE: Final = ("src/keyless", "function_app", "examples", "bench")
LISTS: Final = ("docs/reference/", "CHANGELOG.md")
LONGEST_MEAN: Final = 13.5
"""Words in a sentence."""
MOST_SEMICOLONS: Final = 5.0
"""In a thousand words."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a text measures.

    Attributes:
        words: How many words it has.
        sentences: How many sentences.
        semicolons: How many semicolons.
        you: How often it addresses the reader.
    """

    words: int
    sentences: int
    semicolons: int
    you: int

    @property
    def mean(self) -> float:
        """Words in a sentence."""
        return self.words / max(self.sentences, 1)

    def per_thousand(self, count: int) -> float:
        """Return a count in a thousand words."""
        return count * 1000 / max(self.words, 1)

    def __str__(self) -> str:
        semicolons, you = self.per_thousand(self.semicolons), self.per_thousand(self.you)
        return f"{self.words:6} words  {self.mean:5.1f} a sentence  {semicolons:5.1f} semicolons  {you:5.1f} you"


def prose_of(page: str) -> str:
    """Return what is prose in a page: no code, no commands, no tables, no addresses."""
    text = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    text = re.sub(r"^(    |\t).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(\||#).*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    # An item of a list is a sentence, with or without a full stop.
    return re.sub(r"^\s*([*-]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)


def measure(text: str) -> Figures:
    """Return the figures of prose."""
    sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n{2,}", text) if re.search(r"[A-Za-z]{2}", part)]
    words = re.findall(r"[A-Za-z][\w'-]*", text)
    you = sum(word.lower() in {"you", "your", "yours", "yourself"} for word in words)
    return Figures(len(words), len(sentences), text.count(";"), you)


def wording_of(page: str) -> str:
    """Return the words of a page, those of tables and headings too: no code, no commands, no addresses."""
    text = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(    |\t).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`\n]*`", "code", text)
    # What a page quotes are the words of others, or those that were there before.
    return re.sub(r'"[^"\n]*"', "quoted", text)


def wrong_words(text: str) -> Iterator[str]:
    """Yield what the word list has against each line of a text."""
    for line in text.splitlines():
        for pattern, instead in WORDS.items():
            for match in re.finditer(pattern, line):
                yield f"{match[0]!r} in {line.strip()[:60]!r}: write {instead}"


def problems(name: str, page: str) -> list[str]:
    """Return what the word list and the limits have against a page. Lists of changes and the reference have no limits."""
    # The help of commands is prose in a block of its own.
    text = page if name.endswith("reference/commands.md") else wording_of(page)
    found = [f"{name}: {problem}" for problem in wrong_words(text)]
    if name.startswith(LISTS):
        return found
    figures = measure(prose_of(page))
    if figures.mean > LONGEST_MEAN:
        found.append(f"{name}: {figures.mean:.1f} words in a sentence, at most {LONGEST_MEAN}")
    if figures.per_thousand(figures.semicolons) > MOST_SEMICOLONS:
        found.append(f"{name}: {figures.semicolons} semicolons in {figures.words} words: write two sentences")
    return found


def code_problems(name: str, source: str) -> list[str]:
    """Return what the word list has against the texts of a module: docstrings, messages, help and comments."""
    tree = ast.parse(source)
    found = []
    for line, text in [*_texts(tree), *_comments(source)]:
        plain = re.sub(r"``[^`]*``|`[^`]*`", "code", text)
        found += [f"{name}:{line}: {problem}" for problem in wrong_words(plain)]
    for node in ast.walk(tree):
        docstring = ast.get_docstring(node) if isinstance(node, ast.Module | ast.ClassDef) else None
        if docstring and re.match(OPENERS, docstring):
            found.append(
                f"{name}: the docstring {docstring.splitlines()[0][:60]!r} opens with a question: write a noun"
            )
    return found


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every string with a blank in it, and its line; what is filled into one counts as a word."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "code" for part in values)
            case ast.Constant(value=str(text)) if id(node) not in parts:
                pass
            case _:
                continue
        if " " in text:
            yield node.lineno, text


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")


def pages() -> dict[str, str]:
    """Return the documents for users by their names; the reference is made from the code."""
    files = [
        *(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


def modules() -> dict[str, str]:
    """Return the modules whose texts users and developers read, by their names."""
    files = [file for folder in CODE for file in sorted((ROOT / folder).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


def main(action: str) -> int:
    """Print the figures of every page, or check all pages and modules; return 1 if one fails."""
    if action == "measure":
        texts = {name: prose_of(page) for name, page in pages().items() if not name.startswith(LISTS)}
        for name, text in texts.items():
            sys.stdout.write(f"{measure(text)}  {name}\n")
        sys.stdout.write(f"{measure(chr(10).join(texts.values()))}  all\n")
        return 0
    found = [problem for name, page in pages().items() for problem in problems(name, page)]
    found += [problem for name, source in modules().items() for problem in code_problems(name, source)]
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
