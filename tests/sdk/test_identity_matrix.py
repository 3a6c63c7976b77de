"""Every source of managed identity, as every client sees it: one table, one test a cell.

A cell says whose token the client gets, or what becomes of its request:

refused     the endpoint answers with an error, and the client raises it
not-asked   the client knows that it cannot ask this of the source, or thinks itself on another host, and asks nothing
unread      the endpoint answers in a form that the client cannot read
-           the client has no way to ask
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import aiohttp.connector
import jwt
import msal
import pytest
import requests
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

from keyless.errors import LocalAzureError
from keyless.local.server import LocalAzure
from keyless.local.wire.identity.arc import check_key_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESOURCE = "https://vault.azure.net"
IDENTITIES = ("system", "client_id", "object_id", "resource_id", "unknown", "unassigned")
# Asked at the address that is built into clients, with no variable but that of the proxy: as clients for Go and Rust do.
BY_PROXY = "imds-by-proxy"
# "system" where an id was given: the client keeps the id to itself. MSAL for Python does so on Service Fabric, and MSAL
# for Node.js in Cloud Shell, where it refuses the id only if that is the first thing that its process asks.
TABLE = """
                                 system    client_id  object_id  resource_id  unknown    unassigned
app-service       msal           system    reporting  reporting  reporting    refused    refused
app-service       identity       system    reporting  reporting  reporting    refused    refused
app-service       identity-async system    reporting  reporting  reporting    refused    refused
app-service       default        system    reporting  -          -            refused    refused
app-service       default-async  system    reporting  -          -            refused    refused
app-service       js-identity    system    reporting  reporting  reporting    refused    refused
app-service       js-default     system    reporting  -          -            refused    refused
app-service       js-msal        system    reporting  reporting  reporting    refused    refused
app-service-2017  msal           unread    unread     refused    refused      refused    refused
app-service-2017  identity       unread    unread     refused    refused      refused    refused
app-service-2017  identity-async system    reporting  refused    refused      refused    refused
app-service-2017  default        unread    unread     -          -            refused    refused
app-service-2017  default-async  system    reporting  -          -            refused    refused
app-service-2017  js-identity    system    reporting  not-asked  not-asked    unread     unread
app-service-2017  js-default     system    reporting  -          -            unread     unread
app-service-2017  js-msal        system    reporting  not-asked  not-asked    unread     unread
imds              msal           system    reporting  reporting  reporting    refused    refused
imds              identity       system    reporting  reporting  reporting    refused    refused
imds              identity-async system    reporting  reporting  reporting    refused    refused
imds              default        system    reporting  -          -            refused    refused
imds              default-async  system    reporting  -          -            refused    refused
imds              js-identity    system    reporting  reporting  reporting    refused    refused
imds              js-default     system    reporting  -          -            refused    refused
imds              js-msal        system    reporting  reporting  reporting    refused    refused
imds-by-proxy     msal           system    reporting  reporting  reporting    refused    refused
imds-by-proxy     identity       system    reporting  reporting  reporting    refused    refused
imds-by-proxy     identity-async system    reporting  reporting  reporting    refused    refused
imds-by-proxy     default        system    reporting  -          -            refused    refused
imds-by-proxy     default-async  system    reporting  -          -            refused    refused
arc               msal           system    reporting  reporting  reporting    refused    refused
arc               identity       system    reporting  reporting  reporting    refused    refused
arc               identity-async system    reporting  reporting  reporting    refused    refused
arc               default        system    reporting  -          -            refused    refused
arc               default-async  system    reporting  -          -            refused    refused
arc               js-identity    system    reporting  reporting  reporting    refused    refused
arc               js-default     system    reporting  -          -            refused    refused
arc               js-msal        system    reporting  reporting  reporting    refused    refused
service-fabric    msal           system    system     system     system       system     system
service-fabric    identity       system    not-asked  not-asked  not-asked    not-asked  not-asked
service-fabric    identity-async system    not-asked  not-asked  not-asked    not-asked  not-asked
service-fabric    default        system    not-asked  -          -            not-asked  not-asked
service-fabric    default-async  system    not-asked  -          -            not-asked  not-asked
service-fabric    js-identity    system    not-asked  not-asked  not-asked    not-asked  not-asked
service-fabric    js-default     system    not-asked  -          -            not-asked  not-asked
service-fabric    js-msal        system    reporting  reporting  reporting    refused    refused
cloud-shell       msal           not-asked not-asked  not-asked  not-asked    not-asked  not-asked
cloud-shell       identity       system    not-asked  not-asked  not-asked    not-asked  not-asked
cloud-shell       identity-async system    not-asked  not-asked  not-asked    not-asked  not-asked
cloud-shell       default        system    refused    -          -            refused    refused
cloud-shell       default-async  system    refused    -          -            refused    refused
cloud-shell       js-identity    system    not-asked  not-asked  not-asked    not-asked  not-asked
cloud-shell       js-default     system    not-asked  -          -            not-asked  not-asked
cloud-shell       js-msal        system    system     system     system       system     system
machine-learning  msal           system    reporting  reporting  reporting    refused    refused
machine-learning  identity       system    reporting  reporting  reporting    refused    refused
machine-learning  identity-async system    reporting  reporting  reporting    refused    refused
machine-learning  default        system    reporting  -          -            refused    refused
machine-learning  default-async  system    reporting  -          -            refused    refused
machine-learning  js-identity    system    reporting  not-asked  not-asked    refused    refused
machine-learning  js-default     system    reporting  -          -            refused    refused
machine-learning  js-msal        system    reporting  not-asked  not-asked    refused    refused
workload          msal           not-asked not-asked  not-asked  not-asked    not-asked  not-asked
workload          identity       reporting reporting  reporting  reporting    refused    refused
workload          identity-async reporting reporting  reporting  reporting    refused    refused
workload          default        reporting reporting  -          -            refused    refused
workload          default-async  reporting reporting  -          -            refused    refused
workload          js-identity    reporting reporting  reporting  reporting    refused    refused
workload          js-default     reporting reporting  -          -            refused    refused
workload          js-msal        not-asked not-asked  not-asked  not-asked    not-asked  not-asked
"""
# What the endpoints say, as clients for Node.js quote it, and how these say that they ask nothing.
REFUSALS = "No User Assigned|[Ii]dentity not found|requested identity was not found|identity_not_found|AADSTS"
NOT_ASKED = "not supported|Only client id is supported|fetch failed|ChainedTokenCredential authentication failed"
UNREAD = 'Response had no "expiresOn" property'


def _rows() -> dict[tuple[str, str], dict[str, str]]:
    rows = {}
    for line in TABLE.strip().splitlines()[1:]:
        source, client, *cells = line.split()
        rows[source, client] = dict(zip(IDENTITIES, cells, strict=True))
    return rows


ROWS = _rows()
CELLS = [(source, client, who) for (source, client), row in ROWS.items() for who in IDENTITIES if row[who] != "-"]


NODE_CELLS = [cell for cell in CELLS if cell[1].startswith("js-")]
PYTHON_CELLS = [cell for cell in CELLS if cell not in NODE_CELLS]


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    """A host with a system-assigned identity, user-assigned ones, and one that it does not have."""
    # Clients for Node.js ask the public cloud whether it knows the workload's authority; it is not reached from here.
    with patch.dict(os.environ, {"HTTPS_PROXY": "http://127.0.0.1:9"}), LocalAzure() as azure:
        azure.azure.add_identity("leaver", assigned=False)
        yield azure


def ids_of(azure: LocalAzure, who: str) -> dict[str, str]:
    """Return the id by which a client names an identity; none for the system-assigned one."""
    reporting, leaver = azure.identity("reporting"), azure.identity("leaver")
    return {
        "system": {},
        "client_id": {"client_id": reporting.client_id},
        "object_id": {"object_id": reporting.object_id},
        "resource_id": {"resource_id": reporting.resource_id},
        "unknown": {"client_id": "99999999-9999-9999-9999-999999999999"},
        "unassigned": {"client_id": leaver.client_id},
    }[who]


def _msal(ids: dict[str, str]) -> str:
    identity = msal.UserAssignedManagedIdentity(**ids) if ids else msal.SystemAssignedManagedIdentity()
    with requests.Session() as session:
        result = msal.ManagedIdentityClient(identity, http_client=session).acquire_token_for_client(resource=RESOURCE)
    if "access_token" not in result:
        raise RuntimeError(result)
    return str(result["access_token"])


def _azure_identity(ids: dict[str, str]) -> str:
    options: dict[str, Any] = ids if "client_id" in ids else {"identity_config": ids} if ids else {}
    with ManagedIdentityCredential(**options) as credential:
        return str(credential.get_token(f"{RESOURCE}/.default").token)


def _azure_identity_async(ids: dict[str, str]) -> str:
    options: dict[str, Any] = ids if "client_id" in ids else {"identity_config": ids} if ids else {}

    async def acquire() -> str:
        async with AsyncManagedIdentityCredential(**options) as credential:
            return str((await credential.get_token(f"{RESOURCE}/.default")).token)

    return asyncio.run(acquire())


def _default(ids: dict[str, str]) -> str:
    with DefaultAzureCredential(managed_identity_client_id=ids.get("client_id")) as credential:
        return str(credential.get_token(f"{RESOURCE}/.default").token)


def _default_async(ids: dict[str, str]) -> str:
    async def acquire() -> str:
        async with AsyncDefaultAzureCredential(managed_identity_client_id=ids.get("client_id")) as credential:
            return str((await credential.get_token(f"{RESOURCE}/.default")).token)

    return asyncio.run(acquire())


PYTHON = {
    "msal": _msal,
    "identity": _azure_identity,
    "identity-async": _azure_identity_async,
    "default": _default,
    "default-async": _default_async,
}


def _holder(azure: LocalAzure, token: str) -> str:
    """Return the name of the identity that a token is of."""
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == RESOURCE
    identity = azure.azure.identity_of(claims["oid"])
    assert identity is not None
    return identity.name


def outcome(azure: LocalAzure, client: str, ids: dict[str, str]) -> tuple[str, str]:
    """Return what a client of this process comes to, and the error that it raised."""
    azure.journal.clear()
    try:
        return _holder(azure, PYTHON[client](ids)), ""
    except Exception as error:  # noqa: BLE001 (each client has exceptions of its own)
        answers = {entry.status for entry in azure.journal.entries(operation="getToken")}
        return "not-asked" if not answers else "unread" if answers == {200} else "refused", str(error)


def enter(azure: LocalAzure, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process think itself on a kind of host."""
    if source == "arc":
        try:
            check_key_folder()
        except LocalAzureError as error:
            pytest.skip(f"AZURE ARC IS NOT TESTED HERE, but in a mount namespace of its own: {error}")
    for name, value in azure.environment(source="imds" if source == BY_PROXY else source).items():
        monkeypatch.setenv(name, value)
    if source == BY_PROXY:
        monkeypatch.delenv("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    # aiohttp read SSL_CERT_FILE when this process imported it.
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", ssl.create_default_context())


@pytest.mark.parametrize(("source", "client", "who"), PYTHON_CELLS, ids=map("-".join, PYTHON_CELLS))
def test_python(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch, source: str, client: str, who: str) -> None:
    enter(azure, source, monkeypatch)
    found, error = outcome(azure, client, ids_of(azure, who))
    assert found == ROWS[source, client][who], error


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Let one of the processes that run tests at the same time do what follows."""
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that every process of this test run has."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


def _node_outcomes(azure: LocalAzure, javascript: Path, source: str, results: Path) -> dict[str, dict[str, str]]:
    """Return what every cell of a source came to, by client and identity; one process for all, and once a test run."""
    with _alone(results.with_suffix(".lock")):
        if not results.exists():
            cells = [(client, who) for at, client, who in NODE_CELLS if at == source]
            asked = json.dumps([{"client": client, "ids": ids_of(azure, who)} for client, who in cells])
            command = ["node", "acquire.mjs", asked]
            done = subprocess.run(command, cwd=javascript, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            outcomes = json.loads(done.stdout)
            results.write_text(json.dumps({" ".join(cell): found for cell, found in zip(cells, outcomes, strict=True)}))
    found: dict[str, dict[str, str]] = json.loads(results.read_text())
    return found


@pytest.mark.parametrize(("source", "client", "who"), NODE_CELLS, ids=map("-".join, NODE_CELLS))
def test_node(
    azure: LocalAzure,
    javascript: Path,
    shared_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    client: str,
    who: str,
) -> None:
    enter(azure, source, monkeypatch)
    result = _node_outcomes(azure, javascript, source, shared_folder / f"node-{source}.json")[f"{client} {who}"]
    error = result.get("error", "")
    if result.get("token"):
        found = _holder(azure, result["token"])
    elif re.search(REFUSALS, error):
        found = "refused"
    elif not error or UNREAD in error:
        found = "unread"
    else:
        found = "not-asked" if re.search(NOT_ASKED, error) else "failed"
    assert found == ROWS[source, client][who], error


def test_azure_arc_without_root_in_a_mount_namespace() -> None:
    unshare = shutil.which("unshare")
    shell = 'mount -t tmpfs none /var/opt && exec "$0" "$@"'
    inside = [unshare or "unshare", "-rm", "sh", "-c", shell]
    if unshare is None or subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("AZURE ARC IS NOT TESTED IN A MOUNT NAMESPACE: this machine lets no user make one (unshare -rm).")
    test = f"{__file__}::test_python"
    pytest_alone = [sys.executable, "-m", "pytest", test, "-k", "arc", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run([*inside, *pytest_alone], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
