"""A program that has the metadata service's address built in asks the local one, or is refused: never the real one.

Each runs in a network of its own, in which something stands at the real address and says who comes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clients.programs import GO
from tests.clients.test_interop import make_ready

HERE = Path(__file__).parent
URL = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
# In a user namespace too, so that nobody has to be root.
NETWORK = "ip link set lo up && ip addr add 169.254.169.254/32 dev lo && exec {python} {script} {source} -- {command}"
RUN = """
import subprocess, sys
real = subprocess.Popen([sys.executable, "-u", {real!r}], stdout=subprocess.PIPE)
real.stdout.readline()
source, command = sys.argv[1], sys.argv[3:]
done = subprocess.run([sys.executable, "-m", "keyless", "run", "--source", source, "--", *command], timeout=120)
real.terminate()
real.wait()
sys.exit(done.returncode)
"""
PYTHON = ("requests", "httpx", "urllib", "aiohttp")
ASK_PYTHON = (sys.executable, str(HERE / "metadata" / "ask.py"), URL)
CLIENTS = {
    "python": (*ASK_PYTHON, *PYTHON),
    "curl": ("curl", "-sS", "-H", "Metadata: true", "-w", "%{http_code}\n", URL),
    "javascript": ("node", str(HERE / "metadata" / "ask.cjs"), URL),
    "java": ("java", str(HERE / "metadata" / "Ask.java"), URL),
    "go": (str(GO.folder / "bin" / "metadata"), URL),
}


def ask(tmp_path: Path, source: str, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run a command with the local Azure, where something stands at the real address."""
    script = tmp_path / "run.py"
    script.write_text(RUN.format(real=str(HERE / "metadata" / "real.py")))
    network = NETWORK.format(python=sys.executable, script=script, source=source, command='"$@"')
    return subprocess.run(
        ["unshare", "--map-root-user", "--net", "sh", "-c", network, "sh", *command],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.fixture(scope="session")
def _network() -> None:
    """Skip where this machine gives nobody a network of one's own."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("NO NETWORK OF ONE'S OWN: unshare or ip is missing on this machine.")
    tried = subprocess.run(
        ["unshare", "--map-root-user", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"NO NETWORK OF ONE'S OWN: {tried.stderr.decode().strip()}")


@pytest.mark.usefixtures("_network")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("source", ["imds", "app-service", "workload"])
def test_a_client_with_the_address_built_in_never_asks_the_real_one(tmp_path: Path, source: str, client: str) -> None:
    command = CLIENTS[client]
    if client == "go":
        make_ready(GO)
    elif shutil.which(command[0]) is None:
        pytest.skip(f"{client.upper()} IS NOT TESTED: {command[0]} is missing on this machine.")
    done = ask(tmp_path, source, command)
    assert "THE REAL ADDRESS WAS ASKED" not in done.stderr, done.stderr
    said = done.stdout.strip().splitlines()
    assert said, done.stderr
    if source == "imds":
        assert len([line for line in said if '"access_token":' in line]) == len(_answers(client)), done.stdout
    else:
        assert "access_token" not in done.stdout
        assert "Addresses of the Azure platform" in done.stdout or "where a machine in Azure has" in done.stdout


def _answers(client: str) -> range:
    """Return as many as a client's program prints."""
    return range({"python": len(PYTHON), "javascript": 4, "java": 2}.get(client, 1))


@pytest.mark.usefixtures("_network")
def test_a_client_that_obeys_no_proxy_does_as_the_page_says(tmp_path: Path) -> None:
    done = ask(tmp_path, "app-service", (*ASK_PYTHON, "http_client"))
    assert done.stdout.strip() == "200 the real one"
    assert "THE REAL ADDRESS WAS ASKED" in done.stderr
    page = (HERE.parents[1] / "docs" / "sources.md").read_text(encoding="utf-8")
    assert "`http.client`" in page
