"""Azure Arc: a key file for each token."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.wire.http.app import App
from keyless.local.wire.identity.arc import Arc, check_key_folder
from keyless.local.wire.identity.routes import by_path

if TYPE_CHECKING:
    from tests.local.conftest import Serve
    from tests.local.identity.conftest import Wire

VAULT = "https://vault.azure.net"


def test_arc_never_gives_a_token_at_once_and_each_key_is_good_once(wire: Wire) -> None:
    first, second = wire.get("arc"), wire.get("arc")
    files = [answer.headers["WWW-Authenticate"].removeprefix("Basic realm=") for answer in (first, second)]
    assert (first.status_code, second.status_code, len(set(files))) == (401, 401, 2)
    assert all(re.fullmatch(r"/var/opt/azcmagent/tokens/[0-9a-f-]{36}\.key", file) for file in files)
    headers = {"Metadata": "true", "Authorization": f"Basic {Path(files[0]).read_text(encoding='ascii')}"}
    assert wire.get("arc", headers=headers).status_code == 200
    assert wire.get("arc", headers=headers).status_code == 401
    assert not Path(files[0]).exists()
    assert wire.local.journal.count(operation="getToken") == 1


@pytest.mark.parametrize("parameter", ["client_id", "object_id", "msi_res_id"])
def test_arc_challenges_first_and_then_knows_no_identity_that_is_not_assigned(wire: Wire, parameter: str) -> None:
    leaver = wire.local.identity("leaver")
    value = {"client_id": leaver.client_id, "object_id": leaver.object_id}.get(parameter, leaver.resource_id)
    assert wire.get("arc", headers=None, **{parameter: value}).status_code == 401
    answer = wire.ask("arc", **{parameter: value})
    assert (answer.status_code, answer.json()["error"]) == (404, "identity_not_found")
    assert wire.local.journal.entries()[-1].reason == "The identity leaver exists and is not assigned to the host."


def test_arc_says_whose_token_it_gives_to_whom_asked_for_one(wire: Wire) -> None:
    reporting = wire.local.identity("reporting")
    body = wire.ask("arc", msi_res_id=reporting.resource_id.upper()).json()
    assert body["msi_res_id"] == reporting.resource_id
    assert (body["client_id"], body["object_id"]) == (reporting.client_id, reporting.object_id)
    assert (type(body["expires_in"]), type(body["expires_on"]), type(body["ext_expires_in"])) == (str, str, int)


def test_arc_gives_a_new_token_to_a_caller_that_bypasses_the_cache(wire: Wire) -> None:
    first, again = (wire.ask("arc").json()["access_token"] for _ in range(2))
    fresh = wire.ask("arc", bypass_cache="true").json()["access_token"]
    assert (first == again, fresh == first) == (True, False)
    assert wire.ask("arc", bypass_cache="false").json()["access_token"] == fresh


def arc_at(folder: Path, serve: Serve, *, key_seconds: float = 30.0) -> tuple[Arc, str]:
    arc = Arc(Azure(), key_folder=folder, key_seconds=key_seconds)
    return (
        arc,
        f"{serve(App(by_path(arc.endpoints())))}/arc/metadata/identity/oauth2/token?api-version=2020-06-01&resource={VAULT}",
    )


def test_a_key_file_is_for_its_owner_and_goes_when_nobody_uses_it(tmp_path: Path, serve: Serve) -> None:
    folder = tmp_path / "azcmagent" / "tokens"
    _, url = arc_at(folder, serve, key_seconds=0.2)
    assert requests.get(url, headers={"Metadata": "true"}, timeout=5).status_code == 401
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, len(file.read_bytes())) == (0o600, 64)
    deadline = time.monotonic() + 5
    while list(folder.iterdir()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_arc_leaves_neither_keys_nor_folders_behind(tmp_path: Path, serve: Serve) -> None:
    arc, url = arc_at(tmp_path / "azcmagent" / "tokens", serve)
    requests.get(url, headers={"Metadata": "true"}, timeout=5)
    arc.close()
    assert list(tmp_path.iterdir()) == []


def test_where_no_key_file_can_be_put_the_error_says_what_to_do(tmp_path: Path, serve: Serve) -> None:
    blocked = tmp_path / "azcmagent"
    blocked.write_text("a file where a folder must be")
    with pytest.raises(LocalAzureError, match="only root may make that folder"):
        check_key_folder(blocked / "tokens")
    _, url = arc_at(blocked / "tokens", serve)
    answer = requests.get(url, headers={"Metadata": "true"}, timeout=5)
    assert answer.status_code == 500
    assert "sudo install -d" in answer.json()["error_description"]
