"""The fixtures of ``pytest_keyless``: one local Azure a process, set back for every test, and the way to it."""

from __future__ import annotations

import os
import ssl
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from keyless._wire import clock as library_clock
from keyless.errors import ConfigurationError

try:
    from msgspec.structs import astuple

    from keyless.local.azure.config.config import Config, default_config, load_config, read_config
    from keyless.local.instruments.journal_failures import denied
    from keyless.local.programs.variables import IDENTITY_VARIABLES
    from keyless.local.server import LocalAzure
    from keyless.local.testing.drill_account import DrillRun
    from keyless.local.testing.least_privilege import Use
    from keyless.local.testing.least_privilege import report as report_text
    from keyless.local.testing.least_privilege import uses as uses_of
    from keyless.local.testing.moved_time import MovedTime
    from keyless.local.wire.identity import imds
    from keyless.local.wire.identity.site import check_source
except ModuleNotFoundError as error:
    raise ConfigurationError(
        f"The fixture local_azure needs {error.name}, which is not installed.",
        cause="Keyless was installed without the packages of the local Azure.",
        remedy="pip install 'keyless[local]'",
    ) from error

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from types import TracebackType

    from keyless.local.azure.azure import Azure

_MARKED = {"config", "source", "strict"}
_CONFIG_FILE = "keyless.toml"
_IDENTITY_VARIABLES = frozenset(IDENTITY_VARIABLES)
# Where aiohttp keeps the roots that its client trusts.
_CONNECTOR, _TRUST = "aiohttp.connector", "_SSL_CONTEXT_VERIFIED"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the ini file, or of a marker in its stead.

    Attributes:
        config: What there is.
        source: On which kind of host tests are.
        strict: Whether a denial that a test does not look at fails it.
    """

    config: Config
    source: str
    strict: bool

    @classmethod
    def of(cls, config: pytest.Config) -> Self:
        """Read the ini file; without ``keyless_config``, a keyless.toml beside it, else the example of Keyless.

        Raises:
            ConfigurationError: If the file it names is wrong.
            LocalAzureError: If there is no such source.
        """
        folder = config.inipath.parent if config.inipath else config.rootpath
        named = config.getini("keyless_config")
        file = folder / (named or _CONFIG_FILE)
        chosen = load_config(file) if named or file.exists() else default_config()
        source = check_source(config.getini("keyless_source"))
        return cls(config=chosen, source=source, strict=config.getini("keyless_strict"))

    def marked(self, item: pytest.Item) -> Settings:
        """Return these settings as the marker of a test changes them.

        Raises:
            ConfigurationError: If the marker has something that it cannot have.
        """
        marker = item.get_closest_marker("keyless")
        if marker is None:
            return self
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in _MARKED)]
        if unknown:
            raise ConfigurationError(
                f"The marker keyless of {item.name} is given {', '.join(unknown)}.",
                cause="It takes nothing but config=, source= and strict=.",
                remedy='Write it as @pytest.mark.keyless(config="keyless.toml", source="imds", strict=True).',
            )
        given = {name: value for name, value in marker.kwargs.items() if value is not None}
        return Settings(
            config=_config(given["config"], item) if "config" in given else self.config,
            source=check_source(given.get("source", self.source)),
            strict=bool(given.get("strict", self.strict)),
        )


def _config(given: object, item: pytest.Item) -> Config:
    if isinstance(given, Config):
        return given
    if isinstance(given, dict):
        return read_config(f"the marker keyless of {item.name}", given)
    if isinstance(given, (str, Path)):
        return load_config(item.path.parent / given)
    raise ConfigurationError(
        f"The config of the marker keyless of {item.name} is {type(given).__name__}.",
        cause="It lists what exists at the start.",
        remedy="Give the path of a keyless.toml, from the test's folder, or its tables as a dict.",
    )


class AzureOfTests:
    """The local Azure of this process, from ``with`` to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.azure = LocalAzure(settings.config, source=settings.source, on_demand=True)
        self._time = MovedTime(library_clock)
        self._ending = ExitStack()
        self._trust: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._ending.enter_context(self.azure)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    @contextmanager
    def for_test(self, item: pytest.Item) -> Generator[None]:
        """Set the local Azure back, and lead this process to it, for one test."""
        settings = self._settings.marked(item)
        self.azure.reset(settings.config)
        with self.leading(source=settings.source), self._time.led_by(self.azure.clock):
            yield

    @contextmanager
    def leading(self, *, source: str | None = None) -> Generator[None]:
        """Lead this process, and what it starts, to the local Azure."""
        if (source or self._settings.source) == imds.NAME:
            # Clients give the metadata service of a virtual machine a second to show that it is there.
            self.azure.wait()
        connector = sys.modules.get(_CONNECTOR)
        with pytest.MonkeyPatch.context() as patch:
            for name in _IDENTITY_VARIABLES.intersection(os.environ):
                patch.delenv(name)
            for name, value in self.azure.environment(source=source).items():
                patch.setenv(name, value)
            # aiohttp reads SSL_CERT_FILE once, when it is imported; a program that gets it at its start needs no such thing.
            if connector is not None:
                patch.setattr(connector, _TRUST, self._local_trust(), raising=False)
            yield
        if connector is None and _CONNECTOR in sys.modules:
            # It was imported within the test, and took the local trust for that of the machine.
            setattr(sys.modules[_CONNECTOR], _TRUST, ssl.create_default_context())

    def _local_trust(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=str(self.azure.bundle_file))
        return self._trust

    def check(self, item: pytest.Item) -> None:
        """Fail a strict test that was denied something and did not look.

        Raises:
            pytest.fail.Exception: If there was a denial; the text shows it.
        """
        __tracebackhide__ = True
        unseen = self.azure.journal.unseen_denials()
        if unseen and self._settings.marked(item).strict:
            pytest.fail(
                f"{denied(unseen)}\n  keyless_strict: expect it with local_azure.journal.assert_denied(), or fix it.",
                pytrace=False,
            )

    def take_uses(self) -> Counter[Use]:
        """Return what was asked of the vaults, once: the journal is empty then."""
        found = uses_of(self.azure.journal.entries())
        self.azure.journal.clear()
        return found


class Drills:
    """The drills of one test; their accounts are printed when it is over."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._runs: list[DrillRun] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            sys.stdout.write(f"{run.account().text()}\n")

    @contextmanager
    def during(self, name: str) -> Generator[DrillRun]:
        """Run a drill for the length of a ``with``.

        Raises:
            LocalAzureError: If there is none of that name.
        """
        run = DrillRun(self._azure, name)
        self._runs.append(run)
        run.begin()
        try:
            yield run
        finally:
            run.end()


def packed(found: Counter[Use]) -> list[list[Any]]:
    """Return counted uses in a form that goes from process to process."""
    return [[*astuple(use), number] for use, number in found.items()]


def merged(found: Counter[Use], more: Iterable[list[Any]]) -> Counter[Use]:
    """Return counted uses and those of another process."""
    return found + Counter({Use(*fields): number for *fields, number in more})


def report(found: Counter[Use]) -> str:
    """Return the report on counted uses."""
    return report_text(found)
