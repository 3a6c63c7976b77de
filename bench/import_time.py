"""What importing Keyless costs, as a ratio to importing MSAL alone, and to the official SDK's two packages.

Each figure is the processor time (user and system) of a fresh interpreter with compiled modules, the median over rounds that
alternate between the rivals: unlike the time on the wall, it does not hang on what else the machine does.
"""

import os
import resource
import statistics
import subprocess
import sys

ROUNDS = 15
RIVALS = {
    "nothing": "pass",
    "msal": "import msal",
    "keyless": "import keyless",
    "azure-identity + azure-keyvault-secrets": "import azure.identity, azure.keyvault.secrets",
}


def seconds(statement: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main() -> None:
    for statement in RIVALS.values():
        seconds(statement)  # Compiled and in the page cache.
    rounds = [{name: seconds(statement) for name, statement in RIVALS.items()} for _ in range(ROUNDS)]
    median = {name: statistics.median(each[name] for each in rounds) for name in RIVALS}
    for name, value in median.items():
        print(f"{name:45} {value * 1000:7.1f} ms")
    print(f"keyless / msal                                {median['keyless'] / median['msal']:7.3f}")
    official = median["azure-identity + azure-keyvault-secrets"]
    print(f"keyless / azure-identity + keyvault-secrets   {median['keyless'] / official:7.3f}")


main()
