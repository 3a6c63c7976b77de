"""pytest inside pytest: a folder with a program, its tests, and the plugin as its users install it."""

from __future__ import annotations

from typing import Protocol

import pytest

PROGRAM = """
from keyless import SecretReader

_reader = SecretReader("https://contoso-kv.vault.azure.net")


def password():
    return _reader.get("db-password").value
"""


# What a nested pytest loads: ours, and one that tests of its users need. All that is installed here would take seconds.
LOADED = ("-p", "pytest_keyless", "-p", "asyncio", "-p", "no:cacheprovider")


class RunPytest(Protocol):
    def __call__(self, *options: str) -> pytest.RunResult: ...


class RunTests(Protocol):
    def __call__(self, tests: str, *options: str, ini: str = "") -> pytest.RunResult: ...


@pytest.fixture
def run_pytest(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunPytest:
    """Run a pytest of its own in the folder of the test."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return lambda *options: pytester.runpytest_subprocess(*LOADED, *options)


@pytest.fixture
def run_tests(pytester: pytest.Pytester, run_pytest: RunPytest) -> RunTests:
    """Run tests of a program, ``my_app``, in a pytest of their own."""

    def run(tests: str, *options: str, ini: str = "") -> pytest.RunResult:
        pytester.makepyfile(my_app=PROGRAM)
        pytester.makepyfile(test_it=tests)
        pytester.makeini(f"[pytest]\npythonpath = .\nasyncio_mode = auto\n{ini}")
        return run_pytest(*options)

    return run
