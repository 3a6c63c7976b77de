"""Reading from a vault over real TLS: every answer becomes a Secret or one error, and the token goes nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.remedies import flaw
from tests.scripted import ScriptedEndpoint

from keyless import (
    AccessDeniedError,
    KeylessError,
    ReadErrors,
    SecretDisabledError,
    SecretNotFoundError,
    SecretReader,
    UnexpectedAnswerError,
    VaultAuthenticationError,
    VaultServiceError,
    VaultThrottledError,
    VaultUnreachableError,
)
from keyless._vault.unreachable import no_answer
from keyless._wire.deadline import Deadline
from keyless.doctor import diagnose
from keyless.local.pki.authority import CertificateAuthority, ServerCertificate
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ID = "https://contoso-kv.vault.azure.net/secrets/db/" + "0" * 32
GOOD = {"value": "s3cr3t", "id": ID, "attributes": {"enabled": True, "created": 1571703761, "exp": 2527401600}}
CHALLENGE = 'Bearer authorization="https://login.microsoftonline.com/TENANT", resource="https://vault.azure.net"'
OID = "11111111-2222-3333-4444-555555555555"
RBAC = (
    "Caller is not authorized to perform action on resource.\r\nCaller: appid=a;oid=" + OID + ";iss=b\r\n"
    "Resource: '/subscriptions/s/resourcegroups/rg/providers/microsoft.keyvault/vaults/contoso-kv/secrets/db'\r\n"
)


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
def vault(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app_service: ScriptedEndpoint
) -> Iterator[ScriptedEndpoint]:
    """A scripted server with a vault's certificate, found under every name of a vault, and an identity that works."""
    certificate = authority.issue("*.vault.azure.net", "kv.vault.localhost", "kv.elsewhere.localhost")
    server = ScriptedEndpoint(certificate.server_context())
    resolve = socket.getaddrinfo

    def resolve_to_loopback(host: str, *rest: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(("azure.net", "localhost")) else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_to_loopback)
    roots = tmp_path / "ca.pem"
    roots.write_bytes(authority.root_pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(roots))
    expires_on = str(int(datetime.now(UTC).timestamp()) + 86_400)
    app_service.answer(200, {"access_token": "the-token", "expires_on": expires_on, "token_type": "Bearer"})
    yield server
    server.close()


def reader(vault: ScriptedEndpoint, host: str = "contoso-kv.vault.azure.net", timeout: float = 0.3) -> SecretReader:
    return SecretReader(f"https://{host}:{vault.port}", timeout=timeout)


def test_a_secret_comes_with_its_attributes_and_the_vault_is_asked_once(vault: ScriptedEndpoint) -> None:
    vault.answer(200, {**GOOD, "contentType": "text/plain", "tags": {"a": "b"}, "unknown": 1})
    with reader(vault) as made:
        secret = made.get("db")
    assert (secret.value, secret.name, secret.version) == ("s3cr3t", "db", "0" * 32)
    assert secret.expires_on == datetime(2050, 2, 2, 8, tzinfo=UTC)
    assert (secret.content_type, dict(secret.tags)) == ("text/plain", {"a": "b"})
    [(path, headers)] = vault.requests
    assert path == "/secrets/db?api-version=7.4"
    assert headers["authorization"] == "Bearer the-token"


