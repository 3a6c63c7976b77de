"""``keyless run``: unmodified programs at the production URL, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = [sys.executable, "-m", "keyless", "run"]
PYTHON_PROGRAM = """
import os
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
url = "https://contoso-kv.vault.azure.net"
client = SecretClient(url, ManagedIdentityCredential())
print(client.get_secret("db-password").value)
print(*sorted(found.name for found in client.list_properties_of_secrets()))
try:
    SecretClient(url, ManagedIdentityCredential(client_id=os.environ["NEWCOMER"])).get_secret("db-password")
except HttpResponseError as error:
    print(error.status_code, error.error.innererror["code"])
"""
ASYNC_PROGRAM = """
import asyncio, os
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ManagedIdentityCredential
from azure.keyvault.secrets.aio import SecretClient
url = "https://contoso-kv.vault.azure.net"
async def main():
    async with ManagedIdentityCredential() as credential, SecretClient(url, credential) as client:
        print((await client.get_secret("db-password")).value)
        print(*sorted([found.name async for found in client.list_properties_of_secrets()]))
    async with (
        ManagedIdentityCredential(client_id=os.environ["NEWCOMER"]) as credential, SecretClient(url, credential) as client
    ):
        try:
            await client.get_secret("db-password")
        except HttpResponseError as error:
            print(error.status_code, error.error.innererror["code"])
