"""Runs every attack on the library with its full count, and prints a table: ``make attack``."""

from __future__ import annotations

import json
import subprocess
import sys
import time

# Each with its count, and how many seconds it may take.
ATTACKS = {"interrupts": (10_000, 400), "forks": (1000, 1200), "drips": (200, 400)}
COLUMNS = ("tried", "hung", "lost", "wrong", "leaked")


def run(name: str, count: int, *, seconds: float, seed: int | None = None) -> dict[str, int]:
    """Run one attack in a process of its own, and return its seed and its counts.

    Raises:
        subprocess.SubprocessError: If it hangs or ends otherwise; what it wrote shows where.
    """
    command = [sys.executable, "-m", f"tests.attack.{name}", "--count", str(count)]
    command += [] if seed is None else ["--seed", str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=seconds, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def main() -> int:
    """Run them all; return 1 if anything went wrong."""
    write = sys.stdout.write
    write(f"| attack | seed | {' | '.join(COLUMNS)} | seconds |\n| --- |{' --- |' * (len(COLUMNS) + 2)}\n")
    clean = True
    for name, (count, seconds) in ATTACKS.items():
        started = time.monotonic()
        found = run(name, count, seconds=seconds)
        counts = [found[column] for column in COLUMNS]
        clean = clean and not any(counts[1:])
        cells = [name, found["seed"], *counts, round(time.monotonic() - started)]
        write(f"| {' | '.join(map(str, cells))} |\n")
        sys.stdout.flush()
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
