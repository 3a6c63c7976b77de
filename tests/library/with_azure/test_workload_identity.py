"""SecretReader in a pod with workload identity, against the authority and the cluster of the local Azure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from keyless import (
    ConfigurationError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityUnavailableError,
    KeylessError,
    SecretReader,
    SystemAssignedManagedIdentity,
    WorkloadIdentity,
)

if TYPE_CHECKING:
    from tests.scripted import MovedClock

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
GUID = "99999999-9999-9999-9999-999999999999"


@pytest.fixture
def pod(local_azure: LocalAzure, azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process as a pod of the identity reporting, which may read; what leads elsewhere is unset."""
    vault = local_azure.vault("contoso-kv")
    local_azure.identity("reporting").grant("Key Vault Secrets User", on=vault)
    vault.set_secret("db-password", "s3cr3t")
    variables = local_azure.environment(source="workload", identity="reporting")
    for name in azure_environment.keys() - variables.keys():
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_with_nothing_given_a_pod_reads_as_its_workload_identity(local_azure: LocalAzure, pod: dict[str, str]) -> None:
    with SecretReader(URL) as reader:
        assert repr(reader) == f"SecretReader({URL!r}, identity='workload identity client_id={pod['AZURE_CLIENT_ID']}')"
        assert reader.get("db-password").value == "s3cr3t"
    (entry,) = local_azure.journal.entries(operation="getToken")
    assert (entry.source, entry.identity) == ("workload", "reporting")


def test_what_is_given_counts_before_the_variables(
    local_azure: LocalAzure, pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"client_id": "AZURE_CLIENT_ID", "tenant_id": "AZURE_TENANT_ID", "token_file": "AZURE_FEDERATED_TOKEN_FILE"}
    identity = WorkloadIdentity(
        **{option: pod[name] for option, name in names.items()},
        authority_host=pod["AZURE_AUTHORITY_HOST"],
    )
    for name in (*names.values(), "AZURE_AUTHORITY_HOST"):
        monkeypatch.setenv(name, "elsewhere")
    with SecretReader(URL, identity=identity) as reader:
        assert reader.get("db-password").value == "s3cr3t"


async def test_it_reads_in_an_event_loop(pod: dict[str, str]) -> None:
    async with SecretReader(URL) as reader:
        assert (await reader.aget("db-password")).value == "s3cr3t"


