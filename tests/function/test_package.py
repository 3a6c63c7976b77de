"""What azd deploys is whole: it runs in an environment that has nothing but what its requirements name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

ROOT = Path(__file__).parents[2]
# The function, called as the worker calls it: imported from its folder, with a request of the SDK's.
PROGRAM = """
import asyncio, json, sys, time
started = time.perf_counter()
import azure.functions as func
import function_app
handler = next(each for each in function_app.app.get_functions() if each.get_function_name() == "AcquireTokenMsi")
request = func.HttpRequest(method="GET", url="https://app.example/api/AcquireTokenMsi", body=b"")
answer = asyncio.run(handler.get_user_function()(request))
told = {"status": answer.status_code, "seconds": time.perf_counter() - started, "body": json.loads(answer.get_body())}
print(json.dumps(told | {"modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def test_the_package_runs_from_a_clean_environment(local_azure: LocalAzure, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    environment = {**os.environ, "KEYLESS_PYTHON": sys.executable}
    subprocess.run([ROOT / "infra" / "hooks" / "package.sh", folder], env=environment, check=True, capture_output=True)
    held = {path.name for path in folder.iterdir()}
    assert {
        "function_app.py",
        "answers.py",
        "asked_identity.py",
        "host.json",
        "requirements.txt",
        ".funcignore",
    } <= held
    assert not held & {"local.settings.json", "local.settings.example.json", "__pycache__"}

    clean = tmp_path / "clean"
    venv.create(clean, with_pip=True)
    python = clean / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    empty = size(clean)
    subprocess.run([*install, "-r", "requirements.txt"], cwd=folder, check=True)
    installed = size(clean) - empty
    settings = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
    environment = {"PATH": os.environ["PATH"], **local_azure.environment(), **settings}
    done = subprocess.run(
        [str(python), "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert (told["status"], told["body"]["secret"]["value"]) == (200, "local-db-password")
    assert not {"aiohttp", "click", "rich"} & set(told["modules"])
    sys.stdout.write(
        f"\nThe package has {size(folder) / 1024:.0f} KiB, and what it names {installed / 1024**2:.0f} MiB.\n"
        f"In an environment with nothing else, it took {told['seconds']:.2f} s from import to the first answer.\n"
    )
    assert size(folder) < 1024 * 1024


def size(folder: Path) -> int:
    """Return how many bytes the files below a folder have."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pinned(name: str) -> set[str]:
    """Return the versions that a requirements file names, each with the Pythons that it is for."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return {line.rstrip(" \\") for line in lines if "==" in line and not line.startswith(" ")}


def test_what_is_deployed_has_the_versions_that_the_tests_run_with() -> None:
    assert pinned("function.txt") <= pinned("run.txt")
    assert {line.partition("==")[0] for line in pinned("function.txt")} >= {
        "azure-functions",
        "msal",
        "requests",
        "urllib3",
    }
