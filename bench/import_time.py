"""The cost of importing Keyless, as a ratio to importing MSAL alone, and to the official SDK's two packages.

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
    "`keyless.SecretReader`, and one made": (
        "from keyless import SecretReader; SecretReader('https://contoso-kv.vault.azure.net').close()"
    ),
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
    _, msal, ours, made, official = RIVALS
    imported, with_one = ratio(measured, ours, msal), ratio(measured, made, msal)
    section = f"""
`python -m bench.import_time`: processor time of a fresh interpreter, compiled modules, median of {ROUNDS} alternating rounds.

{table(["imported", "ms"], [[name, f"{value:.0f}"] for name, value in median(measured).items()])}

* `keyless.SecretReader` took {imported:.2f} of the time of `msal`. Goal: {met(imported, 0.25)}. MSAL and `requests` are loaded with the first read.
* With a reader made, it took {with_one:.2f}. The parts of a reader are loaded with it. No goal was set for that.
* It took {ratio(measured, ours, official):.2f} of the time of the official packages.
"""
    keep("import_time", {"ms": measured}, section)


if __name__ == "__main__":
    main()