asyncio.run(main())
"""
NODE_PROGRAM = """
import { ManagedIdentityCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
const url = "https://contoso-kv.vault.azure.net";
const client = new SecretClient(url, new ManagedIdentityCredential());
console.log((await client.getSecret("db-password")).value);
const names = [];
for await (const found of client.listPropertiesOfSecrets()) names.push(found.name);
console.log(names.sort().join(" "));
try {
  await new SecretClient(url, new ManagedIdentityCredential({ clientId: process.env.NEWCOMER })).getSecret("db-password");
} catch (error) {
  console.log(error.statusCode, error.details?.error?.innererror?.code ?? "ForbiddenByRbac");
}
"""
CURL_PROGRAM = """
url=https://contoso-kv.vault.azure.net
token() { curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \
"$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://vault.azure.net$1" | "$PYTHON" -c \
'import json,sys; print(json.load(sys.stdin)["access_token"])'; }
system=$(token) newcomer=$(token "&client_id=$NEWCOMER")
ask() { curl -sS -H "Authorization: Bearer $1" "$url/secrets$2?api-version=7.4" | "$PYTHON" -c "$3"; }
ask "$system" /db-password 'import json,sys; print(json.load(sys.stdin)["value"])'
ask "$system" "" 'import json,sys; print(*sorted(s["id"].rpartition("/")[2] for s in json.load(sys.stdin)["value"]))'
ask "$newcomer" /db-password 'import json,sys; e=json.load(sys.stdin)["error"]; print(403, e["innererror"]["code"])'
"""
JAVA_PROGRAM = """
import java.net.*; import java.net.http.*;
public class Program {
  public static void main(String[] none) throws Exception {
    var plain = HttpClient.newHttpClient();
    var identity = URI.create(System.getenv("IDENTITY_ENDPOINT") + "?api-version=2019-08-01&resource=https://vault.azure.net");
    var asked = HttpRequest.newBuilder(identity).header("X-IDENTITY-HEADER", System.getenv("IDENTITY_HEADER")).build();
    var text = HttpResponse.BodyHandlers.ofString();
    var bearer = "Bearer " + plain.send(asked, text).body().replaceAll(".*\\"access_token\\": ?\\"([^\\"]+)\\".*", "$1");
    var secret = URI.create("https://contoso-kv.vault.azure.net/secrets/db-password?api-version=7.4");
    var proxied = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
    var answer = proxied.send(HttpRequest.newBuilder(secret).header("Authorization", bearer).build(), text);
    System.out.println(answer.statusCode());
    var older = (HttpURLConnection) secret.toURL().openConnection();
    older.setRequestProperty("Authorization", bearer);
    System.out.println(new String(older.getInputStream().readAllBytes()).contains("local-db-password"));
  }
}
"""
# With nothing installed: older versions of Node.js look for no proxy, and of axios leave TLS to it.
NODE_HTTPS_PROGRAM = """
const http = require("node:http"), https = require("node:https");
const { IDENTITY_ENDPOINT, IDENTITY_HEADER, HTTPS_PROXY } = process.env;
const ask = (client, ...where) => new Promise((done) => client.get(...where, async (answer) => {
  let text = "";
  for await (const chunk of answer) text += chunk;
  done(text);
}).on("error", (error) => done(error.message)));
(async () => {
  const endpoint = `${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=https://vault.azure.net`;
  const token = JSON.parse(await ask(http, endpoint, { headers: { "X-IDENTITY-HEADER": IDENTITY_HEADER } })).access_token;
  const secret = "https://contoso-kv.vault.azure.net/secrets/db-password?api-version=7.4";
  const headers = { Authorization: `Bearer ${token}` };
  console.log(JSON.parse(await ask(https, secret, { headers })).value);
  const { hostname: host, port } = new URL(HTTPS_PROXY);
  console.log(JSON.parse(await ask(http, { host, port, path: secret, headers })).value);
  console.log((await ask(https, "https://unknown-kv.vault.azure.net/")).includes("No vault unknown-kv.vault.azure.net"));
  console.log(await ask(https, "https://127.0.0.1:9/"));
})();
"""
SEEN = ["local-db-password", "api-key db-password", "403 ForbiddenByRbac"]


@pytest.fixture(scope="module")
def newcomer() -> str:
    """The client id of an identity without a role: ids are the same at every start."""
    from keyless.local.server import LocalAzure  # noqa: PLC0415 (the programs under test are other processes)

    with LocalAzure() as azure:
        return azure.identity("newcomer").client_id


@pytest.fixture
def place(tmp_path: Path, newcomer: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and a folder for temporary files that is looked through afterwards."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("NEWCOMER", newcomer)
    monkeypatch.setenv("PYTHON", sys.executable)
    return tmp_path / "work"


def left_behind(place: Path) -> list[Path]:
    return [path for path in (place.parent / "temporary").iterdir() if path.name.startswith("keyless-")]


def run(place: Path, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *options, "--", *command], cwd=place, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("program", [PYTHON_PROGRAM, ASYNC_PROGRAM], ids=["sync", "async"])
def test_a_program_in_python_reads_lists_and_is_denied(place: Path, program: str) -> None:
    done = run(place, sys.executable, "-c", program)
    assert done.stdout.splitlines() == SEEN, done.stderr
    assert done.returncode == 0
    assert left_behind(place) == []


def test_curl_reads_lists_and_is_denied(place: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("CURL UNDER keyless run IS NOT TESTED: it is missing on this machine.")
    done = run(place, "sh", "-c", CURL_PROGRAM)
    assert done.stdout.splitlines() == SEEN, done.stderr


def test_a_program_in_javascript_reads_lists_and_is_denied(place: Path, javascript: Path) -> None:
    (place / "node_modules").symlink_to(javascript / "node_modules")
    (place / "app.mjs").write_text(NODE_PROGRAM)
    done = run(place, "node", "app.mjs")
    assert done.stdout.splitlines() == SEEN, done.stderr


def test_clients_of_nodejs_that_look_for_no_proxy_or_leave_tls_to_it_read_too(place: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("NODE.JS UNDER keyless run IS NOT TESTED: it is missing on this machine.")
    done = run(place, "node", "-e", NODE_HTTPS_PROGRAM)
    refused = "connect ECONNREFUSED 127.0.0.1:9"
    assert done.stdout.splitlines() == [*["local-db-password"] * 2, "true", refused], done.stderr


def test_a_program_in_java_reads_with_both_of_its_http_clients(place: Path) -> None:
    if shutil.which("javac") is None:
        pytest.skip("JAVA UNDER keyless run IS NOT TESTED: it is missing on this machine.")
    (place / "Program.java").write_text(JAVA_PROGRAM)
    done = run(place, "java", "Program.java")
    assert done.stdout.split() == ["200", "true"], done.stderr


@contextmanager
def company_proxy() -> Iterator[tuple[str, list[str]]]:
    """A company's CONNECT proxy that notes what it is asked for, with which credentials, and refuses all."""
    asked: list[str] = []

    def serve(server: socket.socket) -> None:
        while True:
            try:
                client = server.accept()[0]
            except OSError:
                return
            with client:
                head = client.recv(65536).decode()
                credentials = [line for line in head.splitlines() if line.startswith("Proxy-Authorization")]
                asked.append(f"{head.split()[1]} {''.join(credentials)}")
                client.sendall(b"HTTP/1.1 403 Company says no\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield f"http://user:pass@127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_behind_a_company_proxy_vaults_stay_here_and_other_hosts_go_through_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "curl -sS https://pypi.example/ || true" if shutil.which("curl") else "true"
    with company_proxy() as (url, asked):
        monkeypatch.setenv("HTTPS_PROXY", url)
        done = run(place, "sh", "-c", f"\"$PYTHON\" -c '{PYTHON_PROGRAM.replace(chr(39), chr(34))}'; {other}")
    assert done.stdout.splitlines() == SEEN, done.stderr
    assert asked == ["pypi.example:443 Proxy-Authorization: Basic dXNlcjpwYXNz"]


def test_eight_runs_at_once_each_have_their_own(place: Path) -> None:
    program = (
        "import os, requests; answer = requests.get('https://contoso-kv.vault.azure.net/secrets'); "
        "print(answer.status_code, os.environ['HTTPS_PROXY'])"
    )
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: run(place, sys.executable, "-c", program), range(8)))
    assert [each.stdout.split()[0] for each in done] == ["401"] * 8
    assert len({each.stdout.split()[1] for each in done}) == 8
    assert left_behind(place) == []


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143)],
)
def test_the_exit_code_is_the_commands(place: Path, command: str, code: int) -> None:
    assert run(place, "sh", "-c", command).returncode == code
    assert left_behind(place) == []


