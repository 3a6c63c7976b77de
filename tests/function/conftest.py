"""What `make parity` prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str, str]]]:
    """The rows that `make parity` prints: the case, and what each host answered."""
    rows: list[tuple[str, str, str]] = []
    yield rows
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    asked = "real host" if "real" in request.module.__name__ else "runtime"
    with capture.global_and_fixture_disabled():
        for case, *found in [("case", asked, "dev host"), *rows]:
            sys.stdout.write(f"\n{case:52} {found[0]:32} {found[1]}")
        sys.stdout.write("\n(status; a hash of status, headers and body; length of the body)\n")
