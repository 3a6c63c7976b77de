"""Finds a Python for `make pythons`: on the PATH, at pyenv, or by uv, which downloads one where it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UV = (sys.executable, "-m", "uv", "python")


def candidates(version: str) -> Iterator[str]:
    """Yield what could be that Python; a name on the PATH may be a shim that leads nowhere."""
    yield shutil.which(f"python{version}") or ""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
    subprocess.run([*UV, "install", "--quiet", version], capture_output=True, timeout=600, check=False)
    found = subprocess.run([*UV, "find", "--managed-python", version], capture_output=True, text=True, check=False)
    yield found.stdout.strip()


def is_version(python: str, version: str) -> bool:
    """Whether a program runs, and is that Python."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def main(version: str) -> int:
    """Print the path of a Python; return 1 if there is none."""
    for python in candidates(version):
        if python and is_version(python, version):
            sys.stdout.write(f"{python}\n")
            return 0
    sys.stderr.write(f"PYTHON {version} IS NOT TESTED: it is not on this machine, and uv cannot get it.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