def test_variables_that_name_an_endpoint_count_first_and_workload_identity_before_the_metadata_service(
    pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    assert "workload" in repr(SecretReader(URL))
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    assert "system-assigned" in repr(SecretReader(URL))
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    assert "system-assigned" in repr(SecretReader(URL, identity=SystemAssignedManagedIdentity()))
    monkeypatch.setenv("AZURE_CLIENT_ID", " ")
    assert "system-assigned" in repr(SecretReader(URL))


def test_the_file_is_read_again_for_each_token(
    local_azure: LocalAzure, pod: dict[str, str], tmp_path: Path, clock: MovedClock
) -> None:
    original = Path(pod["AZURE_FEDERATED_TOKEN_FILE"]).read_text(encoding="ascii")
    file = tmp_path / "token"
    file.write_text(f"{original}\n", encoding="ascii")
    with SecretReader(URL, identity=WorkloadIdentity(token_file=file), ttl=0, negative_ttl=0, clock=clock) as reader:
        reader.get("db-password")
        file.write_text(_changed(local_azure, original, sub="system:serviceaccount:default:x"), encoding="ascii")
        assert reader.get("db-password").source == "vault"  # With the token in hand.
        reader._refresher._backroom._fetcher.tokens._held.clear()  # type: ignore[union-attr]
        reader._refresher._backroom._fetcher.tokens._asked.forget()  # type: ignore[union-attr]
        with pytest.raises(IdentityRefusedError):
            reader.get("db-password")
        file.write_text(original, encoding="ascii")
        assert reader.get("db-password").value == "s3cr3t"


def _changed(azure: LocalAzure, token: str, **claims: Any) -> str:
    return azure.azure.tokens.sign({**jwt.decode(token, options={"verify_signature": False}), **claims})


@pytest.mark.parametrize(
    ("claims", "code", "cause"),
    [
        ({"sub": "system:serviceaccount:default:x"}, "AADSTS700213", "service account (subject)"),
        ({"iss": "https://elsewhere"}, "AADSTS700211", "another cluster (issuer)"),
        ({"exp": 1}, "AADSTS700024", "has expired"),
    ],
)
def test_a_refusal_keeps_entra_s_code_with_cause_and_remedy(
    local_azure: LocalAzure, pod: dict[str, str], tmp_path: Path, claims: dict[str, Any], code: str, cause: str
) -> None:
    assertion = _changed(local_azure, Path(pod["AZURE_FEDERATED_TOKEN_FILE"]).read_text(encoding="ascii"), **claims)
    file = tmp_path / "token"
    file.write_text(assertion, encoding="ascii")
    error = refused(WorkloadIdentity(token_file=file))
    assert (type(error), error.code, error.status) == (IdentityRefusedError, code, 401)
    assert cause in error.cause
    assert error.remedy
    assert assertion not in f"{error!r}{error}"
    assert error.__cause__ is error.__context__ is None


def refused(identity: WorkloadIdentity, *, timeout: float = 30) -> KeylessError:
    with SecretReader(URL, identity=identity, timeout=timeout) as reader, pytest.raises(KeylessError) as caught:
        reader.get("db-password")
    return caught.value


def test_an_unknown_client_id_and_an_unknown_tenant_are_refused(pod: dict[str, str]) -> None:
    assert refused(WorkloadIdentity(client_id=GUID)).code == "AADSTS700016"
    assert refused(WorkloadIdentity(tenant_id=GUID)).code == "AADSTS90002"


@pytest.mark.parametrize("content", [None, "", "no\u00e4scii"])
def test_a_file_that_cannot_be_read_is_named(pod: dict[str, str], tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    error = refused(WorkloadIdentity(token_file=file))
    assert type(error) is IdentityUnavailableError
    assert str(file) in error.what


def test_an_authority_that_cannot_be_reached_or_is_none_is_told(pod: dict[str, str], local_azure: LocalAzure) -> None:
    error = refused(WorkloadIdentity(authority_host="https://localhost:9"), timeout=5)
    assert type(error) is IdentityUnavailableError
    assert "https://localhost:9 cannot be reached" in error.what


def test_an_authority_that_fails_is_asked_again_and_then_told(local_azure: LocalAzure, pod: dict[str, str]) -> None:
    local_azure.faults.add_named("identity-outage", times=1)
    with SecretReader(URL, timeout=30) as reader:
        assert reader.get("db-password").value == "s3cr3t"
    local_azure.faults.add_named("identity-outage")
    error = refused(WorkloadIdentity(), timeout=5)
    assert type(error) is IdentityServiceError


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"client_id": ""}, "has no client_id"),
        ({"client_id": "reporting"}, "client_id 'reporting'"),
        ({"tenant_id": "../x"}, "tenant_id '../x'"),
        ({"authority_host": "http://login.microsoftonline.com"}, "authority_host 'http:"),
        ({"authority_host": "https://login.microsoftonline.com/x?"}, "authority_host"),
    ],
)
def test_what_cannot_be_is_refused_when_the_reader_is_made(
    pod: dict[str, str], changes: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match="workload identity") as caught:
        SecretReader(URL, identity=WorkloadIdentity(**changes))
    assert says in caught.value.what


def test_without_its_variables_workload_identity_says_what_a_pod_needs(azure_environment: object) -> None:
    with pytest.raises(ConfigurationError, match="has no client_id and no tenant_id and no token_file") as caught:
        SecretReader(URL, identity=WorkloadIdentity())
    assert "`keyless run --source workload -- CMD`" in caught.value.remedy


def test_a_pod_s_program_reads_with_its_environment_alone(local_azure: LocalAzure, pod: dict[str, str]) -> None:
    program = f"from keyless import SecretReader; print(SecretReader({URL!r}).get('db-password').value)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("IDENTITY_", "MSI_"))}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert (done.stdout, done.stderr) == ("s3cr3t\n", "")
