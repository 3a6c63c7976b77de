"""``keyless secret``, ``role``, ``fault`` and ``journal``, against a real ``keyless up``."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner

from keyless.cli.commands import keyless
from keyless.local.files.running import this_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYLESS = [sys.executable, "-m", "keyless"]
CANARY = "canary-7f3a"


class Up:
    """A ``keyless up`` of its own, and the commands that find it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
        self.process = subprocess.Popen(
            [*KEYLESS, "up", "--json"],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline())

    def run(self, *command: str, text: str | None = None) -> str:
        """Run a command that succeeds and return what it prints."""
        result = CliRunner(env=self.environment).invoke(keyless, command, input=text)
        assert result.exit_code == 0, result.output
        return result.stdout

    def fails(self, *command: str) -> str:
        """Run a command that fails and return what it says."""
        result = CliRunner(env=self.environment).invoke(keyless, command)
        assert result.exit_code == 1, result.output
        # A remedy with commands has a line for each.
        begun = [line.partition(":")[0].split()[0] for line in result.stderr.splitlines()]
        assert begun[:3] == ["error", "cause", "remedy"]
        return result.stderr

    def files(self) -> list[Path]:
        return list((self.folder / "keyless").glob("*"))


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KEYLESS_CONTROL_URL", "KEYLESS_CONTROL_TOKEN"):
            patch.delenv(name, raising=False)
        running = Up(tmp_path_factory.mktemp("up"))
        yield running
        running.process.terminate()
        printed, errors = running.process.communicate(timeout=20)
        assert CANARY not in printed + errors
        assert running.files() == [], "the file is gone with the run"


def test_the_file_that_leads_to_it_is_its_owners_alone(up: Up) -> None:
    [file] = up.files()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    said = json.loads(file.read_text())
    assert said.pop("network") == this_network()
    assert (said.pop("what"), said.pop("folder")) == ("keyless up", str(up.folder))
    assert said == up.ready["control"]


