"""The life of a secret on the wire: updated, deleted, recovered, purged, and what it answers on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure, Vault
from keyless.local.azure.keyvault.objects.life import ObjectState, ObjectStateError
from keyless.local.azure.keyvault.settings import VaultSettings

if TYPE_CHECKING:
    import requests
    from tests.local.conftest import VaultWire

BASE = "https://contoso-kv.vault.azure.net"
NOT_FOUND = (
    "A secret with (name/id) {} was not found in this key vault. If you recently deleted this secret you may be able to "
    "recover it using the correct recovery command. For help resolving this issue, please see "
    "https://go.microsoft.com/fwlink/?linkid=2125182"
)


@pytest.fixture
def vault(wire: VaultWire) -> Vault:
    """The vault that the wire asks, with Azure's delays."""
    return wire.azure.vault("contoso-kv")


def _another(wire: VaultWire, name: str, **settings: Any) -> Vault:
    vault = wire.azure.add_vault(name, VaultSettings(**settings))
    wire.azure.identity("system").grant("Key Vault Secrets Officer", on=vault)
    return vault


def _error(response: requests.Response) -> tuple[int, str, str, str | None]:
    error = response.json()["error"]
    inner = error.get("innererror", {})
    assert set(inner) <= {"code"}
    return response.status_code, error["code"], error["message"], inner.get("code")


def _set(wire: VaultWire, name: str, body: dict[str, Any]) -> dict[str, Any]:
    bundle: dict[str, Any] = wire.ask("PUT", f"/secrets/{name}", body=json.dumps(body)).json()
    return bundle


def test_an_update_changes_what_it_names_and_nothing_else(wire: VaultWire, vault: Vault) -> None:
    attributes = {"nbf": 1422864000, "exp": 2527401600}
    before = _set(
        wire, "crud", {"value": "x", "contentType": "password", "attributes": attributes, "tags": {"foo": "1"}}
    )
    wire.azure.clock.advance(seconds=5)
    version = before["id"].rpartition("/")[2]
    change = {"contentType": "text/plain", "attributes": {"enabled": False, "exp": 2524723200}, "tags": {"bar": "2"}}
    answer = wire.ask("PATCH", f"/secrets/crud/{version}", body=json.dumps(change))
    updated = answer.json()["attributes"]["updated"]
    assert updated >= before["attributes"]["created"] + 5
    assert answer.text == (
        f'{{"contentType":"text/plain","id":"{BASE}/secrets/crud/{version}","attributes":{{"enabled":false,'
        f'"nbf":1422864000,"exp":2524723200,"created":{before["attributes"]["created"]},"updated":{updated},'
        '"recoveryLevel":"Recoverable+Purgeable","recoverableDays":90},"tags":{"bar":"2"}}'
    )
    unchanged = wire.ask("PATCH", f"/secrets/crud/{version}", body="{}").json()
    assert unchanged | {"attributes": None} == answer.json() | {"attributes": None}
    assert vault.get_secret("crud").value == "x"


def test_an_update_without_a_version_changes_the_latest(wire: VaultWire, vault: Vault) -> None:
    old = _set(wire, "crud", {"value": "old"})
    _set(wire, "crud", {"value": "new"})
    for path, kind in (("/secrets/crud/", "one"), ("/secrets/crud", "two")):
        assert wire.ask("PATCH", path, body=json.dumps({"contentType": kind})).json()["contentType"] == kind
        assert vault.get_secret("crud").attributes.content_type == kind
    assert vault.get_secret("crud", old["id"].rpartition("/")[2]).attributes.content_type is None


def test_a_disabled_secret_is_enabled_again(wire: VaultWire) -> None:
    _set(wire, "off", {"value": "x", "attributes": {"enabled": False}})
    assert wire.ask("GET", "/secrets/off").status_code == 403
    assert wire.ask("PATCH", "/secrets/off/", body='{"attributes":{"enabled":true}}').status_code == 200
    assert wire.ask("GET", "/secrets/off").json()["value"] == "x"


