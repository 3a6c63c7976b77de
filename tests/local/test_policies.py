"""Access policies, custom roles and the time that a role takes to be felt, over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import load_config
from keyless.local.azure.keyvault.policies import PERMISSIONS
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from pathlib import Path

    import requests
    from tests.local.conftest import Serve, VaultWire

OPERATIONS = {
    "get": ("GET", "/secrets/db-password", None),
    "list": ("GET", "/secrets", None),
    "set": ("PUT", "/secrets/fresh", '{"value":"v"}'),
    "delete": ("DELETE", "/secrets/api-key", None),
    "recover": ("POST", "/deletedsecrets/gone/recover", None),
    "backup": ("POST", "/secrets/db-password/backup", None),
    "restore": ("POST", "/secrets/restore", '{"value":"x"}'),
    "purge": ("DELETE", "/deletedsecrets/gone", None),
}


def inner(answer: requests.Response) -> str | None:
    error = answer.json().get("error", {}) if answer.content else {}
    code: str | None = error.get("innererror", {}).get("code")
    return code


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_each_permission_allows_its_own_operation_and_none_of_the_others(wire: VaultWire, permission: str) -> None:
    vault, reporting = wire.azure.vault("contoso-kv"), wire.azure.identity("reporting")
    vault.set_policy(reporting, [permission])
    denied = set()
    for name, (method, path, body) in OPERATIONS.items():
        answer = wire.ask(method, path, identity="reporting", body=body)
        if answer.status_code == 403:
            assert inner(answer) == "ForbiddenByPolicy"
            assert f"does not have secrets {name} permission on key vault 'contoso-kv;location=westus2'." in answer.text
            assert "x-ms-keyvault-rbac-cache" not in answer.headers
            denied.add(name)
    assert denied == set(OPERATIONS) - {permission}


def test_who_is_in_no_policy_is_denied_in_other_words_and_roles_do_nothing(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").set_policy(wire.azure.identity("reporting"), ["get"])
    answer = wire.ask("GET", "/secrets/db-password", identity="system")
    system = wire.azure.identity("system")
    assert (answer.status_code, inner(answer)) == (403, "AccessDenied")
    assert answer.json()["error"]["message"].startswith(
        "Access denied. Caller was not found on any access policy.\r\n"
        f"Caller: appid={system.client_id};oid={system.object_id};"
    )
    assert wire.azure.journal.entries()[-1].reason == "system is in no access policy of contoso-kv."


def test_a_policy_that_is_emptied_is_no_policy(wire: VaultWire) -> None:
    vault, reporting = wire.azure.vault("contoso-kv"), wire.azure.identity("reporting")
    vault.set_policy(reporting, ["all"])
    assert wire.ask("GET", "/secrets/db-password", identity="reporting").status_code == 200
    vault.set_policy(reporting, [])
    assert inner(wire.ask("GET", "/secrets/db-password", identity="reporting")) == "AccessDenied"


def test_a_role_is_felt_after_the_delay_when_given_and_when_taken(wire: VaultWire) -> None:
    azure, newcomer = wire.azure, wire.azure.identity("newcomer")
    azure.role_assignments.propagation_seconds = 300
    newcomer.grant("Key Vault Secrets User", on="contoso-kv")
    denied = wire.ask("GET", "/secrets/db-password", identity="newcomer")
    assert (denied.status_code, inner(denied)) == (403, "ForbiddenByRbac")
    assert "A role that it was given takes effect in 300 s." in azure.journal.entries()[-1].reason
    azure.clock.advance(seconds=301)
    assert wire.ask("GET", "/secrets/db-password", identity="newcomer").status_code == 200
    newcomer.revoke("Key Vault Secrets User", on="contoso-kv")
    assert wire.ask("GET", "/secrets/db-password", identity="newcomer").status_code == 200
    azure.clock.advance(seconds=301)
    assert wire.ask("GET", "/secrets/db-password", identity="newcomer").status_code == 403


CONFIG = """
role_propagation_seconds = 60

