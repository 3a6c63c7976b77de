"""The certificates of a vault against Microsoft's specification of them: whatever it allows to be asked, and more.

https://github.com/Azure/azure-rest-api-specs (specification/keyvault/data-plane/Certificates). It is no part of this
project: it is looked for beside the repository.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.local.test_spec import ABSENT, API_VERSIONS, CHECKS, EXAMPLES, FILE, VERSIONS, specification

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate
from keyless.local.azure.keyvault.keys.material import make_key
from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.vault import Vault

SPEC = FILE.parent / "certificates-2026-04-01.swagger.json"
OPERATIONS = 27
NAMES = st.sampled_from([None, "web", "waiting"])
POLICY = {"key_props": {"kty": "EC"}, "x509_props": {"subject": "CN=contoso.com"}}
LISTS = ("CertificateListResult", "DeletedCertificateListResult", "CertificateIssuerListResult")
# The authority that issues what is to be merged: whose it is matters to nobody.
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])


def _operations() -> list[Any]:
    if not SPEC.exists():
        return [pytest.param(None, id="NO-SPECIFICATION-FOUND")]
    schema = schemathesis.openapi.from_dict(specification(SPEC, LISTS))
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(found) == OPERATIONS
    return [pytest.param(each, id=f"{each.method.upper()} {each.path}") for each in found]


def _put_into_state(vault: Vault, name: str, *, deleted: bool) -> None:
    certificates = vault.certificates
    if certificates.state_of(name) is ObjectState.ABSENT:
        issuer = {"name": "Self" if name == "web" else "Unknown"}
        certificates.create(name, {**POLICY, "issuer": issuer}, WantedCertificate())
    if deleted and certificates.find(name):
        certificates.delete(name)
    if not deleted and certificates.find_deleted(name):
        certificates.recover(name)


def _merged(vault: Vault) -> dict[str, Any]:
    """Return a body that completes the order of the certificate that waits."""
    ordered = vault.certificates.operation("waiting")
    if ordered is None or ordered.status(vault.certificates.now()) != "inProgress":
        vault.certificates.forget_operation("waiting")
        ordered = vault.certificates.create("waiting", {**POLICY, "issuer": {"name": "Unknown"}}, WantedCertificate())
    request = x509.load_der_x509_csr(base64.b64decode(ordered.csr))
    builder = x509.CertificateBuilder(NAME, request.subject, request.public_key(), 7, *_times(vault))
    issued = builder.sign(make_key("EC"), hashes.SHA256())
    return {"x5c": [base64.b64encode(issued.public_bytes(Encoding.DER)).decode()]}


def _times(vault: Vault) -> tuple[Any, Any]:
    made = vault.certificates.find("brought")
    assert made is not None
    leaf = x509.load_der_x509_certificate(base64.b64decode(made.facts["cer"]))
    return leaf.not_valid_before_utc, leaf.not_valid_after_utc


def _good_bodies(vault: Vault) -> dict[str, Any]:
    """Return bodies that succeed, where a generator would not find one."""
    vault.create_certificate("backed-up", "CN=a", policy={"key_props": {"kty": "EC"}})
    vault.create_certificate("brought", "CN=a", policy={"key_props": {"kty": "EC"}})
    vault.certificates.records.set_issuer("public-ca", {"provider": "Test"}, now=1)
    vault.certificates.records.set_contacts({"contacts": []})
    backup = to_base64url(vault.certificates.backup("backed-up"))
    vault.certificates.delete("backed-up")
    vault.certificates.purge("backed-up")
    return {
        "/certificates/restore": {"value": backup},
        "create": {"policy": {**POLICY, "issuer": {"name": "Self"}}},
        "import": {"value": vault.get_secret("brought").value},
        "pending": {"cancellation_requested": True},
        "policy": {"key_props": {"kty": "EC", "crv": "P-256"}},
        "{issuer-name}": {"provider": "Test"},
        "{certificate-version}": {"attributes": {"enabled": True}},
        "contacts": {"contacts": [{"email": "a@contoso.com"}]},
    }


@pytest.mark.parametrize("operation", _operations())
def test_every_answer_about_certificates_is_one_that_the_specification_has(operation: Any, serve: Serve) -> None:
    if operation is None:
        pytest.skip(ABSENT.replace("secrets-", "certificates-"))
    azure = Azure(Config())
    delays = VaultSettings(deletion_seconds=0, recovery_seconds=0, issuance_seconds=0)
    vault = azure.add_vault("spec-kv", delays)
    azure.add_identity("system").grant("Key Vault Administrator", on=vault)
    address, statuses = serve(vault_app(azure)), set()
    bodies = _good_bodies(vault)
    last = operation.path.rpartition("/")[2]

    @settings(
        max_examples=-(-EXAMPLES // OPERATIONS),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(operation.as_strategy(), NAMES, VERSIONS, API_VERSIONS, st.booleans(), st.booleans())
    def ask(
        case: Any,
        name: str | None,
        version: str | None,
        api_version: str | None,
        deleted: bool,  # noqa: FBT001 (drawn)
        helped: bool,  # noqa: FBT001 (drawn)
    ) -> None:
        if name is not None and "certificate-name" in case.path_parameters:
            name = "waiting" if "pending" in case.path and helped else name
            case.path_parameters["certificate-name"] = name
            _put_into_state(vault, name, deleted=deleted and not (helped and "deleted" not in case.path))
        if "issuer-name" in case.path_parameters and helped:
            case.path_parameters["issuer-name"] = "public-ca"
        if (version is not None or helped) and "certificate-version" in case.path_parameters:
            case.path_parameters["certificate-version"] = "" if helped else version
        if helped and operation.method.upper() in {"POST", "PUT", "PATCH"}:
            good = (
                _merged(vault) if last == "merge" and name == "waiting" else bodies.get(case.path) or bodies.get(last)
            )
            case.body = case.body if good is None else good
        if api_version is not None:
            case.query = {**(case.query or {}), "api-version": api_version}
        token = azure.tokens.issue(azure.identity("system"), "https://vault.azure.net").text
        answer = case.call(base_url=address, headers={"Host": vault.host, "Authorization": f"Bearer {token}"})
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS if answer.status_code != 204 else CHECKS[:2])

    ask()
    assert statuses & {200, 201, 202, 204}