def test_empty_tags_take_the_tags_away_and_a_value_is_not_changed(wire: VaultWire) -> None:
    _set(wire, "tagged", {"value": "kept", "tags": {"a": "1"}})
    answer = wire.ask("PATCH", "/secrets/tagged/", body='{"tags":{},"value":"another","contentType":null}')
    assert "tags" not in answer.json()
    assert wire.ask("GET", "/secrets/tagged").json()["value"] == "kept"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"tags":{"a":1}}',
        '{"attributes":{"exp":"soon"}}',
        '{"attributes":{"enabled":1}}',
        json.dumps({"contentType": "x" * 256}),
        json.dumps({"tags": {str(number): "x" for number in range(16)}}),
    ],
)
def test_an_update_that_key_vault_would_not_take_is_refused(wire: VaultWire, vault: Vault, body: str) -> None:
    before = vault.get_secret("api-key")
    assert _error(wire.ask("PATCH", "/secrets/api-key/", body=body)) == (
        400,
        "BadParameter",
        "Property  has invalid value\r\n",
        None,
    )
    assert vault.get_secret("api-key") == before


def test_an_update_of_what_is_not_there_is_404(wire: VaultWire) -> None:
    version = "0" * 32
    assert _error(wire.ask("PATCH", f"/secrets/api-key/{version}", body="{}"))[2] == NOT_FOUND.format(
        f"api-key/{version}"
    )
    assert _error(wire.ask("PATCH", "/secrets/nothing/", body="{}"))[:3] == (
        404,
        "SecretNotFound",
        NOT_FOUND.format("nothing"),
    )


def test_a_deleted_secret_is_gone_at_once_and_among_the_deleted_after_a_while(wire: VaultWire, vault: Vault) -> None:
    _set(wire, "api-key", {"value": "second"})
    latest = vault.get_secret("api-key")
    answer = wire.ask("DELETE", "/secrets/api-key")
    deleted_on = answer.json()["deletedDate"]
    assert answer.text == (
        f'{{"recoveryId":"{BASE}/deletedsecrets/api-key","deletedDate":{deleted_on},'
        f'"scheduledPurgeDate":{deleted_on + 7776000},"id":"{BASE}/secrets/api-key/{latest.version}",'
        f'"attributes":{{"enabled":true,"created":{latest.created_on},"updated":{latest.updated_on},'
        '"recoveryLevel":"Recoverable+Purgeable","recoverableDays":90}}'
    )
    assert _error(wire.ask("GET", "/secrets/api-key"))[:3] == (404, "SecretNotFound", NOT_FOUND.format("api-key"))
    assert wire.ask("GET", "/secrets/api-key/versions").json()["value"] == []
    assert [item["id"] for item in wire.ask("GET", "/secrets").json()["value"]] == [f"{BASE}/secrets/db-password"]
    while_deleting = wire.ask("GET", "/deletedsecrets/api-key")
    assert (
        while_deleting.content == b'{"error":{"code":"SecretNotFound","message":"Deleted Secret not found: api-key"}}'
    )
    assert while_deleting.status_code == 404
    assert wire.ask("GET", "/deletedsecrets").json() == {"value": [], "nextLink": None}
    wire.azure.clock.advance(seconds=4)
    found = wire.ask("GET", "/deletedsecrets/api-key")
    assert (found.status_code, found.text) == (200, answer.text)
    (listed,) = wire.ask("GET", "/deletedsecrets").json()["value"]
    assert listed == answer.json() | {"id": f"{BASE}/secrets/api-key"}
    assert list(listed) == ["recoveryId", "deletedDate", "scheduledPurgeDate", "id", "attributes"]


def test_a_name_cannot_be_used_while_its_secret_is_deleted_or_on_its_way(wire: VaultWire) -> None:
    def put() -> tuple[int, str, str, str | None]:
        return _error(wire.ask("PUT", "/secrets/api-key", body='{"value":"again"}'))

    wire.ask("DELETE", "/secrets/api-key")
    being_deleted = "Secret api-key is currently being deleted and cannot be re-created; retry later."
    assert put() == (409, "Conflict", being_deleted, "ObjectIsBeingDeleted")
    wire.azure.clock.advance(seconds=4)
    recoverable = (
        "Secret api-key is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
        "the secret can only be recovered or purged."
    )
    assert put() == (409, "Conflict", recoverable, "ObjectIsDeletedButRecoverable")
    wire.ask("POST", "/deletedsecrets/api-key/recover")
    being_recovered = "Secret api-key is currently being recovered and cannot be re-created; retry later."
    assert put() == (409, "Conflict", being_recovered, "ObjectIsBeingRecovered")
    wire.azure.clock.advance(seconds=4)
    assert wire.ask("PUT", "/secrets/api-key", body='{"value":"again"}').status_code == 200


