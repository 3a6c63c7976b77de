"""The vault against Microsoft's specification of it: whatever the specification allows to be asked, and more.

https://github.com/Azure/azure-rest-api-specs (specification/keyvault/data-plane/Secrets). It is no part of this project:
it is looked for beside the repository.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from tests.local.conftest import Serve

    from keyless.local.azure.keyvault.vault import Vault

FILE = Path(__file__).parents[3] / "shared" / "reference" / "spec" / "secrets-2026-04-01.swagger.json"
ABSENT = f"The specification of Azure is not beside the repository, at {'/'.join(FILE.parts[-4:])}."
OPERATIONS = 12
EXAMPLES = 5000 if os.environ.get("KEYLESS_LONG_TESTS") else 1200
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Names that are there, so that not every answer is "not found"; None leaves the name that was generated.
NAMES = st.sampled_from([None, "api-key", "db-password", "Zeta"])
VERSIONS = st.sampled_from([None, "", "0" * 32])
API_VERSIONS = st.sampled_from([None, "2026-04-01", "2025-07-01", "7.6", "7.0"])


def specification(file: Path, lists: tuple[str, ...]) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for name in lists:
        # On a last page it is null, as every recording of one shows.
        spec["definitions"][name]["properties"]["nextLink"]["x-nullable"] = True
    # The two formats are Microsoft's own.
    text = json.dumps(spec).replace('"format": "unixtime"', '"format": "int64"').replace('"format": "base64url", ', "")
    found: dict[str, Any] = json.loads(text)
    return found


def _operations() -> list[Any]:
    if not FILE.exists():
        return [pytest.param(None, id="NO-SPECIFICATION-FOUND")]
    schema = schemathesis.openapi.from_dict(specification(FILE, ("SecretListResult", "DeletedSecretListResult")))
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(found) == OPERATIONS
    return [pytest.param(each, id=f"{each.method.upper()} {each.path}") for each in found]


def _put_into_state(vault: Vault, name: str, *, deleted: bool) -> None:
    if vault.secrets.state_of(name) is ObjectState.ABSENT:
        vault.set_secret(name, "x")
    if deleted and vault.find_secret(name):
        vault.delete_secret(name)
    if not deleted and vault.secrets.find_deleted(name):
        vault.recover_deleted_secret(name)


@pytest.mark.parametrize("operation", _operations())
def test_every_answer_is_one_that_the_specification_has(operation: Any, serve: Serve) -> None:
    if operation is None:
        pytest.skip(ABSENT)
    azure = Azure(Config())
    vault = azure.add_vault("spec-kv", VaultSettings(deletion_seconds=0, recovery_seconds=0))
    azure.add_identity("system").grant("Key Vault Secrets Officer", on=vault)
    address, statuses = serve(vault_app(azure)), set()
    source = azure.add_vault("source-kv")
    source.set_secret("backed-up", "x")
    backup = to_base64url(source.secrets.backup("backed-up"))

    @settings(
        max_examples=-(-EXAMPLES // OPERATIONS),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(operation.as_strategy(), NAMES, VERSIONS, API_VERSIONS, st.booleans())
    def ask(case: Any, name: str | None, version: str | None, api_version: str | None, deleted: bool) -> None:  # noqa: FBT001 (drawn)
        if name is not None and "secret-name" in case.path_parameters:
            case.path_parameters["secret-name"] = name
            _put_into_state(vault, name, deleted=deleted)
        if version is not None and "secret-version" in case.path_parameters:
            case.path_parameters["secret-version"] = version
        if name is not None and case.path == "/secrets/restore":
            case.body = {"value": backup}
        if api_version is not None:
            case.query = {**(case.query or {}), "api-version": api_version}
        token = azure.tokens.issue(azure.identity("system"), "https://vault.azure.net").text
        answer = case.call(base_url=address, headers={"Host": vault.host, "Authorization": f"Bearer {token}"})
        statuses.add(answer.status_code)
        # 204 has no body, and so no type.
        case.validate_response(answer, checks=CHECKS if answer.status_code != 204 else CHECKS[:2])

    ask()
    assert statuses & {200, 204}
