"""The pytest plugin of Keyless: the fixture ``local_azure``, its options, and its report.

This module stands beside the package, not in it, since pytest imports it at every start, whether a test asks for the local
Azure or not: it imports nothing until one does.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from keyless.local.server import LocalAzure
    from keyless.local.testing.drill_account import DrillRun
    from keyless.pytest_plugin import AzureOfTests

_MARKER = (
    "keyless(config=None, source=None, strict=None): what the local Azure of a test has (a keyless.toml beside the test, or its "
    "tables), on which kind of host the test is, and whether a denial that it does not look at fails it."
)
_USES: pytest.StashKey[Counter[Any]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what can be set on the command line and in the ini file."""
    parser.getgroup("keyless", "the local Azure of Keyless").addoption(
        "--keyless-report",
        action="store_true",
        help="Say at the end which identity asked what of which vault, and the smallest roles that suffice.",
    )
    parser.addini(
        "keyless_config", "The keyless.toml of all tests, beside the ini file unless its path says otherwise."
    )
    parser.addini(
        "keyless_source", "On which kind of host tests are, as in keyless run --source.", default="app-service"
    )
    parser.addini("keyless_strict", "Fail a test that does not look at a denial.", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def _azure_of_tests(pytestconfig: pytest.Config) -> Iterator[AzureOfTests]:
    """The one local Azure of this process, started when the first test wants it."""
    from keyless.pytest_plugin import AzureOfTests, Settings  # noqa: PLC0415 (no start of pytest pays for it)

    with AzureOfTests(Settings.of(pytestconfig)) as found:
        yield found
        _count(pytestconfig, found)


@pytest.fixture(scope="session")
def local_azure_session(_azure_of_tests: AzureOfTests) -> Iterator[LocalAzure]:
    """Keyless: the local Azure, and this process led to it, for fixtures that live as long as the session.

    A test that asks for ``local_azure`` as well sets it back to its configuration.
    """
    with _azure_of_tests.leading():
        yield _azure_of_tests.azure


@pytest.fixture
def local_azure(request: pytest.FixtureRequest, _azure_of_tests: AzureOfTests) -> Iterator[LocalAzure]:
    """Keyless: the local Azure, as its configuration says, and this process led to it, for one test.

    Unmodified Azure SDKs, here and in subprocesses, find the identity endpoint by their environment variables, and the
    vaults at https://NAME.vault.azure.net. ``local_azure.clock.advance`` moves the time of the keyless library, MSAL and
    azure-identity in this process, too.
    """
    _count(request.config, _azure_of_tests)  # What fixtures of the session have asked is gone after a reset.
    with _azure_of_tests.for_test(request.node):
        yield _azure_of_tests.azure
    _count(request.config, _azure_of_tests)


@pytest.fixture
def local_azure_drill(local_azure: LocalAzure) -> Iterator[Callable[[str], AbstractContextManager[DrillRun]]]:
    """Keyless: what lets something go wrong for the length of a block.

    In ``with local_azure_drill("vault-outage") as drill``, ``drill.account()`` says what was asked meanwhile, and how it was
    answered; it is in the test's output, too.
    """
    from keyless.pytest_plugin import Drills  # noqa: PLC0415

    with Drills(local_azure.azure) as drills:
        yield drills.during


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has passed although it left a denial unlooked-at, where it is to be strict."""
    result = yield
    if "local_azure" in getattr(item, "fixturenames", ()) and "_azure_of_tests" in getattr(item, "funcargs", {}):
        item.funcargs["_azure_of_tests"].check(item)  # type: ignore[attr-defined]
    return result


def _count(config: pytest.Config, found: AzureOfTests) -> None:
    if config.getoption("--keyless-report"):
        config.stash.setdefault(_USES, Counter()).update(found.take_uses())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what this worker of pytest-xdist has counted to the process that prints it."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and _USES in session.config.stash:
        from keyless.pytest_plugin import packed  # noqa: PLC0415

        output["keyless_uses"] = packed(session.config.stash[_USES])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001 (pytest names what it gives)
    """Take over what a worker of pytest-xdist has counted."""
    found = getattr(node, "workeroutput", {}).get("keyless_uses")
    if found:
        from keyless.pytest_plugin import merged  # noqa: PLC0415

        node.config.stash[_USES] = merged(node.config.stash.get(_USES, Counter()), found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the report."""
    if config.getoption("--keyless-report"):
        from keyless.pytest_plugin import report  # noqa: PLC0415

        terminalreporter.section("keyless: what each identity needs")
        terminalreporter.write_line(report(config.stash.get(_USES, Counter())))
