"""What each attack needs: the services, the way to them, a watchdog, and counts that are printed."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Nothing here takes as long, on whatever machine: what does is a hang.
HANG_SECONDS = 40.0


@dataclass
class Counts:
    """What came of an attack.

    Attributes:
        tried: How often it was tried.
        hung: How often something did not come back.
        lost: How often a read failed that must not.
        wrong: How often another value came than was asked for.
        leaked: How often something showed that must not.
    """

    tried: int = 0
    hung: int = 0
    lost: int = 0
    wrong: int = 0
    leaked: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong, and something was tried."""
        return self.tried > 0 and not (self.hung or self.lost or self.wrong or self.leaked)


@contextmanager
def services() -> Iterator[str]:
    """Run the services; what is left for the attacks is in the environment, and the vault's URL is given."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.attack.services", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            try:
                where = json.loads(running.stdout.readline())
                os.environ["IDENTITY_ENDPOINT"] = f"{where['identity']}/msi/token"
                os.environ["IDENTITY_HEADER"] = "header-of-the-attack"
                os.environ["REQUESTS_CA_BUNDLE"] = where["roots"]
                for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
                    os.environ.pop(name, None)
                _find_vault_here()
                yield where["vault_url"]
            finally:
                running.stdin.close()


def _find_vault_here() -> None:
    resolve = socket.getaddrinfo

    def to_loopback(host: Any, *rest: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith("vault.azure.net") else host, *rest, **options)

    socket.getaddrinfo = to_loopback


def watch(seconds: float = HANG_SECONDS) -> None:
    """Until the next call, or for so long: then show where every thread is, and end with the code 1."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def main(attack: Callable[[str, int, random.Random], Counts], default: int) -> None:
    """Run an attack as a program, and print its seed and its counts as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=default)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    with services() as vault_url:
        watch()
        counts = attack(vault_url, asked.count, random.Random(asked.seed))
        faulthandler.cancel_dump_traceback_later()
    sys.stdout.write(json.dumps({"seed": asked.seed, **asdict(counts)}) + "\n")
    sys.stdout.flush()
