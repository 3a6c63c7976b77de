"""Every answer has the form that Microsoft's types give it: no name that Azure does not have, and no value of another kind."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from tests.infra.azure_types import ABSENT, FOLDERS

if TYPE_CHECKING:
    from tests.local.management.conftest import Arm

TYPES = FOLDERS[0]
SYSTEM = {"identity": {"type": "SystemAssigned"}, "location": "westus2"}


def schema(kind: str, version: str) -> jsonschema_rs.Draft202012Validator:
    described: dict[str, Any] = json.loads((TYPES / f"{kind.partition('/')[0]}@{version}.json").read_text())
    known = {name: strict(each) for name, each in described["$defs"].items()}
    return jsonschema_rs.Draft202012Validator({**described["x-resources"][kind], "$defs": known})


def strict(found: dict[str, Any]) -> dict[str, Any]:
    if "properties" in found and "additionalProperties" not in found:
        return {**found, "additionalProperties": False}
    return found


def without_nulls(found: Any) -> Any:
    """Return an answer without what is null, which Azure sends where a value is not set."""
    if isinstance(found, dict):
        return {name: without_nulls(value) for name, value in found.items() if value is not None}
    return [without_nulls(each) for each in found] if isinstance(found, list) else found


@pytest.mark.skipif(not TYPES.exists(), reason=ABSENT)
@pytest.mark.parametrize(
    ("kind", "version", "path", "wanted"),
    [
        ("Microsoft.KeyVault/vaults", "2026-02-01", "{vault}", None),
        ("Microsoft.KeyVault/vaults", "2026-05-15", "{vault}", {"tags": {"a": "b"}}),
        (
            "Microsoft.KeyVault/vaults",
            "2025-05-01",
            "{vault}",
            {"properties": {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]}}},
        ),
        ("Microsoft.KeyVault/vaults/secrets", "2026-02-01", "{vault}/secrets/db-password", None),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "2024-11-30", "{identity}", None),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "2025-05-31-preview", "{identity}", {"tags": {"a": "b"}}),
        ("Microsoft.Authorization/roleAssignments", "2022-04-01", "{assignment}", None),
        ("Microsoft.Authorization/roleDefinitions", "2022-04-01", "{definition}", None),
        ("Microsoft.Web/sites", "2025-03-01", "{site}", SYSTEM),
        ("Microsoft.Resources/resourceGroups", "2024-11-01", "{group}", {"tags": {"a": "b"}}),
    ],
)
def test_an_answer_fits_the_type_of_its_version(
    arm: Arm, kind: str, version: str, path: str, wanted: dict[str, Any] | None
) -> None:
    identity = f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reporting"
    assignment = f"{arm.vault}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    body = {"roleDefinitionId": arm.role("Reader"), "principalId": arm.azure.identity("reporting").object_id}
    assert arm.ask("PUT", assignment, {"properties": body}).ok
    named = {"vault": arm.vault, "site": arm.site, "group": arm.group, "definition": arm.role("Owner")}
    at = path.format(**named, identity=identity, assignment=assignment)
    answer = arm.ask("GET", at, version=version) if wanted is None else arm.ask("PATCH", at, wanted, version=version)
    assert answer.ok, answer.text
    found = without_nulls(answer.json())
    assert [
        f"{'.'.join(map(str, error.instance_path))}: {error.message}"
        for error in schema(kind, version).iter_errors(found)
    ] == []


@pytest.mark.skipif(not TYPES.exists(), reason=ABSENT)
@pytest.mark.parametrize("works", [True, False])
def test_a_deployment_fits_its_type(arm: Arm, works: bool) -> None:  # noqa: FBT001 (pytest passes what is parametrised by name)
    vault = {
        "type": "Microsoft.KeyVault/vaults",
        "apiVersion": "2026-02-01",
        "name": "made-kv" if works else "contoso-kv",
        "location": "eastus",
        "properties": {
            "tenantId": "[tenant().tenantId]",
            "sku": {"family": "A", "name": "standard"},
            "accessPolicies": [],
        },
    }
    secret = {
        "type": "Microsoft.KeyVault/vaults/secrets",
        "apiVersion": "2026-02-01",
        "name": f"{vault['name']}/made",
        "dependsOn": [vault["name"]],
        "properties": {"value": "x"},
    }
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"a": {"type": "string", "defaultValue": "b"}},
        "resources": [vault, secret],
        "outputs": {"a": {"type": "string", "value": "[parameters('a')]"}},
    }
    here = f"{arm.group}/providers/Microsoft.Resources/deployments/d"
    body = {"properties": {"mode": "Incremental", "template": template}, "tags": {"a": "b"}}
    assert arm.ask("PUT", here, body, version="2025-04-01").ok
    found = without_nulls(arm.ask("GET", here, version="2025-04-01").json())
    assert (found["properties"]["provisioningState"] == "Succeeded") is works
    # Azure answers it, as public issues show, and the type does not have it.
    assert found["properties"]["parameters"]["a"].pop("type") == "String"
    problems = schema("Microsoft.Resources/deployments", "2025-04-01").iter_errors(found)
    assert [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in problems] == []
