"""In a local Azure an error names the local way first, and what it names mends what failed."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
import requests
from click.testing import CliRunner
from msal import UserAssignedManagedIdentity
from tests.remedies import flaw

from keyless import KeylessError, SecretReader
from keyless.cli.commands import keyless
from keyless.local import LocalAzure as OwnAzure
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
NEW_ID = "00001111-aaaa-2222-bbbb-3333cccc4444"


def error(*, secret: str = "db-password", url: str = URL, client_id: str | None = None) -> KeylessError:
    """Return what a first read fails with."""
    identity = UserAssignedManagedIdentity(client_id=client_id) if client_id else None
    with (
        SecretReader(url, identity=identity, timeout=60, on_event=lambda _: None) as reader,
        pytest.raises(KeylessError) as failed,
    ):
        reader.get(secret)
    assert failed.value.remedy.startswith("Here, in the local Azure: ")
    assert flaw(failed.value.remedy) is None
    return failed.value


def followed(azure: LocalAzure, remedy: str, *, value: str | None = None) -> None:
    """Run the command of a remedy that changes something, as a person pastes it."""
    environment = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}
    command, *_ = [
        found for found in re.findall("`(keyless [^`]+)`", remedy) if re.search(" (grant|set|add|clear)\\b", found)
    ]
    words = shlex.split(command)[1:]
    done = CliRunner(env=environment).invoke(keyless, [*words, *([value] if value else [])])
    assert done.exit_code == 0, done.output


def take_role(azure: LocalAzure) -> None:
    azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")


def delete_secret(azure: LocalAzure) -> None:
    azure.vault("contoso-kv").delete_secret("db-password")
    azure.clock.advance(minutes=1)
    azure.vault("contoso-kv").purge_deleted_secret("db-password")
    azure.clock.advance(minutes=1)


def disable_secret(azure: LocalAzure) -> None:
    azure.vault("contoso-kv").set_secret("db-password", "x", enabled=False)


def unassign(azure: LocalAzure) -> None:
    azure.identity("system").unassign()


def outage(azure: LocalAzure) -> None:
    azure.faults.add_named("firewall")


@pytest.mark.parametrize(
    ("breaks", "value"),
    [(take_role, None), (delete_secret, "new"), (disable_secret, "new"), (unassign, None), (outage, None)],
)
def test_the_command_that_an_error_names_mends_the_read(
    local_azure: LocalAzure, breaks: Callable[[LocalAzure], None], value: str | None
) -> None:
    breaks(local_azure)
    followed(local_azure, error().remedy.partition(" In Azure: ")[0], value=value)
    with SecretReader(URL) as reader:
        assert reader.get("db-password").value


def test_a_vault_that_is_not_there_is_to_be_added_and_no_proxy_is_to_be_left_out(local_azure: LocalAzure) -> None:
    local, _, azure = error(url="https://fabrikam-kv.vault.azure.net").remedy.partition(" In Azure: ")
    assert "NO_PROXY" not in local
    followed(local_azure, local)
    assert local_azure.vault("fabrikam-kv").url == "https://fabrikam-kv.vault.azure.net"
    assert azure


def test_an_identity_that_is_not_there_is_to_be_added_by_its_client_id(local_azure: LocalAzure) -> None:
    remedy = error(client_id=NEW_ID).remedy
    assert f"`keyless identity add NAME --client-id {NEW_ID}`" in remedy
    assert f'[identities.NAME] client_id = "{NEW_ID}"' in remedy


@pytest.mark.parametrize("source", ["cloud-shell", "app-service-2017"])
def test_a_source_that_msal_does_not_know_is_named(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with OwnAzure(source=source) as azure:
        for name in IDENTITY_VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        with SecretReader(URL, timeout=60, on_event=lambda _: None) as reader, pytest.raises(KeylessError) as failed:
            reader.get("db-password")
    assert f"This local Azure runs as {source}." in failed.value.cause
    assert "`keyless run --source app-service CMD`" in failed.value.remedy


def test_without_a_local_azure_no_remedy_speaks_of_one(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_role(local_azure)
    monkeypatch.delenv("KEYLESS_LOCAL_AZURE")
    with SecretReader(URL) as reader, pytest.raises(KeylessError) as failed:
        reader.get("db-password")
    assert failed.value.remedy.startswith("Give the identity the role: `az role assignment create")


def test_a_secret_that_a_command_does_not_find_is_answered_with_a_command(local_azure: LocalAzure) -> None:
    answer = requests.get(
        f"{local_azure.control_url}/vaults/contoso-kv/secrets/nope",
        headers={"Authorization": f"Bearer {local_azure.control_token}"},
        timeout=10,
    )
    assert "`keyless secret set nope --vault contoso-kv`" in answer.json()["error"]["remedy"]
