"""What becomes of each variable by which a client finds an identity: decided once, shown, and done."""

from __future__ import annotations

import re
from pathlib import Path

import azure.identity._constants as azure_identity
import pytest
import requests

from keyless.cli.run import child_environment
from keyless.local.functions.host import FunctionHost
from keyless.local.programs.variables import DECISIONS, IDENTITY_VARIABLES, decision_on
from keyless.local.server import LocalAzure

SOURCES_PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
DEVELOPERS = {
    name: "the developer's"
    for decision in DECISIONS
    for name in decision.names
    if decision.fate in {"taken away", "kept if local", "the source's"}
}


def test_the_page_shows_what_was_decided_and_why() -> None:
    rows = [
        f"| {', '.join(f'`{name}`' for name in decision.names)} | {decision.fate} | {decision.reason} |"
        for decision in DECISIONS
    ]
    page = SOURCES_PAGE.read_text(encoding="utf-8")
    assert [row for row in rows if row not in page] == []
    section = page.partition("## What becomes of each variable")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\| `", section, re.MULTILINE)) == len(rows)


def test_no_variable_is_decided_on_twice() -> None:
    names = [name for decision in DECISIONS for name in decision.names]
    assert len(names) == len(set(names))


def test_every_variable_that_azure_identity_for_python_reads_was_decided_on() -> None:
    read = [name for name in vars(azure_identity.EnvironmentVariables) if re.fullmatch("[A-Z_]+[A-Z]", name)]
    values = [getattr(azure_identity.EnvironmentVariables, name) for name in read]
    assert [value for value in values if isinstance(value, str) and decision_on(value) is None] == []


@pytest.mark.parametrize(
    ("name", "fate"),
    [
        ("ARM_CLIENT_SECRET", "taken away"),
        ("ARM_SKIP_PROVIDER_REGISTRATION", "left"),
        ("DAPR_HTTP_PORT", "left"),
        ("SPRING_CLOUD_AZURE_KEYVAULT_SECRET_ENDPOINT", "left"),
        ("AZURE_TOKEN_CREDENTIALS", "taken away"),
        ("MSI_SECRET", "the source's"),
    ],
)
def test_a_variable_of_a_family_goes_by_its_own_decision_first(name: str, fate: str) -> None:
    decision = decision_on(name)
    assert decision is not None
    assert decision.fate == fate


@pytest.mark.parametrize("source", ["app-service", "imds", "workload"])
def test_nothing_of_the_developer_s_reaches_a_program(source: str) -> None:
    with LocalAzure(source=source) as azure:
        made = child_environment(azure, {**DEVELOPERS, "ARM_SUBSCRIPTION_ID": "kept", "MINE": "kept"})
    assert [name for name, value in made.items() if value == "the developer's"] == []
    assert (made["ARM_SUBSCRIPTION_ID"], made["MINE"]) == ("kept", "kept")


def test_spring_cloud_azure_is_given_the_proxy_in_settings_of_its_own() -> None:
    with LocalAzure() as azure:
        made = child_environment(azure, {"SPRING_CLOUD_AZURE_KEYVAULT_SECRET_ENDPOINT": "mine"})
        host, port = azure.proxy_url.rpartition("@")[2].split(":")
    found = {
        name.removeprefix("SPRING_CLOUD_AZURE_"): value for name, value in made.items() if name.startswith("SPRING")
    }
    assert found == {
        "PROXY_TYPE": "http",
        "PROXY_HOSTNAME": host,
        "PROXY_PORT": port,
        "PROXY_HTTP_NONPROXYHOSTS": "localhost|127.0.0.1|[::1]",
        "KEYVAULT_SECRET_ENDPOINT": "mine",
    }


def test_nothing_of_the_developer_s_reaches_a_function_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        "import json, os\nimport azure.functions as func\napp = func.FunctionApp()\n"
        "@app.route(auth_level=func.AuthLevel.ANONYMOUS)\n"
        "def variables(req: func.HttpRequest) -> str:\n    return json.dumps(dict(os.environ))\n"
    )
    for name, value in DEVELOPERS.items():
        monkeypatch.setenv(name, value)
    with (
        LocalAzure() as azure,
        FunctionHost(tmp_path, environment=azure.environment()) as host,
        requests.Session() as session,
    ):
        session.trust_env = False
        seen = session.get(host.functions["variables"].url, timeout=30).json()
    assert [name for name, value in seen.items() if value == "the developer's"] == []
    assert "AZURE_TOKEN_CREDENTIALS" in IDENTITY_VARIABLES
