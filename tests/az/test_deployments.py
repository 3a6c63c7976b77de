"""The real Azure CLI deploys templates here, unmodified: the project's own, and small ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.az.program import ROOT, needs_az

if TYPE_CHECKING:
    from pathlib import Path

    from tests.az.conftest import MakeAz

pytestmark = needs_az
CONFIG = """
[vaults.contoso-kv.secrets]
db-password = "the-value"

[applications.operator]
roles = { "/" = "Owner" }
"""
SECRET = "the-deployed-secret"
VARIABLES = {"INFRA": str(ROOT / "infra"), "SECRET": SECRET}
SMALL: dict[str, Any] = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {"names": {"type": "array"}, "value": {"type": "securestring"}},
    "resources": [
        {
            "type": "Microsoft.KeyVault/vaults",
            "apiVersion": "2026-02-01",
            "name": "[parameters('names')[copyIndex()]]",
            "location": "[resourceGroup().location]",
            "copy": {"name": "all", "count": "[length(parameters('names'))]"},
            "properties": {
                "tenantId": "[tenant().tenantId]",
                "sku": {"family": "A", "name": "standard"},
                "accessPolicies": [],
            },
        },
        {
            "type": "Microsoft.KeyVault/vaults/secrets",
            "apiVersion": "2026-02-01",
            "name": "[concat(parameters('names')[0], '/deployed')]",
            "dependsOn": ["all"],
            "properties": {"value": "[parameters('value')]"},
        },
    ],
    "outputs": {"first": {"type": "string", "value": "[reference(parameters('names')[0]).vaultUri]"}},
}


def test_az_deploys_the_project_and_shows_what_came_of_it(make_az: MakeAz) -> None:
    az = make_az(CONFIG)
    given = "-g keyless -f $INFRA/main.json -n main -p environmentName=dev secretValue=$SECRET"
    before = az.must(
        f"az deployment group validate {given} --query properties.provisioningState\naz deployment group what-if {given}",
        variables=VARIABLES,
    )
    assert '"Succeeded"' in before.out
    assert "Resource changes: 16 to create" in before.out
    assert "+ Microsoft.KeyVault/vaults/kv-" in before.out
    assert list(az.azure.azure.vaults) == ["contoso-kv"]
    made = az.must(f"az deployment group create {given} --query properties.outputs", variables=VARIABLES)
    outputs = {name: each["value"] for name, each in made.json.items()}
    vault = az.azure.azure.vault(outputs["KEY_VAULT_NAME"])
    assert vault.get_secret("db-password").value == SECRET
    after = az.must(
        f"""
az deployment group what-if {given} keepSecret=true
az deployment group show -g keyless -n main --query 'properties.outputs.KEY_VAULT_URL.value' -o tsv
az deployment operation group list -g keyless -n main --query 'length(@)'
az deployment group export -g keyless -n main
az functionapp identity show -g keyless -n {outputs["FUNCTION_APP_NAME"]} --query type
az deployment group create -g keyless -f $INFRA/rotation.json -o none \
    -p vaultName={vault.name} functionAppName={outputs["FUNCTION_APP_NAME"]} secretName=db-password
az resource list -g keyless --query "[?type=='Microsoft.EventGrid/systemTopics'].name"
az deployment group delete -g keyless -n main
az deployment group list -g keyless --query '[].name'
""",
        variables=VARIABLES,
    )
    # The settings that are looked up on other resources, and nothing else.
    assert "Resource changes: 1 to modify" in after.out
    assert f"\n{vault.url}\n8\n" in after.out
    assert '"languageVersion": "2.0"' in after.out
    assert '"SystemAssigned, UserAssigned"' in after.out
    assert f'"evgt-{vault.name}"' in after.out
    left = json.loads(after.out[after.out.rindex("[") :])
    assert ("rotation" in left, "main" in left) == (True, False)
    for ran in (before, made, after):
        assert SECRET not in ran.out + ran.errors


def test_az_deploys_a_template_with_comments_and_a_loop(make_az: MakeAz, tmp_path: Path) -> None:
    az = make_az(CONFIG)
    (tmp_path / "small.json").write_text("// A comment is allowed.\n" + json.dumps(SMALL, indent=2), "utf-8")
    script = """az deployment group create -g keyless -f small.json --query properties.outputs.first.value \
    -p names='["one-kv", "two-kv"]' value=$SECRET"""
    assert az.must(script, variables=VARIABLES).json == "https://one-kv.vault.azure.net/"
    assert set(az.azure.azure.vaults) == {"contoso-kv", "one-kv", "two-kv"}
    assert az.azure.azure.vault("one-kv").get_secret("deployed").value == SECRET


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"location": "mars", "name": "contoso-kv"}, ["DeploymentFailed", "InvalidResourceLocation"]),
        ({"type": "Microsoft.Compute/virtualMachines"}, ["InvalidTemplate", "Microsoft.Compute/virtualMachines"]),
        ({"name": "[nonsense()]"}, ["InvalidTemplate", "The template function 'nonsense' is not valid"]),
    ],
    ids=["fails", "type", "function"],
)
def test_az_says_why_a_deployment_fails(
    make_az: MakeAz, tmp_path: Path, change: dict[str, Any], words: list[str]
) -> None:
    az = make_az(CONFIG)
    resource = {**SMALL["resources"][0], "name": "made-kv", **change}
    resource.pop("copy")
    bad = {**SMALL, "parameters": {}, "outputs": {}, "resources": [resource]}
    (tmp_path / "bad.json").write_text(json.dumps(bad), "utf-8")
    ran = az.run("az deployment group create -g keyless -f bad.json")
    assert ran.code == 1
    assert [word for word in words if word not in ran.errors] == []