def piped(up: Up, value: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Set a secret to what comes through a pipe, as a shell does it."""
    command = [*KEYLESS, "secret", "set", *arguments]
    return subprocess.run(command, input=value, env=up.environment, capture_output=True, timeout=30, check=False)


def test_a_secret_is_set_from_a_pipe_without_being_told_so(up: Up) -> None:
    done = piped(up, f"{CANARY}\n".encode(), "printed")
    assert (done.returncode, done.stderr) == (0, b"")
    assert up.run("secret", "show", "printed", "--value").strip() == CANARY
    nothing = piped(up, b"", "printed")
    assert (nothing.returncode, b"No value is given" in nothing.stderr) == (1, True)


@pytest.mark.parametrize("given", [["-"], []])
def test_a_value_that_is_no_utf_8_is_told_by_its_byte_and_not_shown(up: Up, given: list[str]) -> None:
    done = piped(up, b"caf\xe9", "latin", *given)
    assert done.returncode == 1
    assert b"The value on standard input is not UTF-8." in done.stderr
    assert b"Byte 4 belongs to no character" in done.stderr
    assert b"caf" not in done.stderr


def test_a_secret_is_set_from_an_argument_from_standard_input_and_by_asking(
    up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyless.cli.secret._at_terminal", lambda: True)
    said = [
        up.run("secret", "set", "given", CANARY, "--tag", "a=b=c", "--content-type", "t"),
        up.run("secret", "set", "piped", "-", text=f"{CANARY}\n"),
        up.run("secret", "set", "asked", text=f"{CANARY}\n{CANARY}\n"),
        up.run("secret", "list"),
        up.run("secret", "list", "--json"),
        up.run("secret", "show", "given"),
    ]
    assert CANARY not in "".join(said)
    for name in ("given", "piped", "asked"):
        assert up.run("secret", "show", name, "--value") == f"{CANARY}\n"
        assert f"{name}  " in said[3]
    shown = json.loads(said[5])
    assert (shown["tags"], shown["content_type"], "value" in shown) == ({"a": "b=c"}, "t", False)


def test_a_rotated_secret_has_a_new_value_and_a_deleted_one_is_gone(up: Up) -> None:
    up.run("secret", "set", "turning", CANARY)
    first = json.loads(up.run("secret", "show", "turning"))["version"]
    assert "turning is now at version" in up.run("secret", "rotate", "turning")
    assert up.run("secret", "show", "turning", "--value").strip() != CANARY
    assert up.run("secret", "show", "turning", "--value", "--version", first).strip() == CANARY
    assert "can be recovered until" in up.run("secret", "delete", "turning")
    assert "turning" not in up.run("secret", "list")
    assert "no secret 'turning'" in up.fails("secret", "show", "turning")


def test_a_value_comes_out_byte_for_byte_where_a_terminal_would_see_colours(up: Up) -> None:
    value = "pa\x1b[31mss\x1b[0mw\u00f6rd"
    up.run("secret", "set", "coloured", value)
    read = [*KEYLESS, "get", "coloured", "--vault-url", up.ready["vaults"]["contoso-kv"]]
    for command, environment in (
        (read, {**os.environ, **up.ready["env"]}),
        ([*KEYLESS, "secret", "show", "coloured", "--value"], up.environment),
    ):
        told = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=True)
        assert told.stdout == f"{value}\n".encode()


def test_a_role_that_is_granted_is_felt_and_one_that_is_revoked_is_too(up: Up) -> None:
    # Without --on the only vault is meant.
    assert "newcomer has Key Vault Secrets User on contoso-kv" in up.run(
        "role", "grant", "newcomer", "Key Vault Secrets User"
    )
    listed = [line for line in up.run("role", "list").splitlines() if "  on " in line]
    assert any(
        line.split("  ")[0] == "newcomer" and line.endswith("Key Vault Secrets User  on contoso-kv") for line in listed
    )
    assert len({line.index("  on ") for line in listed}) == 1, "the columns are not below each other"
    assert "no longer has" in up.run("role", "revoke", "newcomer", "Key Vault Secrets User")
    assert "newcomer" not in json.dumps(json.loads(up.run("role", "list", "--json")))
    assert "does not have" in up.fails("role", "revoke", "newcomer", "Key Vault Secrets User")


def test_a_fault_strikes_until_it_is_cleared_and_the_journal_says_why(up: Up) -> None:
    read = [*KEYLESS, "get", "api-key", "--vault-url", up.ready["vaults"]["contoso-kv"], "--timeout", "10"]
    environment = {**os.environ, **up.ready["env"]}
    said = up.run("fault", "add", "firewall", "--secret", "api-key")
    assert "firewall  secret=api-key  until cleared" in up.run("fault", "list")
    assert json.loads(up.run("fault", "list", "--json"))["active"][0]["name"] == "firewall"
    refused = subprocess.run(read, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (refused.returncode, "ForbiddenByFirewall" in refused.stderr) == (1, True)
    up.run("fault", "clear", said.split()[-1])
    allowed = subprocess.run(read, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert allowed.stdout == "local-api-key\n", allowed.stderr
    journal = up.run("journal")
    assert "getSecret  contoso-kv/api-key" in journal
    assert "local-api-key" not in journal + up.run("journal", "--json")
    statuses = [
        entry["status"]
        for entry in map(json.loads, up.run("journal", "--json").splitlines())
        if entry["operation"] == "getSecret"
    ]
    assert statuses[-2:] == [403, 200]
    up.run("fault", "add", "throttled")
    assert "No fault is active any more" in up.run("fault", "clear")
    assert up.run("fault", "list").startswith("No fault is active.\nYou can add: throttled")


def test_the_journal_says_once_what_is_known_against_a_client(up: Up) -> None:
    def note(client: str) -> int:
        # The token is missing, so it is only a challenge: who asks is what matters.
        asked = requests.get(
            f"{up.ready['vaults']['contoso-kv']}/secrets?api-version=7.4",
            headers={"User-Agent": client},
            proxies={"https": up.ready["env"]["HTTPS_PROXY"]},
            verify=up.ready["env"]["REQUESTS_CA_BUNDLE"],
            timeout=20,
        )
        assert asked.status_code == 401
        return up.run("journal").count("Take azure-cli 2.90.0 or newer.")

    assert note("AZURECLI/2.91.0 (DEB)") == 0
    assert note("AZURECLI/2.75.0 (DEB)") == 1
    assert note("AZURECLI/2.75.0 (DEB)") == 1


def test_the_journal_is_followed_as_it_grows(up: Up) -> None:
    follower = subprocess.Popen(
        [*KEYLESS, "journal", "--follow", "--json"], env=up.environment, stdout=subprocess.PIPE, text=True
    )
    try:
        read = [*KEYLESS, "get", "db-password", "--vault-url", up.ready["vaults"]["contoso-kv"]]
        subprocess.run(read, env={**os.environ, **up.ready["env"]}, capture_output=True, timeout=30, check=True)
        assert follower.stdout is not None
        for line in follower.stdout:
            if json.loads(line)["name"] == "db-password":
                break
        assert follower.poll() is None
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=20)


def test_the_control_api_can_be_named(up: Up, tmp_path: Path) -> None:
    control = up.ready["control"]
    elsewhere = {"XDG_RUNTIME_DIR": str(tmp_path)}
    named = {**elsewhere, "KEYLESS_CONTROL_URL": control["url"], "KEYLESS_CONTROL_TOKEN": control["token"]}
    assert CliRunner(env=named).invoke(keyless, ["secret", "list"]).exit_code == 0
    wrong = {**named, "KEYLESS_CONTROL_TOKEN": "wrong"}
    result = CliRunner(env=wrong).invoke(keyless, ["secret", "list"])
    assert (result.exit_code, "does not know the token" in result.stderr) == (1, True)
    half = CliRunner(env=elsewhere).invoke(keyless, ["secret", "list", "--url", control["url"]])
    assert (half.exit_code, "Only one of --url and --token" in half.stderr) == (1, True)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/_keyless", "https://127.0.0.1/", "http://example.com/_keyless"]
)
def test_no_other_machine_is_ever_given_a_token(tmp_path: Path, url: str) -> None:
    result = CliRunner(env={"XDG_RUNTIME_DIR": str(tmp_path)}).invoke(
        keyless, ["secret", "list", "--url", url, "--token", "t"]
    )
    assert (result.exit_code, "on this machine alone" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "command",
    [["secret", "list"], ["role", "list"], ["fault", "list"], ["journal"], ["secret", "set", "a", CANARY]],
)
def test_with_nothing_running_a_command_says_how_to_start(tmp_path: Path, command: list[str]) -> None:
    result = CliRunner(env={"XDG_RUNTIME_DIR": str(tmp_path)}).invoke(keyless, command)
    assert result.exit_code == 1
    assert "No local Azure is running" in result.stderr
    assert "keyless up" in result.stderr
    assert CANARY not in result.output


def test_the_record_of_a_run_in_another_network_is_left(up: Up) -> None:
    (file,) = up.files()
    said = json.loads(file.read_text())
    nobody = file.with_name("up-99.json")
    nobody.write_text(json.dumps({**said, "url": "http://127.0.0.1:9/keyless/control", "network": "net:[1]"}))
    up.run("secret", "list")
    assert nobody.exists()
    nobody.write_text(json.dumps({**said, "url": "http://127.0.0.1:9/keyless/control"}))
    up.run("secret", "list")
    assert not nobody.exists()
    assert file.exists()


def test_a_run_that_was_killed_is_not_taken_for_one_that_runs(tmp_path: Path) -> None:
    killed = Up(tmp_path)
    killed.process.kill()
    killed.process.communicate(timeout=20)
    assert len(killed.files()) == 1
    assert "No local Azure is running" in killed.fails("secret", "list")
    assert killed.files() == []


def test_two_runs_must_be_told_apart(up: Up) -> None:
    other = Up(up.folder)
    try:
        said = up.fails("secret", "list")
        assert other.ready["control"]["url"] in said
        assert up.ready["control"]["url"] in said
        assert other.ready["control"]["token"] not in said
        assert (up.ready["number"], other.ready["number"]) == (1, 2)
        up.run("secret", "set", "of-the-second", "x", "--number", "2")
        assert "of-the-second" in up.run("secret", "list", "--number", "2")
        assert "of-the-second" not in up.run("secret", "list", "--number", "1")
        assert "No local Azure has the number 3" in up.fails("secret", "list", "--number", "3")
        assert [each["number"] for each in json.loads(up.run("status", "--json"))] == [1, 2]
    finally:
        other.process.terminate()
        other.process.communicate(timeout=20)


def test_a_folder_that_others_may_enter_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "keyless").mkdir()
    (tmp_path / "keyless").chmod(0o777)
    result = CliRunner(env={"XDG_RUNTIME_DIR": str(tmp_path)}).invoke(keyless, ["secret", "list"])
    assert (result.exit_code, "open to other users" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["secret", "set"], "NAME"),
        (["secret", "set", "a", "b", "--tag", "c"], "NAME=TEXT"),
        (["role", "grant", "system"], "ROLE"),
        (["fault", "add", "throttled", "--times", "0"], "--times"),
        (["fault", "add", "throttled", "--share", "2"], "--share"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_asked(tmp_path: Path, command: list[str], said: str) -> None:
    result = CliRunner(env={"XDG_RUNTIME_DIR": str(tmp_path)}).invoke(keyless, command)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_role_with_a_condition_is_granted_listed_and_explained(up: Up) -> None:
    condition = "@Resource[Microsoft.KeyVault/vaults/secrets:name] StringStartsWith 'app-'"
    granted = up.run("role", "grant", "reporting", "Key Vault Secrets Officer", "--condition", condition)
    assert granted.strip() == "reporting has Key Vault Secrets Officer on contoso-kv with a condition."
    assert condition in up.run("role", "list")

    refused = CliRunner(env=up.environment).invoke(
        keyless, ["role", "explain", "reporting", "setSecret", "contoso-kv/db-password"]
    )
    assert refused.exit_code == 1
    assert "Refused: reporting is refused by the condition of Key Vault Secrets Officer" in refused.stdout
    assert "Key Vault Secrets Officer on contoso-kv does not allow it: its condition refuses the call" in refused.stdout
    assert up.run("role", "explain", "reporting", "getSecret", "contoso-kv/app-key").startswith("Allowed: ")
    up.run("role", "revoke", "reporting", "Key Vault Secrets Officer")
