"""The function itself, in the development host, against the local Azure: real tokens, real TLS, real statuses."""

from __future__ import annotations

import importlib.util
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import requests

from keyless import errors
from keyless.local.functions.host import FunctionHost
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "function_app"
VAULT_URL = "https://contoso-kv.vault.azure.net"
SETTINGS = {"KEY_VAULT_URL": VAULT_URL, "SECRET_NAME": "db-password"}
STRANGER = "11111111-2222-3333-4444-555555555555"


@contextmanager
def function(
    azure: LocalAzure,
    *,
    identity: bool = True,
    folder: Path = FOLDER,
    log: io.StringIO | None = None,
    more: dict[str, str] | None = None,
) -> Iterator[FunctionHost]:
    environment = azure.environment(identity=identity) | SETTINGS | (more or {})
    with FunctionHost(folder, environment=environment, log=log) as host:
        yield host


def call(host: FunctionHost, *, method: str = "GET", **query: str) -> requests.Response:
    endpoint = host.functions["AcquireTokenMsi"]
    headers = {"x-functions-key": str(endpoint.key)}
    answer = requests.request(method, endpoint.url, params=query, headers=headers, timeout=40)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


def problem(answer: requests.Response, status: int, kl_code: str) -> dict[str, Any]:
    """Check what every problem has, and return its body."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert list(body) == ["type", "title", "status", "detail", "code", "cause", "remedy"]
    page = "https://github.com/keyless-azure/keyless/blob/main/docs/errors.md"
    assert (answer.status_code, body["status"], body["type"]) == (status, status, f"{page}#{kl_code.lower()}")
    assert all(body[name] for name in body)
    return body


def health(host: FunctionHost) -> dict[str, Any]:
    answer = requests.get(host.functions["health"].url, timeout=10)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    with LocalAzure() as started:
        yield started


@pytest.fixture(scope="module")
def host(azure: LocalAzure) -> Iterator[FunctionHost]:
    with function(azure) as started:
        yield started


# What succeeds.


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_system_assigned_identity_reads_where_no_id_is_given(host: FunctionHost, method: str) -> None:
    answer = call(host, method=method)
    body = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert list(body) == ["identity", "vault", "secret", "source", "ageSeconds"]
    assert (body["identity"], body["vault"]) == ({"kind": "system-assigned"}, VAULT_URL)
    secret = body["secret"]
    assert list(secret) == ["name", "version", "id", "value", "contentType", "enabled", "expiresOn"]
    assert (secret["name"], secret["value"], secret["enabled"]) == ("db-password", "local-db-password", True)
    assert secret["id"] == f"{VAULT_URL}/secrets/db-password/{secret['version']}"
    assert (secret["contentType"], secret["expiresOn"]) == (None, None)


@pytest.mark.parametrize(
    ("parameter", "attribute", "told"),
    [
        ("userAssignedClientId", "client_id", "clientId"),
        ("userAssignedResourceId", "resource_id", "resourceId"),
        ("userAssignedObjectId", "object_id", "objectId"),
    ],
)
def test_one_id_chooses_that_user_assigned_identity(
    azure: LocalAzure, host: FunctionHost, parameter: str, attribute: str, told: str
) -> None:
    value = getattr(azure.identity("reporting"), attribute)
    azure.journal.clear()
    answer = call(host, **{parameter: value})
    assert answer.status_code == 200
    assert answer.json()["identity"] == {"kind": "user-assigned", told: value}
    assert [(entry.operation, entry.identity) for entry in azure.journal.entries()] == [
        ("getToken", "reporting"),
        ("getSecret", "reporting"),
    ]


def test_in_a_pod_it_reads_as_the_workload_identity_with_and_without_its_client_id(azure: LocalAzure) -> None:
    pod, client_id = azure.identity("reporting"), azure.identity("reporting").client_id
    pod.grant("Key Vault Secrets User", on=azure.vault("contoso-kv"))
    environment = azure.environment(source="workload", identity="reporting") | SETTINGS
    azure.journal.clear()
    with FunctionHost(FOLDER, environment=environment) as host:
        alone, named = call(host), call(host, userAssignedClientId=client_id)
        assert alone.json()["identity"] == {"kind": "workload"}
        assert named.json()["identity"] == {"kind": "workload", "clientId": client_id}
        # Workload identity knows no other ids: the managed identity of the node is asked for.
        assert call(host, userAssignedObjectId=pod.object_id).status_code == 503
    assert {entry.source for entry in azure.journal.entries(operation="getToken", identity="reporting")} == {"workload"}


@pytest.mark.parametrize("body", [f'{{"userAssignedClientId": "{STRANGER}"}}', f"USERASSIGNEDOBJECTID={STRANGER}"])
def test_an_id_in_the_body_is_refused_rather_than_passed_over(azure: LocalAzure, host: FunctionHost, body: str) -> None:
    azure.journal.clear()
    endpoint = host.functions["AcquireTokenMsi"]
    answer = requests.post(endpoint.url, data=body, headers={"x-functions-key": endpoint.key or ""}, timeout=30)
    assert problem(answer, 400, "KL-100")["code"] == "KL-100"
    assert azure.journal.count() == 0


def test_a_callers_wrong_identity_does_not_make_the_app_unhealthy(azure: LocalAzure) -> None:
    with function(azure) as host:
        call(host)
        assert call(host, userAssignedClientId=STRANGER).status_code == 503
        assert requests.get(host.functions["health"].url, timeout=30).json()["lastRead"] == "succeeded"


def test_an_id_is_taken_whatever_the_case_of_its_name(azure: LocalAzure, host: FunctionHost) -> None:
    value = azure.identity("reporting").client_id
    answer = call(host, USERassignedCLIENTID=value)
    assert answer.json()["identity"] == {"kind": "user-assigned", "clientId": value}


def test_the_second_call_is_served_from_memory_and_says_how_old_it_is(azure: LocalAzure) -> None:
    with function(azure) as host:
        first, second = call(host).json(), call(host).json()
    assert (first["source"], second["source"]) == ("vault", "cache")
    assert 0 <= first["ageSeconds"] <= second["ageSeconds"] < 10


def test_what_the_vault_says_about_the_secret_is_told(azure: LocalAzure) -> None:
    until = datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)
    azure.vault("contoso-kv").set_secret("dated", "v", content_type="text/x", expires_on=until)
    with function(azure, more={"SECRET_NAME": "dated"}) as host:
        secret = call(host).json()["secret"]
    assert (secret["contentType"], secret["expiresOn"]) == ("text/x", "2040-01-02T03:04:05Z")


def test_fifty_calls_at_once_cause_one_token_and_one_secret_request(azure: LocalAzure) -> None:
    with function(azure) as host, ThreadPoolExecutor(50) as callers:
        azure.journal.clear()
        answers = list(callers.map(lambda _: call(host), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert [entry.operation for entry in azure.journal.entries()] == ["getToken", "getSecret"]


# What the caller did wrong: nothing is sent.


@pytest.mark.parametrize(
    "query",
    [
        {"userAssignedClientId": "not-a-guid"},
        {"userAssignedObjectId": f"{STRANGER}0"},
        {"userAssignedResourceId": "/subscriptions/x"},
        {"userAssignedClientId": STRANGER, "userAssignedObjectId": STRANGER},
        {"userAssignedClientId": f"{STRANGER},{STRANGER}"},
        {"userAssignedClientId": ""},
        {"userAssignedClientId": " "},
        {"userAssignedClientId": "", "userAssignedObjectId": STRANGER},
        {"userAssignedClientId": "a\r\nX-Evil: 1"},
        {"userAssignedClient": STRANGER},
        {"userAssigedClientId": STRANGER},
        {"clientId": STRANGER},
        {"client_id": "zzz"},
        {"USERASSIGNEDCLIENTID": "not-a-guid"},
    ],
)
def test_bad_and_conflicting_ids_are_400_and_nothing_is_sent(
    azure: LocalAzure, host: FunctionHost, query: dict[str, str]
) -> None:
    azure.journal.clear()
    assert problem(call(host, **query), 400, "KL-100")["code"] == "KL-100"
    assert azure.journal.count() == 0


def test_the_same_id_twice_is_400(host: FunctionHost) -> None:
    endpoint = host.functions["AcquireTokenMsi"]
    query = f"userAssignedClientId={STRANGER}&userAssignedClientId={STRANGER}&code={endpoint.key}"
    problem(requests.get(f"{endpoint.url}?{query}", timeout=10), 400, "KL-100")


def test_without_its_key_the_function_is_401_and_the_health_is_open(host: FunctionHost) -> None:
    url, key = host.functions["AcquireTokenMsi"].url, host.functions["AcquireTokenMsi"].key
    assert (requests.get(url, timeout=10).status_code, requests.get(url, timeout=10).content) == (401, b"")
    assert requests.get(f"{url}?code={key}", timeout=10).status_code == 200
    assert requests.delete(f"{url}?code={key}", timeout=10).status_code == 404
    assert host.functions["health"].key is None


# What Azure refuses.


def test_an_identity_without_a_role_is_403_until_it_is_granted(azure: LocalAzure, host: FunctionHost) -> None:
    newcomer = azure.identity("newcomer")
    body = problem(call(host, userAssignedClientId=newcomer.client_id), 403, "KL-303")
    assert body["code"] == "ForbiddenByRbac"
    assert health(host)["status"] == "degraded"
    newcomer.grant("Key Vault Secrets User", on="contoso-kv")
    until = time.monotonic() + 5
    while (answer := call(host, userAssignedClientId=newcomer.client_id)).status_code == 403:
        assert time.monotonic() < until
        time.sleep(0.05)
    newcomer.revoke("Key Vault Secrets User", on="contoso-kv")
    assert answer.status_code == 200
    assert health(host)["status"] == "ok"


def test_a_disabled_secret_is_403(azure: LocalAzure) -> None:
    azure.vault("contoso-kv").set_secret("disabled", "v", enabled=False)
    with function(azure, more={"SECRET_NAME": "disabled"}) as host:
        assert problem(call(host), 403, "KL-304")["code"] == "SecretDisabled"


def test_a_missing_secret_is_404(azure: LocalAzure) -> None:
    with function(azure, more={"SECRET_NAME": "not-there"}) as host:
        assert problem(call(host), 404, "KL-305")["code"] == "SecretNotFound"


def test_without_an_identity_on_the_host_it_is_503(azure: LocalAzure) -> None:
    with function(azure, identity=False) as host:
        body = problem(call(host), 503, "KL-201")
    assert body["title"] == "There is no managed identity here"


def test_an_identity_that_is_not_assigned_to_the_app_is_503(host: FunctionHost) -> None:
    answer = call(host, userAssignedClientId=STRANGER)
    problem(answer, 503, "KL-202")
    assert "Retry-After" not in answer.headers


def test_a_vault_that_does_not_exist_is_502(azure: LocalAzure) -> None:
    with function(azure, more={"KEY_VAULT_URL": "https://no-such-vault.vault.azure.net"}) as host:
        problem(call(host), 502, "KL-301")


# What fails: an identity endpoint that answers what it is told to.


@contextmanager
def identity_endpoint(status: int, **headers: str) -> Iterator[dict[str, str]]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{server.server_port}/msi/token", "IDENTITY_HEADER": "header"}
        server.shutdown()
        thread.join()


def test_a_throttling_identity_endpoint_is_503_with_retry_after(azure: LocalAzure) -> None:
    with identity_endpoint(429, Retry_After="100") as variables, function(azure, more=variables) as host:
        answer = call(host)
    problem(answer, 503, "KL-203")
    assert answer.headers["Retry-After"] == "100"


def test_an_identity_endpoint_that_makes_no_sense_is_502(azure: LocalAzure) -> None:
    with identity_endpoint(200) as variables, function(azure, more=variables) as host:
        problem(call(host), 502, "KL-204")


def test_when_the_time_runs_out_it_is_504(azure: LocalAzure, tmp_path: Path) -> None:
    wrap(tmp_path, "app = real.build_app(timeout=0.5)")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        variables = {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}/", "IDENTITY_HEADER": "header"}
        with function(azure, folder=tmp_path, more=variables) as host:
            problem(call(host), 504, "KL-401")


def every_error() -> list[type[errors.KeylessError]]:
    def below(kind: type[errors.KeylessError]) -> list[type[errors.KeylessError]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    return [kind for kind in dict.fromkeys(below(errors.KeylessError)) if kind.__module__ == errors.__name__]


STATUSES = {
    "ConfigurationError": 400,
    "AccessDeniedError": 403,
    "SecretDisabledError": 403,
    "SecretNotFoundError": 404,
    "IdentityUnavailableError": 503,
    "IdentityRefusedError": 503,
    "IdentityThrottledError": 503,
    "VaultThrottledError": 503,
    "ReaderClosedError": 503,
    "DeadlineExceededError": 504,
}


@pytest.mark.parametrize("kind", [kind for kind in every_error() if kind is not errors.ReadErrors])
def test_every_failure_of_the_library_has_its_status(kind: type[errors.KeylessError]) -> None:
    spec = importlib.util.spec_from_file_location("answers", FOLDER / "answers.py")
    assert spec is not None
    assert spec.loader is not None
    answers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(answers)
    answer = answers.problem(kind("What.", cause="Why.", remedy="How.", code="Literal", retry_after=1.2))
    assert answer.status_code == STATUSES.get(kind.__name__, 502)
    assert json.loads(answer.get_body())["code"] == "Literal"
    busy = kind.__name__ in {"IdentityThrottledError", "VaultThrottledError", "ReaderClosedError"}
    assert answer.headers.get("Retry-After") == ("2" if busy else None)
    unasked = answers.problem(kind("What.", cause="Why.", remedy="How."))
    assert unasked.headers.get("Retry-After") == ("5" if busy else None), "busy, for how long nobody said"


# The app's settings.


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"KEY_VAULT_URL": "", "SECRET_NAME": ""}, ["KEY_VAULT_URL", "SECRET_NAME"]),
        ({"KEY_VAULT_URL": "  "}, ["KEY_VAULT_URL"]),
        ({"SECRET_NAME": ""}, ["SECRET_NAME"]),
        ({"KEY_VAULT_URL": "http://contoso-kv.vault.azure.net"}, ["KEY_VAULT_URL", "https"]),
        ({"KEY_VAULT_URL": "https://contoso.managedhsm.azure.net"}, ["KEY_VAULT_URL", "managed HSM"]),
        ({"SECRET_NAME": "db_password"}, ["SECRET_NAME", "db_password"]),
    ],
)
def test_a_missing_or_wrong_setting_is_500_and_named(
    azure: LocalAzure, settings: dict[str, str], named: list[str]
) -> None:
    azure.journal.clear()
    with function(azure, more=settings) as host:
        for answer in (call(host), call(host, userAssignedClientId="not-a-guid")):
            body = problem(answer, 500, "KL-100")
            assert all(word in body["detail"] for word in named)
        told = health(host)
    present = {name: bool((SETTINGS | settings)[name].strip()) for name in SETTINGS}
    assert told == {"status": "unconfigured", "settings": present, "lastRead": "none"}
    assert azure.journal.count() == 0


def test_the_health_tells_how_the_last_read_went_and_no_name(azure: LocalAzure) -> None:
    present = {"KEY_VAULT_URL": True, "SECRET_NAME": True}
    with function(azure) as host:
        assert health(host) == {"status": "ok", "settings": present, "lastRead": "none"}
        call(host)
        assert health(host) == {"status": "ok", "settings": present, "lastRead": "succeeded"}
        call(host, userAssignedClientId=azure.identity("newcomer").client_id)
        assert health(host) == {"status": "degraded", "settings": present, "lastRead": "failed"}
        call(host, userAssignedClientId="not-a-guid")
        call(host)
        assert health(host) == {"status": "ok", "settings": present, "lastRead": "succeeded"}


# What must never happen.


def test_the_number_of_identities_kept_is_bounded(azure: LocalAzure) -> None:
    with function(azure) as host:
        assert [call(host).json()["source"] for _ in range(2)] == ["vault", "cache"]
        for number in range(32):
            assert call(host, userAssignedClientId=f"{STRANGER[:-2]}{number:02}").status_code == 503
        assert call(host).json()["source"] == "vault"


def test_the_value_the_token_and_the_keys_are_in_no_output_even_at_debug(azure: LocalAzure, tmp_path: Path) -> None:
    azure.vault("contoso-kv").set_secret("canary", "canary-value-4711")
    wrap(tmp_path, "import logging\nlogging.getLogger().setLevel(logging.DEBUG)\napp = real.build_app()")
    log = io.StringIO()
    with function(azure, folder=tmp_path, log=log, more={"SECRET_NAME": "canary"}) as host:
        answers = [call(host), call(host), call(host, userAssignedClientId=azure.identity("newcomer").client_id)]
        answers += [call(host, userAssignedClientId="wrong"), call(host, userAssignedObjectId=STRANGER)]
        key = str(host.functions["AcquireTokenMsi"].key)
        told = json.dumps(health(host))
    assert [answer.status_code for answer in answers] == [200, 200, 403, 400, 503]
    assert [answer.text.count("canary-value-4711") for answer in answers] == [1, 1, 0, 0, 0]
    output = log.getvalue()
    assert "DEBUG" in output
    for secret in ("canary-value-4711", "eyJ", key, azure.environment()["IDENTITY_HEADER"]):
        assert secret not in output
        assert secret not in told


def test_it_knows_nothing_of_a_local_azure() -> None:
    source = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    assert "keyless.local" not in source
    assert "localhost" not in source
    assert "127.0.0.1" not in source


def wrap(folder: Path, body: str) -> None:
    """Write an app that builds the real one its own way."""
    load = f"""
        import importlib.util, sys
        sys.path.insert(0, {str(FOLDER)!r})
        spec = importlib.util.spec_from_file_location("real", {str(FOLDER / "function_app.py")!r})
        real = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(real)
    """
    (folder / "function_app.py").write_text(f"{dedent(load)}\n{body}\n", "utf-8")
