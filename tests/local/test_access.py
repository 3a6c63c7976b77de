from __future__ import annotations

import pytest

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.authorization.conditions.condition import facts_of
from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, RoleAssignment, Scope, decide, role_named
from keyless.local.azure.azure import Azure
from keyless.local.operations.secrets import GET_SECRET, READ_METADATA, SET_SECRET

FACTS = facts_of(GET_SECRET, vault="kv", secret="s")


def _assigned(role: str, on: str) -> RoleAssignment:
    return RoleAssignment("id", "oid", role_named(role), Scope.parse(on))


def _allowed(assignments: list[RoleAssignment], action: str, on: str) -> bool:
    facts = facts_of(action, vault="kv", secret="s")
    return decide(assignments, identity="app", scope=Scope.parse(on), facts=facts).allowed


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("Key Vault Administrator", {GET_SECRET, SET_SECRET, READ_METADATA}),
        ("Key Vault Secrets Officer", {GET_SECRET, SET_SECRET, READ_METADATA}),
        ("Key Vault Secrets User", {GET_SECRET, READ_METADATA}),
        ("Key Vault Certificate User", {GET_SECRET, READ_METADATA}),
        ("Key Vault Reader", {READ_METADATA}),
        ("Key Vault Contributor", set()),
        ("Key Vault Crypto User", set()),
        ("Key Vault Crypto Service Release User", set()),
        ("Key Vault Purge Operator", set()),
    ],
)
def test_each_built_in_role_allows_what_azure_says(role: str, actions: set[str]) -> None:
    held = [_assigned(role, "kv")]
    assert {action for action in (GET_SECRET, SET_SECRET, READ_METADATA) if _allowed(held, action, "kv/s")} == actions


def test_a_role_on_a_vault_holds_for_its_secrets_and_no_other_vault() -> None:
    held = [_assigned("Key Vault Secrets User", "KV")]
    assert _allowed(held, GET_SECRET, "kv/s")
    assert not _allowed(held, GET_SECRET, "kv2/s")


def test_a_role_on_one_secret_holds_for_it_alone_and_not_for_lists() -> None:
    held = [_assigned("Key Vault Secrets User", "kv/Db-Password")]
    assert _allowed(held, GET_SECRET, "kv/db-password")
    assert not _allowed(held, GET_SECRET, "kv/api-key")
    assert not _allowed(held, READ_METADATA, "kv")


def test_one_role_that_allows_is_enough() -> None:
    assert _allowed(
        [_assigned("Key Vault Reader", "kv"), _assigned("Key Vault Secrets User", "kv/s")], GET_SECRET, "kv/s"
    )


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ([], "app has no role on kv/s."),
        (["kv/other"], "app has no role on kv/s, only Key Vault Reader on kv/other."),
        (["kv"], f"app has Key Vault Reader on kv, which does not include {GET_SECRET}."),
    ],
)
def test_a_denial_says_why(held: list[str], reason: str) -> None:
    assignments = [_assigned("Key Vault Reader", on) for on in held]
    decision = decide(assignments, identity="app", scope=Scope("kv", "secret", "s"), facts=FACTS)
    assert (decision.allowed, decision.reason, decision.assignment) == (False, reason, None)


def test_an_approval_names_the_role_and_its_assignment() -> None:
    held = _assigned("Key Vault Secrets User", "kv")
    decision = decide([held], identity="app", scope=Scope("kv", "secret", "s"), facts=FACTS)
    assert (decision.reason, decision.assignment) == ("app has Key Vault Secrets User on kv.", held)


def test_roles_are_found_by_name_and_by_id_in_any_case() -> None:
    assert role_named("key vault reader") is role_named("21090545-7CA7-4776-B22C-E363652D74D2")


def test_an_unknown_role_suggests_the_nearest_one() -> None:
    with pytest.raises(LocalAzureError, match="Did you mean 'Key Vault Secrets User'"):
        role_named("KeyVault Secret User")


def test_no_two_roles_share_a_name_or_an_id() -> None:
    assert (
        len({role.id for role in BUILT_IN_ROLES}) == len({role.name for role in BUILT_IN_ROLES}) == len(BUILT_IN_ROLES)
    )


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("KV", Scope("kv")),
        ("kv/DB", Scope("kv", "secret", "db")),
        ("kv/secrets/db", Scope("kv", "secret", "db")),
        ("kv/keys/signing", Scope("kv", "key", "signing")),
        ("kv/certificates/web", Scope("kv", "certificate", "web")),
        ("kv/keys", Scope("kv", "secret", "keys")),
    ],
)
def test_a_scope_is_read_as_people_write_it(text: str, scope: Scope) -> None:
    assert Scope.parse(text) == scope
    assert Scope.parse(str(scope)) == scope


def test_a_role_on_one_kind_does_not_reach_another_of_the_same_name() -> None:
    key = Scope.of("kv", "key", "a")
    assert key.covers(Scope.of("KV", "key", "A"))
    assert not key.covers(Scope.of("kv", "secret", "a"))
    assert not key.covers(Scope("kv"))
    assert Scope("kv").covers(key)


def test_a_scope_that_names_nothing_a_vault_can_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Azure().identity("system").grant("Key Vault Secrets User", on="contoso-kv/blobs/db-password")
