"""A first read over a network with a round trip: 20 ms to the vault, 50 ms to the identity endpoint.

The local Azure and the delays are processes of their own. The way to the vault leads through a proxy: its CONNECT takes the
round trip that a connection takes elsewhere. Run as ``python -m bench.first_read``. On a machine that does much else, the
processor's time hides the network's: ``python -m bench.first_read 10`` has round trips ten times as long, prints, and keeps nothing.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from bench.results import ROOT, alternate, keep, median, met, ratio, table

ROUNDS = 15
TO_VAULT, TO_IDENTITY = 0.020, 0.050
URL, NAME = "https://contoso-kv.vault.azure.net", "db-password"
SERVER = """
import json, sys
from keyless.local.server import LocalAzure
with LocalAzure() as azure:
    azure.vault("contoso-kv").set_secret("db-password", "s3cr3t")
    azure.identity("system").grant("Key Vault Secrets User", on=azure.vault("contoso-kv"))
    print(json.dumps(azure.environment()), flush=True)
    sys.stdin.read()
"""


@contextmanager
def started(*command: str) -> Iterator[str]:
    """Run a program until the end of the block, and give the line that it prints when it is ready."""
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline()
        process.communicate()


@contextmanager
def delayed(scale: float) -> Iterator[dict[str, str]]:
    """Give the variables that lead to a local Azure, over the delays, which are so many times as long."""
    import json

    with started("-c", SERVER) as line:
        variables = json.loads(line)
        ends = {"HTTPS_PROXY": TO_VAULT, "IDENTITY_ENDPOINT": TO_IDENTITY}
        ports = {name: urlsplit(variables[name]).port for name in ends}
        arguments = [str(one) for name in ends for one in (ports[name], ends[name] * scale)]
        with started("-m", "bench.delays", *arguments) as told:
            for name, port in zip(ends, told.split(), strict=True):
                variables[name] = variables[name].replace(f":{ports[name]}", f":{port}")
            yield variables | {"https_proxy": variables["HTTPS_PROXY"]}


def by_keyless() -> float:
    from keyless import SecretReader

    begun = time.perf_counter()
    with SecretReader(URL, on_event=lambda _: None) as reader:
        reader.get(NAME)
        return (time.perf_counter() - begun) * 1000


def in_turn() -> float:
    """The token, then the connection and the read, as any program does that asks by itself."""
    import requests

    begun = time.perf_counter()
    with requests.Session() as identity, requests.Session() as vault:
        identity.trust_env = False
        token = identity.get(
            os.environ["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": "https://vault.azure.net"},
            headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
            timeout=30,
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = vault.get(f"{URL}/secrets/{NAME}", params={"api-version": "7.4"}, headers=headers, timeout=30)
        assert answer.json()["value"]
    return (time.perf_counter() - begun) * 1000


def by_sdk() -> float:
    from azure.identity import ManagedIdentityCredential
    from azure.keyvault.secrets import SecretClient

    begun = time.perf_counter()
    with ManagedIdentityCredential() as credential, SecretClient(URL, credential) as client:
        assert client.get_secret(NAME).value
        return (time.perf_counter() - begun) * 1000


RIVALS = {"keyless": by_keyless, "token, connection, read in turn": in_turn, "SDK": by_sdk}


def main(scale: float) -> None:
    with delayed(scale) as variables:
        os.environ.update(variables)
        for rival in RIVALS.values():
            rival()  # What it loads is loaded.
        measured = alternate({name: partial(rival) for name, rival in RIVALS.items()}, ROUNDS)
    ours, sdk = (ratio(measured, "keyless", name) for name in list(RIVALS)[1:])
    if scale != 1:
        print(
            f"{scale:g} times the round trips:",
            median(measured),
            f"{ours:.2f} of one after the other, {sdk:.2f} of the SDK",
        )
        return
    section = f"""
`python -m bench.first_read`: a new reader's first read, modules loaded, a round trip of {TO_VAULT * 1000:.0f} ms to the vault and
{TO_IDENTITY * 1000:.0f} ms to the identity endpoint, median of {ROUNDS} alternating rounds.

{table(["first read", "ms"], [[name, f"{value:.0f}"] for name, value in median(measured).items()])}

* It took {ours:.2f} of the time of token, connection and read one after the other. Goal: {met(ours, 0.75)}.
  The connection to the vault is opened, and the root certificates are loaded, while the token is on its way.
* It took {sdk:.2f} of the SDK's time.
"""
    keep("first_read", {"ms": measured}, section)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
