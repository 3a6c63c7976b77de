"""Tokens of the local Azure, checked by a downstream API as it checks those of Azure: with any JWT library."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.utils import base64url_decode

if TYPE_CHECKING:
    from tests.local.identity.conftest import Wire

    from keyless.local.server import LocalAzure

API = "api://orders.contoso.example"


def _published(local: LocalAzure, path: str) -> dict[str, Any]:
    answer = requests.get(f"{local.authority_url}/{path}", verify=str(local.ca_file), timeout=10)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_downstream_api_checks_a_token_with_pyjwt(wire: Wire) -> None:
    token = wire.get("app-service", resource=API).json()["access_token"]
    configuration = _published(wire.local, f"{wire.azure.tenant_id}/.well-known/openid-configuration")
    trust = ssl.create_default_context(cafile=wire.local.ca_file)
    key = jwt.PyJWKClient(configuration["jwks_uri"], ssl_context=trust).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=API, issuer=configuration["issuer"])
    system = wire.local.identity("system")
    assert {name: claims[name] for name in ("oid", "sub", "appid", "tid", "idtyp", "xms_mirid", "iss")} == {
        "oid": system.object_id,
        "sub": system.object_id,
        "appid": system.client_id,
        "tid": wire.azure.tenant_id,
        "idtyp": "app",
        "xms_mirid": system.resource_id,
        "iss": f"https://sts.windows.net/{wire.azure.tenant_id}/",
    }
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["RS256"], audience="api://another", issuer=configuration["issuer"])


def test_the_signature_is_that_of_the_published_key(wire: Wire) -> None:
    head, payload, signature = wire.get("imds").json()["access_token"].split(".")
    (published,) = _published(wire.local, f"{wire.azure.tenant_id}/discovery/v2.0/keys")["keys"]
    assert jwt.get_unverified_header(f"{head}.{payload}.{signature}")["kid"] == published["kid"]
    key: Any = jwt.PyJWK(published).key
    key.verify(base64url_decode(signature), f"{head}.{payload}".encode(), PKCS1v15(), SHA256())


@pytest.mark.parametrize("tenant", ["its own", "common", "organizations"])
@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_the_openid_configuration_leads_to_what_the_authority_serves(wire: Wire, tenant: str, version: str) -> None:
    tenant = wire.azure.tenant_id if tenant == "its own" else tenant
    document = _published(wire.local, f"{tenant}{version}/.well-known/openid-configuration")
    assert document["token_endpoint"] == f"{wire.local.authority_url}/{tenant}/oauth2{version}/token"
    keys = _published(wire.local, document["jwks_uri"].removeprefix(f"{wire.local.authority_url}/"))["keys"]
    assert [key["alg"] for key in keys] == ["RS256"]
    assert "d" not in keys[0]


def test_a_tenant_that_there_is_not_has_no_configuration(wire: Wire) -> None:
    url = f"{wire.local.authority_url}/99999999-9999-9999-9999-999999999999/.well-known/openid-configuration"
    answer = requests.get(url, verify=str(wire.local.ca_file), timeout=10)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_the_authority_is_known_as_an_instance(wire: Wire) -> None:
    document = _published(wire.local, "common/discovery/instance?api-version=1.1")
    assert document["tenant_discovery_endpoint"].startswith(f"{wire.local.authority_url}/{wire.azure.tenant_id}/")
    host = wire.local.authority_url.removeprefix("https://")
    assert document["metadata"][0] == {"preferred_network": host, "preferred_cache": host, "aliases": [host]}


def test_the_platform_keeps_a_token_for_each_source_s_lifetime(wire: Wire) -> None:
    first = wire.get("app-service").json()["access_token"]
    wire.local.identity("system").grant("Key Vault Reader", on="contoso-kv")
    assert wire.get("app-service").json()["access_token"] == first
    wire.local.identity("system").revoke("Key Vault Reader", on="contoso-kv")
    assert wire.get("imds").json()["access_token"] == first
    form = {"data": {"resource": "https://vault.azure.net"}, "headers": {"Metadata": "true"}}
    assert wire.post("/oauth2/token", **form).json()["access_token"] != first
