from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

import jwt
import pytest

from keyless.local.azure.azure import Azure
from keyless.local.azure.identities.tokens import Claims, Rejection, Tokens

VAULT = "https://vault.azure.net"


@pytest.fixture(scope="module")
def azure() -> Azure:
    return Azure()


def _claims(azure: Azure, **changes: object) -> dict[str, object]:
    token = azure.tokens.issue(azure.identity("system"), VAULT).text
    return {**jwt.decode(token, options={"verify_signature": False}), **changes}


def _verify(azure: Azure, token: str) -> Claims | Rejection:
    return azure.tokens.verify(token, audiences=[VAULT], tenant_id=azure.tenant_id)


def _segment(data: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def test_a_token_carries_the_claims_of_a_managed_identity(azure: Azure) -> None:
    identity = azure.identity("reporting")
    token = azure.tokens.issue(identity, VAULT)
    claims = jwt.decode(token.text, options={"verify_signature": False})
    assert claims["exp"] == token.expires_on == pytest.approx(time.time() + 86400, abs=10)
    assert {
        name: claims[name] for name in ("aud", "iss", "tid", "oid", "sub", "appid", "idtyp", "appidacr", "ver")
    } == {
        "aud": VAULT,
        "iss": f"https://sts.windows.net/{azure.tenant_id}/",
        "tid": azure.tenant_id,
        "oid": identity.object_id,
        "sub": identity.object_id,
        "appid": identity.client_id,
        "idtyp": "app",
        "appidacr": "2",
        "ver": "1.0",
    }
    assert claims["xms_mirid"] == identity.resource_id


def test_any_jwt_library_verifies_a_token_with_the_published_keys(azure: Azure) -> None:
    token = azure.tokens.issue(azure.identity("system"), VAULT).text
    keys = jwt.PyJWKSet.from_dict(azure.tokens.jwks())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], audience=VAULT)["oid"] == azure.identity("system").object_id


def test_the_published_keys_hold_nothing_private(azure: Azure) -> None:
    (key,) = jwt.PyJWKSet.from_dict(azure.tokens.jwks()).keys
    assert set(azure.tokens.jwks()["keys"][0]) == {"kty", "use", "alg", "kid", "x5t", "n", "e"}
    assert key.key_type == "RSA"


def test_a_good_token_says_whose_it_is(azure: Azure) -> None:
    identity = azure.identity("system")
    found = _verify(azure, azure.tokens.issue(identity, VAULT).text)
    assert isinstance(found, Claims)
    assert (found.object_id, found.client_id) == (identity.object_id, identity.client_id)


def test_a_token_of_another_audience_or_tenant_is_rejected_with_what_was_found(azure: Azure) -> None:
    graph = azure.tokens.sign(_claims(azure, aud="https://graph.microsoft.com"))
    other = azure.tokens.sign(_claims(azure, iss="https://sts.windows.net/other/"))
    assert _verify(azure, graph) == Rejection("audience", "https://graph.microsoft.com")
    assert _verify(azure, other) == Rejection("issuer", "https://sts.windows.net/other/")


@pytest.mark.parametrize("claim", ["aud", "iss", "exp", "nbf", "oid", "appid"])
def test_a_token_without_a_claim_is_malformed(azure: Azure, claim: str) -> None:
    claims = _claims(azure)
    del claims[claim]
    assert _verify(azure, azure.tokens.sign(claims)) == Rejection("malformed")


@pytest.mark.parametrize("text", ["", "garbage", "a.b.c", "ey.ey.ey", "a.b", "\x00", "é.è.ê"])
def test_garbage_is_malformed(azure: Azure, text: str) -> None:
    assert _verify(azure, text) == Rejection("malformed")


def test_a_changed_token_is_rejected(azure: Azure) -> None:
    header, _, signature = azure.tokens.sign(_claims(azure)).split(".")
    forged = _segment(_claims(azure, oid=azure.identity("reporting").object_id))
    assert _verify(azure, f"{header}.{forged}.{signature}") == Rejection("signature")


def test_a_token_that_asks_for_no_signature_is_rejected(azure: Azure) -> None:
    key_id = azure.tokens.jwks()["keys"][0]["kid"]
    unsigned = f"{_segment({'alg': 'none', 'typ': 'JWT', 'kid': key_id})}.{_segment(_claims(azure))}."
    assert _verify(azure, unsigned) == Rejection("malformed")


