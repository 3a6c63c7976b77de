"""What a failed assertion on the journal says, and what passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"


def _client(azure: LocalAzure, identity: str = "system") -> SecretClient:
    named = None if identity == "system" else azure.identity(identity).client_id
    return SecretClient(URL, ManagedIdentityCredential(client_id=named))


@pytest.fixture
def journal_azure(local_azure: LocalAzure, azure_environment: dict[str, str]) -> LocalAzure:
    return local_azure


def test_what_was_read_passes_and_another_number_fails(journal_azure: LocalAzure) -> None:
    client, journal = _client(journal_azure), journal_azure.journal
    for _ in range(2):
        client.get_secret("db-password")
    journal.assert_read("db-password")
    journal.assert_read("DB-Password", by="system", vault="contoso-kv", times=2)
    with pytest.raises(AssertionError) as failed:
        journal.assert_read("db-password", by="system", times=1)
    assert str(failed.value).startswith("db-password was to be read by system once, and was read twice.")
    assert "getSecret contoso-kv/db-password by system: 200" in str(failed.value)


def test_a_read_by_another_identity_is_named(journal_azure: LocalAzure) -> None:
    _client(journal_azure, "reporting").get_secret("db-password")
    with pytest.raises(AssertionError, match="It was asked for by reporting: expect that identity"):
        journal_azure.journal.assert_read("db-password", by="system")


def test_a_denied_read_says_which_role_is_missing(journal_azure: LocalAzure) -> None:
    with pytest.raises(HttpResponseError):
        _client(journal_azure, "newcomer").get_secret("db-password")
    mend = r'local_azure.identity\("newcomer"\).grant\("Key Vault Secrets User", on="contoso-kv/db-password"\)'
    with pytest.raises(AssertionError, match=mend):
        journal_azure.journal.assert_read("db-password", by="newcomer")
    with pytest.raises(AssertionError, match=mend):
        journal_azure.journal.assert_no_denials()
    journal_azure.journal.assert_denied("db-password", by="newcomer", code="ForbiddenByRbac")


def test_what_was_never_asked_for_says_so(journal_azure: LocalAzure) -> None:
    with pytest.raises(AssertionError, match=r"What was asked:\n    nothing\n.*\n  Nothing asked for it"):
        journal_azure.journal.assert_read("db-password")
    with pytest.raises(AssertionError, match="An identity was to be denied something, and was not"):
        journal_azure.journal.assert_denied()


def test_an_identity_that_asks_for_more_than_its_secrets_fails(journal_azure: LocalAzure) -> None:
    client, journal = _client(journal_azure), journal_azure.journal
    client.get_secret("db-password")
    journal.assert_only("system", reads={"db-password"})
    journal.assert_only("system", reads={"contoso-kv/db-password", "api-key"})
    journal.assert_only("reporting", reads=())
    list(client.list_properties_of_secrets())
    with pytest.raises(AssertionError, match="listSecrets contoso-kv by system"):
        journal.assert_only("system", reads={"db-password"})
    with pytest.raises(AssertionError, match="system was to read nothing but api-key, and asked for more"):
        journal.assert_only("system", reads="api-key")


def test_a_healthy_program_has_no_denial_although_its_sdk_asks_for_the_challenge(journal_azure: LocalAzure) -> None:
    unknown = requests.get(f"{URL}/secrets/db-password?api-version=7.4", timeout=10)
    assert unknown.status_code == 401
    _client(journal_azure).get_secret("db-password")
    journal_azure.journal.assert_no_denials()
    assert journal_azure.journal.count(operation="getSecret") == 1
    assert journal_azure.journal.count(operation="getChallenge") >= 1


def test_an_identity_that_is_not_assigned_is_a_denial_that_says_how_to_assign_it(journal_azure: LocalAzure) -> None:
    journal_azure.identity("reporting").unassign()
    with pytest.raises(Exception, match="No User Assigned"):
        _client(journal_azure, "reporting").get_secret("db-password")
    with pytest.raises(AssertionError, match="Once an identity was refused"):
        journal_azure.journal.assert_no_denials()
