"""Three minutes in which everything goes wrong that goes wrong in Azure, and an account of what the readers made of it.

The local Azure is a process, which is killed and started again on its ports; each instance of the application is one, too. All
of them read without a pause while secrets are rotated every few seconds. Ends with 1 if a promise broke. Run as
``make soak``, or ``python -m bench.soak --seconds 240``; the phases share the time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from bench.results import ROOT, keep, table
from bench.soak_instance import BOUNDED, INSTANCES, MAX_STALE, SECRETS, SHORT_STALE, THREADS, TTL

if TYPE_CHECKING:
    from collections.abc import Iterator

# A value is fresh for the TTL and a fifth of it at most; the refresh behind a read then takes a request, here under load.
SEEN_WITHIN = TTL * 1.2 + 1.0
# Between the reader's look at its clock and ours lies what else the machine does.
SLACK = 0.5
# With an old value in hand a read waits 3 s for the vault at most; the rest is two cores that are never idle.
LONGEST_WAIT = 4.0
ROTATE_EVERY = 3.0
OUTAGES = {
    "the vault answers 503": "vault-outage",
    "the vault answers nothing": "vault-silent",
    "the vault throttles (429)": "throttled",
    "the identity endpoint is being updated (410)": "imds-upgrade",
    "the identity endpoint throttles (429)": "identity-throttled",
    "the local Azure is killed": None,
}
# Of an outage's share of the time, this part is the outage, and the rest is for recovering.
OUTAGE_PART = 0.25
# A refresh gives up after this, so that a vault which was silent is asked again.
REFRESH_SECONDS = 10.0
# In less time than this the outages leave too little of their shares to recover in.
SHORTEST = 150.0
# A token with less than 300 s to live is over for every client, and the endpoint gives the same until half of its life is
# gone: from 30 s to 165 s after the start each request to the vault is preceded by one for a token, and each outage has an effect.
CONFIG = """
[token_lifetimes]
imds = 330

