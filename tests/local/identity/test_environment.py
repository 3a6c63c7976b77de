"""The variables of each source, and how long its tokens last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.config.config import Config, load_config
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.server import LocalAzure
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.identity.conftest import Wire

VAULT = "https://vault.azure.net"
BY_GET = [source for source in SOURCES if source not in {"cloud-shell", "workload"}]


@pytest.mark.parametrize("source", SOURCES)
def test_an_environment_has_no_blank_and_no_other_source_s_variables(wire: Wire, source: str) -> None:
    environment = wire.local.environment(source=source)
    assert all(environment.values())
    always = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "ARM_MSI_ENDPOINT", "KEYLESS_LOCAL_AZURE"}
    selecting = {name for name in environment if name in IDENTITY_VARIABLES} - always
    assert always < set(environment)
    assert (
        selecting
        == {
            "app-service": {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "REGION_NAME"},
            "app-service-2017": {"MSI_ENDPOINT", "MSI_SECRET", "REGION_NAME"},
            "imds": set(),
            "arc": {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"},
            "service-fabric": {
                *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_API_VERSION"),
            },
            "cloud-shell": {"MSI_ENDPOINT", "AZUREPS_HOST_ENVIRONMENT"},
            "machine-learning": {"MSI_ENDPOINT", "MSI_SECRET", "DEFAULT_IDENTITY_CLIENT_ID"},
            "workload": {
                *("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
            },
        }[source]
    )


def test_the_environment_names_the_identity_that_default_credentials_are_to_take(wire: Wire) -> None:
    environment = wire.local.environment(source="imds", identity="reporting")
    assert environment["AZURE_CLIENT_ID"] == wire.local.identity("reporting").client_id


def test_app_service_has_both_names_of_its_endpoint_and_its_secret(wire: Wire) -> None:
    environment = wire.local.environment(source="app-service")
    assert environment["MSI_ENDPOINT"] == environment["IDENTITY_ENDPOINT"]
    assert environment["MSI_SECRET"] == environment["IDENTITY_HEADER"]
    assert environment["REGION_NAME"] == wire.azure.region


@pytest.mark.parametrize("source", SOURCES)
def test_terraform_asks_the_local_metadata_service_or_nobody(wire: Wire, source: str) -> None:
    environment = wire.local.environment(source=source)
    host = environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    assert environment["ARM_MSI_ENDPOINT"] == f"{host}/metadata/identity/oauth2/token"
    assert (host == wire.local.http_url) == (source == "imds")


def test_az_and_azd_find_folders_of_the_run_in_which_nobody_is_signed_in(wire: Wire) -> None:
    environment = wire.local.environment()
    folders = [Path(environment[name]) for name in ("AZURE_CONFIG_DIR", "AZD_CONFIG_DIR")]
    assert [[file.name for file in folder.iterdir()] for folder in folders] == [["config"], []]
    assert (folders[0] / "config").read_text("ascii") == "[core]\ncollect_telemetry = no\n"
    assert folders[0] != folders[1]


def test_a_source_that_there_is_not_is_refused_with_those_there_are(wire: Wire) -> None:
    with pytest.raises(LocalAzureError, match="app-service, app-service-2017, imds"):
        wire.local.environment(source="lambda")


@pytest.mark.parametrize("excepted", ["169.254.169.254", "169.254.0.0/16", "169.254.*", "169.254.169.254:80", "*"])
def test_what_is_excepted_from_proxies_never_leads_to_the_real_metadata_service(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    monkeypatch.setenv("NO_PROXY", f"intranet.example,{excepted}")
    assert wire.local.environment(source="imds")["NO_PROXY"] == "localhost,127.0.0.1,::1,intranet.example"


def test_lifetimes_are_configured_by_source(tmp_path: Path, wire_to: Callable[[LocalAzure], Wire]) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text("[identities.system]\n[token_lifetimes]\nimds = 600\ncloud-shell = 60\n")
    with LocalAzure(load_config(file)) as local:
        wire = wire_to(local)
        assert int(wire.get("imds").json()["expires_in"]) == pytest.approx(600, abs=2)
        assert int(wire.get("app-service").json()["expires_on"]) == pytest.approx(local.clock.now() + 86_400, abs=2)
        form = wire.post("/oauth2/token", data={"resource": VAULT}, headers={"Metadata": "true"}).json()
        assert int(form["expires_in"]) == pytest.approx(60, abs=2)
        local.azure.token_lifetimes["imds"] = 120
        assert int(wire.get("imds").json()["expires_in"]) == pytest.approx(120, abs=2)


@pytest.mark.parametrize("line", ["imds = 0", "imds = true", 'imds = "1h"', "vm = 60"])
def test_a_lifetime_that_is_none_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text(f"[token_lifetimes]\n{line}\n")
    with pytest.raises(ConfigurationError, match=r"keyless\.toml:2"):
        load_config(file)


def test_without_any_identity_every_source_refuses(wire_to: Callable[[LocalAzure], Wire]) -> None:
    with LocalAzure(Config()) as local:
        wire = wire_to(local)
        assert {wire.get(source).status_code for source in BY_GET if source != "arc"} == {400, 404}
        with pytest.raises(LocalAzureError, match="There is no identity for a pod"):
            local.environment(source="workload")
