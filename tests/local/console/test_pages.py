"""What the pages of the console say, and what its forms do, asked as a program asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.local.console.conftest import ask_vault

from keyless.local import Entry, Firewall, LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from tests.local.console.conftest import Guest

SECRET = "secrets/db-password"


def latest(guest: Guest) -> str:
    """Return the page of the latest call."""
    return guest.get(f"/calls/{guest.azure.journal.recorded - 1}").text


def granted(azure: LocalAzure) -> None:
    azure.identity("system").grant("Key Vault Secrets User", on="contoso-kv")


def disable(azure: LocalAzure) -> None:
    granted(azure)
    azure.vault("contoso-kv").update_secret("db-password", enabled=False)


def delete(azure: LocalAzure) -> None:
    granted(azure)
    azure.vault("contoso-kv").delete_secret("db-password")
    azure.clock.advance(minutes=1)  # Vaults take a while to delete, and to recover.


def close(azure: LocalAzure) -> None:
    granted(azure)
    azure.vault("contoso-kv").firewall = Firewall.of(["203.0.113.0/24"])


def shut(azure: LocalAzure) -> None:
    granted(azure)
    azure.vault("contoso-kv").firewall = Firewall(public_network_access=False)


def by_policy(azure: LocalAzure) -> None:
    azure.vault("contoso-kv").set_policy(azure.identity("system"), ["list"])


def strike(azure: LocalAzure) -> None:
    granted(azure)
    azure.faults.add_named("vault-outage")


VAULT = {"vault": "contoso-kv"}
ONE = {**VAULT, "name": "db-password"}


@pytest.mark.parametrize(
    ("break_it", "status", "check", "words", "action", "fields"),
    [
        pytest.param(
            lambda _: None,
            403,
            "A role or a policy allows the action",
            "Give the identity the role:",
            "roles/grant",
            {"identity": "system", "role": "Key Vault Secrets User", "on": "contoso-kv/db-password"},
            id="role",
        ),
        pytest.param(
            by_policy,
            403,
            "A role or a policy allows the action",
            "az keyvault set-policy --name contoso-kv",
            "policies/add",
            {**VAULT, "identity": "system", "permission": "get"},
            id="policy",
        ),
        pytest.param(
            close,
            403,
            "The firewall and the perimeter let the address in",
            "az keyvault network-rule add --name contoso-kv",
            "networks/open",
            VAULT,
            id="firewall",
        ),
        pytest.param(
            shut,
            403,
            "The firewall and the perimeter let the address in",
            "properties.privateEndpointConnections",
            "networks/open",
            VAULT,
            id="private",
        ),
        pytest.param(
            disable,
            403,
            "The object is there, and can be used so",
            "az keyvault secret set-attributes --vault-name contoso-kv",
            "secrets/enable",
            ONE,
            id="disabled",
        ),
        pytest.param(
            delete,
            404,
            "The object is there, and can be used so",
            "az keyvault secret recover --vault-name contoso-kv",
            "secrets/recover",
            ONE,
            id="deleted",
        ),
        pytest.param(strike, 503, "No fault strikes", "Service Health", "faults/remove", {"id": "1"}, id="fault"),
    ],
)
def test_a_refusal_names_its_check_and_its_button_mends_it(
    guest: Guest,
    azure: LocalAzure,
    break_it: Callable[[LocalAzure], None],
    status: int,
    check: str,
    words: str,
    action: str,
    fields: dict[str, str],
) -> None:
    break_it(azure)
    assert ask_vault(azure, "system", SECRET) == status
    page = latest(guest)
    assert f'<li class="stopped">{check}' in page
    assert words in page
    assert f'action="/_keyless/console/{action}"' in page
    if action == "faults/remove":
        fields = {"id": azure.faults.active()[0].id}
    assert all(f'name="{name}" value="{value}"' in page for name, value in fields.items())
    assert guest.post(f"/{action}", fields).status_code == 303
    azure.clock.advance(minutes=1)
    assert ask_vault(azure, "system", SECRET) == 200


def test_the_checks_are_those_that_a_call_has_passed(guest: Guest, azure: LocalAzure) -> None:
    granted(azure)
    ask_vault(azure, "system", SECRET)
    passed = latest(guest)
    assert passed.count('<li class="passed">') == 7
    assert '<li class="stopped">' not in passed
    ask_vault(azure, "reporting", SECRET)
    refused = latest(guest)
    assert refused.count('<li class="passed">') == 5
    assert refused.count('<li class="ahead">') == 1
    assert "Key Vault Reader</strong> on <code>contoso-kv</code> does not allow it" in refused
    assert [entry.check for entry in azure.journal.entries(service="vault")] == [None, "access"]


def test_a_token_that_an_identity_does_not_get_leads_to_its_assignment(guest: Guest, azure: LocalAzure) -> None:
    azure.identity("reporting").unassign()
    env = azure.environment()
    client_id = azure.identity("reporting").client_id
    asked = f"{env['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://vault.azure.net&client_id={client_id}"
    assert not guest.session.get(asked, headers={"X-IDENTITY-HEADER": env["IDENTITY_HEADER"]}, timeout=10).ok
    page = latest(guest)
    assert "Assign reporting here" in page
    assert "az functionapp identity assign" in page
    guest.post("/identities/assign", {"identity": "reporting"})
    assert guest.session.get(asked, headers={"X-IDENTITY-HEADER": env["IDENTITY_HEADER"]}, timeout=10).ok
    assert "(hidden)" in latest(guest)


def test_what_a_vault_holds_can_be_rotated_deleted_and_recovered(guest: Guest, azure: LocalAzure) -> None:
    vault, fields = azure.vault("contoso-kv"), {"vault": "contoso-kv", "kind": "secret", "name": "db-password"}
    first = vault.get_secret("db-password").version
    guest.post("/objects/rotate", fields)
    assert vault.get_secret("db-password").version != first
    versions = guest.get("/vaults/contoso-kv/secret/db-password").text
    assert first in versions
    assert versions.count("masked") == 2
    guest.post("/objects/delete", fields)
    azure.clock.advance(minutes=1)
    assert vault.find_secret("db-password") is None
    assert "Deleted secrets" in guest.get("/vaults").text
    guest.post("/secrets/recover", fields)
    azure.clock.advance(minutes=1)
    assert vault.find_secret("db-password") is not None
    guest.post("/objects/rotate", {**fields, "kind": "key", "name": "signing"})
    assert guest.get("/vaults/contoso-kv/key/signing").text.count('<th scope="row">') == 2


def test_certificates_applications_and_groups_are_shown_with_what_they_may(guest: Guest, azure: LocalAzure) -> None:
    assert "Certificates" in guest.get("/vaults").text
    assert guest.get("/vaults/contoso-kv/certificate/web").status_code == 200
    page = guest.get("/access").text
    assert "Key Vault Certificates Officer on contoso-kv" in page
    row = page.partition("<code>contoso-kv/certificates/web</code>")[2].partition("</tr>")[0]
    assert row.count(">nothing<") == 1
    assert ">get, update<" in row
    assert "never-in-a-page" not in page
    fields = {"identity": "ci", "role": "Key Vault Secrets User", "on": "contoso-kv/db-password"}
    assert guest.post("/roles/grant", fields).status_code == 303
    assert "ci has Key Vault Secrets User" in guest.get("/access").text


def test_a_call_to_the_management_plane_is_a_path_of_its_own(guest: Guest, azure: LocalAzure) -> None:
    for service, status in (("arm", 200), ("graph", 403)):
        azure.azure.journal.record(Entry(time=0.0, service=service, operation="unknown", status=status, reason=""))  # type: ignore[arg-type]
    page = guest.get("/").text
    assert '<span class="stop passed">management.azure.com</span>' in page
    assert '<span class="stop stopped">graph.microsoft.com</span>' in page


def test_the_least_that_suffices_is_shown_with_its_bicep(guest: Guest, azure: LocalAzure) -> None:
    ask_vault(azure, "system", SECRET)
    page = guest.get("/report").text
    assert "needs Key Vault Secrets User on contoso-kv/db-password" in page
    assert "Microsoft.Authorization/roleAssignments@" in page


@pytest.mark.parametrize(
    "path",
    ["/calls/999999999", f"/calls/{'9' * 5000}", "/calls/x", "/vaults/nope/secret/x", "/vaults/contoso-kv/cat/x", "/x"],
)
def test_what_is_not_there_is_said_to_be_missing(guest: Guest, path: str) -> None:
    missing = guest.get(path)
    assert missing.status_code == 404
    assert "There " in missing.text or "has no" in missing.text


def test_the_latest_calls_are_shown_before_a_number_that_nobody_counts_to(guest: Guest) -> None:
    assert guest.get(f"/?before={'9' * 5000}").text == guest.get("/").text


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/roles/grant", {"identity": "system", "role": "Nothing", "on": "contoso-kv"}, "There is no role"),
        ("/roles/grant", {"role": "Key Vault Reader"}, "The field &#39;identity&#39; is missing"),
        ("/clock/advance", {"minutes": "-1"}, "cannot be used"),
        ("/faults/add", {"name": "unheard-of"}, "There is no fault"),
        ("/drills/begin", {"name": "unheard-of"}, "There is no drill"),
    ],
)
def test_a_form_that_cannot_be_done_says_why(guest: Guest, path: str, fields: dict[str, str], said: str) -> None:
    assert guest.post(path, fields).status_code == 303
    assert said in guest.get("/").text
    assert said not in guest.get("/").text


def _event(answer: requests.Response) -> dict[str, object]:
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith("data: "):
            found: dict[str, object] = json.loads(line.removeprefix("data: "))
            return found
    raise AssertionError("the stream ended without an event")


def test_the_stream_goes_on_from_where_a_browser_left_it(guest: Guest, azure: LocalAzure) -> None:
    start = azure.journal.recorded
    ask_vault(azure, "system", SECRET)
    ask_vault(azure, "reporting", SECRET)
    with guest.session.get(f"{guest.url}/stream?start={start}", stream=True, timeout=10) as all_of_them:
        assert str(_event(all_of_them)["html"]).count('<li class="call') == 2
    headers = {"Last-Event-ID": str(start + 1)}
    with guest.session.get(f"{guest.url}/stream?start={start}", headers=headers, stream=True, timeout=10) as rest:
        event = _event(rest)
    assert str(event["html"]).count('<li class="call') == 1
    assert event["recorded"] == start + 2


def test_a_run_ends_at_once_though_a_browser_listens() -> None:
    from time import monotonic  # noqa: PLC0415

    from tests.local.console.conftest import Guest  # noqa: PLC0415

    with LocalAzure(console=True) as azure:
        guest = Guest(azure).enter()
        listening = guest.session.get(f"{guest.url}/stream", stream=True, timeout=10)
        before = monotonic()
    assert monotonic() - before < 5
    listening.close()
    guest.session.close()