[vaults.contoso-kv]
[identities.system]
roles = { contoso-kv = "Key Vault Secrets User" }
"""


@dataclass
class Azure:
    """A ``keyless up`` that can be killed; what it is asked through is its control API."""

    folder: Path
    ports: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    told: dict = field(default_factory=dict)

    def start(self) -> None:
        command = [sys.executable, "-m", "keyless", "up", "--json", "--source", "imds"]
        command += ["--config", str(self.folder / "keyless.toml"), "--data", str(self.folder / "data"), *self.ports]
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, cwd=self.folder)
        assert self.process.stdout is not None
        self.told = json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method, f"{self.told['control']['url']}/{path}", json=body,
                headers={"Authorization": f"Bearer {self.told['control']['token']}"}, timeout=10,
            )  # fmt: skip
        answer.raise_for_status()
        return answer.json() if answer.content else {}


@dataclass
class Account:
    """The account of a run, in the order of time."""

    told: list[dict] = field(default_factory=list)
    rotations: list[tuple[float, str, str]] = field(default_factory=list)
    journal: list[dict] = field(default_factory=list)
    healthy: list[tuple[float, float]] = field(default_factory=list)
    outages: list[tuple[str, float, float]] = field(default_factory=list)
    revoked_at: float = float("inf")

    def lags(self, start: float, end: float) -> list[float]:
        """Return, for what was set in a time, how long each instance took to see it or something newer."""
        found = []
        for name in SECRETS:
            order = {version: number for number, (_, secret, version) in enumerate(self.rotations) if secret == name}
            for instance in range(INSTANCES):
                seen = [
                    (line["at"], order[line["version"]])
                    for line in self.told
                    if line["instance"] == instance and line.get("saw") == name and line["version"] in order
                ]
                for set_at, secret, version in self.rotations:
                    if secret == name and start <= set_at <= end:
                        later = [at for at, number in seen if number >= order[version]]
                        found.append(min(later, default=float("inf")) - set_at)
        return found

    def served_stale(self, start: float, end: float) -> int:
        """Return how many reads were served an old value in a time: none, and the outage in it had no effect."""
        counts: dict[int, list[int]] = {}
        for line in self.told:
            if "stale" in line and start <= line["at"] <= end:
                counts.setdefault(line["instance"], []).append(line["stale"])
        return sum(of_one[-1] - of_one[0] for of_one in counts.values())

    def busiest_second(self, operation: str) -> int:
        """Return the most requests for one secret, or for tokens, in any second."""
        most = 0
        for name in (*SECRETS, None):
            times = sorted(e["time"] for e in self.journal if e["operation"] == operation and e["name"] == name)
            most = max([most, *(sum(at <= other < at + 1 for other in times) for at in times)])
        return most

    def rows(self) -> list[tuple[str, str, str, bool]]:
        """Return each promise, what was seen, its bound, and whether it was kept."""
        short = [line for line in self.told if line["instance"] == BOUNDED]
        told = [line for line in self.told if line["instance"] != BOUNDED]
        lost = [line for line in told if "lost" in line and line["at"] < self.revoked_at]
        age, short_age = (max((line.get("age", 0.0) for line in lines), default=0.0) for lines in (told, short))
        flights = max(line.get("flights", 0) for line in self.told)
        waited = max((line["waited"] for line in told if "waited" in line), default=0.0)
        lag = max(lag for start, end in self.healthy for lag in self.lags(start, end - SEEN_WITHIN))
        effective = [
            min((line["at"] for line in self.told if line.get("lost") == name and line["instance"] == instance
                 and line["at"] >= self.revoked_at), default=float("inf")) - self.revoked_at
            for name in SECRETS for instance in range(INSTANCES)
        ]  # fmt: skip
        burst, tokens = self.busiest_second("getSecret"), self.busiest_second("getToken")
        # Two a second from each instance, and as many tokens.
        most = 2 * (INSTANCES + 1)
        rows = [
            ("answers lost after the first", str(len(lost)), "0", not lost),
            ("age of the oldest value served", f"{age:.1f} s", f"{MAX_STALE:.0f} s", age <= MAX_STALE),
            (
                f"... by an instance with a bound of {SHORT_STALE:.0f} s, which reaches it", f"{short_age:.1f} s",
                f"{SHORT_STALE:.0f} s", SHORT_STALE - SLACK <= short_age <= SHORT_STALE + SLACK,
            ),
            ("longest wait with a value in hand", f"{waited:.1f} s", f"{LONGEST_WAIT:.0f} s", waited <= LONGEST_WAIT),
            ("flights at once in an instance", str(flights), f"{len(SECRETS)}: one a secret", flights <= len(SECRETS)),
            ("requests for one secret in a second", str(burst), str(most), burst <= most),
            (
                "requests for a token in a second", str(tokens),
                f"{most * len(SECRETS)}", tokens <= most * len(SECRETS),
            ),
            ("a rotation is seen, in quiet", f"{lag:.1f} s", f"{SEEN_WITHIN:.1f} s", lag <= SEEN_WITHIN),
            ("a revoked role takes effect", f"{max(effective):.1f} s", f"{SEEN_WITHIN:.1f} s", max(effective) <= SEEN_WITHIN),
        ]  # fmt: skip
        for name, start, end in self.outages:
            # Pauses double, shortened by chance to half at most: the one that an outage ends in may be twice as long as it was.
            back = max(self.lags(end, end + 2 * ROTATE_EVERY))
            bound = max(2 * (end - start), REFRESH_SECONDS) + SEEN_WITHIN
            felt = self.served_stale(start, end) > 0
            seen = f"{back:.1f} s" if felt else "no outage"
            rows.append((f"a rotation is seen, after: {name}", seen, f"{bound:.1f} s", felt and back <= bound))
        return rows


class Soak:
    """One run.

    Args:
        azure: The local Azure, running.
        seconds: How long it is to take.
    """

    def __init__(self, azure: Azure, *, seconds: float) -> None:
        self.azure = azure
        self.account = Account()
        self._share = seconds / (len(OUTAGES) + 2)
        self._ended = threading.Event()
        self._journal_start = 0

    def run(self) -> Account:
        threads = [threading.Thread(target=self._rotate), threading.Thread(target=self._keep_journal)]
        for thread in threads:
            thread.start()
        try:
            with self._instances():
                self._quiet()
                for name, fault in OUTAGES.items():
                    print(f"  {name}", flush=True)
                    self._outage(name, fault)
                self._revoke()
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()
        return self.account

    @contextmanager
    def _instances(self) -> Iterator[None]:
        environment = {**os.environ, **self.azure.told["env"], "PYTHONPATH": str(ROOT)}
        # On a virtual machine there are no variables of another source.
        for name in self.azure.told["sources"]["imds"]["unset"]:
            environment.pop(name, None)
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.soak_instance", str(number)],
                env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for number in (*range(INSTANCES), BOUNDED)
        ]  # fmt: skip
        listeners = [threading.Thread(target=self._listen, args=(process,)) for process in started]
        for listener in listeners:
            listener.start()
        try:
            yield
        finally:
            for process in started:
                process.terminate()
            for listener in listeners:
                listener.join()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process, suppress(ValueError):  # Its last line may be cut off.
            for line in process.stdout:
                self.account.told.append(json.loads(line))

    def _quiet(self) -> None:
        print("  quiet", flush=True)
        start = time.time()
        time.sleep(self._share)
        self.account.healthy.append((start + 3.0, time.time()))  # The instances start in the first seconds.

    def _outage(self, name: str, fault: str | None) -> None:
        start = time.time()
        if fault is None:
            self.azure.kill()
            time.sleep(self._share * OUTAGE_PART)
            self.azure.start()
            self._journal_start = 0
        else:
            added = self.azure.ask("POST", "faults", {"name": fault})
            time.sleep(self._share * OUTAGE_PART)
            self.azure.ask("DELETE", f"faults/{added['id']}")
        end = time.time()
        time.sleep(self._share * (1 - OUTAGE_PART))
        self.account.outages.append((name, start, end))

    def _revoke(self) -> None:
        print("  the role is revoked", flush=True)
        role = {"identity": "system", "role": "Key Vault Secrets User", "on": "contoso-kv"}
        self.account.revoked_at = time.time()
        self.azure.ask("DELETE", "roles", role)
        time.sleep(self._share)

    def _rotate(self) -> None:
        number = 0
        while not self._ended.wait(ROTATE_EVERY):
            number += 1
            for name in SECRETS:
                with suppress(requests.RequestException, KeyError):
                    made = self.azure.ask("PUT", f"vaults/contoso-kv/secrets/{name}", {"value": f"{name} {number}"})
                    self.account.rotations.append((time.time(), name, made["version"]))

    def _keep_journal(self) -> None:
        while not self._ended.wait(0.5):
            with suppress(requests.RequestException):
                found = self.azure.ask("GET", f"journal?start={self._journal_start}")
                self._journal_start = found["next"]
                self.account.journal += found["entries"]


def main() -> int:
    """Run, print the account, and say by the exit code whether every promise was kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=180.0)
    options = parser.parse_args()
    if options.seconds < SHORTEST:
        parser.error(f"--seconds is {SHORTEST:g} at least")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "keyless.toml").write_text(CONFIG, encoding="utf-8")
        azure = Azure(Path(folder))
        azure.start()
        azure.ports = tuple(
            f"--{name}-port={urlsplit(azure.told[name] if name != 'proxy' else azure.told['env']['HTTPS_PROXY']).port}"
            for name in ("http", "https", "proxy")
        )
        for name in SECRETS:
            azure.ask("PUT", f"vaults/contoso-kv/secrets/{name}", {"value": f"{name} 0"})
        try:
            account = Soak(azure, seconds=options.seconds).run()
        finally:
            azure.kill()
    rows = account.rows()
    account_table = table(
        ["promise", "seen", "bound", ""], [[*row[:3], "kept" if row[3] else "BROKEN"] for row in rows]
    )
    reads = sum(
        max((line.get("reads", 0) for line in account.told if line["instance"] == number), default=0)
        for number in (*range(INSTANCES), BOUNDED)
    )
    asked = sum(entry["operation"] == "getSecret" for entry in account.journal)
    section = f"""
`python -m bench.soak --seconds {options.seconds:g}`: {INSTANCES} instances of {THREADS} threads and one of one, {len(SECRETS)} secrets, a TTL of {TTL:g} s, a new version every
{ROTATE_EVERY:g} s. {reads:,} reads, {len(account.rotations)} new versions, {asked:,} requests to the vault.

{account_table}
"""
    keep("soak", {"seconds": options.seconds, "promises": [list(row) for row in rows]}, section)
    return 0 if all(kept for *_, kept in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
