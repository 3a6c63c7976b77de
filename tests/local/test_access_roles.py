"""What each role lets its holder do, over the wire: every operation of the secrets API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.local.conftest import VaultWire

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.roles import BUILT_IN_ROLES
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import load_config
from keyless.local.operations.secrets import GET_SECRET, SECRET_ACTIONS, SECRET_OPERATIONS
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.conftest import Serve

REQUESTS = {
    "listSecrets": ("GET", "/secrets", None),
    "setSecret": ("PUT", "/secrets/fresh", '{"value":"v"}'),
    "getSecret": ("GET", "/secrets/db-password", None),
    "updateSecret": ("PATCH", "/secrets/db-password", "{}"),
    "deleteSecret": ("DELETE", "/secrets/api-key", None),
    "restoreSecret": ("POST", "/secrets/restore", '{"value":"x"}'),
    "backupSecret": ("POST", "/secrets/db-password/backup", None),
    "listSecretVersions": ("GET", "/secrets/db-password/versions", None),
    "listDeletedSecrets": ("GET", "/deletedsecrets", None),
    "getDeletedSecret": ("GET", "/deletedsecrets/gone", None),
    "purgeDeletedSecret": ("DELETE", "/deletedsecrets/gone", None),
    "recoverDeletedSecret": ("POST", "/deletedsecrets/gone/recover", None),
}
METADATA = {"listSecrets", "listSecretVersions", "getDeletedSecret", "listDeletedSecrets"}
ALLOWED = {
    "Key Vault Administrator": set(REQUESTS),
    "Key Vault Secrets Officer": set(REQUESTS),
    "Key Vault Secrets User": {"getSecret", *METADATA},
    "Key Vault Certificate User": {"getSecret", *METADATA},
    "Key Vault Reader": METADATA,
}


def done(wire: VaultWire, identity: str = "newcomer") -> set[str]:
    """Try every operation; return those that were not denied."""
    found = set()
    for name, (method, path, body) in REQUESTS.items():
        answer = wire.ask(method, path, identity=identity, body=body)
        if answer.status_code == 403:
            assert answer.json()["error"]["innererror"] == {"code": "ForbiddenByRbac"}
        else:
            found.add(name)
    return found


def test_every_operation_is_tried_here() -> None:
    assert set(REQUESTS) == {operation.name for operation in SECRET_OPERATIONS}


@pytest.mark.parametrize("role", [role.name for role in BUILT_IN_ROLES])
def test_a_built_in_role_allows_its_operations_and_no_other(wire: VaultWire, role: str) -> None:
    wire.azure.identity("newcomer").grant(role, on="contoso-kv")
    assert done(wire) == ALLOWED.get(role, set())


def test_a_role_on_one_secret_reaches_neither_another_nor_the_lists(wire: VaultWire) -> None:
    wire.azure.identity("newcomer").grant("Key Vault Secrets Officer", on="contoso-kv/db-password")
    assert done(wire) == {"getSecret", "updateSecret", "backupSecret", "listSecretVersions"}


@pytest.mark.parametrize("action", SECRET_ACTIONS)
def test_a_denial_names_the_action_that_is_missing(wire: VaultWire, action: str) -> None:
    operation = next(operation for operation in SECRET_OPERATIONS if operation.action == action)
    method, path, body = REQUESTS[operation.name]
    answer = wire.ask(method, path, identity="newcomer", body=body)
    assert f"\r\nAction: '{action}'\r\n" in answer.json()["error"]["message"]
    resource = "/vaults/contoso-kv" + (f"/secrets/{path.split('/')[2]}" if operation.level == "object" else "")
    assert f"{resource}'\r\nAssignment: (not found)\r\n" in answer.json()["error"]["message"]


def test_a_custom_role_allows_what_it_says_with_wildcards_and_in_any_case(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text(
        '[vaults.contoso-kv.secrets]\ndb-password = "a"\napi-key = "b"\n'
        '[roles.writer]\ndata_actions = ["microsoft.keyvault/vaults/secrets/SET*", "Microsoft.KeyVault/vaults/keys/read"]\n'
        '[identities.newcomer.roles]\ncontoso-kv = "Writer"\n'
    )
    azure = Azure(load_config(file))
    assert done(VaultWire(azure, serve(vault_app(azure)))) == {"setSecret"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[roles."key vault reader"]\ndata_actions = ["*"]', "Azure has a built-in role of that name"),
        ('[roles.a]\ndata_actions = ["*"]\n[roles.A]\ndata_actions = ["*"]', "it is the same name as 'a'"),
        ('[roles.a]\ndata_actions = ["Microsoft.KeyVault/vaults/secrets/getSecrets/action"]', GET_SECRET),
        ('[roles.a]\ndata_actions = ["Microsoft.KeyVault/vault/secrets/getSecret/action"]', GET_SECRET),
        ('[roles.a]\ndata_actions = ["getSecret"]', "there is no data action 'getSecret'"),
        ('[roles.a]\nnot_actions = ["*"]', "data_actions"),
    ],
)
def test_a_custom_role_that_could_never_hold_is_refused_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"keyless\.toml:\d") as info:
        load_config(file)
    assert said in str(info.value)


def test_the_policies_of_a_vault_that_is_said_to_go_by_roles_do_nothing(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text(
        '[vaults.contoso-kv]\naccess = "rbac"\n[vaults.contoso-kv.secrets]\ndb-password = "a"\n'
        '[vaults.contoso-kv.policies]\nsystem = ["all"]\n[identities.system]\n'
    )
    azure = Azure(load_config(file))
    assert done(VaultWire(azure, serve(vault_app(azure))), "system") == set()
