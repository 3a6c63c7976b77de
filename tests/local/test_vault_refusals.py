"""The secrets API on the wire: what it refuses, in which order, and with which words."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jwt
import pytest

from keyless.local.azure.azure import Azure
from keyless.local.azure.identities.tokens import Tokens
from keyless.local.azure.keyvault.settings import VaultSettings

if TYPE_CHECKING:
    import requests
    from tests.local.conftest import VaultWire

OTHER_TENANT = "00001111-aaaa-2222-bbbb-3333cccc4444"


def _forged(wire: VaultWire, **changes: object) -> str:
    claims = jwt.decode(wire.token(), options={"verify_signature": False})
    return f"Bearer {wire.azure.tokens.sign({**claims, **changes})}"


def _unauthorized(wire: VaultWire, response: requests.Response, message: str) -> None:
    body = json.dumps({"error": {"code": "Unauthorized", "message": message}}, separators=(",", ":"))
    assert (response.status_code, response.text) == (401, body)
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer authorization="https://login.microsoftonline.com/{wire.azure.tenant_id}", '
        'resource="https://vault.azure.net"'
    )
    assert "x-ms-keyvault-rbac-cache" not in response.headers


@pytest.mark.parametrize("authorization", [None, "Basic dXNlcjpwYXNz", "Bearer", "Bearer "])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/secrets/db-password"),
        ("PUT", "/secrets/db-password"),
        ("PUT", "/secrets"),
        ("GET", "/nowhere"),
        ("GET", "/secrets/under_score"),
    ],
)
def test_without_a_token_every_request_is_challenged(
    wire: VaultWire, method: str, path: str, authorization: str | None
) -> None:
    response = wire.ask(method, path, authorization=authorization, api_version=None)
    _unauthorized(wire, response, "AKV10000: Request is missing a Bearer or PoP token.")
    assert len(response.content) == 97


def test_a_token_for_another_audience_is_refused_with_what_was_found(wire: VaultWire) -> None:
    token = wire.token(resource="https://management.azure.com/")
    response = wire.ask("GET", "/secrets/db-password", authorization=f"Bearer {token}")
    message = "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com/."
    _unauthorized(wire, response, message)


@pytest.mark.parametrize("audience", ["https://vault.azure.net/", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"])
def test_a_token_for_another_spelling_of_the_audience_is_taken(wire: VaultWire, audience: str) -> None:
    token = wire.token(resource=audience)
    assert wire.ask("GET", "/secrets/db-password", authorization=f"bearer {token}").status_code == 200


def test_a_vault_of_another_tenant_refuses_the_issuer(wire: VaultWire) -> None:
    vault = wire.azure.add_vault("fabrikam-kv", VaultSettings(tenant_id=OTHER_TENANT))
    response = wire.ask("GET", "/secrets/x", host=vault.host)
    assert response.status_code == 401
    assert response.json()["error"]["message"] == (
        f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{OTHER_TENANT}/, "
        "https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/, "
        "https://sts.windows.net/e2d54eb5-3869-4f70-8578-dee5fc7331f4/, "
        "https://sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d/, "
        "https://sts.windows.net/975f013f-7f24-47e8-a7d3-abc4752bf346/, "
        f"found https://sts.windows.net/{wire.azure.tenant_id}/."
    )
    assert f'authorization="https://login.microsoftonline.com/{OTHER_TENANT}"' in response.headers["WWW-Authenticate"]


def test_an_expired_token_is_refused(wire: VaultWire) -> None:
    authorization = f"Bearer {wire.token()}"
    wire.azure.clock.advance(hours=24, seconds=1)
    response = wire.ask("GET", "/secrets/db-password", authorization=authorization)
    _unauthorized(wire, response, "[TokenExpired] Error validating token: 'S2S12086'.")
    assert len(response.content) == 96
    assert wire.ask("GET", "/secrets/db-password").status_code == 200


def test_a_token_of_an_unknown_key_is_refused_with_its_header(wire: VaultWire) -> None:
    stranger = Tokens(tenant_id=wire.azure.tenant_id, clock=wire.azure.clock)
    token = stranger.issue(wire.azure.identity("system"), "https://vault.azure.net").text
    response = wire.ask("GET", "/secrets/db-password", authorization=f"Bearer {token}")
    header = token.partition(".")[0]
    message = f"AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '{header}'."
    _unauthorized(wire, response, message)


def test_a_tampered_token_and_garbage_read_nothing(wire: VaultWire) -> None:
    header, _, signature = wire.token("newcomer").split(".")
    _, claims, _ = wire.token("system").split(".")
    for token in (f"{header}.{claims}.{signature}", "garbage", "a.b.c", "\xff.b.c"):
        response = wire.ask("GET", "/secrets/db-password", authorization=f"Bearer {token}")
        _unauthorized(wire, response, "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'.")


def test_a_vault_of_another_cloud_challenges_for_its_own_resource(wire: VaultWire) -> None:
    vault = wire.azure.add_vault("china-kv", VaultSettings(cloud="AZURE_CHINA"))
    challenge = wire.ask("GET", "/secrets/x", host=vault.host).headers["WWW-Authenticate"]
    tenant = wire.azure.tenant_id
    assert (
        challenge
        == f'Bearer authorization="https://login.chinacloudapi.cn/{tenant}", resource="https://vault.azure.cn"'
    )
    wire.azure.identity("system").grant("Key Vault Reader", on=vault)
    token = wire.token(resource="https://vault.azure.cn")
    assert wire.ask("GET", "/secrets", host=vault.host, authorization=f"Bearer {token}").status_code == 200


def test_an_identity_without_a_role_is_denied_to_the_letter(wire: VaultWire) -> None:
    identity = wire.azure.identity("newcomer")
    response = wire.ask("GET", "/secrets/DB-Password", identity="newcomer")
    group = f"/subscriptions/{wire.azure.subscription_id}/resourcegroups/keyless"
    message = (
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, "
        "please observe propagation time.\r\n"
        f"Caller: appid={identity.client_id};oid={identity.object_id};"
        f"iss=https://sts.windows.net/{wire.azure.tenant_id}/\r\n"
        "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\n"
        f"Resource: '{group}/providers/microsoft.keyvault/vaults/contoso-kv/secrets/DB-Password'\r\n"
        "Assignment: (not found)\r\n"
        "DenyAssignmentId: null\r\n"
        "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        "Vault: contoso-kv;location=westus2\r\n"
    )
    assert response.status_code == 403
    assert response.json() == {
        "error": {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByRbac"}}
    }
    assert list(response.json()["error"]) == ["code", "message", "innererror"]
    assert "x-ms-keyvault-rbac-cache" in response.headers
    (entry,) = wire.azure.journal.entries(status=403)
    assert (entry.identity, entry.code) == ("newcomer", "ForbiddenByRbac")
    assert entry.reason == "newcomer has no role on contoso-kv/db-password."


def test_a_denied_list_names_the_vault_as_its_resource(wire: VaultWire) -> None:
    message = wire.ask("GET", "/secrets", identity="newcomer").json()["error"]["message"]
    assert "microsoft.keyvault/vaults/contoso-kv'\r\n" in message
    assert "Action: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action'\r\n" in message


def test_the_bearer_of_a_token_that_no_identity_has_is_denied(wire: VaultWire) -> None:
    response = wire.ask("GET", "/secrets/db-password", authorization=_forged(wire, oid=OTHER_TENANT))
    assert response.status_code == 403
    (entry,) = wire.azure.journal.entries(status=403)
    assert entry.identity is None
    assert OTHER_TENANT in entry.reason


def test_an_unknown_secret_is_not_found(wire: VaultWire) -> None:
    response = wire.ask("GET", "/secrets/No-Such")
    assert response.status_code == 404
    assert response.json() == {
        "error": {
            "code": "SecretNotFound",
            "message": "A secret with (name/id) No-Such was not found in this key vault. If you recently deleted this "
            "secret you may be able to recover it using the correct recovery command. For help resolving this issue, "
            "please see https://go.microsoft.com/fwlink/?linkid=2125182",
        }
    }
    assert "x-ms-keyvault-rbac-assignment-id" in response.headers


@pytest.mark.parametrize("version", ["0" * 32, "no-version"])
def test_an_unknown_version_is_not_found(wire: VaultWire, version: str) -> None:
    response = wire.ask("GET", f"/secrets/db-password/{version}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "SecretNotFound")
    assert f"(name/id) db-password/{version} was" in response.json()["error"]["message"]


def test_a_disabled_secret_is_not_given_out(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    enabled = vault.set_secret("switched", "canary").version
    vault.set_secret("switched", "canary", enabled=False)
    response = wire.ask("GET", "/secrets/switched")
    assert (response.status_code, len(response.content)) == (403, 132)
    assert response.json() == {
        "error": {
            "code": "Forbidden",
            "message": "Operation get is not allowed on a disabled secret.",
            "innererror": {"code": "SecretDisabled"},
        }
    }
    assert "x-ms-keyvault-rbac-assignment-id" in response.headers
    assert wire.ask("GET", f"/secrets/switched/{enabled}").json()["value"] == "canary"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/secrets"), ("PUT", "/secrets/"), ("POST", "/secrets/x"), ("PUT", "/secrets/x/versions")],
)
def test_a_method_that_a_path_does_not_take_is_refused(wire: VaultWire, method: str, path: str) -> None:
    response = wire.ask(method, path)
    body = f'{{"error":{{"code":"MethodNotAllowed","message":"HTTP {method} not allowed"}}}}'
    assert (response.status_code, response.text) == (405, body)
    assert "Allow" not in response.headers
    assert "x-ms-keyvault-rbac-cache" not in response.headers


def test_a_method_is_refused_before_a_role_is_asked_for(wire: VaultWire) -> None:
    assert wire.ask("PUT", "/secrets", identity="newcomer").status_code == 405
    assert wire.azure.journal.count(operation="unknown", status=405, code="MethodNotAllowed") == 1


@pytest.mark.parametrize("path", ["/", "/storage/x", "/secrets/x/y/z"])
def test_what_is_no_part_of_the_secrets_api_is_not_found(wire: VaultWire, path: str) -> None:
    assert wire.ask("GET", path).status_code == 404


def test_a_role_is_asked_for_before_a_secret_is_looked_for(wire: VaultWire) -> None:
    assert wire.ask("GET", "/secrets/no-such", identity="newcomer").status_code == 403


def _bad_parameter(response: requests.Response, message: str) -> None:
    assert response.status_code == 400
    assert response.json() == {"error": {"code": "BadParameter", "message": message}}
    assert "x-ms-keyvault-rbac-cache" not in response.headers


@pytest.mark.parametrize("name", ["under_score", "a.b", "sp%20ace", "n" * 128, "%E2%98%82"])
def test_a_name_that_no_secret_can_have_is_refused(wire: VaultWire, name: str) -> None:
    response = wire.ask("GET", f"/secrets/{name}")
    shown = name.replace("%20", " ").replace("%E2%98%82", "☂")
    _bad_parameter(response, f"The request URI contains an invalid name: {shown}")


def test_an_api_version_that_no_client_sends_is_refused(wire: VaultWire) -> None:
    message = "The specified version (7.9) is not recognized. Consider using the latest supported version (2026-04-01)."
    _bad_parameter(wire.ask("GET", "/secrets/db-password", api_version="7.9"), message)
    assert wire.ask("GET", "/secrets/db-password", api_version=None).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "maxresults=0",
        "maxresults=26",
        "maxresults=00250",
        f"maxresults=0025{'0' * 30}",
        "maxresults=-1",
        "maxresults=x",
        "maxresults=",
        "maxresults=1e1",
    ],
)
def test_a_page_size_other_than_1_to_25_is_refused(wire: VaultWire, query: str) -> None:
    _bad_parameter(wire.ask("GET", f"/secrets?{query}"), "Property  has invalid value\r\n")


@pytest.mark.parametrize(
    "token",
    ["", "x", "%00", "e30", "eyJOZXh0TWFya2VyIjoxfQ", "eyJOZXh0TWFya2VyIjoiMiEifQ", "☂", "W1tb" * 1900],
    ids=range(8),
)
def test_a_skiptoken_that_no_vault_made_is_refused(wire: VaultWire, token: str) -> None:
    _bad_parameter(wire.ask("GET", f"/secrets?$skiptoken={token}"), "Property  has invalid value\r\n")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "canary",
        "[]",
        "null",
        "{}",
        '{"value":null}',
        '{"value":1}',
        '{"value":["canary"]}',
        '{"value":"canary","contentType":1}',
        '{"value":"canary","attributes":[]}',
        '{"value":"canary","attributes":{"enabled":"yes"}}',
        '{"value":"canary","attributes":{"exp":1.5}}',
        '{"value":"canary","attributes":{"exp":true}}',
        '{"value":"canary","attributes":{"nbf":99999999999999999999}}',
        '{"value":"canary","tags":{"a":1}}',
        '{"value":"canary","tags":["a"]}',
        '{"value":"canary \\ud800"}',
        b'{"value":"canary \xff"}',
        '{"value":"' + "x" * 25_601 + '"}',
        '{"value":"' + "x" * 2_000_000 + '"}',
        '{"value":"canary","contentType":"' + "x" * 256 + '"}',
        "[" * 100_000,
    ],
    ids=range(22),
)
def test_a_body_that_key_vault_would_not_take_stores_nothing_and_is_not_quoted(
    wire: VaultWire, body: str | bytes
) -> None:
    _bad_parameter(wire.ask("PUT", "/secrets/wrong", body=body), "Property  has invalid value\r\n")
    assert wire.azure.vault("contoso-kv").find_secret("wrong") is None
    assert "canary" not in repr(wire.azure.journal.entries())


def test_a_body_that_is_not_encoded_as_it_says_is_refused(wire: VaultWire) -> None:
    response = wire.ask("PUT", "/secrets/wrong", body="canary", headers={"Content-Encoding": "gzip"})
    _bad_parameter(response, "Property  has invalid value\r\n")
    assert wire.azure.journal.count(operation="setSecret", status=400) == 1


def test_a_secret_of_the_largest_size_is_taken(wire: VaultWire) -> None:
    assert wire.ask("PUT", "/secrets/large", body=json.dumps({"value": "x" * 25_600})).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "fabrikam-kv.vault.azure.net", "vault.azure.net", "x y"])
def test_a_host_that_is_no_vault_is_told_which_vaults_there_are(wire: VaultWire, host: str) -> None:
    response = wire.ask("GET", "/secrets/db-password", host=host)
    assert response.status_code == 421
    assert "contoso-kv.vault.azure.net" in response.text
    assert "Server" not in response.headers


def test_a_request_that_is_no_http_does_not_stop_the_vault(wire: VaultWire) -> None:
    address = urlsplit(wire._address)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01nonsense\r\n\r\n")
        assert b" 400 " in raw.recv(1000)
    assert wire.ask("GET", "/secrets/db-password").status_code == 200


def test_a_token_is_good_for_vaults_of_the_same_azure_alone(wire: VaultWire, own_keys: None) -> None:
    token = Azure().tokens.issue(wire.azure.identity("system"), "https://vault.azure.net")
    assert token.expires_on > time.time()
    assert wire.ask("GET", "/secrets/db-password", authorization=f"Bearer {token.text}").status_code == 401
