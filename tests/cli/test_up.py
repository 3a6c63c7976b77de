"""``keyless up``: a real process, as people and programs start it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYLESS = [sys.executable, "-m", "keyless"]


@contextmanager
def running(*options: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``keyless up`` and give the process and its first line."""
    process = subprocess.Popen(
        [*KEYLESS, "up", *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def refused(*options: str, folder: Path) -> str:
    """Run ``keyless up`` where it must not start, and give what it says."""
    done = subprocess.run(
        [*KEYLESS, "up", *options], cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def call(url: str, key: str | None) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, headers={"x-functions-key": key} if key else {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return answer.status, json.load(answer)


def test_up_says_in_one_line_of_json_where_everything_is(tmp_path: Path) -> None:
    with running("--json", folder=tmp_path) as (_, line):
        ready = json.loads(line)
        assert {"http", "https", "vaults", "ca", "env", "functions"} <= set(ready)
        assert ready["vaults"] == {"contoso-kv": "https://contoso-kv.vault.azure.net"}
        assert "PRIVATE KEY" not in Path(ready["ca"]).read_text()
        assert "local-db-password" not in line
        function = ready["functions"]["AcquireTokenMsi"]
        status, body = call(function["url"], function["key"])
        assert (status, body["secret"]["value"]) == (200, "local-db-password")
        status, health = call(ready["functions"]["health"]["url"], None)
        assert (status, health["lastRead"]) == (200, "succeeded")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_in_an_orderly_way_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with running("--json", folder=tmp_path) as (process, line):
        ready = json.loads(line)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert not Path(ready["ca"]).exists()
    with socket.socket() as probe:
        port = int(ready["http"].rpartition(":")[2])
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_keyless_get_reads_with_the_environment_that_up_gives(tmp_path: Path) -> None:
    with running("--json", folder=tmp_path) as (_, line):
        ready = json.loads(line)
        environment = {**os.environ, **ready["env"]}
        get = [*KEYLESS, "get", "db-password", "--vault-url", "https://contoso-kv.vault.azure.net"]
        plain = subprocess.run(get, env=environment, capture_output=True, text=True, timeout=30, check=True)
        assert plain.stdout == "local-db-password\n"
        detailed = subprocess.run(
            [*get, "--json"], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        assert json.loads(detailed.stdout)["id"].startswith("https://contoso-kv.vault.azure.net/secrets/db-password/")
        unknown = [*get, "--client-id", "00000000-0000-0000-0000-000000000001"]
        failed = subprocess.run(unknown, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert failed.returncode == 1
        assert "error [KL-202]" in failed.stderr
        assert "remedy: " in failed.stderr
        assert "Traceback" not in failed.stderr


def test_up_shows_a_person_commands_that_work_when_pasted(tmp_path: Path) -> None:
    with running(folder=tmp_path) as (process, first):
        assert "The local Azure is up" in first
        assert process.stdout is not None
        lines = [first]
        while "keyless journal" not in lines[-1]:
            lines.append(process.stdout.readline())
        text = "".join(lines)
        assert "https://contoso-kv.vault.azure.net" in text
        assert "local-db-password" not in text
        assert "newcomer   user-assigned    no role" in text
        assert "system     system-assigned  Key Vault Secrets User on contoso-kv" in text
        assert len(lines) < 35
        called = [line for line in lines if "curl -s -H 'x-functions-key" in line and "?" not in line]
        [command] = [line for line in called if "/AcquireTokenMsi" in line]
        pasted = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=True)
        assert json.loads(pasted.stdout)["secret"]["value"] == "local-db-password"
        token, read = (next(line for line in lines if start in line) for start in ("TOKEN=$(", "curl -s --proxy"))
        by_hand = subprocess.run(
            ["sh", "-c", f"{token}\n{read}"], capture_output=True, text=True, timeout=30, check=True
        )
        names = [item["id"].rpartition("/")[2] for item in json.loads(by_hand.stdout)["value"]]
        assert names == ["api-key", "db-password"]


def test_a_keyless_toml_of_ones_own_is_used_and_a_wrong_one_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "keyless.toml").write_text(
        '[vaults.my-own-kv.secrets]\ntoken = "abc"\n[identities.system]\nrolse = {}\n'
    )
    said = refused("--json", folder=tmp_path)
    assert "keyless.toml" in said
    assert "keyless.toml:4:" in said
    assert "rolse" in said
    assert "roles" in said
    fixed = '[vaults.my-own-kv.secrets]\ntoken = "abc"\n[identities.system]\nroles = { my-own-kv = "Key Vault Secrets User" }\n'
    (tmp_path / "keyless.toml").write_text(fixed)
    with running("--json", folder=tmp_path) as (_, line):
        function = json.loads(line)["functions"]["AcquireTokenMsi"]
        assert call(function["url"], function["key"])[1]["secret"]["value"] == "abc"


def test_what_stands_in_the_way_of_starting_is_told(tmp_path: Path) -> None:
    assert "none.toml" in refused("--config", "none.toml", folder=tmp_path)
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused("--data", str(tmp_path / "file"), folder=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--http-port", "--https-port", "--proxy-port", "--function-port"):
            assert str(port) in refused(option, str(port), folder=tmp_path)


def test_secrets_outlive_a_restart_with_data(tmp_path: Path) -> None:
    versions = []
    for _ in range(2):
        with running("--json", "--data", "data", folder=tmp_path) as (_, line):
            function = json.loads(line)["functions"]["AcquireTokenMsi"]
            versions.append(call(function["url"], function["key"])[1]["secret"]["version"])
    assert versions[0] == versions[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--client-id", "a", "--object-id", "b"], "exclude each other"),
        (["--client-id", ""], "The identity's id is empty"),
    ],
)
def test_get_refuses_ids_that_name_no_one_identity(options: list[str], said: str) -> None:
    get = [*KEYLESS, "get", "x", "--vault-url", "https://contoso-kv.vault.azure.net", *options]
    done = subprocess.run(get, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_demo_shows_six_steps_with_their_statuses() -> None:
    done = subprocess.run([*KEYLESS, "demo", "--json"], capture_output=True, text=True, timeout=60, check=True)
    steps = json.loads(done.stdout)
    assert [step["status"] for step in steps] == [200, 200, 200, 503, 403, 200]
    assert all(set(step) == {"step", "request", "status", "body", "ms"} for step in steps)
    assert steps[3]["body"]["code"] == "KL-201"
    assert steps[4]["body"]["code"] == "ForbiddenByRbac"


def test_demo_names_what_each_command_is_for_and_where_keyless_is() -> None:
    script = Path(sys.executable).with_name("keyless")
    bare = {**os.environ, "PATH": os.defpath}
    shown = subprocess.run([script, "demo"], capture_output=True, text=True, timeout=60, check=True, env=bare).stdout
    assert "     In Azure, enable the identity:\n       az functionapp identity assign" in shown
    assert f"Next: {os.path.relpath(script)} up keeps it running." in " ".join(shown.split())


def test_another_function_app_is_served_and_what_cannot_be_is_named(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(
        "import os\nimport azure.functions as func\nfrom keyless import SecretReader\napp = func.FunctionApp()\n"
        "@app.route('mine')\n"
        "def mine(req: func.HttpRequest) -> str:\n"
        "    return SecretReader(os.environ['KEY_VAULT_URL']).get('api-key').value\n"
        "@app.timer_trigger(schedule='0 0 * * * *', arg_name='timer')\n"
        "def hourly(timer: func.TimerRequest) -> None: pass\n"
        "told = []\n"
        "@app.event_grid_trigger('event')\n"
        "def rotated(event: func.EventGridEvent) -> None: told.append(event.subject)\n"
        "@app.route('events', auth_level=func.AuthLevel.ANONYMOUS)\n"
        "def events(req: func.HttpRequest) -> str: return ','.join(told)\n"
    )
    with running("--functions", str(app), "--json", folder=tmp_path) as (_, line):
        told = json.loads(line)
        assert set(told["functions"]) == {"mine", "events"}
        assert list(told["eventFunctions"]) == ["rotated"]
        assert told["notServed"] == {"hourly": "timerTrigger"}
        mine = told["functions"]["mine"]
        answer = requests.get(mine["url"], headers={"x-functions-key": mine["key"]}, timeout=10)
        assert (answer.status_code, answer.text) == (200, "local-api-key")
        headers = {"Authorization": f"Bearer {told['control']['token']}"}
        url = f"{told['control']['url']}/vaults/contoso-kv/secrets/api-key/rotate"
        assert requests.post(url, headers=headers, timeout=10).status_code == 200
        until = time.monotonic() + 10
        while requests.get(told["functions"]["events"]["url"], timeout=10).text != "api-key":
            assert time.monotonic() < until
            time.sleep(0.01)
    assert refused("--functions", str(tmp_path / "none"), folder=tmp_path).count("is not a function app") == 1


def test_up_loads_an_app_that_changed_anew_under_the_same_address_and_key(tmp_path: Path) -> None:
    app = (
        "import azure.functions as func\napp = func.FunctionApp()\n"
        "@app.route('told')\ndef told(req: func.HttpRequest) -> str: return '{}'\n"
    )
    script = tmp_path / "function_app.py"
    script.write_text(app.format("before"))
    with running("--json", "--functions", ".", "--reload", folder=tmp_path) as (process, line):
        told = json.loads(line)["functions"]["told"]
        headers = {"x-functions-key": told["key"]}
        assert requests.get(told["url"], headers=headers, timeout=20).text == "before"
        assert process.stderr is not None
        script.write_text("no Python")
        assert any("cannot be loaded" in said for said in process.stderr)
        settings = tmp_path / "local.settings.json"
        settings.write_text('{"Values": {"A": ')
        assert any("local.settings.json cannot be read" in said for said in process.stderr)
        settings.unlink()
        script.write_text(app.format("afterwards"))
        assert any("again: told." in said for said in process.stderr)
        assert requests.get(told["url"], headers=headers, timeout=20).text == "afterwards"
        assert requests.get(told["url"], timeout=20).status_code == 401


def test_a_person_can_paste_what_it_says_of_any_function(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route('numbers/{number:int}')\ndef numbers(req): return f\"number {req.route_params['number']}\"\n"
        "@app.route('orders', methods=['POST'])\ndef orders(req): return 'taken'\n"
        "@app.timer_trigger(schedule='0 0 * * * *', arg_name='timer')\ndef tick(timer): pass\n"
    )
    with running("--functions", ".", folder=tmp_path) as (process, _):
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        next(each for each in lines if each == "Functions\n")
        commands = [next(lines), next(lines)]
        told = [
            subprocess.run(shlex.split(each), capture_output=True, check=True, timeout=10).stdout for each in commands
        ]
        assert told == [b"number 1", b"taken"]
        start = next(each for each in lines if "/admin/functions/NAME" in each).replace("NAME", "tick")
        started = [*shlex.split(start), "-o", os.devnull, "-w", "%{http_code}"]
        assert subprocess.run(started, capture_output=True, check=True, timeout=10).stdout == b"202"


def test_an_app_keeps_the_vault_and_the_secret_that_its_settings_name(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": {"SECRET_NAME": "api-key"}}))
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func, json, os\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "NAMES = ('KEY_VAULT_URL', 'SECRET_NAME')\n"
        "@app.route('told')\ndef told(req): return json.dumps({name: os.environ[name] for name in NAMES})\n"
    )
    with running("--functions", ".", "--json", folder=tmp_path) as (_, line):
        _, told = call(json.loads(line)["functions"]["told"]["url"], None)
    assert told == {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "api-key"}
