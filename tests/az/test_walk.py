"""The walk that this product grew from, with the real az, as README has it: enable the identity, assign the role, call."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.az.program import AZ, NOWHERE, ROOT, needs_az

pytestmark = needs_az
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = "keyless run --config examples/walk/keyless.toml --functions function_app -- sh examples/walk/walk.sh"


def test_the_walk_of_the_readme_goes_from_nothing_to_a_secret() -> None:
    assert f"    {COMMAND}\n" in README
    path = os.pathsep.join((str(AZ.parent), os.path.dirname(sys.executable), os.environ["PATH"]))  # noqa: PTH120
    done = subprocess.run(
        ["sh", "-c", COMMAND],
        cwd=ROOT,
        env={**os.environ, **NOWHERE, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^  (\d+)$", done.stdout, re.MULTILINE) == ["503", "403", "403", "200", "403", "200", "403"]
    # What the operator signs in with, and the secret, are in the script alone.
    assert "this-opens-the-local-azure-alone" not in done.stdout + done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
