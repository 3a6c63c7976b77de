"""The local vault's answers in a second with 10, 10 thousand and 1 million secrets, and what it weighs.

Each size is a process of its own with its secrets in memory. The rounds alternate between the sizes, over one kept TLS
connection each; a figure is the median of the rounds. The named rival of each size is the smallest: the same requests to
the same code with 10 secrets.
"""

import json
import resource
import ssl
import statistics
import subprocess
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

from bench.results import keep, table

from keyless.local import LocalAzure, load_config
from keyless.local.wire.keyvault.protocol.call import Call
from keyless.local.wire.keyvault.protocol.paging import next_link

SIZES = (10, 10_000, 1_000_000)
ROUNDS, REQUESTS = 9, 300
HOST = "contoso-kv.vault.azure.net"
CONFIG = """
[vaults.contoso-kv]
[identities.system]
roles = { contoso-kv = "Key Vault Administrator" }
"""


def serve(size: int) -> None:
    """Be the server of one size; end with standard input."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "keyless.toml")
        file.write_text(CONFIG)
        config = load_config(file)
    started = time.perf_counter()
    with LocalAzure(config) as azure:
        ready = time.perf_counter() - started
        vault = azure.vault("contoso-kv")
        before = memory()
        for number in range(size):
            vault.set_secret(f"secret-{number:07}", f"value of secret {number}")
        said = {
            "http": azure.environment(),
            "https": azure.https_url,
            "ca": str(azure.ca_file),
            "start_ms": ready * 1000,
            "memory_mib": memory() - before,
        }
        print(json.dumps(said), flush=True)
        sys.stdin.read()


def memory() -> float:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Client:
    """One kept connection to the vault of one size."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.vault", str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def connect(self) -> None:
        assert self.process.stdout is not None
        self.said = json.loads(self.process.stdout.readline())
        end = urlsplit(self.said["http"]["IDENTITY_ENDPOINT"])
        identity = HTTPConnection(end.netloc)
        header = {"X-IDENTITY-HEADER": self.said["http"]["IDENTITY_HEADER"]}
        identity.request("GET", f"{end.path}?api-version=2019-08-01&resource=https://vault.azure.net", headers=header)
        token = json.load(identity.getresponse())["access_token"]
        identity.close()
        self.headers = {"Authorization": f"Bearer {token}", "Host": HOST, "Content-Type": "application/json"}
        context = ssl.create_default_context(cafile=self.said["ca"])
        context.check_hostname = False  # The address is loopback's; the chain is checked.
        self.connection = HTTPSConnection(urlsplit(self.said["https"]).netloc, context=context)

    def call(self, method: str, path: str, body: str | None = None) -> dict[str, object]:
        self.connection.request(method, path, body=body, headers=self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == HTTPStatus.OK, (answer.status, text)
        found: dict[str, object] = json.loads(text)
        return found

    def rate(self, kind: str) -> float:
        """Return how many requests of a kind it answers in a second."""
        step = max(1, self.size // REQUESTS)
        names = [f"secret-{(number * step) % self.size:07}" for number in range(REQUESTS)]
        count = REQUESTS if kind in {"get", "set"} else REQUESTS // 5
        started = time.perf_counter()
        for name in names[:count]:
            if kind == "get":
                self.call("GET", f"/secrets/{name}?api-version=7.4")
            elif kind == "set":
                self.call("PUT", f"/secrets/{name}?api-version=7.4", '{"value":"another value"}')
            elif kind == "first page":
                self.call("GET", "/secrets?api-version=7.4&maxresults=25")
            else:
                self.call("GET", self.last_page)
        return count / (time.perf_counter() - started)

    def find_last_page(self) -> None:
        """Make the link of the last page, as a client holds it that has come that far."""
        here = SimpleNamespace(
            base=f"https://{HOST}", has_port=False, path="/secrets", api_version="7.4", kind="secret"
        )
        link = next_link(cast(Call, here), key=f"secret-{max(0, self.size - 25):07}", size=25)
        self.last_page = link.partition(":443")[2]


def main() -> None:
    clients = [Client(size) for size in SIZES]
    for client in clients:
        client.connect()
        client.find_last_page()
    kinds = ("get", "set", "first page", "last page")
    rounds = [
        {f"{kind} {client.size}": client.rate(kind) for kind in kinds for client in clients} for _ in range(ROUNDS)
    ]
    median = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    rows = [
        [
            f"{client.size:,}", *(f"{median[f'{kind} {client.size}']:.0f}" for kind in kinds),
            f"{median[f'get {SIZES[0]}'] / median[f'get {client.size}']:.2f}",
            f"{client.said['start_ms']:.0f}", f"{client.said['memory_mib']:.0f}",
        ]
        for client in clients
    ]  # fmt: skip
    head = [
        "secrets",
        "get/s",
        "set/s",
        "first list page/s",
        "last list page/s",
        "get, ratio to 10",
        "start-up ms",
        "memory MiB",
    ]
    section = f"""
`python -m bench.vault`: one kept TLS connection, secrets in memory, median of {ROUNDS} rounds that alternate between the sizes. The last
page is that of the largest names. With ten secrets it is the same page as the first. Start-up is that of the server before the secrets
are set, with three servers starting at once on two cores.

{table(head, rows)}
"""
    keep("vault", {"rounds": rounds, "said": [client.said for client in clients]}, section)
    for client in clients:
        client.connection.close()
        client.process.communicate("")


if __name__ == "__main__":
    serve(int(sys.argv[1])) if sys.argv[1:] else main()
