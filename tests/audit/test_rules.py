"""Each rule finds what it is for, on its line, and leaves alone what only looks like it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from tests.audit.cases import CASES, Case

from keyless.audit.project import audit
from keyless.audit.rules import CATALOG, called_by, retirement
from keyless.audit.rules.packages import FAULTS, numbers

TODAY = date(2026, 11, 27)
PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_finds_its_line_and_nothing_else(case: Case, tmp_path: Path) -> None:
    for path, text in ((case.path, case.text), *((case.beside,) if case.beside else ())):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    report = audit([tmp_path], today=TODAY)
    lines = [
        finding.place.line
        for finding in report.findings
        if finding.rule.code == case.rule and finding.place.path.endswith(case.path)
    ]
    assert lines == ([] if case.line is None else [case.line])
    assert report.problems == ()
    # Whatever was found, no value went with it.
    assert "hunter2" not in repr(report) + str(report.to_dict())


def test_every_rule_is_shown_finding_something_and_leaving_something_alone() -> None:
    shown = defaultdict(set)
    for case in CASES:
        shown[case.rule].add(case.line is not None)
    assert {code: sorted(kinds) for code, kinds in shown.items()} == {rule.code: [False, True] for rule in CATALOG}


def test_every_rule_has_its_source_and_a_row_in_the_page_and_every_row_a_rule() -> None:
    rows = re.findall(
        r"^\| <a id=\"(ka-\d+)\"></a>(KA-\d+) `([a-z-]+)` \|.*\]\((https://[^)]+)\) \|$", PAGE.read_text(), re.MULTILINE
    )
    assert rows == [(rule.code.lower(), rule.code, rule.name, rule.source) for rule in CATALOG]
    assert all(rule.seen <= TODAY for rule in CATALOG)


def test_every_fault_names_a_release_that_has_it_and_one_that_does_not() -> None:
    for fault in FAULTS:
        last = fault.until or fault.since
        assert fault.covers(last)
        assert fault.source.startswith("https://")
        assert not fault.covers(fault.fixed or ".".join(map(str, (*numbers(last), 1))))


def test_what_stops_is_due_within_its_days_and_has_stopped_from_its_day_on(tmp_path: Path) -> None:
    (tmp_path / "kv.bicep").write_text("resource kv 'Microsoft.KeyVault/vaults@2023-07-01' existing = { name: 'x' }\n")

    def seen(today: date, days: int) -> tuple[str, bool]:
        report = audit([tmp_path], today=today, days=days)
        return report.findings[0].status(today), bool(report.due)

    assert seen(date(2026, 8, 30), 180) == ("stops", False)
    assert seen(date(2026, 8, 31), 180) == ("stops", True)
    assert seen(date(2026, 8, 31), 10) == ("stops", False)
    assert seen(date(2027, 2, 26), 0) == ("stops", False)
    assert seen(date(2027, 2, 27), 0) == ("stopped", True)


def test_the_rules_load_without_a_parser() -> None:
    program = (
        "import sys\nfor name in ('tree_sitter', 'yaml', 'packaging', 'click'): sys.modules[name] = None\n"
        "from keyless.audit.rules import faults_of\nimport keyless.doctor\nprint(len(faults_of('pypi', 'msal')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_a_clients_own_name_tells_what_it_calls() -> None:
    old = "AZURECLI/2.75.0 (DEB) azsdk-python-core/1.31.0 Python/3.12.8 (Linux)"
    assert [fault.rule for fault in called_by(old)] == ["KA-102"]
    assert called_by(old.replace("2.75", "2.90")) == ()
    assert called_by("curl/8.5.0") == ()
    assert retirement("/subscriptions/s/providers/Microsoft.KeyVault/vaults/kv", "2022-07-01") is not None
    assert retirement("Microsoft.KeyVaultX/vaults", "2022-07-01") is None