def test_a_recovered_secret_comes_back_after_a_while_with_all_its_versions(wire: VaultWire, vault: Vault) -> None:
    _set(wire, "api-key", {"value": "second", "tags": {"kept": "yes"}})
    before = wire.ask("GET", "/secrets/api-key").json()
    wire.ask("DELETE", "/secrets/api-key")
    wire.azure.clock.advance(seconds=4)
    recovered = wire.ask("POST", "/deletedsecrets/api-key/recover")
    assert (recovered.status_code, {**recovered.json(), "value": "second"}) == (200, before)
    assert list(recovered.json()) == ["id", "attributes", "tags"]
    assert wire.ask("GET", "/secrets/api-key").status_code == 404
    assert wire.ask("GET", "/deletedsecrets/api-key").status_code == 404
    assert _error(wire.ask("POST", "/deletedsecrets/api-key/recover"))[3] == "ObjectIsBeingRecovered"
    assert _error(wire.ask("DELETE", "/deletedsecrets/api-key"))[3] == "ObjectIsBeingRecovered"
    assert _error(wire.ask("DELETE", "/secrets/api-key"))[3] == "ObjectIsBeingRecovered"
    wire.azure.clock.advance(seconds=4)
    assert wire.ask("GET", "/secrets/api-key").json() == before
    assert len(wire.ask("GET", "/secrets/api-key/versions").json()["value"]) == 2


def test_what_is_being_deleted_is_neither_recovered_nor_purged_nor_deleted_again(wire: VaultWire) -> None:
    wire.ask("DELETE", "/secrets/api-key")
    for method, path in (("POST", "/deletedsecrets/api-key/recover"), ("DELETE", "/deletedsecrets/api-key")):
        refused = wire.ask(method, path)
        assert refused.status_code == 409
        assert refused.text == (
            '{"error":{"code":"Conflict","message":"Secret is currently being deleted.",'
            '"innererror":{"code":"ObjectIsBeingDeleted"}}}'
        )
    assert wire.ask("DELETE", "/secrets/api-key").status_code == 404


def test_a_purged_secret_is_gone_and_its_name_is_free_after_a_while(wire: VaultWire, vault: Vault) -> None:
    wire.ask("DELETE", "/secrets/api-key")
    wire.azure.clock.advance(seconds=4)
    purged = wire.ask("DELETE", "/deletedsecrets/api-key")
    assert (purged.status_code, purged.content) == (204, b"")
    assert not {"Content-Type", "Content-Length"} & set(purged.headers)
    assert wire.ask("GET", "/deletedsecrets/api-key").status_code == 404
    assert wire.ask("DELETE", "/deletedsecrets/api-key").status_code == 404
    assert wire.ask("POST", "/deletedsecrets/api-key/recover").status_code == 404
    assert _error(wire.ask("PUT", "/secrets/api-key", body='{"value":"new"}'))[3] == "ObjectIsBeingDeleted"
    wire.azure.clock.advance(seconds=4)
    assert wire.ask("PUT", "/secrets/api-key", body='{"value":"new"}').status_code == 200
    assert len(vault.secrets.page_of_versions("api-key", start="", size=9)) == 1


def test_what_is_not_deleted_is_neither_read_nor_recovered_nor_purged(wire: VaultWire) -> None:
    for name in ("api-key", "nothing"):
        deleted = f"Deleted Secret not found: {name}"
        assert _error(wire.ask("GET", f"/deletedsecrets/{name}")) == (404, "SecretNotFound", deleted, None)
        assert _error(wire.ask("DELETE", f"/deletedsecrets/{name}")) == (404, "SecretNotFound", deleted, None)
        recover = wire.ask("POST", f"/deletedsecrets/{name}/recover")
        assert _error(recover) == (404, "SecretNotFound", f"Secret not found: {name}", None)
    assert _error(wire.ask("DELETE", "/secrets/nothing"))[2] == NOT_FOUND.format("nothing")
    assert wire.ask("GET", "/secrets/api-key").status_code == 200


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({}, "Recoverable+Purgeable"),
        ({"soft_delete_days": 7}, "CustomizedRecoverable+Purgeable"),
        ({"purge_protection": True}, "Recoverable"),
        ({"soft_delete_days": 89, "purge_protection": True}, "CustomizedRecoverable"),
        ({"soft_delete_days": 0}, "Purgeable"),
    ],
)
def test_a_vault_says_for_how_long_its_secrets_can_be_recovered(
    wire: VaultWire, settings: dict[str, Any], level: str
) -> None:
    vault = _another(wire, "kept-kv", **settings)
    attributes = wire.ask("PUT", "/secrets/a", host=vault.host, body='{"value":"x"}').json()["attributes"]
    assert (attributes["recoveryLevel"], attributes["recoverableDays"]) == (level, settings.get("soft_delete_days", 90))


