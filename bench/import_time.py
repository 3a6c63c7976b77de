"""What importing Keyless costs, as a ratio to importing MSAL alone, and to the official SDK's two packages.

Each figure is the processor time (user and system) of a fresh interpreter with compiled modules: unlike the time on the wall, it does
not hang on what else the machine does. Run as ``python -m bench.import_time``.
"""

import os
import resource
import subprocess
import sys
from functools import partial

from bench.results import alternate, keep, median, met, ratio, table

ROUNDS = 15
RIVALS = {
    "nothing": "pass",
    "`msal`": "import msal",
    # The package alone loads none of its modules: what is measured is what a program that reads secrets pays.
    "`keyless.SecretReader`": "from keyless import SecretReader",
    "`azure.identity` and `azure.keyvault.secrets`": "import azure.identity, azure.keyvault.secrets",
}


def milliseconds(statement: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * ((after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime))


def main() -> None:
    for statement in RIVALS.values():
        milliseconds(statement)  # Compiled and in the page cache.
    measured = alternate({name: partial(milliseconds, statement) for name, statement in RIVALS.items()}, ROUNDS)
    msal, official = (ratio(measured, "`keyless.SecretReader`", name) for name in list(RIVALS)[1::2])
    section = f"""
`python -m bench.import_time`: processor time of a fresh interpreter, compiled modules, median of {ROUNDS} alternating rounds.

{table(["imported", "ms"], [[name, f"{value:.0f}"] for name, value in median(measured).items()])}

* `keyless.SecretReader`, which imports `msal`, took {msal:.2f} of its time; goal: {met(msal, 1.1)}.
* It took {official:.2f} of the time of the official packages; goal: {met(official, 0.7)}.
"""
    keep("import_time", {"ms": measured}, section)


if __name__ == "__main__":
    main()