def error(code: str, message: str = "text", inner: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message}
    return {"error": {**body, "innererror": {"code": inner}} if inner else body}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "said"),
    [
        (403, error("Forbidden", RBAC, "ForbiddenByRbac"), AccessDeniedError, "ForbiddenByRbac", f"object-id {OID}"),
        (403, error("Forbidden", "The user ...", "AccessDenied"), AccessDeniedError, "AccessDenied", "set-policy"),
        (403, error("Forbidden", "x", "ForbiddenByPolicy"), AccessDeniedError, "ForbiddenByPolicy", "set-policy"),
        (403, error("Forbidden", "x\r\nClient address: 203.0.113.7", "ForbiddenByFirewall"), AccessDeniedError,
         "ForbiddenByFirewall", "--ip-address 203.0.113.7"),
        (403, error("Forbidden", "x", "ForbiddenByConnection"), AccessDeniedError, "ForbiddenByConnection", "private DNS"),
        (403, error("Forbidden", "The request was forbidden by NSP policy.", "ForbiddenByNsp"), AccessDeniedError,
         "ForbiddenByNsp", "az network perimeter profile access-rule create"),
        (403, error("Forbidden", "x", "ForbiddenByTide"), AccessDeniedError, "ForbiddenByTide", "own words"),
        (403, error("Forbidden", "x"), AccessDeniedError, "Forbidden", "own words"),
        (403, error("Forbidden", "Caller was not found on any access policy."), AccessDeniedError, "Forbidden", "set-policy"),
        (403, error("Forbidden", "x", "SecretDisabled"), SecretDisabledError, "SecretDisabled", "--enabled true"),
        (404, error("SecretNotFound"), SecretNotFoundError, "SecretNotFound", "az keyvault secret list"),
        (401, error("Unauthorized", "AKV10032: Invalid issuer."), VaultAuthenticationError, "Unauthorized", "tenant TENANT"),
        (401, error("Unauthorized", "AKV10022: Invalid audience."), VaultAuthenticationError, "Unauthorized", "suffix"),
        (401, error("Unauthorized", "other"), VaultAuthenticationError, "Unauthorized", "clock"),
        (400, error("BadParameter"), UnexpectedAnswerError, "BadParameter", "own words"),
        (429, error("Throttled"), VaultThrottledError, "Throttled", "one SecretReader"),
        (429, "", VaultThrottledError, None, "one SecretReader"),
        (500, error("InternalError"), VaultServiceError, "InternalError", "health"),
        (503, "<html>", VaultServiceError, None, "health"),
        (200, "<html>Sign in</html>", VaultUnreachableError, None, "HTTPS_PROXY"),
        (200, {"value": 1, "id": ID}, VaultUnreachableError, None, "HTTPS_PROXY"),
        (200, {"value": "x", "id": "nonsense"}, VaultUnreachableError, None, "HTTPS_PROXY"),
        (403, "<html>Blocked</html>", VaultUnreachableError, None, "HTTPS_PROXY"),
        (404, "[]", VaultUnreachableError, None, "HTTPS_PROXY"),
        (302, "", VaultUnreachableError, None, "HTTPS_PROXY"),
        (204, "", VaultUnreachableError, None, "HTTPS_PROXY"),
    ],
)  # fmt: skip
def test_every_answer_becomes_one_error_with_its_literal_code_and_a_remedy(
    vault: ScriptedEndpoint, status: int, body: Any, kind: type[KeylessError], code: str | None, said: str
) -> None:
    vault.answer(status, body, Location="https://127.0.0.1/", WWW_Authenticate=CHALLENGE)
    seconds = 0.3 if kind.retryable else 10.0  # What would be tried again is over at once, and no other needs its time.
    with reader(vault, timeout=seconds) as made, pytest.raises(KeylessError) as info:
        made.get("db")
    assert (type(info.value), info.value.code, info.value.status) == (kind, code, status)
    assert said in f"{info.value.cause} {info.value.remedy}"


@pytest.mark.parametrize("inner", ["ForbiddenByNsp", "ForbiddenByTide", None])
def test_a_denial_that_no_policy_brings_about_gets_no_command_for_policies(
    vault: ScriptedEndpoint, inner: str | None
) -> None:
    vault.answer(403, error("Forbidden", "The request was forbidden.", inner))
    with reader(vault) as made, pytest.raises(AccessDeniedError) as info:
        made.get("db")
    assert "set-policy" not in f"{info.value.cause} {info.value.remedy}"
    assert ("`az " in info.value.remedy) is (inner == "ForbiddenByNsp")


def test_a_passing_failure_is_asked_again_and_a_wait_that_the_vault_asks_for_is_kept(vault: ScriptedEndpoint) -> None:
    vault.answer(503)
    vault.answer(429, Retry_After="1")
    vault.answer(200, GOOD)
    with reader(vault, timeout=10) as made:
        assert made.get("db").value == "s3cr3t"
    assert len(vault.requests) == 3


def test_a_refused_token_is_replaced_once_and_its_claims_are_passed_on(
    vault: ScriptedEndpoint, app_service: ScriptedEndpoint
) -> None:
    vault.answer(
        401, error("Unauthorized"), WWW_Authenticate=CHALLENGE + ', error="insufficient_claims", claims="e30="'
    )
    vault.answer(200, GOOD)
    with reader(vault) as made:
        assert made.get("db").value == "s3cr3t"
    assert (len(vault.requests), len(app_service.requests)) == (2, 2)


