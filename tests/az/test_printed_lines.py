"""Every line of az that is printed is run by the real az in a test of this folder, or has a reason why it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from tests.az import test_commands, test_deploy_by_hand, test_remedies
from tests.az.checked import Step, ends, problems, some
from tests.az.printed import CANNOT, of_block, of_code, of_documents, of_remedies, reason, shape
from tests.az.program import ROOT, needs_az

from keyless.local.azure.azure import Azure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.az.conftest import MakeAz

CONFIG: Final = """
[vaults.contoso-kv.secrets]
db-password = "s3cr3t"

[identities.system]
[identities.reporting]

[applications.operator]
client_id = "0c0b0a00-0000-4000-8000-000000000001"
roles = { "/" = "Owner", contoso-kv = "Key Vault Administrator" }
"""
ON: Final = "--name keyless --resource-group keyless"
REFERENCES: Final = (
    "--set keyVaultReferenceIdentity="
    f'"$(az functionapp identity show {ON} --query "keys(userAssignedIdentities)[0]" --output tsv)"'
)
READER: Final = {"keyVaultReferenceIdentity": ends("/reporting")}
# Lines that heal no read of their own: they look at something, or change what a program meets at its next start.
LOOKS: Final = [
    Step("az ad sp show --id cfa8b339-82a2-471a-a3c9-0fc0be7a4093", {"displayName": "Azure Key Vault"}),
    Step("az ad user list", []),
    Step("az functionapp list --output json", some({"name": "keyless"})),
    Step(f"az functionapp restart {ON}"),
    Step(f"az webapp restart {ON}"),
    Step(f"az functionapp update {ON} {REFERENCES}", READER),
    Step(f"az webapp config appsettings set {ON} --settings A=B", some({"name": "A"})),
    Step(
        f"az webapp identity assign {ON} --identities "
        '"$(az identity list --query "[?name==\'reporting\'].id | [0]" --output tsv)"',
        {"type": "SystemAssigned, UserAssigned"},
    ),
    Step("az identity federated-credential list --identity-name reporting --resource-group keyless", []),
    Step(
        "az identity federated-credential create -g keyless --identity-name reporting --name reader --issuer "
        "https://issuer.example/ --subject system:serviceaccount:default:reader --audience api://AzureADTokenExchange",
        {"audiences": ["api://AzureADTokenExchange"]},
    ),
    Step("az provider register --namespace Microsoft.KeyVault"),
    Step("az keyvault show --name contoso-kv --query properties.vaultUri", "https://contoso-kv.vault.azure.net/"),
    Step("az keyvault secret set --vault-name contoso-kv --name other --file keyless.toml", {"name": "other"}),
    Step("az keyvault secret list --vault-name contoso-kv", some({"name": "other"})),
    Step(
        'az role assignment create --role "Key Vault Secrets User" --assignee-object-id '
        '"$(az ad sp show --id 0c0b0a00-0000-4000-8000-000000000001 --query id -o tsv)" '
        "--assignee-principal-type ServicePrincipal "
        '--scope "$(az keyvault show --name contoso-kv --query id -o tsv)/secrets/db-password"',
        {"principalType": "ServicePrincipal"},
    ),
]
DEPLOYED: Final = (
    f"-g keyless -n rotation -f {ROOT}/infra/rotation.json "
    "-p vaultName=contoso-kv functionAppName=keyless secretName=db-password location=westus2"
)
DEPLOYS: Final = [
    Step(f"az deployment group what-if {DEPLOYED} --no-pretty-print", {"status": "Succeeded"}),
    Step(
        f"az deployment group create --only-show-errors --subscription {Azure.subscription_id} "
        f"{DEPLOYED.replace('-p ', '--parameters ')}",
        {"properties": {"provisioningState": "Succeeded"}},
    ),
    Step("az deployment operation group list -g keyless -n rotation", bool),
]
WALK: Final = (ROOT / "examples" / "walk" / "walk.sh").read_text(encoding="utf-8")


def run_elsewhere() -> Iterator[str]:
    """Yield the shape of each line that a test of this folder runs."""
    yield from (shape(step.line) for steps in (*test_commands.TABLES.values(), LOOKS, DEPLOYS) for step in steps)
    yield from test_remedies.HEALING
    _, blocks = test_deploy_by_hand.steps()
    scripts = (WALK, test_deploy_by_hand.KEY, *(block for found in blocks.values() for block in found))
    for script in scripts:
        yield from map(shape, of_block(script))


@pytest.mark.parametrize("printed", [of_remedies, of_code, of_documents])
def test_every_printed_line_is_run_or_has_a_reason(printed: Callable[[], Iterator[str]]) -> None:
    run = [set(each.split()) for each in run_elsewhere()]
    lines = list(printed())
    # A mention may leave options out: one that is run has these and more.
    assert [
        line for line in lines if reason(line) is None and not any(set(shape(line).split()) <= each for each in run)
    ] == []
    assert len(lines) > 3


def test_no_reason_is_kept_for_a_line_that_is_not_printed() -> None:
    printed = {shape(line) for lines in (of_remedies(), of_code(), of_documents()) for line in lines}
    unused = {begins for begins in CANNOT if not any(f"{found} ".startswith(f"{begins} ") for found in printed)}
    assert unused == set()


def test_the_page_lists_each_reason() -> None:
    page = (ROOT / "docs" / "management.md").read_text(encoding="utf-8")
    assert [begins for begins, why in CANNOT.items() if f"| `{begins}` | {why} |" not in page] == []


@needs_az
def test_the_lines_that_look_or_set_work(make_az: MakeAz) -> None:
    assert problems(make_az(CONFIG), [*LOOKS, *DEPLOYS], {"AZURE_CORE_OUTPUT": "json"}) == []
