"""Tokens that are not good: what the vault says to the letter, and what the library makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyless import SecretReader, VaultAuthenticationError
from keyless.local.azure.identities.tokens import Tokens
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.conftest import VaultWire

VAULT = "https://vault.azure.net"
HOUR = 3600


def forged(wire: VaultWire, **changes: object) -> str:
    claims = jwt.decode(wire.token(), options={"verify_signature": False})
    return wire.azure.tokens.sign({**claims, **changes})


def of_another_key(wire: VaultWire) -> str:
    stranger = Tokens(tenant_id=wire.azure.tenant_id, clock=wire.azure.clock)
    return stranger.issue(wire.azure.identity("system"), VAULT).text


FAULTS: dict[str, tuple[Callable[[VaultWire], str], str]] = {
    "the vault's own address as audience": (
        lambda wire: wire.token(resource="https://contoso-kv.vault.azure.net"),
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://contoso-kv.vault.azure.net.",
    ),
    "an audience of another cloud": (
        lambda wire: wire.token(resource="https://vault.usgovcloudapi.net"),
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://vault.usgovcloudapi.net.",
    ),
    "another tenant": (lambda wire: forged(wire, iss="https://sts.windows.net/x/"), "AKV10032: Invalid issuer. "),
    "version 2.0's issuer": (
        lambda wire: forged(wire, iss=f"https://login.microsoftonline.com/{wire.azure.tenant_id}/v2.0"),
        "AKV10032: Invalid issuer. ",
    ),
    "an unknown key": (of_another_key, "AKV10046: Unable to resolve the key used for signature validation. "),
    "expired": (lambda wire: forged(wire, exp=wire.azure.clock.now() - 1), "[TokenExpired] Error validating token: "),
    "not valid yet": (
        lambda wire: forged(wire, nbf=wire.azure.clock.now() + HOUR),
        "[TokenExpired] Error validating token: ",
    ),
    "an audience that is no text": (
        lambda wire: forged(wire, aud="\ud800"),
        "[BearerReadAccessTokenFailed] Error validating token: ",
    ),
    "garbage": (lambda _: "garbage", "[BearerReadAccessTokenFailed] Error validating token: "),
    "two tokens": (
        lambda wire: f"{wire.token()} {wire.token()}",
        "[BearerReadAccessTokenFailed] Error validating token: ",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "/secrets/db-password", None), ("PUT", "/secrets/fresh", '{"value":"v"}')]
)
def test_a_token_that_is_not_good_is_refused_with_the_challenge_and_does_nothing(
    wire: VaultWire, name: str, method: str, path: str, body: str | None
) -> None:
    make, message = FAULTS[name]
    answer = wire.ask(method, path, authorization=f"Bearer {make(wire)}", body=body)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert list(error) == ["code", "message"]
    assert error["code"] == "Unauthorized"
    assert error["message"].startswith(message)
    authority = f"https://login.microsoftonline.com/{wire.azure.tenant_id}"
    challenge = f'Bearer authorization="{authority}", resource="https://vault.azure.net"'
    assert answer.headers["WWW-Authenticate"] == challenge
    assert not [name for name in answer.headers if "rbac" in name.lower()]
    assert wire.azure.journal.entries()[-1].identity is None
    assert wire.ask("GET", "/secrets/fresh").status_code == 404


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True), letter=st.sampled_from("AZaz09-_.="))
def test_a_token_with_one_letter_changed_reads_nothing(wire: VaultWire, position: float, letter: str) -> None:
    token = wire.token()
    at = int(position * (len(token) - 1))  # But the last letter: some of its bits mean nothing.
    if token[at] == letter:
        letter = "B"
    answer = wire.ask("GET", "/secrets/db-password", authorization=f"Bearer {token[:at]}{letter}{token[at + 1 :]}")
    assert answer.status_code == 401
    assert "local-db-password" not in answer.text


def test_the_library_gets_another_token_when_the_signing_key_was_replaced(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure = local_azure.azure
    with SecretReader("https://contoso-kv.vault.azure.net", ttl=0) as reader:
        reader.get("db-password")
        monkeypatch.setattr(azure, "tokens", Tokens(tenant_id=azure.tenant_id, clock=azure.clock))
        assert reader.get("db-password").source == "vault"
    answers = [(entry.status, entry.code) for entry in local_azure.journal.entries(service="vault")]
    assert answers == [(200, None), (401, "Unauthorized"), (200, None)]


def test_the_library_says_of_a_vault_in_another_tenant_whose_it_is(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    tenant = "00001111-aaaa-2222-bbbb-3333cccc4444"
    vault = local_azure.azure.add_vault("fabrikam-kv", VaultSettings(tenant_id=tenant))
    vault.set_secret("db-password", "never read")
    local_azure.identity("system").grant("Key Vault Administrator", on=vault)
    with SecretReader(vault.url, timeout=5) as reader, pytest.raises(VaultAuthenticationError) as info:
        reader.get("db-password")
    assert (info.value.code, info.value.status) == ("Unauthorized", 401)
    assert tenant in info.value.cause


def test_a_token_that_ran_out_by_the_clock_of_azure_alone_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAzure() as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        with SecretReader("https://contoso-kv.vault.azure.net", ttl=0) as reader:
            reader.get("db-password")
            azure.clock.advance(hours=25)
            assert reader.get("db-password").source == "vault"
        assert [entry.status for entry in azure.journal.entries(service="vault")] == [200, 401, 200]
