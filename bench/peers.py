"""The local vault beside its peers: how long each takes to start, what it weighs, and its gets and sets.

A peer that cannot be installed or started here is named with the reason. Each is asked by the same client over one kept TLS
connection. Run as ``python -m bench.peers``, or ``make bench-peers``.
"""

import base64
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode
from urllib.request import urlopen

from bench.results import alternate, keep, median, table
from bench.served import SECRET, KeylessUp, Place, most_memory, this_python

ROUNDS, REQUESTS = 7, 500
GO = "github.com/calvinchengx/azure-keyvault-emulator", "github.com/calvinchengx/entra-emulator"
# What the emulator of Entra comes with, for everybody to use.
_GO_TENANT = "6f89cf12-978b-4d23-ac18-9ef0c127cf87"
_GO_APPLICATION = {"client_id": "00d88624-f0d7-46f6-a641-6232c2608928", "client_secret": "daemon-app-secret"}
LOWKEY = "com.github.nagyesta.lowkey-vault:lowkey-vault-app"
# Where Linux keeps every Java that was installed.
_JVMS = Path("/usr/lib/jvm")
_WAIT = 60.0
# What a program that accepts any token is shown: a JWT without a signature.
_ANY_TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "none", "typ": "JWT"}, {"aud": "https://vault.azure.net"})
)


class MissingPeerError(Exception):
    """A peer cannot be had here, and why."""


@dataclass(slots=True)
class Peer:
    """A vault that can be started: a program, and how it is asked.

    Attributes:
        start: Starts it and returns where it is once a secret was read.
        end: Stops it.
        pids: The processes of the one that runs.
    """

    start: Callable[[], Place]
    end: Callable[[], None]
    pids: Callable[[], list[int]]


def keyless(folder: Path) -> Peer:
    """Return this build."""
    up = KeylessUp(this_python(), folder)
    return Peer(up.start, up.end, lambda: [up.process.pid])


def go_peer(folder: Path) -> Peer:
    """Install the emulator in Go, of two programs, and return it. They listen at their default ports.

    Source: docs/01-quickstart.md of the emulator of the vault

    Raises:
        MissingPeerError: If it cannot be installed.
    """
    if shutil.which("go") is None:
        raise MissingPeerError("go is not installed")
    for module in GO:
        _ask(["go", "install", f"{module}/cmd/{module.rpartition('/')[2]}@latest"], {"GOBIN": str(folder)})
    running: list[subprocess.Popen[str]] = []

    def start() -> Place:
        issuer = f"https://localhost:8443/{_GO_TENANT}"
        entra, vault = (module.rpartition("/")[2] for module in reversed(GO))
        settings = {"KV_ENTRA_ISSUER": f"{issuer}/v2.0", "KV_ENTRA_TLS_INSECURE": "true", "KV_DATA_DIR": ""}
        running.append(_begin(folder / entra, folder, ORIGIN_MODE="compat"))
        running.append(_begin(folder / vault, folder, **settings))
        last = time.monotonic() + _WAIT
        while not (token := _go_token(issuer)) and time.monotonic() < last:
            time.sleep(0.01)
        place = Place("localhost:8444", "localhost:8444", token, _unverified())
        _until_it_answers(place, running[-1])
        return place

    return Peer(start, lambda: _stop(running), lambda: [process.pid for process in running])


