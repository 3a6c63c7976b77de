"""What a folder's name can hold stays text in every shell, and in Java."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from keyless.cli.shells import commands

if TYPE_CHECKING:
    from pathlib import Path

ODD = (
    "it's",
    'say "so"',
    "$(touch PWNED)",
    "`touch PWNED`",
    "a\u2019; touch PWNED #",
    "\u2018\u2019\u201a\u201b'",
    "\u201c\u201d\u201e",
    "back\\slash'\\",
    "a b\tc|d;e&f*g?h~!i",
    "line\nend",
    "%PATH% {1..3} [x] <y> ^",
    "é\u00a0\u2028",
)
# The characters that PowerShell takes for a single quotation mark.
POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_takes_any_value_as_it_is_and_runs_nothing_of_it(shell: str, value: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} IS NOT TESTED: it is not on this machine.")
    text = commands("fish" if shell == "fish" else "sh", set_={"X": value}, unset=["Y"])
    done = subprocess.run(
        [program, "-c", f'{text}\nprintf %s "$X"'],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(tmp_path), "Y": "y"},
        check=True,
        timeout=20,
    )
    assert done.stdout.decode() == value
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize("value", ODD)
def test_powershell_reads_one_string_by_its_own_rules(value: str) -> None:
    """As about_Quoting_Rules has it: the string ends at a quotation mark of any kind that is not doubled."""
    written = commands("powershell", set_={"X": value}, unset=[]).removeprefix("$env:X = ")
    string = rf"'(?:[^{POWERSHELL_QUOTES}]|[{POWERSHELL_QUOTES}]{{2}})*'"
    assert re.fullmatch(string, written)
    assert re.sub(f"([{POWERSHELL_QUOTES}])[{POWERSHELL_QUOTES}]", r"\1", written[1:-1]) == value


@pytest.mark.skipif(shutil.which("java") is None, reason="Java IS NOT TESTED: it is not on this machine.")
@pytest.mark.parametrize("name", ["o'brien", 'say "so"', "a 'b' \"c\"", "a|b"])
def test_java_starts_in_a_temporary_folder_with_a_quotation_mark(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "keyless", "run", "--", "java", "-XshowSettings:properties", "-version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""},
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    store = next(line for line in done.stderr.splitlines() if "javax.net.ssl.trustStore =" in line)
    assert f"= {folder}/" in store
    assert "Unmatched quote" not in done.stderr
