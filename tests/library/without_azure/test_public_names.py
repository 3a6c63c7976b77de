"""What `import keyless` offers, and what it costs."""

import subprocess
import sys

import pytest

import keyless


def test_every_public_name_can_be_had_and_is_listed() -> None:
    assert {name for name in keyless.__all__ if getattr(keyless, name) is None} == set()
    assert set(keyless.__all__) <= set(dir(keyless))


@pytest.mark.parametrize("name", ["errors", "events", "reader", "retry", "secret", "secret_id", "stats", "clouds"])
def test_a_public_module_can_be_had_without_importing_it(name: str) -> None:
    program = f"import keyless; print(keyless.{name}.__name__, {name!r} in dir(keyless))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == f"keyless.{name} True\n", ran.stderr


def test_a_name_that_is_none_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'SecretRaeder'"):
        _ = keyless.SecretRaeder  # type: ignore[attr-defined]  # mypy finds it, too.
    assert not hasattr(keyless, "LocalAzureError")


def test_a_star_import_brings_every_public_name_and_the_import_alone_neither_msal_nor_requests() -> None:
    program = (
        "import sys, keyless\nprint(sorted({'msal', 'requests', 'keyless.reader'} & set(sys.modules)))\n"
        "from keyless import *\nprint(set(keyless.__all__) - set(globals()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == "[]\nset()\n", ran.stderr
