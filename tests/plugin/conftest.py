"""pytest inside pytest: a folder with a program, its tests, and the plugin as its users install it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
from keyless import SecretReader

_reader = SecretReader("https://contoso-kv.vault.azure.net")


def password():
    return _reader.get("db-password").value
"""


class RunTests(Protocol):
    def __call__(self, tests: str, *options: str, ini: str = "") -> pytest.RunResult: ...


@pytest.fixture
def run_tests(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run tests of a program, ``my_app``, in a pytest of their own."""

    def run(tests: str, *options: str, ini: str = "") -> pytest.RunResult:
        pytester.makepyfile(my_app=PROGRAM)
        pytester.makepyfile(test_it=tests)
        pytester.makeini(f"[pytest]\npythonpath = .\nasyncio_mode = auto\n{ini}")
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)

    return run
