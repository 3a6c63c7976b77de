"""Install each file of dist/ where nothing else is, and do with it what a new user does: `make dist` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What a user types, in order, in a new folder.
STEPS = (
    ("keyless", "--version"),
    ("keyless", "demo", "--json"),
    ("keyless", "init", "pytest", "app"),
    ("pytest", "-q", "-p", "no:cacheprovider", "app"),
    ("keyless", "run", "keyless", "get", "db-password", "--vault-url", "https://contoso-kv.vault.azure.net"),
)


def check(file: Path) -> None:
    """Install a file in an empty environment and run every step.

    Raises:
        subprocess.CalledProcessError: If a step fails; what it printed is on standard error.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": name, "TMPDIR": name}
        wanted = [f"{file}[cli,local,functions]", "pytest"]
        run([programs / "python", "-m", "pip", "install", "--quiet", *wanted], folder, dict(os.environ))
        for step in STEPS:
            run(step, folder, environment)
    sys.stdout.write(f"{file.name}: installed, and {len(STEPS)} steps passed, in {time.monotonic() - started:.0f} s\n")


def run(command: list[str | Path] | tuple[str, ...], folder: Path, environment: dict[str, str]) -> None:
    """Run one command, and show what it printed if it fails."""
    # The program is looked up by the PATH of the environment that it is given.
    words = ["/usr/bin/env", *map(str, command)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        done.check_returncode()


def main() -> None:
    """Check every file of dist/."""
    files = sorted((ROOT / "dist").glob("keyless-*"))
    if {file.name.rpartition(".")[2] for file in files} != {"gz", "whl"}:
        sys.exit(
            f"dist/ must hold an sdist and a wheel, and holds: {', '.join(file.name for file in files) or 'nothing'}"
        )
    for file in files:
        check(file)


if __name__ == "__main__":
    main()
