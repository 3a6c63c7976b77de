"""What a command of az is to answer: its exit code, and the fields of its output that Azure would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.az.program import is_guid

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.az.program import Az, Ran


@dataclass(frozen=True)
class Fails:
    """It fails, with words on standard error.

    Attributes:
        text: What standard error holds.
        code: The exit code.
    """

    text: str
    code: int = 1


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        line: The command, as a shell reads it.
        wanted: What it prints, as ``fits`` reads it; None where it prints nothing.
    """

    line: str
    wanted: Any = None


def fits(found: Any, wanted: Any) -> bool:
    """Whether an output is what is wanted: of an object the named fields alone, of a list every item, a function decides."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(fits(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(fits(one, each) for one, each in zip(found, wanted, strict=True))
        )
    return bool(wanted(found)) if callable(wanted) else bool(found == wanted)


def some(*wanted: Any) -> Callable[[Any], bool]:
    """Return whether a list has an item for each thing that is wanted."""
    return lambda found: isinstance(found, list) and all(any(fits(one, each) for one in found) for each in wanted)


def ends(text: str) -> Callable[[Any], bool]:
    """Return whether a text ends so, whatever its case."""
    return lambda found: isinstance(found, str) and found.lower().endswith(text.lower())


guid = is_guid


def problem(ran: Ran, wanted: Any) -> str | None:
    """Return what differs from what a command was to answer."""
    if isinstance(wanted, Fails):
        right = ran.code == wanted.code and wanted.text in ran.errors
        return None if right else f"exit code {ran.code}, {ran.errors.strip() or ran.out}"
    if ran.code:
        return f"exit code {ran.code}: {ran.errors.strip()}"
    found = ran.json
    return None if fits(found, wanted) else f"printed {found}"


def problems(az: Az, steps: list[Step], variables: dict[str, str]) -> list[str]:
    """Run commands one after the other; return what is wrong, and with which."""
    found = [(step, problem(az.run(step.line, variables=variables), step.wanted)) for step in steps]
    return [f"{step.line}: {said}" for step, said in found if said]