def test_a_command_that_cannot_be_run_is_named(place: Path) -> None:
    (place / "plain").write_text("not a program")
    missing, plain = run(place, "no-such-command"), run(place, "./plain")
    assert (missing.returncode, plain.returncode) == (127, 126)
    assert "error: no-such-command cannot be run" in missing.stderr
    assert "remedy: Make it executable: chmod +x ./plain." in plain.stderr
    assert run(place).returncode == 2


def test_what_to_do_here_and_what_to_do_in_azure_begin_a_line_each(place: Path) -> None:
    refused = run(
        place, sys.executable, "-m", "keyless", "get", "no-such", "--vault-url", "https://contoso-kv.vault.azure.net"
    )
    lines = [line.strip() for line in refused.stderr.splitlines()]
    assert [any(line.startswith(start) for line in lines) for start in ("remedy: Here,", "In Azure:", "Portal:")] == [
        True
    ] * 3


@pytest.mark.parametrize("name", ["app.py", "./app.py"])
def test_a_script_that_is_given_without_its_interpreter_is_told_the_whole_command(place: Path, name: str) -> None:
    (place / "app.py").write_text("")
    refused = run(place, name)
    assert refused.returncode in {126, 127}
    assert f"remedy: Put python before it: python {name}." in refused.stderr


