"""The cost of the pytest plugin: a reset, a suite with and without the fixture, and the way to the first secret.

Each figure is the median of rounds that alternate with those of its alternative. Run as ``python -m bench.plugin``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.results import keep, table
from bench.served import clean_environment

from keyless.local.server import LocalAzure

ROUNDS = 7
TESTS = 200

BARE = f"""
import pytest

@pytest.mark.parametrize("number", range({TESTS}))
def test_it(number):
    assert number >= 0
"""
WITH_THE_FIXTURE = BARE.replace("(number):", "(local_azure, number):")
FIRST_SECRET = """
from keyless import SecretReader

def test_it(local_azure):
    assert SecretReader("https://contoso-kv.vault.azure.net").get("db-password").value == "local-db-password"
"""
A_SERVER_PER_TEST = """
import pytest
from bench.results import keep, table
from keyless.local.server import LocalAzure

@pytest.fixture
def local_azure():
    with LocalAzure() as azure:
        yield azure
"""


def suite(tests: str, *, conftest: str = "") -> float:
    """Return the seconds that a pytest of its own takes, from the interpreter's start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_it.py").write_text(tests, encoding="utf-8")
        Path(folder, "conftest.py").write_text(conftest, encoding="utf-8")
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", folder],
            check=True,
            capture_output=True,
            env=clean_environment(),
        )
        return time.perf_counter() - started


def reset_and_start() -> tuple[float, float]:
    """Return the milliseconds of a reset, and of a start and stop of another local Azure."""
    with LocalAzure() as azure:
        started = time.perf_counter()
        for _ in range(100):
            azure.reset()
        reset = (time.perf_counter() - started) / 100
    started = time.perf_counter()
    with LocalAzure():
        pass
    return reset * 1000, (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure, and keep what was measured."""
    raw: dict[str, list[float]] = {
        name: [] for name in ("reset_ms", "start_ms", "bare", "fixture", "servers", "first", "one")
    }
    one_bare = BARE.replace(str(TESTS), "1")
    for number in range(ROUNDS):
        reset, start = reset_and_start()
        raw["reset_ms"].append(reset)
        raw["start_ms"].append(start)
        for name, tests, conftest in (
            ("bare", BARE, ""),
            ("fixture", WITH_THE_FIXTURE, ""),
            ("servers", WITH_THE_FIXTURE, A_SERVER_PER_TEST),
            ("one", one_bare, ""),
            ("first", FIRST_SECRET, ""),
        ):
            raw[name].append(suite(tests, conftest=conftest))
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    median = {name: statistics.median(found) for name, found in raw.items()}
    per_test = (median["fixture"] - median["bare"]) / TESTS * 1000
    pairs = (
        ("reset of the local Azure", "reset_ms", "a start and stop of another", "start_ms", "ms"),
        (f"{TESTS} tests with local_azure", "fixture", "the same tests without it", "bare", "s"),
        (f"{TESTS} tests with local_azure", "fixture", "the same with a server for each test", "servers", "s"),
        ("one test that reads a secret", "first", "one test that does nothing", "one", "s"),
    )
    rows = [
        [
            what,
            f"{median[took]:.2f} {unit}",
            against,
            f"{median[other]:.2f} {unit}",
            f"{median[took] / median[other]:.3f}",
        ]
        for what, took, against, other, unit in pairs
    ]
    section = f"""
`python -m bench.plugin`, medians of {ROUNDS} alternating rounds. The {TESTS} tests do nothing. The fixture sets the local Azure back and
leads the process to it for each of them.

{table(["what", "took", "against", "took", "ratio"], rows)}

The last row is the whole way from the interpreter's start to the first secret read and the process's end. What a test adds is {per_test:.1f} ms
with the start of the one server spread over the {TESTS}.
"""
    keep("plugin", {"tests": TESTS, "raw": raw}, section)


if __name__ == "__main__":
    main()
