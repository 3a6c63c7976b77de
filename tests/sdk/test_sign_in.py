"""Applications sign in with the official clients, unmodified: by a secret, a certificate or another issuer's token."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

from keyless.local.azure.config.config import load_config
from keyless.local.azure.identities.directory import Group
from keyless.local.azure.management.identities import put_credential
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from azure.core.credentials import TokenCredential

VAULT_URL = "https://contoso-kv.vault.azure.net"
SCOPE = "https://vault.azure.net/.default"
SECRET = "an-application-s-secret"
GITHUB = "https://token.actions.githubusercontent.com"
BRANCH = "repo:contoso/app:ref:refs/heads/main"


class Signer:
    """A key with a certificate, and the same as the key of another issuer."""

    def __init__(self, folder: Path, name: str) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self.key, hashes.SHA256())
        )
        self.private_pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.public_pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.private_pem + self.public_pem)
        (folder / f"{name}.crt").write_bytes(self.public_pem)
        jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        (folder / f"{name}.jwks").write_text(json.dumps({"keys": [{**jwk, "kid": name, "use": "sig"}]}), "utf-8")
        self.name = name

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex()

    def token(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": GITHUB, "sub": BRANCH, "aud": "api://AzureADTokenExchange", "iat": now, "exp": now + 600}
        return jwt.encode({**claims, **changes}, self.key, algorithm="RS256", headers={"kid": self.name})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sign-in")


@pytest.fixture(scope="module")
def known(folder: Path) -> Signer:
    return Signer(folder, "known")


@pytest.fixture(scope="module")
def running(folder: Path, known: Signer) -> Iterator[LocalAzure]:
    (folder / "keyless.toml").write_text(
        f"""
[vaults.contoso-kv.secrets]
db-password = "the-value"

[vaults.policies-kv]
access = "policies"
secrets = {{ db-password = "by-policy" }}

[applications.ci]
secret = "{SECRET}"
certificate = "known.crt"
federated = [
    {{ issuer = "{GITHUB}", subject = "{BRANCH}", keys = "known.jwks" }},
    {{ issuer = "https://gitlab.example", subject = "project" }},
]
roles = {{ contoso-kv = "Key Vault Secrets User" }}

[applications.member]
secret = "{SECRET}"
groups = "ops"

[identities.system]

[identities.reporting]
groups = ["ops"]