def test_a_password_in_netrc_does_not_replace_the_token(
    vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login someone password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    vault.answer(200, GOOD)
    with reader(vault) as made:
        made.get("db")
    assert vault.requests[0][1]["authorization"] == "Bearer the-token"


def test_a_redirect_is_not_followed_with_the_token(vault: ScriptedEndpoint, endpoint: ScriptedEndpoint) -> None:
    vault.answer(307, "", Location=f"{endpoint.url}/stolen")
    with reader(vault) as made, pytest.raises(VaultUnreachableError, match="answered 307"):
        made.get("db")
    assert all("stolen" not in path for path, _ in endpoint.requests)


def test_a_host_of_no_known_cloud_is_asked_what_it_wants_and_gets_a_token_for_its_own_domain(
    vault: ScriptedEndpoint, app_service: ScriptedEndpoint
) -> None:
    vault.answer(
        401,
        error("Unauthorized"),
        WWW_Authenticate='Bearer authorization="https://login/T", resource="https://vault.localhost"',
    )
    vault.answer(200, {**GOOD, "id": ID.replace("contoso-kv.vault.azure.net", "kv.vault.localhost")})
    with reader(vault, "kv.vault.localhost") as made:
        assert made.get("db").value == "s3cr3t"
    assert "authorization" not in vault.requests[0][1]
    assert "resource=https%3A%2F%2Fvault.localhost" in app_service.requests[0][0]


@pytest.mark.parametrize(
    "challenge",
    [CHALLENGE, 'Bearer authorization="https://login/T", resource="https://localhost"', "Basic realm=x", ""],
)
def test_a_stranger_who_asks_for_another_hosts_token_gets_none(
    vault: ScriptedEndpoint, app_service: ScriptedEndpoint, challenge: str
) -> None:
    vault.answer(401, error("Unauthorized"), WWW_Authenticate=challenge)
    with (
        reader(vault, "kv.elsewhere.localhost") as made,
        pytest.raises(VaultAuthenticationError, match="is not a vault"),
    ):
        made.get("db")
    assert app_service.requests == []


@pytest.mark.parametrize("challenge", [CHALLENGE, "Basic realm=x"])
def test_the_doctor_shows_a_stranger_no_token_either(vault: ScriptedEndpoint, challenge: str) -> None:
    vault.answer(401, error("Unauthorized"), WWW_Authenticate=challenge)
    report = diagnose(vault_url=f"https://kv.elsewhere.localhost:{vault.port}", secret="db")
    assert report.problem is not None
    assert (report.problem.check, report.problem.code) == ("audience", "KL-302")
    assert vault.requests
    assert all("authorization" not in headers for _, headers in vault.requests)


def test_the_doctor_asks_for_the_token_that_a_vault_of_an_unknown_cloud_wants(
    vault: ScriptedEndpoint, app_service: ScriptedEndpoint
) -> None:
    wanted = 'Bearer authorization="https://login/T", resource="https://vault.localhost"'
    vault.answer(401, error("Unauthorized"), WWW_Authenticate=wanted)
    vault.answer(200, {**GOOD, "id": ID.replace("contoso-kv.vault.azure.net", "kv.vault.localhost")})
    report = diagnose(vault_url=f"https://kv.vault.localhost:{vault.port}", secret="db")
    assert report.healthy
    assert "resource=https%3A%2F%2Fvault.localhost" in app_service.requests[-1][0]


def test_a_host_that_gives_secrets_to_anybody_is_no_vault(vault: ScriptedEndpoint) -> None:
    vault.answer(200, {**GOOD, "id": ID.replace("contoso-kv.vault.azure.net", "kv.vault.localhost")})
    with (
        reader(vault, "kv.vault.localhost") as made,
        pytest.raises(VaultUnreachableError, match="without asking for a token"),
    ):
        made.get("db")


def test_a_certificate_that_is_not_trusted_is_told_at_once(
    vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    vault.answer(200, GOOD)
    with reader(vault, timeout=30) as made, pytest.raises(VaultUnreachableError, match="not trusted") as info:
        made.get("db")
    assert "REQUESTS_CA_BUNDLE" in info.value.remedy
    assert vault.requests == []


def test_a_name_that_does_not_resolve_is_told_at_once(vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with reader(vault, timeout=30) as made:
        made.credential.get_token("https://vault.azure.net/.default")
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(VaultUnreachableError, match="does not resolve") as info:
            made.get("db")
    assert "az keyvault list" in info.value.remedy


def test_a_vault_that_never_answers_ends_at_the_deadline(vault: ScriptedEndpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://contoso-kv.vault.azure.net:{silent.getsockname()[1]}"
        with SecretReader(url, timeout=0.2) as made, pytest.raises(KeylessError) as info:
            made.get("db")
    assert isinstance(info.value, TimeoutError)


def test_a_ca_bundle_that_is_not_there_is_told_and_lets_the_old_value_be_served(
    vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.answer(200, GOOD)
    with reader(vault, timeout=10) as made:
        made.get("db")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
        made.invalidate("db")
        assert made.get("db").source == "stale"
    with (
        reader(vault, timeout=10) as made,
        pytest.raises(VaultUnreachableError, match="CA bundle cannot be read") as info,
    ):
        made.get("db")
    assert "REQUESTS_CA_BUNDLE" in info.value.cause


def test_many_connections_read_the_ca_bundle_once(vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    load, loads = ssl.SSLContext.load_verify_locations, []

    def count(context: ssl.SSLContext, *locations: Any, **named: Any) -> None:
        loads.append(locations)
        load(context, *locations, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    vault.answer(404, error("SecretNotFound"), Connection="close")
    with reader(vault, timeout=10) as made, pytest.raises(ReadErrors):
        made.get_many(["a", "b", "c", "d"])
    assert vault.connections in {4, 5}, "one for each read, and the one that is opened while the token is on its way"
    assert len(loads) == 1


def test_a_ca_bundle_that_trusts_the_vault_no_more_bites_at_the_next_read(
    vault: ScriptedEndpoint, tmp_path: Path
) -> None:
    vault.answer(200, GOOD)
    with reader(vault, timeout=10) as made:
        made.get("db")
        (tmp_path / "ca.pem").write_bytes(CertificateAuthority().root_pem)
        with pytest.raises(VaultUnreachableError, match="not trusted"):
            made.get("another")
    assert len(vault.requests) == 1


def test_a_ca_bundle_without_a_certificate_is_told(vault: ScriptedEndpoint, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with reader(vault, timeout=10) as made, pytest.raises(VaultUnreachableError, match="CA bundle cannot be read"):
        made.get("db")


def test_a_folder_may_hold_the_certificates(
    vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "folder"))
    with reader(vault, timeout=10) as made, pytest.raises(VaultUnreachableError, match="not trusted"):
        made.get("db")


def test_the_ca_bundle_vouches_for_a_proxy_that_speaks_tls_too(
    vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"https://kv.vault.localhost:{vault.port}")
    with reader(vault, timeout=10) as made, pytest.raises(VaultUnreachableError, match="501"):
        made.get("db")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "////"])
def test_a_proxy_that_is_none_is_told(vault: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with reader(vault, timeout=10) as made, pytest.raises(VaultUnreachableError, match="HTTPS_PROXY"):
        made.get("db")


def test_a_peer_that_hangs_up_in_the_handshake_is_not_called_untrusted(vault: ScriptedEndpoint) -> None:
    def hang_up(listener: socket.socket) -> None:
        for _ in range(4):
            with suppress(OSError):
                listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,), daemon=True)
        thread.start()
        url = f"https://contoso-kv.vault.azure.net:{listener.getsockname()[1]}"
        with SecretReader(url, timeout=30) as made, pytest.raises(VaultUnreachableError) as info:
            made.get("db")
    assert "not trusted" not in info.value.what


def test_an_invalidated_value_is_served_stale_by_all_who_ask_during_an_outage(vault: ScriptedEndpoint) -> None:
    vault.answer(200, GOOD)
    with reader(vault, timeout=10) as made:
        secret = made.get("db")
        vault.answers[:] = []
        vault.answer(503)
        before, barrier, seen = len(vault.requests), threading.Barrier(8), []

        def reject() -> None:
            barrier.wait()
            made.invalidate(secret)
            seen.append(made.get("db").source)

        threads = [threading.Thread(target=reject) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == ["stale"] * 8
    assert len(vault.requests) - before == 1


@pytest.mark.parametrize(
    "said",
    [
        "Missing Authority Key Identifier",
        "Missing Subject Key Identifier",
        "CA cert does not include key usage extension",
        "Basic Constraints of CA cert not marked critical",
        "Path length given without key usage keyCertSign",
    ],
)
def test_a_certificate_that_strict_checks_refuse_is_not_one_that_nobody_trusts(said: str) -> None:
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {said} (_ssl.c:1018)"
    problem = requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, text))
    error = no_answer(SecretId.parse(ID), problem, Deadline.after(10, time.monotonic))
    assert f"does not pass the strict checks of X.509 ({said})" in error.what
    assert "REQUESTS_CA_BUNDLE" not in str(error)
    assert flaw(error.remedy) is None


def test_openssl_says_so_of_a_certificate_without_the_key_identifier_of_its_authority(
    authority: CertificateAuthority,
) -> None:
    company, leaf = authority._certificate, ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(company.subject)
        .public_key(leaf.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(authority._key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_pem = leaf.private_bytes(pem, private, serialization.NoEncryption())
    server = ServerCertificate(made.public_bytes(pem) + company.public_bytes(pem), key_pem).server_context()
    context = ssl.create_default_context(cadata=authority.root_pem.decode())
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    with suppress(ssl.SSLWantReadError):
        client_side.do_handshake()
    with suppress(ssl.SSLWantReadError):
        server_side.do_handshake()
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        client_side.do_handshake()
    problem = requests.exceptions.SSLError(caught.value)
    error = no_answer(SecretId.parse(ID), problem, Deadline.after(10, time.monotonic))
    assert "strict checks of X.509" in error.what
