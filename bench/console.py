"""The start of ``keyless up`` with the console and without it, in turn, in one run. Run as ``python -m bench.console``."""

import subprocess
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.results import alternate, keep, median, met, ratio, table
from bench.served import clean_environment, this_python

WITH, WITHOUT = "with the console", "without it"
GOAL = 10.0
ROUNDS = 15


def start(folder: Path, *options: str) -> float:
    """Return the milliseconds until ``keyless up`` says that it is ready."""
    began = time.perf_counter()
    with subprocess.Popen(
        [str(this_python()), "-m", "keyless", "up", "--json", "--function-port", "0", *options],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as up:
        assert up.stdout is not None
        assert up.stdout.readline()
        took = (time.perf_counter() - began) * 1000
        up.terminate()
    return took


def main() -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        rivals = {WITH: partial(start, folder), WITHOUT: partial(start, folder, "--no-console")}
        measured = alternate(rivals, ROUNDS)
    middle = median(measured)
    more = middle[WITH] - middle[WITHOUT]
    rows = [[name, f"{middle[name]:.0f} ms"] for name in rivals]
    rows.append(
        ["more with it", f"{more:.0f} ms, {ratio(measured, WITH, WITHOUT):.2f} x (goal: {met(more, GOAL, unit=' ms')})"]
    )
    keep("console", {"milliseconds": measured}, table(["start of `keyless up --json`", "median"], rows))


if __name__ == "__main__":
    main()