def test_a_token_signed_with_the_public_key_as_a_password_is_rejected(azure: Azure) -> None:
    public = azure.tokens.jwks()["keys"][0]
    secret = urlsafe_b64decode(public["n"] + "==")
    forged = jwt.encode(_claims(azure), secret, algorithm="HS256", headers={"kid": public["kid"]})
    assert _verify(azure, forged) == Rejection("malformed")


def test_a_token_of_an_unknown_key_is_rejected_with_its_header(azure: Azure) -> None:
    stranger = Tokens(tenant_id=azure.tenant_id, clock=azure.clock)
    token = stranger.sign(_claims(azure))
    assert _verify(azure, token) == Rejection("key", token.split(".")[0])


def test_a_token_expires_by_the_clock() -> None:
    azure = Azure()
    token = azure.tokens.issue(azure.identity("system"), VAULT).text
    azure.clock.advance(hours=23, minutes=59)
    assert isinstance(_verify(azure, token), Claims)
    azure.clock.advance(minutes=2)
    assert _verify(azure, token) == Rejection("time")


def test_a_token_is_not_good_before_its_time(azure: Azure) -> None:
    assert _verify(azure, azure.tokens.sign(_claims(azure, nbf=int(time.time()) + 3600))) == Rejection("time")


def test_the_platform_keeps_a_token_per_identity_and_resource_until_it_is_nearly_over() -> None:
    azure = Azure()
    system, reporting = azure.identity("system"), azure.identity("reporting")
    first = azure.tokens.issue(system, VAULT)
    assert azure.tokens.issue(system, VAULT) is first
    assert azure.tokens.issue(reporting, VAULT) != first
    assert azure.tokens.issue(system, "https://management.azure.com") != first
    azure.clock.advance(hours=23)
    assert azure.tokens.issue(system, VAULT) is first
    azure.clock.advance(minutes=55)
    assert azure.tokens.issue(system, VAULT).expires_on > first.expires_on


def test_a_token_never_shows_in_a_repr(azure: Azure) -> None:
    token = azure.tokens.issue(azure.identity("system"), VAULT)
    assert token.text not in repr(token)
    assert token.text.split(".")[2] not in repr(azure.tokens)


def test_a_change_of_roles_does_not_change_a_kept_token() -> None:
    azure = Azure()
    before = azure.tokens.issue(azure.identity("newcomer"), VAULT)
    azure.identity("newcomer").grant("Key Vault Reader", on="contoso-kv")
    assert azure.tokens.issue(azure.identity("newcomer"), VAULT) is before


def test_a_token_that_was_found_good_ends_with_its_time_and_its_tenant() -> None:
    azure = Azure()
    token = azure.tokens.issue(azure.identity("system"), VAULT).text
    assert isinstance(_verify(azure, token), Claims)
    assert _verify(azure, token) == _verify(azure, token)
    assert azure.tokens.verify(token, audiences=["https://other"], tenant_id=azure.tenant_id) == Rejection(
        "audience", VAULT
    )
    assert isinstance(azure.tokens.verify(token, audiences=[VAULT], tenant_id="other"), Rejection)
    azure.clock.advance(days=2)
    assert _verify(azure, token) == Rejection("time")


def test_a_token_that_was_found_good_vouches_for_no_other_with_its_signature(azure: Azure) -> None:
    token = azure.tokens.issue(azure.identity("system"), VAULT).text
    assert isinstance(_verify(azure, token), Claims)
    header, _, signature = token.split(".")
    forged = _segment(_claims(azure, oid=azure.identity("reporting").object_id))
    assert _verify(azure, f"{header}.{forged}.{signature}") == Rejection("signature")
    assert _verify(azure, f"{token}x") == Rejection("malformed")


def test_every_token_is_still_told_apart_after_more_than_are_remembered(azure: Azure) -> None:
    tokens = [azure.tokens.sign(_claims(azure, oid=f"oid-{number}")) for number in range(1100)]
    found = [_verify(azure, token) for token in (*tokens, tokens[0])]
    assert [each.object_id for each in found if isinstance(each, Claims)] == [
        *(f"oid-{number}" for number in range(1100)),
        "oid-0",
    ]
