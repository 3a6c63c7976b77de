"""Measure the prose of the documents, and hold the pages that were brought to it to our word list.

`make prose` prints the figures of every page. `make check` runs the check. CONTRIBUTING.md has the word list for people.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
# The pages that were brought to the word list. Add one when you have rewritten it; none is taken away.
HELD: Final = (
    "README.md",
    "docs/index.md",
    "docs/tutorial.md",
    "docs/azure-functions.md",
    "docs/ci.md",
    "docs/run.md",
    "docs/control.md",
    "docs/doctor.md",
    "docs/faults.md",
    "docs/library.md",
    "docs/deploy.md",
    "docs/errors.md",
    "docs/frameworks.md",
    "docs/functions-surprises.md",
    "docs/keys.md",
    "docs/conditions.md",
    "docs/release.md",
    "docs/glossary.md",
    "docs/decisions/connect-proxy.md",
    "docs/decisions/constrained-ca.md",
    "docs/decisions/index.md",
    "docs/decisions/keyless-toml.md",
    "docs/decisions/msal-alone.md",
    "docs/decisions/no-stale-value-after-403.md",
    "docs/decisions/no-timers.md",
    "docs/decisions/sqlite.md",
    "docs/read-twice.md",
    "docs/testing.md",
    "docs/architecture.md",
    "docs/attack.md",
    "docs/audit.md",
    "docs/console.md",
    "docs/fidelity.md",
    "docs/pains.md",
    "docs/sign-in.md",
    "docs/sources.md",
    "docs/reference/index.md",
    "docs/reference/commands.md",
)
LONGEST_MEAN: Final = 14.0
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


def problems(name: str, page: str) -> list[str]:
    """Return what the word list and the limits have against a page."""
    # The help of commands is prose in a block of its own.
    text = page if name.endswith("reference/commands.md") else prose_of(page)
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        found += [
            f"{name}: {match[0]!r} in {line.strip()[:60]!r} (line {number} of its prose): write {instead}"
            for pattern, instead in WORDS.items()
            for match in re.finditer(pattern, line)
        ]
    figures = measure(text)
    if name.endswith("commands.md"):
        return found
    if figures.mean > LONGEST_MEAN:
        found.append(f"{name}: {figures.mean:.1f} words in a sentence, at most {LONGEST_MEAN}")
    if figures.per_thousand(figures.semicolons) > MOST_SEMICOLONS:
        found.append(f"{name}: {figures.semicolons} semicolons in {figures.words} words: write two sentences")
    return found


def pages() -> dict[str, str]:
    """Return the documents for users by their names; the reference is made from the code."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


def main(action: str) -> int:
    """Print the figures of every page, or check those that are held to the list; return 1 if one fails."""
    if action == "measure":
        texts = {name: prose_of(page) for name, page in pages().items() if "/reference/" not in name}
        for name, text in texts.items():
            sys.stdout.write(f"{measure(text)}  {name}\n")
        sys.stdout.write(f"{measure(chr(10).join(texts.values()))}  all\n")
        return 0
    found = [problem for name, page in pages().items() if name in HELD for problem in problems(name, page)]
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