[roles."Secret Lister"]
data_actions = ["Microsoft.KeyVault/vaults/secrets/readMetadata/action"]

[vaults.by-role.secrets]
a = "1"

[vaults.by-policy]
soft_delete_days = 7
purge_protection = true
deletion_seconds = 0
recovery_seconds = 0
[vaults.by-policy.secrets]
a = "1"
[vaults.by-policy.policies]
system = ["get", "LIST"]

[vaults.closed]
public_network_access = false
[vaults.fenced]
public_network_access = "perimeter"
[vaults.fenced.perimeter]
allowed = ["203.0.113.0/24"]
[vaults.walled]
firewall = ["203.0.113.0/24"]
[vaults.open-kv]
firewall = ["127.0.0.0/8"]
limits = true

[identities.system.roles]
by-role = "secret lister"
closed = "Key Vault Secrets Officer"
fenced = "Key Vault Secrets Officer"
walled = "Key Vault Secrets Officer"
open-kv = "Key Vault Secrets Officer"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keyless.toml"


def test_the_file_can_say_all_of_it(file: Path, serve: Serve) -> None:
    from tests.local.conftest import VaultWire  # noqa: PLC0415 (the fixture's class, for a world of one's own)

    file.write_text(CONFIG)
    azure = Azure(load_config(file))
    wire = VaultWire(azure, serve(vault_app(azure)))
    host = "{}.vault.azure.net".format
    assert wire.ask("GET", "/secrets", host=host("by-role")).status_code == 200
    assert inner(wire.ask("GET", "/secrets/a", host=host("by-role"))) == "ForbiddenByRbac"
    assert wire.ask("GET", "/secrets/a", host=host("by-policy")).status_code == 200
    assert inner(wire.ask("DELETE", "/secrets/a", host=host("by-policy"))) == "ForbiddenByPolicy"
    assert inner(wire.ask("GET", "/secrets", host=host("closed"))) == "ForbiddenByConnection"
    assert inner(wire.ask("GET", "/secrets", host=host("walled"))) == "ForbiddenByFirewall"
    assert inner(wire.ask("GET", "/secrets", host=host("fenced"))) == "ForbiddenByNsp"
    assert wire.ask("GET", "/secrets", host=host("open-kv")).status_code == 200
    assert azure.vault("by-policy").settings.soft_delete_days == 7
    assert azure.vault("by-policy").settings.purge_protection
    assert azure.role_assignments.propagation_seconds == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[vaults.my-kv]\naccess = "acl"', "there is no access 'acl'"),
        ('[vaults.my-kv]\nfirewall = ["everywhere"]', "'everywhere' is not a network"),
        ('[vaults.my-kv.perimeter]\nallowed = ["everywhere"]', "'everywhere' is not a network"),
        ("[vaults.my-kv.perimeter]\nmode = 1", "unknown key"),
        ('[vaults.my-kv]\npublic_network_access = "no"', "it is 'no'"),
        ("[vaults.my-kv]\nsoft_delete_days = 5", "it is 5"),
        ("[vaults.my-kv]\nsoft_delete_days = 0\npurge_protection = true", "there is no soft delete"),
        ("[vaults.my-kv]\ndeletion_seconds = -1", "it is -1"),
        ('[vaults.my-kv]\nlimits = "yes"', "it is a string"),
        ('[vaults.my-kv.policies]\nnobody = ["get"]', "there is no identity 'nobody'"),
        ('[vaults.my-kv.policies]\nsystem = ["read"]\n[identities.system]', "There is no secret permission 'read'"),
        ("[roles.mine]", "the role has no data_actions"),
        ("role_propagation_seconds = true", "it is true or false"),
    ],
)
def test_a_wrong_rule_is_told_by_its_line(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"keyless\.toml:") as info:
        load_config(file)
    assert said in info.value.what
