"""The real Azure CLI deploys templates here, unmodified: `make az` installs it, and elsewhere this is skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
AZ = ROOT / "build" / "az" / "bin" / "az"
CONFIG = """
[vaults.contoso-kv.secrets]
db-password = "the-value"

[applications.operator]
client_id = "0c0b0a00-0000-4000-8000-000000000001"
secret = "an-application-s-secret"
roles = { "/" = "Owner" }
"""
LOGIN = "az login --service-principal -u 0c0b0a00-0000-4000-8000-000000000001 -p an-application-s-secret --tenant $TENANT -o none"
TENANT = "1b42fbc6-cd36-50dd-bf72-ff3aceecbac1"
SECRET = "the-deployed-secret"
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

pytestmark = pytest.mark.skipif(
    not AZ.exists(), reason="THE AZURE CLI IS NOT TESTED: build/az does not have it. `make az` installs it (500 MB)."
)


class Ran(NamedTuple):
    """What a script of az printed, and its errors."""

    out: str
    errors: str


def run(place: Path, script: str) -> Ran:
    """Run a script of sh with the real az under `keyless run`, signed in as the operator."""
    (place / "keyless.toml").write_text(CONFIG, "utf-8")
    (place / "small.json").write_text("// A comment is allowed.\n" + json.dumps(SMALL, indent=2), "utf-8")
    program = f'az() {{ "{AZ}" "$@" --only-show-errors; }}\n{LOGIN}\n{script}'
    done = subprocess.run(
        [sys.executable, "-m", "keyless", "run", "--", "sh", "-c", program],
        cwd=place,
        env={**os.environ, "HOME": str(place), "TENANT": TENANT, "INFRA": str(ROOT / "infra"), "SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Ran(done.stdout, done.stderr)


def test_az_deploys_the_project_and_shows_what_came_of_it(tmp_path: Path) -> None:
    given = "-g keyless -f $INFRA/main.json -n main -p environmentName=dev secretValue=$SECRET"
    query = "properties.[provisioningState, outputs.KEY_VAULT_NAME.value]"
    script = f"""
az deployment group validate {given} --query properties.provisioningState
az deployment group what-if {given}
az deployment group create {given} --query '{query}' -o tsv
az deployment group what-if {given} -p keepSecret=true
az deployment group show -g keyless -n main --query 'keys(properties.outputs)' -o tsv
az deployment group list -g keyless --query 'length(@)'
az deployment operation group list -g keyless -n main --query '[].properties.provisioningState' -o tsv
az deployment group export -g keyless -n main
az resource list -g keyless --query 'length(@)'
az functionapp identity show -g keyless -n $(az functionapp list --query "[?name!='keyless'].name" -o tsv) --query type
az deployment group delete -g keyless -n main
az deployment group list -g keyless --query "[?name=='main']"
"""
    out, errors = run(tmp_path, script)
    assert "Traceback" not in errors
    assert SECRET not in out + errors
    assert '"Succeeded"' in out, errors
    assert "Resource changes: 16 to create" in out, out + errors
    assert "+ Microsoft.KeyVault/vaults/kv-" in out
    assert "Succeeded\nkv-" in out
    # The settings that are looked up on other resources, and nothing else.
    assert "Resource changes: 1 to modify" in out
    assert "KEY_VAULT_URL" in out
    assert '"SystemAssigned, UserAssigned"' in out
    assert out.rstrip().endswith("[]"), errors


def test_az_deploys_a_small_template_with_a_loop_and_the_secret_is_there(tmp_path: Path) -> None:
    script = """
az deployment group create -g keyless -f small.json -p names='["one-kv", "two-kv"]' value=$SECRET --query properties.outputs
az keyvault list --query 'sort([].name)' -o tsv
az role assignment create --role "Key Vault Secrets User" --assignee 0c0b0a00-0000-4000-8000-000000000001 \
    --scope $(az keyvault show -n one-kv --query id -o tsv) -o none
az keyvault secret show --vault-name one-kv -n deployed --query name
"""
    out, errors = run(tmp_path, script)
    assert '"value": "https://one-kv.vault.azure.net/"' in out, errors
    assert "contoso-kv\none-kv\ntwo-kv" in out, errors
    assert out.rstrip().endswith('"deployed"'), errors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"location": "mars", "name": "contoso-kv"}, ["DeploymentFailed", "InvalidResourceLocation"]),
        ({"type": "Microsoft.Compute/virtualMachines"}, ["InvalidTemplate", "Microsoft.Compute/virtualMachines"]),
        ({"name": "[nonsense()]"}, ["InvalidTemplate", "The template function 'nonsense' is not valid"]),
    ],
    ids=["fails", "type", "function"],
)
def test_az_says_why_a_deployment_fails(tmp_path: Path, change: dict[str, Any], words: list[str]) -> None:
    resource = {**SMALL["resources"][0], "name": "made-kv", **change}
    resource.pop("copy")
    (tmp_path / "bad.json").write_text(
        json.dumps({**SMALL, "parameters": {}, "outputs": {}, "resources": [resource]}), "utf-8"
    )
    out, errors = run(tmp_path, "az deployment group create -g keyless -f bad.json; echo $?")
    assert out.strip() == "1", errors
    assert [word for word in words if word not in errors] == []
