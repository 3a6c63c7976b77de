"""How the management plane lets requests in, turns them away, and lists what there is."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.local.management.conftest import Arm


def code(answer: object) -> str:
    found: str = answer.json()["error"]["code"]  # type: ignore[attr-defined]
    return found


def test_a_request_without_a_token_is_told_where_to_get_one(arm: Arm) -> None:
    answer = arm.ask("GET", "/subscriptions", token=None)
    assert (answer.status_code, code(answer)) == (401, "AuthenticationFailed")
    assert (
        f'authorization_uri="https://login.microsoftonline.com/{arm.azure.tenant_id}"'
        in answer.headers["WWW-Authenticate"]
    )
    assert arm.azure.journal.entries(service="arm")[-1].operation == "getChallenge"


@pytest.mark.parametrize(
    "audience",
    [
        "https://management.azure.com",
        "https://management.azure.com/",
        "https://management.core.windows.net",
        "https://management.core.windows.net/",
    ],
)
def test_each_spelling_of_the_audience_is_taken(arm: Arm, audience: str) -> None:
    assert arm.ask("GET", arm.subscription, token=arm.token(resource=audience)).status_code == 200


def test_a_token_for_a_vault_is_refused(arm: Arm) -> None:
    answer = arm.ask("GET", arm.subscription, token=arm.token(resource="https://vault.azure.net"))
    assert (answer.status_code, code(answer)) == (401, "InvalidAuthenticationTokenAudience")


def test_an_expired_token_is_refused(arm: Arm) -> None:
    token = arm.token()
    arm.azure.clock.advance(days=2)
    answer = arm.ask("GET", arm.subscription, token=token)
    assert (answer.status_code, code(answer)) == (401, "ExpiredAuthenticationToken")


def test_a_text_that_is_no_token_is_refused(arm: Arm) -> None:
    assert code(arm.ask("GET", arm.subscription, token="none")) == "InvalidAuthenticationToken"


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (None, "MissingApiVersionParameter"),
        ("2011-01-01", "InvalidApiVersionParameter"),
        ("2030-01-01", "InvalidApiVersionParameter"),
        ("latest", "InvalidApiVersionParameter"),
    ],
)
def test_an_api_version_is_asked_for(arm: Arm, version: str | None, wanted: str) -> None:
    answer = arm.ask("GET", arm.vault, version=version)
    assert (answer.status_code, code(answer)) == (400, wanted)


@pytest.mark.parametrize(
    ("method", "path", "status", "wanted"),
    [
        ("GET", "/subscriptions/{other}", 404, "SubscriptionNotFound"),
        ("GET", "{subscription}/resourceGroups/none", 404, "ResourceGroupNotFound"),
        (
            "GET",
            "{subscription}/resourceGroups/none/providers/Microsoft.KeyVault/vaults/x-kv",
            404,
            "ResourceGroupNotFound",
        ),
        ("GET", "{group}/providers/Microsoft.KeyVault/vaults/none-kv", 404, "ResourceNotFound"),
        ("PUT", "{group}/providers/Microsoft.Insights/components/x", 409, "MissingSubscriptionRegistration"),
        ("GET", "{subscription}/providers/Microsoft.Storage/storageAccounts", 409, "MissingSubscriptionRegistration"),
        ("GET", "{group}/providers/Microsoft.KeyVault/none/x", 404, "InvalidResourceType"),
        ("PUT", "{subscription}/providers/Microsoft.Resources/deployments/d", 400, "BadRequest"),
        ("GET", "/providers/Microsoft.Resources/deployments", 400, "BadRequest"),
        ("PATCH", "{subscription}", 405, "MethodNotAllowed"),
        ("GET", "/none", 404, "NotFound"),
    ],
)
def test_what_there_is_not_is_named(arm: Arm, method: str, path: str, status: int, wanted: str) -> None:
    named = {"other": uuid.uuid4(), "subscription": arm.subscription, "group": arm.group}
    answer = arm.ask(method, path.format(**named), {}, version="2024-11-01")
    assert (answer.status_code, code(answer)) == (status, wanted)


def test_a_body_that_is_not_json_is_refused(arm: Arm) -> None:
    answer = arm.ask("PUT", f"{arm.subscription}/resourceGroups/rg1", ["westus2"])
    assert (answer.status_code, code(answer)) == (400, "InvalidRequestContent")


def test_the_subscription_is_shown_to_who_has_a_role_in_it(arm: Arm) -> None:
    assert arm.ask("GET", "/subscriptions", by="stranger").json() == {"value": []}
    arm.azure.identity("stranger").grant("Key Vault Secrets User", on="contoso-kv/db-password")
    (found,) = arm.ask("GET", "/subscriptions", by="stranger").json()["value"]
    assert (found["id"], found["state"], found["tenantId"]) == (arm.subscription, "Enabled", arm.azure.tenant_id)
    assert arm.ask("GET", "/tenants").json()["value"][0]["tenantId"] == arm.azure.tenant_id


def test_a_group_is_made_once_and_stays_where_it_is(arm: Arm) -> None:
    path = f"{arm.subscription}/resourcegroups/rg1"
    assert arm.ask("HEAD", path).status_code == 404
    assert arm.ask("PUT", path, {"location": "West US 2", "tags": {"a": "b"}}).status_code == 201
    assert arm.ask("PUT", path, {"location": "westus2", "tags": {"a": "c"}}).status_code == 200
    assert arm.ask("HEAD", path.upper().replace("SUBSCRIPTIONS", "subscriptions")).status_code == 204
    found = arm.ask("GET", path).json()
    assert (found["location"], found["tags"], found["properties"]) == (
        "westus2",
        {"a": "c"},
        {"provisioningState": "Succeeded"},
    )
    assert code(arm.ask("PUT", path, {"location": "eastus"})) == "InvalidResourceLocation"
    assert code(arm.ask("PUT", path, {})) == "LocationRequired"
    assert {each["name"] for each in arm.ask("GET", f"{arm.subscription}/resourcegroups").json()["value"]} == {
        "keyless",
        "rg1",
    }


def test_the_group_of_the_function_app_is_not_deleted(arm: Arm) -> None:
    answer = arm.ask("DELETE", arm.group)
    assert (answer.status_code, code(answer)) == (409, "Conflict")


@pytest.mark.parametrize(
    ("filtered", "wanted"),
    [
        ("resourceType eq 'Microsoft.KeyVault/vaults'", {"contoso-kv"}),
        ("resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'contoso-KV'", {"contoso-kv"}),
        ("resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'none'", set()),
        ("resourceType ne 'Microsoft.ManagedIdentity/userAssignedIdentities'", {"contoso-kv", "keyless"}),
        (None, {"contoso-kv", "keyless", "reporting", "operator", "stranger"}),
    ],
)
def test_resources_are_filtered_as_the_azure_cli_asks(arm: Arm, filtered: str | None, wanted: set[str]) -> None:
    answer = arm.ask("GET", f"{arm.subscription}/resources", version="2015-11-01", filtered=filtered)
    assert {each["name"] for each in answer.json()["value"]} == wanted


@pytest.mark.parametrize("filtered", ["name", "color eq 'red'", "name eq 'a' or name eq 'b'", "hasTag('x')"])
def test_a_filter_that_is_not_understood_filters_nothing_in_silence(arm: Arm, filtered: str) -> None:
    answer = arm.ask("GET", f"{arm.subscription}/resources", filtered=filtered)
    assert (answer.status_code, code(answer)) == (400, "InvalidFilterInQueryString")


def test_lists_hold_what_the_caller_may_read(arm: Arm) -> None:
    assert arm.ask("GET", f"{arm.subscription}/resources", by="stranger").json() == {"value": []}
    arm.azure.identity("stranger").grant("Reader", on=arm.vault)
    found = arm.ask("GET", f"{arm.subscription}/resources", by="stranger").json()["value"]
    assert [each["id"] for each in found] == [arm.vault]


def test_services_say_whether_they_are_registered(arm: Arm) -> None:
    there = arm.ask("GET", f"{arm.subscription}/providers/Microsoft.KeyVault", version="2024-11-01").json()
    assert there["registrationState"] == "Registered"
    assert "vaults" in {each["resourceType"] for each in there["resourceTypes"]}
    absent = arm.ask("GET", f"{arm.subscription}/providers/Microsoft.Insights", version="2024-11-01").json()
    assert absent["registrationState"] == "NotRegistered"
    answer = arm.ask("POST", f"{arm.subscription}/providers/Microsoft.Insights/register", version="2024-11-01")
    assert code(answer) == "MissingSubscriptionRegistration"


def test_the_cloud_is_described_to_who_has_no_token_yet(arm: Arm) -> None:
    found = arm.ask("GET", "/metadata/endpoints", token=None, version="2022-09-01").json()
    assert found["suffixes"]["keyVaultDns"] == "vault.azure.net"


def test_every_answer_can_be_told_apart(arm: Arm) -> None:
    first, second = (arm.ask("GET", arm.subscription).headers["x-ms-request-id"] for _ in range(2))
    assert first != second
    assert "Server" not in arm.ask("GET", arm.subscription).headers