def test_a_deleted_secret_ceases_to_exist_on_its_scheduled_purge_date(wire: VaultWire) -> None:
    vault = _another(wire, "short-kv", soft_delete_days=7, purge_protection=True)
    vault.set_secret("brief", "x")
    deleted = wire.ask("DELETE", "/secrets/brief", host=vault.host).json()
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 604800
    wire.azure.clock.advance(days=6, hours=23)
    assert wire.ask("GET", "/deletedsecrets/brief", host=vault.host).status_code == 200
    wire.azure.clock.advance(hours=1)
    assert wire.ask("GET", "/deletedsecrets/brief", host=vault.host).status_code == 404
    assert vault.secrets.state_of("brief") is ObjectState.ABSENT
    assert wire.ask("PUT", "/secrets/brief", host=vault.host, body='{"value":"x"}').status_code == 200


def test_a_recovered_secret_outlives_the_date_on_which_it_would_have_been_purged(wire: VaultWire, vault: Vault) -> None:
    vault.delete_secret("api-key")
    wire.azure.clock.advance(seconds=4)
    vault.recover_deleted_secret("api-key")
    wire.azure.clock.advance(days=91)
    assert wire.ask("GET", "/secrets/api-key").json()["value"] == "local-api-key"


def test_purge_protection_keeps_deleted_secrets(wire: VaultWire) -> None:
    vault = _another(wire, "safe-kv", purge_protection=True, deletion_seconds=0)
    vault.set_secret("kept", "x")
    wire.ask("DELETE", "/secrets/kept", host=vault.host)
    refused = wire.ask("DELETE", "/deletedsecrets/kept", host=vault.host)
    message = (
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
        "automatically purge it after the retention period has passed.\r\nVault: safe-kv;location=westus2"
    )
    assert _error(refused) == (403, "Forbidden", message, None)
    assert wire.ask("DELETE", "/deletedsecrets/nothing", host=vault.host).status_code == 404
    assert wire.ask("POST", "/deletedsecrets/kept/recover", host=vault.host).status_code == 200


def test_a_vault_without_soft_delete_deletes_for_good(wire: VaultWire) -> None:
    vault = _another(wire, "legacy-kv", soft_delete_days=0)
    vault.set_secret("brief", "x")
    deleted = wire.ask("DELETE", "/secrets/brief", host=vault.host).json()
    assert list(deleted) == ["id", "attributes"]
    assert vault.secrets.state_of("brief") is ObjectState.ABSENT
    for method, path, operation in (
        ("GET", "/deletedsecrets", "list"),
        ("GET", "/deletedsecrets/brief", "get"),
        ("DELETE", "/deletedsecrets/brief", "purge"),
        ("POST", "/deletedsecrets/brief/recover", "recover"),
    ):
        message = f'Operation "{operation}" is not enabled for this vault.'
        assert _error(wire.ask(method, path, host=vault.host)) == (400, "NotSupported", message, None)
    assert wire.ask("PUT", "/secrets/brief", host=vault.host, body='{"value":"x"}').status_code == 200


def test_a_vault_that_takes_no_time_deletes_recovers_and_purges_at_once(wire: VaultWire) -> None:
    vault = _another(wire, "instant-kv", deletion_seconds=0, recovery_seconds=0)
    vault.set_secret("quick", "x")
    steps = (
        ("DELETE", "/secrets/quick", 200),
        ("GET", "/deletedsecrets/quick", 200),
        ("POST", "/deletedsecrets/quick/recover", 200),
        ("GET", "/secrets/quick", 200),
        ("DELETE", "/secrets/quick", 200),
        ("DELETE", "/deletedsecrets/quick", 204),
        ("PUT", "/secrets/quick", 200),
    )
    asked = [wire.ask(method, path, host=vault.host, body='{"value":"x"}').status_code for method, path, _ in steps]
    assert asked == [status for _, _, status in steps]


def test_deleted_secrets_are_listed_in_pages(wire: VaultWire) -> None:
    vault = _another(wire, "paged-kv", deletion_seconds=0)
    names = [f"Secret-{number:02}" for number in range(30)]
    for name in names:
        vault.set_secret(name, "x")
        vault.delete_secret(name.lower())
    ids, link, pages = [], "/deletedsecrets?maxresults=7", 0
    while link:
        version = None if "$skiptoken" in link else "7.6"
        answer = wire.ask("GET", link, host=vault.host, api_version=version).json()
        ids += [item["recoveryId"] for item in answer["value"]]
        link, pages = (answer["nextLink"] or "").removeprefix(f"{vault.url}:443"), pages + 1
    assert ids == [f"{vault.url}/deletedsecrets/{name}" for name in names]
    assert pages == 5


