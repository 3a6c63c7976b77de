"""Who is let into the console, who is not, and what its answers keep browsers from."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner
from tests.local.console.conftest import VALUE, Guest, ask_vault, link

from keyless.cli.commands import keyless
from keyless.local import Entry, LocalAzure

if TYPE_CHECKING:
    from collections.abc import Mapping

GRANT = {"identity": "system", "role": "Key Vault Secrets User", "on": "contoso-kv"}


def asked(azure: LocalAzure, headers: Mapping[str, str], path: str = "/_keyless/console/") -> tuple[int, str]:
    """Send a request with exactly these headers, Host among them."""
    connection = http.client.HTTPConnection(urlsplit(azure.http_url).netloc, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, text in headers.items():
            connection.putheader(name, text)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_link_opens_the_console_once(azure: LocalAzure, stranger: Guest) -> None:
    url = link(azure)
    first = stranger.session.get(url, timeout=10, allow_redirects=False)
    assert (first.status_code, first.headers["Location"]) == (303, "/_keyless/console/")
    kept = first.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/_keyless/console"} <= {part.strip() for part in kept.split(";")}
    assert stranger.get().status_code == 200
    with requests.Session() as another:
        another.trust_env = False
        again = another.get(url, timeout=10)
        assert again.status_code == 401
        assert "run `keyless console`" in again.text
        assert another.get(stranger.url + "/", timeout=10).status_code == 401


def test_the_browser_that_was_let_in_may_load_its_link_again(azure: LocalAzure, stranger: Guest) -> None:
    url = link(azure)
    stranger.session.get(url, timeout=10)
    assert stranger.session.get(url, timeout=10).status_code == 200


def test_a_look_at_the_link_without_opening_it_does_not_use_it_up(azure: LocalAzure, stranger: Guest) -> None:
    url = link(azure)
    assert stranger.session.head(url, timeout=10).status_code >= 400
    assert stranger.session.get(url, timeout=10).status_code == 200


def test_the_link_of_another_run_opens_nothing(azure: LocalAzure, stranger: Guest) -> None:
    with LocalAzure(console=True) as other:
        token = link(other).partition("?")[2]
    assert stranger.get(f"/enter?{token}").status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/vaults", "/access", "/faults", "/drills", "/time", "/report", "/stream", "/calls/0", "/nowhere"]
)
def test_nothing_is_shown_without_the_cookie(stranger: Guest, path: str) -> None:
    refused = stranger.get(path)
    assert refused.status_code == 401
    assert "contoso-kv" not in refused.text


@pytest.mark.parametrize("path", ["/roles/grant", "/reveal", "/faults/add", "/clock/advance", "/journal/clear"])
def test_nothing_is_changed_without_the_cookie(stranger: Guest, path: str) -> None:
    assert stranger.post(path, {**GRANT, "vault": "contoso-kv", "name": "db-password"}).status_code == 401


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1", "localhost:1", "127.0.0.1.example", ""])
def test_a_name_that_was_made_to_lead_here_is_refused(guest: Guest, azure: LocalAzure, host: str) -> None:
    port = urlsplit(azure.http_url).port
    named = f"{host}:{port}" if host.endswith("example") else host
    cookie = "; ".join(f"{each.name}={each.value}" for each in guest.session.cookies)
    status, text = asked(azure, {"Host": named, "Cookie": cookie})
    assert status in {400, 403}
    assert "contoso-kv" not in text
    good, shown = asked(azure, {"Host": f"localhost:{port}", "Cookie": cookie})
    assert good == 200
    assert "contoso-kv" in shown


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_sees_and_changes_nothing(guest: Guest, azure: LocalAzure, headers: dict[str, str]) -> None:
    assert guest.get("/", **headers).status_code == 403
    assert guest.post("/roles/grant", GRANT, **headers).status_code == 403
    assert ask_vault(azure, "system", "secrets/db-password") == 403


@pytest.mark.parametrize("fields", [{"csrf": ""}, {"csrf": "guessed"}])
def test_a_form_without_the_token_of_the_page_changes_nothing(
    guest: Guest, azure: LocalAzure, fields: dict[str, str]
) -> None:
    refused = guest.post("/roles/grant", {**GRANT, **fields})
    assert refused.status_code == 403
    assert "CSRF" in refused.text
    assert ask_vault(azure, "system", "secrets/db-password") == 403


def test_a_form_without_an_origin_changes_nothing(guest: Guest, azure: LocalAzure) -> None:
    assert guest.post("/roles/grant", GRANT, Origin="").status_code == 403
    assert ask_vault(azure, "system", "secrets/db-password") == 403
    assert guest.post("/roles/grant", GRANT).status_code == 303
    assert ask_vault(azure, "system", "secrets/db-password") == 200


def test_the_token_of_one_browser_is_none_of_another_s(guest: Guest, azure: LocalAzure) -> None:
    other = Guest(azure)
    with other.session:
        stolen = other.enter().csrf()
    assert guest.post("/roles/grant", {**GRANT, "csrf": stolen}).status_code == 403


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "\\evil"])
def test_a_form_leads_back_into_the_console_alone(guest: Guest, back: str) -> None:
    assert guest.post("/faults/clear", {"back": back}).headers["Location"] == "/_keyless/console/"


@pytest.mark.parametrize("path", ["/", "/vaults", "/nowhere", "/static/console.js", "/enter"])
def test_every_answer_keeps_the_browser_to_this_host(guest: Guest, path: str) -> None:
    headers = guest.get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_a_value_is_in_no_page_until_it_is_asked_for(guest: Guest, azure: LocalAzure) -> None:
    azure.identity("system").grant("Key Vault Secrets User", on="contoso-kv")
    assert ask_vault(azure, "system", "secrets/db-password") == 200
    call = f"/calls/{azure.journal.recorded - 1}"
    assert "(hidden)" in guest.get(call).text
    for path in ("/", call, "/vaults", "/vaults/contoso-kv/secret/db-password", "/access", "/time", "/report"):
        assert VALUE not in guest.get(path).text
    shown = guest.post("/reveal", {"vault": "contoso-kv", "name": "db-password"})
    assert VALUE in shown.text
    assert "another" not in shown.text
    assert shown.headers["Cache-Control"] == "no-store"


def test_a_name_that_a_program_sends_is_text_and_no_markup(guest: Guest, azure: LocalAzure) -> None:
    azure.azure.journal.record(
        _entry(name="<script>alert(1)</script>", client="<img src=x onerror=alert(1)>", reason="<b>bold</b>")
    )
    for path in ("/", f"/calls/{azure.journal.recorded - 1}"):
        text = guest.get(path).text
        assert "&lt;script&gt;" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>bold" not in text


def _entry(**changes: object) -> Entry:
    fields = {
        "time": 0.0,
        "service": "vault",
        "operation": "getSecret",
        "status": 404,
        "reason": "",
        "vault": "contoso-kv",
    }
    return Entry(**{**fields, "kind": "secret", **changes})  # type: ignore[arg-type]


def test_a_local_azure_has_no_console_unless_it_is_asked_for() -> None:
    with LocalAzure() as plain:
        assert plain.console_url is None
        assert requests.get(f"{plain.http_url}/_keyless/console/", timeout=10).status_code == 401
        env = {"KEYLESS_CONTROL_URL": plain.control_url, "KEYLESS_CONTROL_TOKEN": plain.control_token}
        ran = CliRunner(env=env).invoke(keyless, ["console", "--print"])
        assert ran.exit_code == 1
        assert "serves no console" in ran.output


def test_keyless_console_prints_a_link_that_opens_it(azure: LocalAzure, stranger: Guest) -> None:
    env = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}
    ran = CliRunner(env=env).invoke(keyless, ["console", "--print"])
    assert ran.exit_code == 0, ran.output
    assert stranger.session.get(ran.output.strip(), timeout=10).status_code == 200


@pytest.mark.parametrize("options", [[], ["--no-console"]])
def test_keyless_up_serves_it_unless_it_is_told_not_to(options: list[str]) -> None:
    up = subprocess.Popen(
        [sys.executable, "-m", "keyless", "up", "--json", *options], stdout=subprocess.PIPE, text=True
    )
    assert up.stdout is not None
    try:
        told = json.loads(up.stdout.readline())
        assert (told["console"] is None) == bool(options)
        answered = requests.get(told["console"] or f"{told['http']}/_keyless/console/", timeout=10)
        assert answered.status_code == (401 if options else 200)
    finally:
        up.terminate()
        up.communicate(timeout=20)


def test_a_run_with_a_console_gives_its_link_on_standard_error() -> None:
    command = [sys.executable, "-m", "keyless", "run", "--console", "--", sys.executable, "-c", "print('done')"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "done\n"
    assert "keyless: the console: http://127.0.0.1:" in ran.stderr


def test_the_start_loads_nothing_for_the_console() -> None:
    code = (
        "import sys\nfrom keyless.local import LocalAzure\n"
        "with LocalAzure(console=True) as azure:\n    assert azure.console_url\n"
        "    print(sorted(name for name in sys.modules if 'jinja2' in name or 'wire.console' in name))"
    )
    room = "keyless.local.wire.console"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str([room, f"{room}.door", f"{room}.site"])
    without = code.replace("console=True", "").replace("assert azure.console_url", "pass")
    ran = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
