"""Write the files beside this one: every version and hash, for every Python and platform, and no registry's address."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = "hatchling>=1.27\neditables>=0.5\n"
# It has an environment of its own: what it needs is at odds with what the tests need.
AZURE_CLI = "azure-cli==2.91.0\n"
COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header"),
)
# Each is held to those before it; function.txt is what the deployed function runs with, and builds nothing.
EXTRAS = {"run": ("local", "cli", "functions"), "function": ("functions",), "dev": ("dev",), "bench": ("bench",)}


def lock(name: str, extras: tuple[str, ...]) -> None:
    """Compile one requirements file from pyproject.toml and the build backend."""
    command = [*COMPILE, "--no-emit-package", "keyless", "--no-strip-extras", "--upgrade"]
    command += ["--output-file", str(HERE / f"{name}.txt")]
    for extra in extras:
        command += ["--extra", extra]
    # What several files name, they name at one version.
    for before in list(EXTRAS)[: list(EXTRAS).index(name)]:
        command += ["--constraint", str(HERE / f"{before}.txt")]
    if name == "function":
        command += ["--no-annotate"]
    build = "" if name == "function" else BUILD
    subprocess.run([*command, "pyproject.toml", "-"], input=build, text=True, check=True, cwd=HERE.parent)


for name, extras in EXTRAS.items():
    lock(name, extras)
subprocess.run(
    [*COMPILE, "--no-annotate", "--output-file", str(HERE / "az.txt"), "-"], input=AZURE_CLI, text=True, check=True
)