def test_a_secret_may_be_called_as_the_paths_are(wire: VaultWire) -> None:
    for name in ("restore", "versions", "backup", "recover"):
        assert _set(wire, name, {"value": name})["value"] == name
        assert wire.ask("GET", f"/secrets/{name}").json()["value"] == name
        assert wire.ask("GET", f"/secrets/{name}/versions").json()["value"] != []
        assert wire.ask("DELETE", f"/secrets/{name}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/secrets/api-key/00000000000000000000000000000000"),
        ("POST", "/secrets/api-key"),
        ("PUT", "/secrets/api-key/versions"),
        ("GET", "/deletedsecrets/api-key/recover"),
        ("PATCH", "/deletedsecrets/api-key"),
        ("DELETE", "/secrets"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_405(wire: VaultWire, method: str, path: str) -> None:
    assert _error(wire.ask(method, path)) == (405, "MethodNotAllowed", f"HTTP {method} not allowed", None)


def test_a_line_break_in_a_path_is_refused_as_azure_refuses_names(wire: VaultWire) -> None:
    refused = wire.ask("DELETE", "/deletedsecrets/a%0Ab")
    assert _error(refused) == (400, "BadParameter", "The request URI contains an invalid name: a\nb", None)


def test_an_output_format_is_for_certificates(wire: VaultWire) -> None:
    asked = "/secrets/api-key/?outContentType="
    assert wire.ask("GET", f"{asked}application/x-pem-file").json()["value"] == "local-api-key"
    assert _error(wire.ask("GET", f"{asked}text/plain"))[:2] == (400, "BadParameter")


def test_every_operation_stands_in_the_journal(wire: VaultWire) -> None:
    wire.ask("PATCH", "/secrets/api-key/", body="{}")
    wire.ask("DELETE", "/secrets/api-key")
    wire.ask("GET", "/deletedsecrets")
    wire.ask("GET", "/deletedsecrets/api-key")
    wire.ask("POST", "/deletedsecrets/api-key/recover")
    wire.ask("DELETE", "/deletedsecrets/api-key")
    entries = wire.azure.journal.entries(service="vault")
    assert [(entry.operation, entry.status, entry.code) for entry in entries] == [
        ("updateSecret", 200, None),
        ("deleteSecret", 200, None),
        ("listDeletedSecrets", 200, None),
        ("getDeletedSecret", 404, "SecretNotFound"),
        ("recoverDeletedSecret", 409, "ObjectIsBeingDeleted"),
        ("purgeDeletedSecret", 409, "ObjectIsBeingDeleted"),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/secrets/api-key/"),
        ("DELETE", "/secrets/api-key"),
        ("POST", "/secrets/api-key/backup"),
        ("POST", "/secrets/restore"),
        ("POST", "/deletedsecrets/api-key/recover"),
        ("DELETE", "/deletedsecrets/api-key"),
    ],
)
def test_whoever_may_only_read_changes_nothing(wire: VaultWire, method: str, path: str) -> None:
    assert _error(wire.ask(method, path, identity="reporting", body="{}"))[3] == "ForbiddenByRbac"


def test_in_python_a_secret_is_deleted_recovered_and_purged_too() -> None:
    azure = Azure()
    vault = azure.add_vault("python-kv", VaultSettings(deletion_seconds=0, recovery_seconds=0))
    vault.set_secret("a", "x")
    vault.delete_secret("A")
    with pytest.raises(ObjectStateError, match="The secret 'a' is deleted"):
        vault.set_secret("a", "y")
    vault.recover_deleted_secret("a")
    assert vault.get_secret("a").value == "x"
    with pytest.raises(ObjectStateError, match="The secret 'a' is active"):
        vault.purge_deleted_secret("a")
    vault.delete_secret("a")
    vault.purge_deleted_secret("a")
    with pytest.raises(ObjectStateError, match="The secret 'a' is absent"):
        vault.delete_secret("a")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"soft_delete_days": 6}, "7 to 90"),
        ({"soft_delete_days": 91}, "7 to 90"),
        ({"soft_delete_days": 0, "purge_protection": True}, "nothing to protect"),
        ({"deletion_seconds": -1}, "not negative"),
        ({"recovery_seconds": float("nan")}, "not negative"),
    ],
)
def test_a_vault_with_settings_that_azure_does_not_have_is_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Azure().add_vault("wrong-kv", VaultSettings(**settings))
