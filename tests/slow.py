"""Which tests `make quick` leaves out: those of tests/slow.txt.

`make slow` writes the list from a run of every test; CI holds the list against its own run.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

FILE = Path(__file__).with_suffix(".txt")
SLOW = 0.2
# Seconds: CI's machine may be busy, so that it names only what is slow beyond doubt.
CERTAINLY_SLOW = 20.0


def listed() -> frozenset[str]:
    """Return the tests of the list: the file and the function, without parameters."""
    return frozenset(FILE.read_text(encoding="utf-8").split())


def measured(report: Path) -> dict[str, float]:
    """Return the seconds of each test in a report in JUnit's format; the slowest parameters count."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.attrib['file']}::{case.attrib['name'].partition('[')[0]}"
        seconds[name] = max(seconds[name], float(case.attrib["time"]))
    return seconds


def problems(seconds: dict[str, float], names: frozenset[str]) -> list[str]:
    """Return what is wrong with the list, by a run."""
    files = {name.partition("::")[0] for name in seconds}
    missing = [name for name, took in seconds.items() if took > CERTAINLY_SLOW and name not in names]
    gone = [name for name in names if name.partition("::")[0] in files and name not in seconds]
    return [f"{name} is slow, and not listed" for name in missing] + [f"{name} is listed, and gone" for name in gone]


def main(action: str, report: str) -> int:
    """Write the list, or check it; return 1 if it is wrong."""
    seconds = measured(Path(report))
    if action == "write":
        slow = sorted(name for name, took in seconds.items() if took >= SLOW)
        FILE.write_text("".join(f"{name}\n" for name in slow), encoding="utf-8")
        return 0
    found = problems(seconds, listed())
    for problem in found:
        sys.stderr.write(f"tests/slow.txt: {problem}. Run: make slow\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
