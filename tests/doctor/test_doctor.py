"""The doctor: its report for people and programs, its deadline, its stages, and its silence about what is secret."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
import requests
from msgspec.structs import replace
from tests.remedies import flaw

from keyless import UserAssignedManagedIdentity
from keyless.doctor import diagnose, diagnosis
from keyless.doctor.settings import check_settings
from keyless.doctor.sources import picked
from keyless.local.files.running import announced
from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.host import FunctionHost
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure
    from keyless.local.sources import SourceName

URL = "https://contoso-kv.vault.azure.net"
GUID = "11111111-2222-3333-4444-555555555555"
SCHEMA = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text(encoding="utf-8"))
)


def doctor(*options: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyless", "doctor", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


# What people and programs see.


def test_a_healthy_machine_has_a_finding_in_every_stage_and_exits_with_0(azure_environment: dict[str, str]) -> None:
    done = doctor("--vault-url", URL, "--secret", "db-password", "--json", environment=azure_environment)
    report = json.loads(done.stdout)
    SCHEMA.validate(report)
    assert done.returncode == 0
    assert report["healthy"]
    assert {finding["status"] for finding in report["findings"]} == {"ok"}
    stages = list(dict.fromkeys(finding["stage"] for finding in report["findings"]))
    assert stages == ["environment", "identity", "network", "vault", "secret"]


def test_a_problem_is_shown_with_cause_remedy_and_link_and_exits_with_1(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
    named = {"KEY_VAULT_URL": URL, "SECRET_NAME": "db-password", "COLUMNS": "400"}
    done = doctor(environment={**azure_environment, **named})
    assert done.returncode == 1
    assert "Fix first: secret, read (KL-303)." in done.stdout
    assert "Cause: The identity has no role" in done.stdout
    assert "Remedy: Here, in the local Azure: Grant the role:\n         keyless role grant" in done.stdout
    assert "In Azure: Give the identity the role:\n         az role assignment create" in done.stdout
    assert "Portal: Key vault contoso-kv > Objects > Secrets > db-password > Access control (IAM)" in done.stdout
    assert "docs/errors.md#kl-303" in done.stdout
    SCHEMA.validate(json.loads(doctor("--json", environment={**azure_environment, **named}).stdout))


def test_a_command_is_printed_whole_on_a_line_of_its_own_and_all_else_keeps_to_the_width(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
    report = diagnose(vault_url=URL, secret="db-password")
    assert report.problem is not None
    command = report.problem.remedy.split("`")[3]
    named = {"KEY_VAULT_URL": URL, "SECRET_NAME": "db-password", "COLUMNS": "80"}
    lines = doctor(environment={**azure_environment, **named}).stdout.splitlines()
    assert len(command) > 80
    assert lines.count(f"         {command}") == 1
    assert max(len(line) for line in lines if not line.startswith(("         az ", "         keyless "))) <= 80
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_secret_s_name_that_is_none_hides_nothing_of_the_network(azure_environment: dict[str, str]) -> None:
    report = diagnose(vault_url=URL, secret="db_password")
    assert [(found.stage, found.check, found.code) for found in report.findings if found.status != "ok"] == [
        ("secret", "name", "KL-100")
    ]


@pytest.mark.parametrize("secret", [f"{URL}/secrets/db-password", "db-password"])
def test_a_secret_is_named_as_it_is_to_a_reader(azure_environment: dict[str, str], secret: str) -> None:
    assert diagnose(vault_url=URL, secret=secret).healthy


def test_a_local_azure_that_this_shell_does_not_use_is_reported_with_the_command_that_uses_it(tmp_path: Path) -> None:
    nowhere = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9", "XDG_RUNTIME_DIR": str(tmp_path)}
    hint = 'A local Azure runs, and this shell does not use it. To check that one: eval "$(keyless env)"'
    before = doctor(environment=nowhere)
    with announced("http://127.0.0.1:9", "token", environment=nowhere, what="keyless up"):
        beside = doctor(environment=nowhere)
    assert [(done.returncode, hint in done.stdout) for done in (before, beside)] == [(1, False), (1, True)]


def test_what_was_not_looked_at_is_not_called_healthy(azure_environment: dict[str, str]) -> None:
    done = doctor(environment={**azure_environment, "KEY_VAULT_URL": "", "SECRET_NAME": "", "COLUMNS": "200"})
    assert done.returncode == 0
    assert "Nothing wrong so far, but not checked: network, vault, secret." in done.stdout
    assert doctor("--strict", environment={**azure_environment, "KEY_VAULT_URL": "", "SECRET_NAME": ""}).returncode == 2
    named = {"KEY_VAULT_URL": URL, "SECRET_NAME": "db-password"}
    assert doctor("--strict", environment={**azure_environment, **named}).returncode == 0


def test_a_wrong_call_exits_with_2(azure_environment: dict[str, str]) -> None:
    assert doctor("--timeout", "never", environment=azure_environment).returncode == 2
    twice = doctor("--client-id", "a", "--object-id", "b", environment=azure_environment)
    assert twice.returncode == 2
    assert "Name the identity once" in twice.stderr


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_width_of_the_terminal_and_no_color_are_heeded(azure_environment: dict[str, str], columns: str) -> None:
    forced = {"COLUMNS": columns, "FORCE_COLOR": "1"}
    coloured = doctor("--vault-url", URL, environment={**azure_environment, **forced}).stdout
    plain = doctor("--vault-url", URL, environment={**azure_environment, "COLUMNS": columns, "NO_COLOR": "1"}).stdout
    assert "\x1b[32m" in coloured
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= int(columns)


def test_the_function_has_its_doctor_behind_the_function_key(local_azure: LocalAzure) -> None:
    settings = {"KEY_VAULT_URL": URL, "SECRET_NAME": "db-password"}
    newcomer = local_azure.identity("newcomer").client_id
    with FunctionHost(bundled_function_app(), environment={**local_azure.environment(), **settings}) as host:
        end = host.functions["doctor"]
        assert requests.get(end.url, timeout=10).status_code == 401
        healthy = requests.get(end.url, headers={"x-functions-key": str(end.key)}, timeout=10)
        ill = requests.get(
            f"{end.url}?userAssignedClientId={newcomer}", headers={"x-functions-key": str(end.key)}, timeout=10
        )
        wrong = requests.get(f"{end.url}?colour=blue", headers={"x-functions-key": str(end.key)}, timeout=10)
    SCHEMA.validate(healthy.json())
    SCHEMA.validate(ill.json())
    assert (healthy.status_code, healthy.json()["healthy"], healthy.headers["Cache-Control"]) == (200, True, "no-store")
    assert (ill.status_code, ill.json()["healthy"]) == (200, False)
    assert wrong.status_code == 400


# A laptop: no identity at all.


def test_where_every_connection_is_refused_the_identity_is_what_to_mend_first(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in IDENTITY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in local_azure.environment(identity=False).items():
        monkeypatch.setenv(name, value)
    report = diagnose(vault_url=URL, secret="db-password")
    assert report.seconds < 5
    assert report.problem is not None
    assert (report.problem.stage, report.problem.code) == ("identity", "KL-201")
    assert [finding.status for finding in report.findings if finding.stage == "secret"] == ["skipped"]
    assert {finding.status for finding in report.findings if finding.stage == "network"} == {"ok"}


def test_where_nothing_ever_answers_it_ends_within_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://{address}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        started = time.monotonic()
        report = diagnose(vault_url=URL, secret="db-password")
        taken = time.monotonic() - started
    assert report.seconds < 5
    assert taken < 5
    assert report.problem is not None
    assert (report.problem.stage, report.problem.code) == ("identity", "KL-401")
    assert {finding.stage for finding in report.findings} == {"environment", "identity", "network", "vault", "secret"}


def test_a_name_server_that_is_silent_does_not_hold_it_up(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name)
    original = socket.getaddrinfo
    held, let_go = socket.socketpair()

    def silent(host: str, *rest: object, **options: object) -> object:
        if host == "contoso-kv.vault.azure.net":
            held.recv(1)  # Until the test is over.
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return original(host, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    with held, let_go:
        report = diagnose(vault_url=URL, secret="db-password", timeout=1)
        let_go.send(b".")
    assert report.seconds < 1.5
    assert report.problem is not None
    assert (report.problem.stage, report.problem.check) == ("network", "time")
    assert report.problem.evidence == "The time allowed ran out while resolving the vault's name."


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:canary-5c1d/x@127.0.0.1:9",
        "http://user:8080/canary-5c1d@127.0.0.1:9",
        "http://user:canary-5c1d#x@127.0.0.1:9",
        "http://user:canary-5c1d@127.0.0.1:abc",
        "http://[::1",
    ],
)
def test_a_proxy_that_is_none_is_a_finding_and_its_password_is_shown_nowhere(
    azure_environment: dict[str, str], proxy: str
) -> None:
    environment = {**azure_environment, "HTTPS_PROXY": proxy, "https_proxy": proxy}
    done = doctor("--vault-url", URL, "--secret", "db-password", "--json", environment=environment)
    found = [finding for finding in json.loads(done.stdout)["findings"] if finding["status"] == "fail"]
    assert [(finding["stage"], finding["check"], finding["code"]) for finding in found] == [
        ("network", "name", "KL-301")
    ]
    assert "does not name a proxy" in found[0]["evidence"]
    assert "canary-5c1d" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_proxy_without_a_scheme_is_one_as_it_is_for_the_library(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "127.0.0.1:9")
    report = diagnose(vault_url=URL, secret="db-password")
    assert "HTTPS goes through the proxy 127.0.0.1:9, which resolves the vault's name." in {
        finding.evidence for finding in report.findings
    }
    assert report.problem is not None
    assert report.problem.check == "connection"
    assert report.problem.cause == "Nothing answers where HTTPS_PROXY points."


def test_a_firewall_that_drops_packets_is_told_with_the_address_and_in_time(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name)
    original = socket.create_connection

    def dropped(address: tuple[str, int], timeout: float, **rest: object) -> object:
        if address[0] == "contoso-kv.vault.azure.net":
            raise TimeoutError
        return original(address, timeout, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", dropped)
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **options: resolve("127.0.0.1", *rest, **options))
    report = diagnose(vault_url=URL, secret="db-password")
    assert report.problem is not None
    assert (report.problem.stage, report.problem.check, report.problem.code) == ("network", "connection", "KL-301")
    assert "contoso-kv.vault.azure.net:443 takes no connection (it does not answer)" in report.problem.evidence
    assert "A firewall drops the packets" in report.problem.cause
    assert any(finding.evidence.endswith("to private 127.0.0.1.") for finding in report.findings)


def test_what_no_check_has_thought_of_is_a_finding_by_its_kind_alone(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("canary-5c1d")

    checks = {
        "environment": "environment",
        "identity": "identity",
        "network": "way",
        "vault": "vault",
        "secret": "secret",
    }
    for stage, check in checks.items():
        with monkeypatch.context() as patch:
            patch.setattr(diagnosis, f"check_{check}", broken)
            report = diagnose(vault_url=URL, secret="db-password")
        assert [found.stage for found in report.findings if found.code == "KL-609"] == [stage]
        assert "ZeroDivisionError" in str(report)
        assert "canary-5c1d" not in str(report)
    assert "canary-5c1d" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("variables", "given"),
    [({"IDENTITY_ENDPOINT": "http://[::1", "HTTP_PROXY": "http://proxy.example"}, None), ({}, "no identity"), ({}, 7)],
)
def test_nothing_is_raised_whatever_it_is_given(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], given: object
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    report = diagnose(vault_url=URL, secret="db-password", identity=given)
    assert report.problem is not None
    assert report.problem.stage == "identity"
    assert "KL-609" not in {finding.code for finding in report.findings}


def test_the_command_as_a_whole_ends_within_its_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {name: value for name, value in os.environ.items() if name not in IDENTITY_VARIABLES}
        environment |= {"AZURE_POD_IDENTITY_AUTHORITY_HOST": address, "HTTPS_PROXY": address, "https_proxy": address}
        done = subprocess.run(
            [sys.executable, "-m", "keyless", "doctor", "--vault-url", URL, "--secret", "db-password", "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )
    report = json.loads(done.stdout)
    assert done.returncode == 1
    # What starting the interpreter took was taken off.
    assert report["seconds"] < 4.8
    assert report["findings"][-1]["stage"] == "secret"


# The environment.


@pytest.mark.parametrize(
    ("variables", "code", "status"),
    [
        ({"IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": ""}, "KL-603", "fail"),
        ({"AZURE_CLIENT_ID": ""}, "KL-603", "warn"),
        ({"IDENTITY_HEADER": "secret-of-the-header"}, "KL-604", "fail"),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token"}, "KL-604", "fail"),
        ({"MSI_SECRET": "secret-of-the-header"}, "KL-604", "fail"),
        ({"AZURE_CLIENT_ID": "reporting"}, "KL-605", "warn"),
        ({"MSI_ENDPOINT": "http://127.0.0.1:9/token"}, "KL-602", "warn"),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, "KL-606", "warn"),
        ({"AZURE_TOKEN_CREDENTIALS": "dev"}, "KL-613", "warn"),
        ({"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}, "KL-613", "warn"),
        ({"JAVA_TOOL_OPTIONS": "-Dhttp.proxyHost=proxy.example -Dhttps.proxyHost=proxy.example"}, "KL-606", "warn"),
        ({"AZURE_HTTP_LOG_DETAIL_LEVEL": "BODY_AND_HEADERS"}, "KL-608", "warn"),
        ({"DB": "@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=a)"}, "KL-607", "fail"),
        ({"DB": "x=@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=a)"}, "KL-607", "fail"),
        ({"DB": " @Microsoft.KeyVault(VaultName=contoso-kv;SecretName=a)"}, "KL-607", "fail"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://10.0.0.1"}, "KL-612", "warn"),
        ({"AZURE_KUBERNETES_SNI_NAME": "x", "AZURE_KUBERNETES_CA_FILE": "/x"}, "KL-612", "warn"),
    ],
)
def test_what_is_wrong_with_the_variables_is_said_and_what_they_hold_is_not(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: str, status: str
) -> None:
    for name in (*IDENTITY_VARIABLES, "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    silent = local_azure.environment(identity=False)["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", silent)
    assert code not in {finding.code for finding in diagnose().findings}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    report = diagnose()
    assert (code, status) in {(finding.code, finding.status) for finding in report.findings}
    assert [finding for finding in report.findings if finding.code and flaw(finding.remedy)] == []
    assert "secret-of-the-header" not in str(report)
    assert "SecretName=a" not in str(report)


@pytest.mark.parametrize(
    ("names", "msal", "azure_identity", "javascript"),
    [
        ((), "virtual machine (IMDS)", "virtual machine (IMDS)", "virtual machine (IMDS)"),
        (("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), "App Service", "App Service", "App Service"),
        (("IDENTITY_ENDPOINT",), "virtual machine (IMDS)", "none at all", "virtual machine (IMDS)"),
        (("MSI_ENDPOINT",), "virtual machine (IMDS)", "Cloud Shell", "Cloud Shell"),
        (("IDENTITY_ENDPOINT", "IMDS_ENDPOINT", "MSI_ENDPOINT"), "Azure Arc", "Azure Arc", "Cloud Shell"),
        (
            ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"),
            *("Service Fabric", "Service Fabric", "Service Fabric"),
        ),
    ],
)
def test_the_sdks_differ_in_what_they_pick(
    names: tuple[str, ...], msal: str, azure_identity: str, javascript: str
) -> None:
    _, *chosen = picked(dict.fromkeys(names, "set")).values()  # The first is MSAL's own choice, which Keyless follows.
    assert chosen[:3] == [msal, azure_identity, javascript]


def test_some_sdks_go_by_the_arc_agent_itself_where_no_variable_leads_anywhere() -> None:
    agent = Path("/opt/azcmagent/bin/himds")
    chosen = picked({}, agent=agent)
    by_agent = {name for name, source in chosen.items() if source == "Azure Arc"}
    assert by_agent == {"MSAL for Python", "Keyless", "@azure/identity for JavaScript", "Go", ".NET"}
    assert picked(dict.fromkeys(("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), "set"), agent=agent)["Go"] == "App Service"


def test_a_server_with_the_arc_agent_and_no_variables_is_known_as_msal_knows_it(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Path("/opt/azcmagent/bin/himds")
    for name in IDENTITY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(diagnosis, "arc_agent", lambda: agent)
    exists = os.path.exists
    monkeypatch.setattr("msal.managed_identity.os.path.exists", lambda path: str(path) == str(agent) or exists(path))
    report = diagnose()
    (found,) = [finding for finding in report.findings if finding.code == "KL-602"]
    assert "Azure Arc: MSAL for Python, Keyless, @azure/identity for JavaScript, Go, .NET" in found.evidence
    assert f"{agent} is installed" in found.cause
    assert "export IDENTITY_ENDPOINT=http://localhost:40342/metadata/identity/oauth2/token" in found.remedy
    assert flaw(found.remedy) is None
    assert report.problem is not None
    assert "the identity endpoint of Azure Arc cannot be reached" in report.problem.evidence


@pytest.mark.parametrize(
    ("client_id", "identity", "codes"),
    [
        (None, UserAssignedManagedIdentity(client_id=GUID), ["KL-610"]),
        (GUID, UserAssignedManagedIdentity(client_id=GUID), []),
        (None, None, []),
    ],
)
def test_aspire_s_choice_of_credential_is_named_where_no_variable_names_the_identity(
    azure_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    client_id: str | None,
    identity: object,
    codes: list[str],
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)
    if client_id:
        monkeypatch.setenv("AZURE_CLIENT_ID", client_id)
    found = [finding for finding in diagnose(identity=identity).findings if finding.code == "KL-610"]
    assert [each.code for each in found] == codes
    assert all("Unable to load the proper Managed Identity" in each.cause and not flaw(each.remedy) for each in found)


def test_java_and_rust_read_the_variables_in_their_own_ways() -> None:
    assert picked(dict.fromkeys(("MSI_ENDPOINT", "MSI_SECRET"), "set"))["Java"] == "Cloud Shell"
    assert picked({"IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": ""})["Rust"] == "App Service"
    assert picked(dict.fromkeys(("IDENTITY_ENDPOINT", "MSI_ENDPOINT"), "set"))["Rust"] == "virtual machine (IMDS)"


def in_source(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch, source: SourceName, identity: str = "system") -> None:
    for variable in IDENTITY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in azure.environment(source=source, identity=identity).items():
        monkeypatch.setenv(variable, value)


def test_in_a_pod_with_workload_identity_it_is_said_which_source_is_picked_and_why(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_source(local_azure, monkeypatch, "workload", "reporting")
    local_azure.identity("reporting").grant("Key Vault Secrets User", on=local_azure.vault("contoso-kv"))
    local_azure.vault("contoso-kv").set_secret("db-password", "s3cr3t")
    report = diagnose(vault_url=URL, secret="db-password")
    found = {finding.check: finding for finding in report.findings}
    assert found["source"].evidence == (
        "Keyless takes workload identity (AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID are set, and no variable "
        "names an endpoint). The managed identity clients of MSAL for Python, Go, Rust do not know it, and ask the metadata "
        "service."
    )
    client_id = local_azure.identity("reporting").client_id
    assert found["whose"].evidence == f"It is that of the identity asked for (client id {client_id})."
    assert report.healthy


def test_in_a_pod_a_managed_identity_that_was_asked_for_is_told_apart(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_source(local_azure, monkeypatch, "workload", "reporting")
    report = diagnose(vault_url=URL, identity=UserAssignedManagedIdentity(client_id=GUID))
    assert report.problem is not None
    assert "You asked for a managed identity" in report.problem.cause
    assert "WorkloadIdentity" in report.problem.remedy


def test_where_a_source_is_that_msal_does_not_know_no_identity_is_to_be_enabled(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_source(local_azure, monkeypatch, "cloud-shell")
    report = diagnose(vault_url=URL, secret="db-password")
    assert report.problem is not None
    assert (report.problem.stage, report.problem.code) == ("identity", "KL-201")
    assert report.problem.cause.startswith("What is here is Cloud Shell")
    assert "azure-identity" in report.problem.remedy
    assert "KL-605" not in {finding.code for finding in report.findings}


def test_a_variable_that_is_blank_is_one_finding_that_says_how_the_sdks_differ(
    azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "")
    found = [finding for finding in diagnose().findings if finding.stage == "environment" and finding.code]
    assert [finding.code for finding in found] == ["KL-603"]
    assert "The SDKs do not agree: App Service: MSAL for Python" in found[0].evidence


def test_on_service_fabric_the_manifest_names_the_identity(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in IDENTITY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in local_azure.environment(source="service-fabric").items():
        monkeypatch.setenv(variable, value)
    asked = UserAssignedManagedIdentity(client_id=local_azure.identity("reporting").client_id)
    report = diagnose(vault_url=URL, secret="db-password", identity=asked)
    assert "manifest" in next(finding.cause for finding in report.findings if finding.code == "KL-611")


# Silence.


def test_no_report_holds_a_token_or_a_value_whichever_stage_fails(
    local_azure: LocalAzure,
    azure_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    canary = "canary-7f3a-value"
    vault, system = local_azure.vault("contoso-kv"), local_azure.identity("system")
    vault.set_secret("db-password", canary)
    tokens = {
        local_azure.azure.tokens.issue(system, resource).text
        for resource in ("https://vault.azure.net", "https://vault.azure.net/")
    }
    secrets = {canary, azure_environment["IDENTITY_HEADER"], *tokens, *(token.split(".")[2] for token in tokens)}
    faults = local_azure.faults
    ids = UserAssignedManagedIdentity(client_id="11111111-1111-1111-1111-111111111111")
    reports = [
        diagnose(vault_url=URL, secret="db-password"),
        diagnose(vault_url=URL, secret="db-password", identity=ids),
    ]
    for name in (
        "identity-outage",
        "identity-html",
        "vault-outage",
        "vault-reset",
        "firewall",
        "wrong-tenant",
        "clock-skew",
    ):
        fault = faults.add_named(name)
        reports.append(diagnose(vault_url=URL, secret="db-password", timeout=2))
        faults.remove(fault.id)
    reports += [diagnose(vault_url="nonsense", secret="db-password"), diagnose(vault_url=URL, secret="nope")]
    own = vault.settings
    vault.settings = replace(own, tenant_id="11111111-1111-1111-1111-111111111111")
    reports.append(diagnose(vault_url=URL, secret="db-password"))
    vault.settings = own
    monkeypatch.setenv("DB", f"@Microsoft.KeyVault({canary})")
    reports.append(diagnose(vault_url=URL, secret="db-password"))
    failing = {report.problem.stage for report in reports if report.problem}
    assert failing == {"environment", "identity", "network", "vault", "secret"}
    for report in reports:
        text = (
            json.dumps(report.to_dict()) + repr(report) + "".join(str(asdict(finding)) for finding in report.findings)
        )
        assert not [secret for secret in secrets if secret in text]
    printed = "".join(capfd.readouterr())
    assert not [secret for secret in secrets if secret in printed]


@pytest.mark.parametrize(
    ("there", "missing"), [("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
)
def test_a_bundle_that_only_some_clients_read_is_named(there: str, missing: str) -> None:
    (finding,) = check_settings({there: "/etc/company.pem"})
    assert (finding.code, finding.evidence) == ("KL-614", f"{there} is set, and {missing} is not.")
    assert flaw(finding.remedy) is None
    assert check_settings({there: "/etc/company.pem", missing: "/etc/company.pem"}) == []


def test_a_log_that_would_hold_secrets_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        (finding,) = check_settings({})
    assert finding.code == "KL-608"
    assert "secrets' values" in finding.cause


@pytest.mark.parametrize("value", ["", "prod", "ManagedIdentityCredential", "workloadidentitycredential"])
def test_a_choice_of_credentials_that_has_the_managed_identity_is_well(value: str) -> None:
    assert check_settings({"AZURE_TOKEN_CREDENTIALS": value}) == []
