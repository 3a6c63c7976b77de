"""A secret gets a new version, and the functions of an app are told, as Event Grid tells them."""

from __future__ import annotations

import json
import time
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keyless.local.server import LocalAzure

CANARY = "canary-of-the-events"
# Two functions that are told of events, and one that tells of them: "count" is how often each was called.
APP = """
    import asyncio, json
    import azure.functions as func

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    told = {"sync": [], "async": [], "calls": 0}

    def noted(event):
        return {"id": event.id, "topic": event.topic, "subject": event.subject, "eventType": event.event_type,
                "data": event.get_json(), "dataVersion": event.data_version, "eventTime": event.event_time.isoformat()}

    @app.event_grid_trigger("event")
    def sync_told(event: func.EventGridEvent, context: func.Context):
        told["calls"] += 1
        if event.subject == "fails-once" and told["calls"] == 1:
            raise RuntimeError("the author's error")
        told["sync"].append(noted(event))

    @app.event_grid_trigger("event")
    async def async_told(event: func.EventGridEvent):
        if event.subject == "slow":
            await asyncio.sleep(1.5)
        told["async"].append(noted(event))

    @app.route("told")
    def tells(req: func.HttpRequest) -> str: return json.dumps(told)
"""


def write(folder: Path, app: str = APP) -> Path:
    (folder / "function_app.py").write_text(dedent(app), "utf-8")
    return folder


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def told(host: FunctionHost) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(host.functions["tells"].url, timeout=10).json()
    return found


def statuses(azure: LocalAzure, secret: str) -> list[int]:
    return [entry.status for entry in azure.journal.entries(service="event-grid", secret=secret)]


def test_the_function_answers_the_new_version_and_no_clock_was_moved(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    settings = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
    local_azure.identity("system").grant("Key Vault Secrets Officer", on="contoso-kv")
    with (
        FunctionHost(
            bundled_function_app(), environment=azure_environment | settings, events=local_azure.event_grid
        ) as host,
        ManagedIdentityCredential() as credential,
        SecretClient("https://contoso-kv.vault.azure.net", credential) as client,
    ):
        assert list(host.event_functions) == ["SecretRotated"]
        end = host.functions["AcquireTokenMsi"]

        def value() -> str:
            answer = requests.get(end.url, headers={"x-functions-key": str(end.key)}, timeout=10)
            return str(answer.json()["secret"]["value"])

        assert value() == "local-db-password"
        client.set_secret("db-password", CANARY)
        wait_for(lambda: statuses(local_azure, "db-password") == [202])
        assert value() == CANARY
    [entry] = local_azure.journal.entries(operation="deliverEvent")
    assert (entry.vault, entry.reason) == ("contoso-kv", "The function SecretRotated took the event.")
    assert CANARY not in repr(local_azure.journal.entries())


def test_every_function_is_told_in_order_and_in_the_schema_of_event_grid(
    local_azure: LocalAzure, tmp_path: Path
) -> None:
    vault = local_azure.vault("contoso-kv")
    with FunctionHost(write(tmp_path), environment={}, events=local_azure.event_grid) as host:
        versions = [vault.set_secret("db-password", f"{CANARY}-{number}").version for number in range(20)]
        dated = vault.set_secret("Dated", CANARY, not_before=1_559_081_980, expires_on=1_559_082_102)
        wait_for(lambda: all(len(told(host)[kind]) == 21 for kind in ("sync", "async")))
        found = told(host)
    assert CANARY not in json.dumps(found)
    for kind in ("sync", "async"):
        assert [event["data"]["Version"] for event in found[kind]] == [*versions, dated.version]
    event = found["sync"][-1]
    assert event["data"] == {
        "Id": f"https://contoso-kv.vault.azure.net/secrets/Dated/{dated.version}",
        "VaultName": "contoso-kv",
        "ObjectType": "Secret",
        "ObjectName": "Dated",
        "Version": dated.version,
        "NBF": 1_559_081_980,
        "EXP": 1_559_082_102,
    }
    assert (event["eventType"], event["subject"], event["dataVersion"]) == (
        "Microsoft.KeyVault.SecretNewVersionCreated",
        "Dated",
        "1",
    )
    assert event["topic"] == vault.resource_id
    assert len({each["id"] for each in found["sync"]}) == 21
    assert found["sync"][0]["data"]["NBF"] is found["sync"][0]["data"]["EXP"] is None


def test_an_event_is_sent_again_to_a_function_that_failed_and_only_to_that(
    local_azure: LocalAzure, tmp_path: Path
) -> None:
    with FunctionHost(write(tmp_path), environment={}, events=local_azure.event_grid) as host:
        local_azure.vault("contoso-kv").set_secret("fails-once", "x")
        wait_for(lambda: sorted(statuses(local_azure, "fails-once")) == [202, 202, 500])
        assert [len(told(host)[kind]) for kind in ("sync", "async")] == [1, 1]


def test_an_event_waits_for_a_host_that_cannot_load_its_app(local_azure: LocalAzure, tmp_path: Path) -> None:
    vault = local_azure.vault("contoso-kv")
    with FunctionHost(write(tmp_path), environment={}, events=local_azure.event_grid) as host:
        write(tmp_path, "no Python")
        with pytest.raises(LocalAzureError, match="cannot be loaded"):
            host.restart()
        versions = [vault.set_secret(name, "x").version for name in ("db-password", "api-key")]
        write(tmp_path)
        host.restart()
        wait_for(lambda: len(told(host)["sync"]) == 2)
        assert [event["data"]["Version"] for event in told(host)["sync"]] == versions
        write(tmp_path, APP.replace("def sync_told", "def renamed"))
        host.restart()
        assert set(host.event_functions) == {"renamed", "async_told"}
        vault.set_secret("db-password", "y")
        wait_for(lambda: len(told(host)["sync"]) == 1)


def test_neither_who_sets_a_secret_nor_another_function_waits_for_a_slow_one(
    local_azure: LocalAzure, tmp_path: Path
) -> None:
    vault = local_azure.vault("contoso-kv")
    with FunctionHost(write(tmp_path), environment={}, events=local_azure.event_grid) as host:
        vault.set_secret("slow", "x")
        vault.set_secret("db-password", "x")
        wait_for(lambda: statuses(local_azure, "slow") == statuses(local_azure, "db-password") == [202], seconds=1.4)
        found = told(host)
    assert (len(found["sync"]), len(found["async"])) == (2, 0)


def test_without_a_host_nobody_is_told_and_the_model_alone_needs_none() -> None:
    azure = Azure()
    azure.vault("contoso-kv").set_secret("db-password", "x")
    assert azure.journal.count(service="event-grid") == 0
    azure.close()