def _begin(program: Path, folder: Path, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [program],
        cwd=folder,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _stop(running: list[subprocess.Popen[str]]) -> None:
    for process in running:
        process.terminate()
        process.wait(30)
    running.clear()


def _go_token(issuer: str) -> str:
    """Return a token of the application that the emulator of Entra comes with; nothing while it does not answer."""
    fields = {"grant_type": "client_credentials", **_GO_APPLICATION, "scope": "https://vault.azure.net/.default"}
    with suppress(OSError, ValueError):
        answer = urlopen(f"{issuer}/oauth2/v2.0/token", urlencode(fields).encode(), context=_unverified(), timeout=5)
        return str(json.load(answer)["access_token"])
    return ""


def _unverified() -> ssl.SSLContext:
    """Return the settings of a client of a peer with a certificate of its own; it is on loopback."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def lowkey(folder: Path) -> Peer:
    """Fetch lowkey-vault, whose jar is on Maven Central, and return it.

    Raises:
        MissingPeerError: If it cannot be had, or this machine's Java is too old for it.
    """
    java = newest_java()
    if shutil.which("mvn") is None or java is None:
        raise MissingPeerError("mvn or java is not installed")
    _ask(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={LOWKEY}:LATEST", f"-DoutputDirectory={folder}"], {})
    jars = sorted(folder.glob("lowkey-vault-app-*.jar"))
    if not jars:
        raise MissingPeerError("Maven Central gave no jar")
    return _java(java, jars[0])


def newest_java() -> Path | None:
    """Return the newest Java of this machine, which need not be the one on the PATH; None where there is none."""
    named, found = os.environ.get("JAVA_HOME"), shutil.which("java")
    programs = [Path(found)] if found else []
    programs += [Path(named, "bin", "java")] if named else []
    programs += sorted(_JVMS.glob("*/bin/java"))
    return max((program for program in programs if program.exists()), key=_version, default=None)


def _version(java: Path) -> int:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    version = re.search(r'version "(\d+)', said)
    return int(version[1]) if version else 0


def _java(java: Path, jar: Path) -> Peer:
    running: list[subprocess.Popen[str]] = []

    def start() -> Place:
        port = _free_port()
        process = subprocess.Popen(
            [java, "-jar", jar, f"--server.port={port}", "--LOWKEY_VAULT_NAMES=contoso-kv"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        place = Place(f"127.0.0.1:{port}", f"contoso-kv.localhost:{port}", _ANY_TOKEN, _unverified())
        _until_it_answers(place, process)
        return place

    return Peer(start, lambda: _stop(running), lambda: [process.pid for process in running])


def _until_it_answers(place: Place, process: subprocess.Popen[str]) -> None:
    """Set a secret and read it, as soon as that succeeds.

    Raises:
        MissingPeerError: If the program ends before, or takes too long.
    """
    last = time.monotonic() + _WAIT
    while time.monotonic() < last:
        if process.poll() is not None:
            assert process.stdout is not None
            said = [line for line in process.stdout.read().splitlines() if "Error" in line or "Exception" in line]
            raise MissingPeerError(f"it ended at once: {said[0][:160] if said else 'it said nothing'}")
        with suppress(OSError, HTTPException, AssertionError, ValueError):
            connection = place.connect()
            place.call(connection, "PUT", f"/secrets/{SECRET}", '{"value":"local-db-password"}')
            place.call(connection, "GET", f"/secrets/{SECRET}")
            connection.close()
            return
        time.sleep(0.01)
    process.kill()
    raise MissingPeerError(f"it did not answer within {_WAIT:.0f} s")


def _ask(command: list[str], more: Mapping[str, str]) -> None:
    done = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise MissingPeerError(
            f"`{' '.join(command[:2])}` failed: {_without_places(lines[0]) if lines else 'silently'}"
        )


def _without_places(line: str) -> str:
    """Return a message without the addresses in it, which differ from machine to machine."""
    return " ".join(word for word in line.split() if "://" not in word)[:200]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def once(peer: Peer) -> dict[str, float]:
    """Start a peer, ask it, and stop it; return what each took."""
    began = time.perf_counter()
    try:
        place = peer.start()
        ready = time.perf_counter() - began
        connection = place.connect()
        rates = {kind: place.rate(connection, kind, REQUESTS) for kind in ("get", "set")}
        connection.close()
        return {"start": ready, "memory": sum(map(most_memory, peer.pids())), **rates}
    finally:
        peer.end()


def main() -> None:
    """Measure whatever can be had, and keep what was measured."""
    makers = {"keyless up": keyless, "azure-keyvault-emulator and entra-emulator (Go)": go_peer, "lowkey-vault": lowkey}
    peers, missing = {}, {}
    with TemporaryDirectory() as folder:
        for name, make in makers.items():
            own = Path(folder, name.partition(" ")[0])
            own.mkdir()
            try:
                peer = make(own)
                once(peer)  # It fills the caches of files, and shows whether it runs at all.
                peers[name] = peer
            except (MissingPeerError, subprocess.TimeoutExpired) as error:
                missing[name] = str(error)
        load = os.getloadavg()[0]
        found = alternate({name: lambda peer=peer: once(peer) for name, peer in peers.items()}, ROUNDS)
    middle = {
        name: {what: median({what: [one[what] for one in ones]})[what] for what in ones[0]}
        for name, ones in found.items()
    }
    rows = [
        [name, f"{held['start']:.2f}", f"{held['memory']:.0f}", f"{held['get']:.0f}", f"{held['set']:.0f}"]
        for name, held in middle.items()
    ]
    absent = "\n".join(f"* {name} could not be measured: {why}." for name, why in missing.items())
    section = f"""
`python -m bench.peers`: one kept TLS connection, median of {ROUNDS} rounds in turn. The load of the machine, which has
{os.cpu_count()} cores, was {load:.1f} before, without the benchmark's own.

{table(["vault", "start to the first secret, s", "memory, MiB", "get/s", "set/s"], rows)}

{absent}
"""
    keep("peers", {"load": load, "rounds": found, "missing": missing}, section)


if __name__ == "__main__":
    main()
