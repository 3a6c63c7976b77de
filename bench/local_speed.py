"""The local Azure and the command line of this build beside those of another: start, requests, memory, the fixture, a TAB.

Both builds do the same in turn, each in processes of its own. Run as ``python -m bench.local_speed --other PYTHON``, where
PYTHON is the interpreter of another checkout's environment. Ratios are medians of the rounds' own ratios.
"""

import argparse
import os
import resource
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.plugin import BARE, TESTS, WITH_THE_FIXTURE
from bench.results import alternate, keep, median, met, ratio, table
from bench.served import (
    KeylessUp,
    clean_environment,
    most_memory,
    processor_time,
    proportional_memory,
    run,
    this_python,
)

NEW, OLD = "this build", "the other"
TABS = {
    "a command's name": ("keyless ru", 1),
    "an option of run": ("keyless run --so", 2),
    "an option of up": ("keyless up --", 2),
    "a command of secret": ("keyless secret s", 2),
}
RESET = """
import time
from keyless.local.server import LocalAzure
with LocalAzure() as azure:
    started = time.perf_counter()
    for _ in range(100):
        azure.reset()
    print((time.perf_counter() - started) * 10)
"""
Measured = dict[str, list[float]]


def started(python: Path, folder: Path) -> dict[str, float]:
    """Return what ``keyless up`` took until a secret was read with a token, and what it held then."""
    up, before, began = KeylessUp(python, folder), resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    up.start()
    wall, memory = time.perf_counter() - began, most_memory(up.process.pid)
    together = proportional_memory(up.process.pid)
    up.end()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "processor": spent, "memory": memory, "memory together": together}


def suite(python: Path, folder: Path, tests: str) -> float:
    """Return the seconds of a pytest of 200 tests."""
    Path(folder, "test_it.py").write_text(tests, encoding="utf-8")
    more: list[str | Path] = ["-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "test_it.py"]
    return run([python, "-m", "pytest", *more], folder)[0]


def reset(python: Path, folder: Path) -> float:
    """Return the milliseconds of one reset."""
    done = subprocess.run(
        [python, "-c", RESET], check=True, capture_output=True, text=True, cwd=folder, env=clean_environment()
    )
    return float(done.stdout)


def tab(python: Path, folder: Path, words: str, position: int) -> float:
    """Return the milliseconds of processor time of a TAB."""
    more = {"_KEYLESS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    return run([python.parent / "keyless"], folder, **more)[1] * 1000


def requests(pythons: Mapping[str, Path], folder: Path, rounds: int, number: int) -> dict[str, Measured]:
    """Return, by kind, the requests a second of each build, and the microseconds of its processor time for each."""
    found: dict[str, Measured] = {}
    ups = {name: KeylessUp(python, folder) for name, python in pythons.items()}
    places = {name: up.start() for name, up in ups.items()}
    connections = {name: place.connect() for name, place in places.items()}
    for _ in range(rounds):
        for kind in ("get", "set"):
            for name, up in ups.items():
                before = processor_time(up.process.pid)
                rate = places[name].rate(connections[name], kind, number)
                spent = (processor_time(up.process.pid) - before) / number
                found.setdefault(kind, {}).setdefault(name, []).append(rate)
                found.setdefault(f"{kind}, server", {}).setdefault(name, []).append(spent * 1e6)
    for name, up in ups.items():
        found.setdefault("memory after", {})[name] = [most_memory(up.process.pid)]
        connections[name].close()
        up.end()
    return found


def line(what: str, measured: Measured, *, goal: float, unit: str, scale: float = 1, more: bool = False) -> list[str]:
    """Return a row: both builds, the ratio of the new one to the other, and whether its goal is met."""
    middle, held = median(measured), ratio(measured, NEW, OLD)
    numbers = (f"{middle[name] * scale:.2f} {unit}" for name in (NEW, OLD))
    return [what, *numbers, f"{held:.2f}", met(held, goal, at_least=more)]


def measure(pythons: Mapping[str, Path], folder: Path, rounds: int) -> dict[str, Measured]:
    """Measure everything, and return it by what it is."""
    each = partial(alternate, rounds=rounds)
    runs = each(
        {name: partial(run, [python, "-m", "keyless", "run", "--", "true"], folder) for name, python in pythons.items()}
    )
    ups = each({name: partial(started, python, folder) for name, python in pythons.items()})
    found: dict[str, Measured] = {
        "run": {name: [wall for wall, _ in runs[name]] for name in pythons},
        "run, processor": {name: [spent for _, spent in runs[name]] for name in pythons},
        **{f"up, {what}": {name: [one[what] for one in ups[name]] for name in pythons} for what in ups[NEW][0]},
        **requests(pythons, folder, rounds, 500),
        "reset": each({name: partial(reset, python, folder) for name, python in pythons.items()}),
    }
    for what, (words, position) in TABS.items():
        found[f"TAB, {what}"] = each(
            {name: partial(tab, python, folder, words, position) for name, python in pythons.items()}
        )
    for what, tests in (("bare", BARE), ("fixture", WITH_THE_FIXTURE)):
        found[what] = each({name: partial(suite, python, folder, tests) for name, python in pythons.items()})
    return found


def main() -> None:
    """Measure, and keep what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--other", type=Path, required=True, help="the interpreter of another checkout's environment")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        found = measure({NEW: this_python(), OLD: options.other.absolute()}, Path(folder), options.rounds)
    rows = [
        line("`keyless run -- true`", found["run"], goal=0.45, unit="s"),
        line("... processor time", found["run, processor"], goal=0.45, unit="s"),
        line("`keyless up --json` to the first secret", found["up, wall"], goal=0.40, unit="s"),
        line("... processor time, both processes", found["up, processor"], goal=0.40, unit="s"),
        line("get on a kept connection", found["get"], goal=2, unit="/s", more=True),
        line("... processor time of the server", found["get, server"], goal=0.5, unit="µs"),
        line("set on a kept connection", found["set"], goal=2, unit="/s", more=True),
        line("... processor time of the server", found["set, server"], goal=0.5, unit="µs"),
        line("reset of the fixture", found["reset"], goal=1, unit="ms"),
    ]
    own = [
        ["memory of `keyless up`", f"{median(found['up, memory'])[NEW]:.0f} MiB", f"{median(found['up, memory'])[OLD]:.0f} MiB",
         met(median(found["up, memory"])[NEW], 67, unit=" MiB")],
        ["... with the worker of its functions, what they share once (PSS)",
         *(f"{median(found['up, memory together'])[name]:.0f} MiB" for name in (NEW, OLD)), "none was set"],
        *([f"TAB: {what}", f"{median(found[f'TAB, {what}'])[NEW]:.0f} ms", f"{median(found[f'TAB, {what}'])[OLD]:.0f} ms",
           met(median(found[f"TAB, {what}"])[NEW], 150, unit=" ms")] for what in TABS),
        [f"{TESTS} tests with the fixture, to the same without",
         *(f"{median(found['fixture'])[name] / median(found['bare'])[name]:.2f}" for name in (NEW, OLD)),
         met(median(found["fixture"])[NEW] / median(found["bare"])[NEW], 1.25)],
    ]  # fmt: skip
    section = f"""
`python -m bench.local_speed --other PYTHON`: this build beside another, in turn, median of {options.rounds} rounds. The load of the
machine, which has {os.cpu_count()} cores, was {load:.1f} before, without the benchmark's own.

{table(["what", NEW, OLD, "ratio", "goal"], rows)}

{table(["what", NEW, OLD, "goal of this build"], own)}
"""
    keep("local_speed", {"load": load, "measured": found}, section)


if __name__ == "__main__":
    main()
