"""The clock that tests of the library move, and the endpoint of a virtual machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.scripted import MovedClock

if TYPE_CHECKING:
    from tests.scripted import ScriptedEndpoint


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def virtual_machine(endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch) -> ScriptedEndpoint:
    """The endpoint, where a virtual machine has it."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint.url)
    return endpoint
