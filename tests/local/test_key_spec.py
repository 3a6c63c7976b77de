"""The keys of a vault against Microsoft's specification of them: whatever the specification allows to be asked, and more.

https://github.com/Azure/azure-rest-api-specs (specification/keyvault/data-plane/Keys). It is no part of this project:
it is looked for beside the repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.local.test_spec import ABSENT, API_VERSIONS, CHECKS, EXAMPLES, FILE, VERSIONS, specification

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.keys.algorithms import encrypt
from keyless.local.azure.keyvault.keys.material import make_key, public_members
from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.vault import Vault

SPEC = FILE.parent / "keys-2026-04-01.swagger.json"
OPERATIONS = 27
NAMES = st.sampled_from([None, "wrapping", "signing"])
# What a vault refuses to everybody; and a release needs a statement that no generator makes.
ALWAYS_REFUSED = ("/rng", "/attestation", "/secureunwrapkey", "/release")


def _operations() -> list[Any]:
    if not SPEC.exists():
        return [pytest.param(None, id="NO-SPECIFICATION-FOUND")]
    spec = specification(SPEC, ("KeyListResult", "DeletedKeyListResult"))
    # They are null where a policy was never set, as a recording shows.
    attributes = spec["definitions"]["KeyRotationPolicyAttributes"]
    spec["definitions"]["KeyRotationPolicy"]["properties"]["attributes"] = {**attributes, "x-nullable": True}
    schema = schemathesis.openapi.from_dict(spec)
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(found) == OPERATIONS
    return [pytest.param(each, id=f"{each.method.upper()} {each.path}") for each in found]


def _put_into_state(vault: Vault, name: str, *, deleted: bool) -> None:
    if vault.keys.state_of(name) is ObjectState.ABSENT:
        vault.create_key(name, "RSA" if name == "wrapping" else "EC")
    if deleted and vault.keys.find(name):
        vault.keys.delete(name)
    if not deleted and vault.keys.find_deleted(name):
        vault.keys.recover(name)


def _good_bodies(vault: Vault) -> dict[str, Any]:
    """Return bodies that succeed, where a generator would not find one."""
    vault.create_key("backed-up", "EC")
    backup = to_base64url(vault.keys.backup("backed-up"))
    private = make_key("EC")
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    scalar = to_base64url(private.private_numbers().private_value.to_bytes(32))
    digest, value = to_base64url(bytes(32)), {"alg": "RSA-OAEP", "value": "YQ"}
    wrapped = vault.create_key("wrapping")
    sealed = to_base64url(encrypt(vault.keys.private(wrapped).public_key(), "RSA-OAEP", b"a"))
    return {
        "/keys/restore": {"value": backup},
        "/keys/{key-name}": {"key": {"kty": "EC", **public_members(private), "d": scalar}},
        "encrypt": value,
        "wrapkey": value,
        "decrypt": {"alg": "RSA-OAEP", "value": sealed},
        "unwrapkey": {"alg": "RSA-OAEP", "value": sealed},
        "securewrapkey": {"alg": "RSA-OAEP-256"},
        "sign": {"alg": "RS256", "value": digest},
        "verify": {"alg": "RS256", "digest": digest, "value": digest},
        "create": {"kty": "EC"},
        "rotationpolicy": {"attributes": {"expiryTime": "P90D"}},
    }


@pytest.mark.parametrize("operation", _operations())
def test_every_answer_about_keys_is_one_that_the_specification_has(operation: Any, serve: Serve) -> None:
    if operation is None:
        pytest.skip(ABSENT.replace("secrets-", "keys-"))
    azure = Azure(Config())
    vault = azure.add_vault("spec-kv", VaultSettings(deletion_seconds=0, recovery_seconds=0))
    azure.add_identity("system").grant("Key Vault Crypto Officer", on=vault)
    address, statuses = serve(vault_app(azure)), set()
    bodies = _good_bodies(vault)
    good = bodies.get(operation.path) or bodies.get(operation.path.rpartition("/")[2])
    vault.keys.delete("backed-up")
    vault.keys.purge("backed-up")

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
        if name is not None and "key-name" in case.path_parameters:
            name = "wrapping" if helped else name
            case.path_parameters["key-name"] = name
            _put_into_state(vault, name, deleted=deleted)
        if (version is not None or helped) and "key-version" in case.path_parameters:
            case.path_parameters["key-version"] = "" if helped else version
        if helped and good is not None and operation.method.upper() in {"POST", "PUT"}:
            case.body = good
        if api_version is not None:
            case.query = {**(case.query or {}), "api-version": api_version}
        token = azure.tokens.issue(azure.identity("system"), "https://vault.azure.net").text
        answer = case.call(base_url=address, headers={"Host": vault.host, "Authorization": f"Bearer {token}"})
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS if answer.status_code != 204 else CHECKS[:2])

    ask()
    assert bool(statuses & {200, 204}) is not operation.path.endswith(ALWAYS_REFUSED)