[groups.ops]
roles = {{ contoso-kv = "Key Vault Secrets User" }}
""",
        "utf-8",
    )
    with LocalAzure(load_config(folder / "keyless.toml")) as local:
        yield local


@pytest.fixture
def local(running: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAzure]:
    """The local Azure, with this process led to it."""
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    before = len(running.journal.entries())
    yield running
    for entry in running.journal.entries()[before:]:
        assert SECRET not in repr(entry)


@pytest.fixture
def ids(local: LocalAzure) -> dict[str, str]:
    return {"tenant_id": local.azure.tenant_id, "client_id": local.azure.directory.application("ci").client_id}


@contextmanager
def read_by(credential: TokenCredential) -> Iterator[str]:
    with SecretClient(VAULT_URL, credential) as client:
        yield client.get_secret("db-password").value or ""


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_a_client_secret_reads_the_vault_and_the_journal_names_the_application(
    local: LocalAzure, ids: dict[str, str]
) -> None:
    with read_by(ClientSecretCredential(**ids, client_secret=SECRET)) as value:
        assert value == "the-value"
    token, read = (local.journal.entries(service=service)[-1] for service in ("identity", "vault"))
    assert (token.operation, token.identity, token.source) == ("getToken", "ci", None)
    assert token.reason == "ci has shown its secret."
    assert (read.operation, read.identity) == ("getSecret", "ci")


def test_the_token_says_how_the_application_signed_in(local: LocalAzure, ids: dict[str, str], known: Signer) -> None:
    by_secret = ClientSecretCredential(**ids, client_secret=SECRET).get_token(SCOPE)
    by_certificate = CertificateCredential(**ids, certificate_path=str(known.file)).get_token(SCOPE)
    application = local.azure.directory.application("ci")
    for token, method in ((by_secret, "1"), (by_certificate, "2")):
        claims = claims_of(token.token)
        assert (claims["aud"], claims["idtyp"], claims["appidacr"]) == ("https://vault.azure.net", "app", method)
        assert (claims["appid"], claims["oid"]) == (application.client_id, application.object_id)
        assert "xms_mirid" not in claims
        assert 3_500 < token.expires_on - time.time() <= 3_600


@pytest.mark.parametrize("send_certificate_chain", [False, True])
def test_a_certificate_reads_the_vault(ids: dict[str, str], known: Signer, *, send_certificate_chain: bool) -> None:
    credential = CertificateCredential(
        **ids, certificate_data=known.file.read_bytes(), send_certificate_chain=send_certificate_chain
    )
    with read_by(credential) as value:
        assert value == "the-value"


def test_the_variables_of_an_application_read_the_vault(
    ids: dict[str, str], known: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", ids["tenant_id"])
    monkeypatch.setenv("AZURE_CLIENT_ID", ids["client_id"])
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    for credential in (EnvironmentCredential(), DefaultAzureCredential()):
        with read_by(credential) as value:
            assert value == "the-value"
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(known.file))
    with read_by(EnvironmentCredential()) as value:
        assert value == "the-value"


def test_a_pod_of_an_application_reads_the_vault(local: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in local.environment(source="workload", identity="ci").items():
        monkeypatch.setenv(name, value)
    with read_by(WorkloadIdentityCredential()) as value:
        assert value == "the-value"


@pytest.mark.parametrize("issuer", ["theirs", "ours"])
def test_a_federated_token_reads_the_vault(local: LocalAzure, ids: dict[str, str], known: Signer, issuer: str) -> None:
    def assertion() -> str:
        if issuer == "theirs":
            return known.token()
        now = int(local.clock.now())
        claims = {"iss": "https://gitlab.example", "sub": "project", "aud": ["api://AzureADTokenExchange"]}
        return local.azure.tokens.sign({**claims, "nbf": now, "exp": now + 60})

    with read_by(ClientAssertionCredential(**ids, func=assertion)) as value:
        assert value == "the-value"


ASYNC_PROGRAM = """
import asyncio, sys
from azure.identity.aio import (
    CertificateCredential, ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential, WorkloadIdentityCredential
)
from azure.keyvault.secrets.aio import SecretClient
way, tenant, client_id, secret, file = sys.argv[1:]
made = {
    "secret": lambda: ClientSecretCredential(tenant, client_id, secret),
    "certificate": lambda: CertificateCredential(tenant, client_id, file),
    "environment": EnvironmentCredential,
    "default": DefaultAzureCredential,
    "workload": WorkloadIdentityCredential,
}
async def main():
    async with made[way]() as credential, SecretClient("https://contoso-kv.vault.azure.net", credential) as client:
        print((await client.get_secret("db-password")).value)
