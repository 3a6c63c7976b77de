"""A local Azure for the real az, and the function app of this repository beside it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.az.program import NOWHERE, Az

from keyless.local.azure.config.config import load_config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MakeAz(Protocol):
    def __call__(self, text: str) -> Az: ...


@pytest.fixture
def make_az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeAz]:
    """Start a local Azure from the text of a keyless.toml, with az signed in as its operator."""

    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)

    def make(text: str) -> Az:
        file = tmp_path / "keyless.toml"
        file.write_text(text, encoding="utf-8")
        config = load_config(file)
        az = Az(stack.enter_context(LocalAzure(config)), config, folder=tmp_path)
        az.login()
        return az

    with ExitStack() as stack:
        yield make