@contextmanager
def running(place: Path, *command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command, and give the process of Keyless and the command's first line."""
    with subprocess.Popen([*RUN, "--", *command], cwd=place, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_a_signal_is_passed_on_once(place: Path, name: str) -> None:
    program = (
        "import signal, time\n"
        f"seen = []\nsignal.signal(signal.{name}, lambda *_: seen.append(1))\n"
        "print('ready', flush=True)\n"
        "while not seen: time.sleep(0.01)\n"
        "time.sleep(0.2); print(len(seen)); raise SystemExit(9)"
    )
    with running(place, sys.executable, "-c", program) as (process, _):
        process.send_signal(getattr(signal, name))
        assert process.stdout is not None
        assert process.stdout.read().strip() == "1"
        assert process.wait(20) == 9
    assert left_behind(place) == []


def test_ctrl_c_at_a_terminal_reaches_the_command_once(place: Path) -> None:
    import pty  # noqa: PLC0415 (Windows has none)

    program = (
        "import os, signal, time\n"
        "seen = []\nsignal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
        "print('ready', os.isatty(0), os.tcgetpgrp(0) == os.getpgrp(), flush=True)\n"
        "while not seen: time.sleep(0.01)\n"
        "time.sleep(0.3); print('seen', len(seen), flush=True); raise SystemExit(9)"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(place)
        os.execv(RUN[0], [*RUN, "--quiet", "--", sys.executable, "-c", program])
    shown = b""
    while b"ready" not in shown or b"\n" not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    while b"\n" not in shown.partition(b"seen")[2]:
        shown += os.read(terminal, 1024)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    os.close(terminal)
    assert b"ready True True" in shown
    assert b"seen 1" in shown


def test_a_run_that_was_killed_is_cleaned_up_by_the_next(place: Path) -> None:
    waits = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    with running(place, sys.executable, "-c", waits) as (process, line):
        process.kill()
        process.wait(20)
        assert len(left_behind(place)) == 1
        assert run(place, "true").returncode == 0
        assert left_behind(place) == []
        os.kill(int(line), signal.SIGKILL)


def test_no_variable_of_another_identity_reaches_the_command(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "real")
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "real")
    monkeypatch.setenv("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111")
    monkeypatch.setenv("AZURE_CLIENT_ID", os.environ["NEWCOMER"])
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx64m")
    seen = json.loads(run(place, sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))").stdout)
    assert not {"AZURE_CLIENT_SECRET", "IDENTITY_SERVER_THUMBPRINT", "AZURE_TENANT_ID"} & set(seen)
    assert seen["AZURE_CLIENT_ID"] == os.environ["NEWCOMER"]
    assert seen["JAVA_TOOL_OPTIONS"].startswith("-Xmx64m -Djavax.net.ssl.trustStore=")
    assert seen["HTTPS_PROXY"].partition("@")[0].removeprefix("http://keyless:") not in seen["JAVA_TOOL_OPTIONS"]


BY_URI = "@Microsoft.KeyVault(SecretUri=https://contoso-kv.vault.azure.net/secrets/db-password/)"
BY_NAME = "@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=api-key)"
MISSING = "@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=missing)"
SHOW = "import os; print(*(os.environ.get(name, '-') for name in ('ONE', 'TWO', 'THREE')), sep='|')"


def test_references_become_secrets_and_the_environment_goes_before_the_file(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE", BY_URI)
    values = {"ONE": BY_NAME, "TWO": BY_NAME, "THREE": "plain"}
    (place / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    assert run(place, sys.executable, "-c", SHOW).stdout.strip() == "local-db-password|local-api-key|-"


def test_a_reference_that_does_not_resolve_stops_the_run_and_says_why(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE", MISSING)
    monkeypatch.setenv("TWO", "@Microsoft.KeyVault(SecretName=api-key)")
    done = run(place, sys.executable, "-c", SHOW)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Key Vault references do not resolve: ONE, TWO" in done.stderr
    assert "SecretNotFound" in done.stderr
    assert "must have SecretUri, or VaultName and SecretName" in done.stderr
    assert "--keep-unresolved" in done.stderr
    kept = run(place, sys.executable, "-c", SHOW, options=("--keep-unresolved",))
    assert kept.stdout.strip() == f"{MISSING}|@Microsoft.KeyVault(SecretName=api-key)|-"
    assert "the Key Vault reference ONE is left as it is" in kept.stderr


NO_VAULT = "@Microsoft.KeyVault(SecretUri=https://unknown-kv.vault.azure.net/secrets/x)"
INSIDE = "Server=db;Password=@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=api-key)"


def test_what_came_of_each_reference_is_told_in_app_service_s_words(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ONE": BY_URI, "TWO": MISSING, "THREE": NO_VAULT, "FOUR": "@Microsoft.KeyVault()"}.items():
        monkeypatch.setenv(name, value)
    show = "import os; print(os.environ['WEBSITE_KEYVAULT_REFERENCES'])"
    done = run(place, sys.executable, "-c", show, options=("--keep-unresolved",))
    told = {name: each["status"] for name, each in json.loads(done.stdout).items()}
    assert told == {"ONE": "Resolved", "TWO": "SecretNotFound", "THREE": "VaultNotFound", "FOUR": "InvalidSyntax"}
    assert "the Key Vault reference THREE is left as it is (VaultNotFound)." in done.stderr


def test_a_reference_inside_a_longer_value_is_named_and_left(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", INSIDE)
    done = run(place, sys.executable, "-c", SHOW)
    assert done.stdout.strip() == f"{INSIDE}|-|-"
    assert "keyless: ONE holds a Key Vault reference that nobody resolves: it must be the whole value" in done.stderr


def test_with_user_assigned_identities_alone_the_run_says_how_to_name_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = "[vaults.contoso-kv.secrets]\napi-key = 'x'\n[identities.reporting.roles]\ncontoso-kv = 'Key Vault Secrets User'\n"
    (place / "keyless.toml").write_text(config)
    monkeypatch.setenv("ONE", BY_NAME)
    done = run(place, sys.executable, "-c", SHOW)
    assert done.returncode == 1
    assert "ONE (MSINotEnabled)" in done.stderr
    assert "--reference-identity RESOURCE_ID here, keyVaultReferenceIdentity in Azure" in done.stderr


def test_exec_resolves_with_the_identity_that_the_machine_has(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", BY_URI)
    # Inside `keyless run`, this machine's identity and vaults are the local ones; the reference must reach exec unread.
    command = [sys.executable, "-m", "keyless", "exec", "--", sys.executable, "-c", SHOW]
    late = f"import os; os.environ['ONE'] = {BY_URI!r}; os.environ['TWO'] = {BY_NAME!r}; os.execv({command[0]!r}, {command!r})"
    done = run(place, sys.executable, "-c", late)
    assert done.stdout.strip() == "local-db-password|local-api-key|-", done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "are local, too. For the real ones: --real arm"),
        (("--real", "arm"), "are the real ones: what a program changes there, it changes in Azure."),
    ],
)
def test_a_line_at_the_start_says_whether_the_management_plane_is_local(
    place: Path, options: tuple[str, ...], said: str
) -> None:
    done = run(place, sys.executable, "-c", "", options=options)
    hosts = "management.azure.com, login.microsoftonline.com and graph.microsoft.com"
    assert f"keyless: {hosts} {said}" in done.stderr.splitlines()


def test_a_function_app_is_served_beside_the_program_and_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "function_app.py").write_text(
        "import os, azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route('seen')\ndef seen(req): return os.environ['SECRET_NAME'] + ' ' + os.environ['KEY_VAULT_URL']\n"
    )
    program = (
        "import os, urllib.request as r; url = os.environ['KEYLESS_FUNCTIONS_URL']; "
        "print(r.urlopen(f'{url}/api/seen').read().decode()); print(url)"
    )
    done = subprocess.run(
        [*RUN, "--functions", "app", "--", sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen, url = done.stdout.splitlines()
    assert seen == "db-password https://contoso-kv.vault.azure.net"
    assert f"keyless: the functions: {url}" in done.stderr
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0