asyncio.run(main())
"""


@pytest.mark.parametrize("way", ["secret", "certificate", "environment", "default", "workload"])
def test_the_asynchronous_clients_read_the_vault(
    local: LocalAzure, ids: dict[str, str], known: Signer, way: str
) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in IDENTITY_VARIABLES}
    source = {"workload": "workload"}.get(way, "app-service")
    environment = {**kept, **local.environment(source=source, identity="ci" if way == "workload" else True)}
    if way in {"environment", "default"}:
        names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
        environment |= dict(zip(names, (*ids.values(), SECRET), strict=True))
    done = subprocess.run(
        [sys.executable, "-c", ASYNC_PROGRAM, way, *ids.values(), SECRET, str(known.file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "the-value", done.stderr
    assert local.journal.entries(service="vault")[-1].identity == "ci"


@pytest.mark.parametrize("way", ["secret", "certificate", "thumbprint"])
def test_msal_s_confidential_client_gets_a_token_and_keeps_it(
    local: LocalAzure, ids: dict[str, str], known: Signer, way: str
) -> None:
    private = known.private_pem.decode()
    shown: Any = {
        "secret": SECRET,
        "certificate": {"private_key": private, "public_certificate": known.public_pem.decode()},
        "thumbprint": {"private_key": private, "thumbprint": known.thumbprint},
    }[way]
    authority = f"https://login.microsoftonline.com/{ids['tenant_id']}"
    client = msal.ConfidentialClientApplication(ids["client_id"], authority=authority, client_credential=shown)
    before = local.journal.count(operation="getToken")
    first, second = (client.acquire_token_for_client(scopes=[SCOPE]) for _ in range(2))
    assert (first["token_source"], second["token_source"]) == ("identity_provider", "cache")
    assert claims_of(first["access_token"])["appid"] == ids["client_id"]
    assert local.journal.count(operation="getToken") == before + 1


@pytest.mark.parametrize(
    "host", ["login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn"]
)
def test_the_sign_in_hosts_of_other_clouds_give_tokens(ids: dict[str, str], host: str) -> None:
    token = ClientSecretCredential(**ids, client_secret=SECRET, authority=host).get_token(SCOPE)
    assert claims_of(token.token)["appid"] == ids["client_id"]


def refused(credential: TokenCredential) -> str:
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(SCOPE)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_a_wrong_secret_is_refused_in_entra_s_words_and_stays_out_of_the_logs(
    ids: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        said = refused(ClientSecretCredential(**ids, client_secret="a-wrong-one"))
    assert "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent" in said
    assert f"for a secret added to app '{ids['client_id']}'" in said


def test_a_secret_that_has_ended_is_refused_in_entra_s_words(local: LocalAzure, ids: dict[str, str]) -> None:
    short = local.azure.directory.application("ci").add_secret(expires_on=local.clock.now() - 1)
    assert "AADSTS7000222: The provided client secret keys for app" in refused(
        ClientSecretCredential(**ids, client_secret=short)
    )


def test_a_certificate_that_is_not_the_application_s_is_refused_with_its_thumbprint(
    ids: dict[str, str], tmp_path: Path
) -> None:
    stranger = Signer(tmp_path, "stranger")
    said = refused(CertificateCredential(**ids, certificate_path=str(stranger.file)))
    assert "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered" in said
    assert f"Thumbprint of key used by client: '{stranger.thumbprint.upper()}'" in said


def test_who_is_not_in_the_tenant_is_refused(ids: dict[str, str]) -> None:
    nobody = "99999999-9999-9999-9999-999999999999"
    assert "AADSTS700016" in refused(ClientSecretCredential(ids["tenant_id"], nobody, SECRET))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://elsewhere"}, 700211),
        ({"aud": "api://elsewhere"}, 700212),
        ({"sub": "repo:contoso/app:ref:refs/heads/other"}, 700213),
        ({"exp": 1}, 700024),
        ({"aud": 3}, 50027),
    ],
)
def test_a_federated_token_that_differs_is_refused_with_what_differs(
    ids: dict[str, str], known: Signer, changes: dict[str, Any], code: int
) -> None:
    said = refused(ClientAssertionCredential(**ids, func=lambda: known.token(**changes)))
    assert f"AADSTS{code}:" in said


def test_a_federated_token_of_another_key_is_refused(local: LocalAzure, ids: dict[str, str], tmp_path: Path) -> None:
    stranger = Signer(tmp_path, "known")  # It names the same key, and has another.
    assert "AADSTS50013" in refused(ClientAssertionCredential(**ids, func=stranger.token))
    now = int(local.clock.now())
    claims = {"iss": GITHUB, "sub": BRANCH, "aud": "api://AzureADTokenExchange", "nbf": now, "exp": now + 60}
    ours = local.azure.tokens.sign({**claims})  # The local Azure does not sign for an issuer whose keys are known.
    assert "AADSTS700211" in refused(ClientAssertionCredential(**ids, func=lambda: ours))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": "another"}, 700021),
        ({"aud": "https://elsewhere/"}, 700023),
        ({"aud": "https://["}, 700023),
        ({"exp": 1}, 700024),
    ],
)
def test_a_statement_signed_with_the_certificate_must_be_about_this_application_and_authority(
    local: LocalAzure, ids: dict[str, str], known: Signer, changes: dict[str, Any], code: int
) -> None:
    now, at = int(time.time()), f"https://login.microsoftonline.com/{ids['tenant_id']}/v2.0"
    claims = {"iss": ids["client_id"], "sub": ids["client_id"], "aud": at, "exp": now + 60, **changes}
    digest = known.certificate.fingerprint(hashes.SHA256())
    header = {"x5t#S256": jwt.utils.base64url_encode(digest).decode()}
    assertion = jwt.encode(claims, known.key, algorithm="PS256", headers=header)
    answer = ask_token(local, ids, client_assertion=assertion, client_assertion_type=JWT_BEARER, scope=SCOPE)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [code])


JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def ask_token(local: LocalAzure, ids: dict[str, str], *, version: str = "/v2.0", **fields: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": ids["client_id"], **fields}
    url = f"{local.authority_url}/{ids['tenant_id']}/oauth2{version}/token"
    return requests.post(url, data=form, verify=str(local.ca_file), timeout=10)


def test_the_endpoint_of_version_1_takes_a_resource_and_answers_in_texts(
    local: LocalAzure, ids: dict[str, str]
) -> None:
    answer = ask_token(local, ids, version="", resource="https://vault.azure.net", client_secret=SECRET)
    body = answer.json()
    assert set(body) == {
        *("token_type", "expires_in", "ext_expires_in", "expires_on", "not_before", "resource", "access_token"),
    }
    assert all(isinstance(value, str) for value in body.values())
    assert claims_of(body["access_token"])["aud"] == body["resource"] == "https://vault.azure.net"
    assert ask_token(local, ids, version="", client_secret=SECRET).json()["error_codes"] == [900144]


def test_a_client_may_show_its_secret_in_the_header(local: LocalAzure, ids: dict[str, str]) -> None:
    url = f"{local.authority_url}/{ids['tenant_id']}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    for secret, status in ((SECRET, 200), ("wrong", 401)):
        basic = (ids["client_id"], secret)
        assert requests.post(url, data=form, auth=basic, verify=str(local.ca_file), timeout=10).status_code == status


def test_a_managed_identity_has_no_secret(local: LocalAzure, ids: dict[str, str]) -> None:
    client_id = local.identity("reporting").client_id
    answer = ask_token(local, {**ids, "client_id": client_id}, scope=SCOPE, client_secret=SECRET)
    assert answer.json()["error_codes"] == [7000215]


def test_a_member_of_a_group_has_what_the_group_has(local: LocalAzure, ids: dict[str, str]) -> None:
    member = local.azure.directory.application("member")
    credential = ClientSecretCredential(ids["tenant_id"], member.client_id, SECRET)
    with read_by(credential) as value:
        assert value == "the-value"
    local.azure.directory.remove_member(local.azure.directory.group("ops"), member)
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac"), read_by(credential):
        pass
    local.azure.directory.add_member(local.azure.directory.group("ops"), member)


def test_a_group_s_access_policy_is_its_members_too(local: LocalAzure, ids: dict[str, str]) -> None:
    directory, vault = local.azure.directory, local.vault("policies-kv")
    member = directory.application("member")
    credential = ClientSecretCredential(ids["tenant_id"], member.client_id, SECRET)
    with SecretClient(vault.url, credential) as client:
        with pytest.raises(HttpResponseError, match="Caller was not found on any access policy"):
            client.get_secret("db-password")
        vault.set_policy(directory.group("ops"), ["get"])
        assert client.get_secret("db-password").value == "by-policy"


def test_a_group_in_a_group_has_what_that_one_has(local: LocalAzure) -> None:
    directory = local.azure.directory
    inner = directory.add_group(
        Group("inner", object_id=None, role_assignments=local.azure.role_assignments, scope=local.azure.scope)
    )
    ops, system = directory.group("ops"), local.identity("system")
    directory.add_member(inner, system)
    directory.add_member(ops, inner)
    directory.add_member(inner, ops)  # Groups can be in each other.
    assert set(directory.groups_of(system.object_id)) == {inner.object_id, ops.object_id}
    directory.remove(inner)
    assert directory.groups_of(system.object_id) == ()


def test_no_representation_shows_a_secret(local: LocalAzure) -> None:
    application = local.azure.directory.application("ci")
    assert len(application.secrets) >= 1
    for shown in (application, application.secrets, local._config.applications["ci"], local._config):
        assert SECRET not in repr(shown)


def test_an_identity_trusts_whom_the_management_plane_says(local: LocalAzure, ids: dict[str, str]) -> None:
    reporting, now = local.identity("reporting"), int(local.clock.now())
    claims = {"iss": GITHUB, "sub": BRANCH, "aud": "api://AzureADTokenExchange", "nbf": now, "exp": now + 60}
    assertion = local.azure.tokens.sign({**claims})
    credential = ClientAssertionCredential(ids["tenant_id"], reporting.client_id, lambda: assertion)
    assert "AADSTS700211" in refused(credential)
    trusted = {"issuer": GITHUB, "subject": BRANCH, "audiences": ["api://AzureADTokenExchange"]}
    put_credential(local.azure, reporting, "github", {"properties": trusted})
    assert claims_of(credential.get_token(SCOPE).token)["oid"] == reporting.object_id
