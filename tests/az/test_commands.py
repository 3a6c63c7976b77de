"""The commands of az that concern vaults, identities and roles: each answers with the exit code and the fields of Azure.

They are the commands of a reference that was made by running each against a stub. Where that lies beside this checkout, a test
holds the two against each other.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import pytest
from tests.az.checked import Fails, Step, ends, guid, problems, some
from tests.az.program import ROOT, needs_az

from keyless.local.azure.azure import Azure
from keyless.local.azure.function_app import HostKeys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.az.conftest import MakeAz

REFERENCE = ROOT.parent / "shared" / "reference" / "az-requests.md"
SUBSCRIPTION: Final = f"/subscriptions/{Azure.subscription_id}"
GROUP: Final = f"{SUBSCRIPTION}/resourceGroups/rg-shop"
VAULT: Final = f"{GROUP}/providers/Microsoft.KeyVault/vaults/shop-kv"
OPERATOR: Final = "0c0b0a00-0000-4000-8000-000000000001"
SYSTEM: Final = "aaaaaaaa-0000-4000-8000-000000000001"
READER: Final = "aaaaaaaa-0000-4000-8000-000000000002"
PASSWORD: Final = "an-operator-s-secret"
SITE: Final = f"{SUBSCRIPTION}/resourceGroups/keyless/providers/Microsoft.Web/sites/keyless"
USER_ASSIGNED: Final = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
CONFIG: Final = f"""
[vaults.contoso-kv.secrets]
db-password = "s3cr3t"
api-key = "k3y"

[identities.system]
object_id = "{SYSTEM}"
roles = {{ contoso-kv = "Key Vault Administrator", "/" = "Owner" }}

[identities.reporting]
object_id = "{READER}"
client_id = "aaaaaaaa-0000-4000-8000-000000000003"
roles = {{ "/" = "Reader" }}

[applications.operator]
client_id = "{OPERATOR}"
object_id = "0c0b0a00-0000-4000-8000-000000000002"
secret = "{PASSWORD}"
roles = {{ "/" = "Owner" }}

[applications.member]
client_id = "0c0b0a00-0000-4000-8000-000000000003"
secret = "a-member-s-secret"
"""
VARIABLES: Final = {
    "SUB": SUBSCRIPTION,
    "VAULT": VAULT,
    "OPERATOR": OPERATOR,
    "OPERATOR_OBJECT": "0c0b0a00-0000-4000-8000-000000000002",
    "MEMBER": "0c0b0a00-0000-4000-8000-000000000003",
    "READER": READER,
    "PASSWORD": PASSWORD,
    "TENANT": "1b42fbc6-cd36-50dd-bf72-ff3aceecbac1",
    "AZURE_CORE_OUTPUT": "json",
}
LOGIN: Final = "az login --service-principal -u $OPERATOR -p $PASSWORD --tenant $TENANT"
ACCOUNT = {
    "cloudName": "AzureCloud",
    "id": Azure.subscription_id,
    "isDefault": True,
    "state": "Enabled",
    "tenantId": VARIABLES["TENANT"],
    "user": {"name": OPERATOR, "type": "servicePrincipal"},
}
ACCOUNTS = [
    Step("az login --service-principal -u $MEMBER -p x --tenant $TENANT", Fails("AADSTS7000215")),
    Step(LOGIN, [ACCOUNT]),
    Step("az account list --refresh", [ACCOUNT]),
    Step("az account get-access-token --resource https://vault.azure.net --query tokenType", "Bearer"),
    Step("az account get-access-token --resource-type ms-graph --query tokenType", "Bearer"),
    Step("az cloud register -n Local --endpoint-resource-manager https://management.azure.com/"),
    Step(
        "az cloud register -n Local2 --endpoint-resource-manager https://management.azure.com/ --endpoint-active-directory "
        "https://login.microsoftonline.com --endpoint-active-directory-resource-id https://management.core.windows.net/ "
        "--endpoint-active-directory-graph-resource-id https://graph.windows.net/ "
        "--endpoint-microsoft-graph-resource-id https://graph.microsoft.com/ --suffix-keyvault-dns .vault.azure.net"
    ),
    Step(
        "az cloud register -n Local3 --endpoint-resource-manager https://management.azure.com/ "
        "--endpoint-active-directory-resource-id https://management.core.windows.net/"
    ),
    Step(
        "az cloud register -n Local4 --endpoint-resource-manager http://127.0.0.1:9",
        Fails("", 1),
    ),
]
VAULT_SHOWN = {
    "id": VAULT,
    "location": "westus2",
    "name": "shop-kv",
    "type": "Microsoft.KeyVault/vaults",
    "properties": {
        "accessPolicies": [],
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "provisioningState": "Succeeded",
        "sku": {"family": "A", "name": "standard"},
        "softDeleteRetentionInDays": 90,
        "tenantId": VARIABLES["TENANT"],
        "vaultUri": "https://shop-kv.vault.azure.net/",
    },
}
ALL = ["all"]
OWN_POLICY = {
    "objectId": VARIABLES["OPERATOR_OBJECT"],
    "permissions": {"certificates": ALL, "keys": ALL, "secrets": ALL, "storage": ALL},
}
DELETED = {
    "name": "third-kv",
    "type": "Microsoft.KeyVault/deletedVaults",
    "properties": {"location": "westus2", "vaultId": ends("/vaults/third-kv")},
}
VAULTS = [
    Step(
        "az group create -n rg-shop -l westus2",
        {"id": GROUP, "location": "westus2", "name": "rg-shop", "properties": {"provisioningState": "Succeeded"}},
    ),
    Step("az group exists -n rg-shop", True),
    Step("az group show -n rg-shop", {"name": "rg-shop", "type": "Microsoft.Resources/resourceGroups"}),
    Step("az group list", some({"name": "rg-shop"}, {"name": "keyless"})),
    Step("az keyvault create -n shop-kv -g rg-shop", VAULT_SHOWN),
    Step("az keyvault create -n shop-kv -g rg-shop", Fails("already exist")),
    Step(
        "az keyvault create -n second-kv -g rg-shop --enable-rbac-authorization false --location westus2 --retention-days 7 "
        "--enable-purge-protection true --tags a=b",
        {
            "tags": {"a": "b"},
            "properties": {
                "accessPolicies": [OWN_POLICY],
                "enablePurgeProtection": True,
                "enableRbacAuthorization": False,
                "softDeleteRetentionInDays": 7,
            },
        },
    ),
    Step(
        "az keyvault create -n third-kv -g rg-shop --enable-rbac-authorization false --no-self-perms true",
        {"properties": {"accessPolicies": []}},
    ),
    Step("az keyvault create -n fourth-kv -g rg-shop -l westus2", {"name": "fourth-kv"}),
    Step(
        "az keyvault create -n fifth-kv -g rg-shop -l westus2 --enable-rbac-authorization false", {"name": "fifth-kv"}
    ),
    Step("az keyvault create -n sixth-kv -g rg-shop --enable-rbac-authorization false", {"name": "sixth-kv"}),
    Step("az keyvault show -n shop-kv", VAULT_SHOWN),
    Step("az keyvault show -n shop-kv -g rg-shop", VAULT_SHOWN),
    Step("az keyvault show -n nope-kv", Fails("not found within subscription")),
    Step("az keyvault list", some({"name": "shop-kv"}, {"name": "contoso-kv"})),
    Step("az keyvault list -g rg-shop", some({"name": "second-kv"})),
    Step(
        "az keyvault update -n shop-kv --public-network-access Disabled",
        {"properties": {"publicNetworkAccess": "Disabled"}},
    ),
    Step(
        "az keyvault update -n fourth-kv --enable-rbac-authorization false",
        {"properties": {"enableRbacAuthorization": False}},
    ),
    Step(
        "az keyvault set-policy -n second-kv --object-id $READER --secret-permissions get list",
        {"properties": {"accessPolicies": some({"objectId": READER, "permissions": {"secrets": some("get", "list")}})}},
    ),
    Step(
        "az keyvault set-policy -n second-kv --spn $OPERATOR --secret-permissions get",
        {"properties": {"accessPolicies": some({**OWN_POLICY, "permissions": {"secrets": ["get"]}})}},
    ),
    Step(
        "az keyvault set-policy -n second-kv --upn a@b.c --secret-permissions get",
        Fails("Unable to get object id from principal name"),
    ),
    Step(
        "az keyvault delete-policy -n second-kv --object-id $READER",
        {"properties": {"accessPolicies": lambda found: READER not in str(found)}},
    ),
    Step(
        "az keyvault network-rule add -n shop-kv --ip-address 1.2.3.4",
        {"properties": {"networkAcls": {"ipRules": [{"value": "1.2.3.4/32"}]}}},
    ),
    Step("az keyvault network-rule list -n shop-kv", {"ipRules": [{"value": "1.2.3.4/32"}]}),
    Step("az keyvault delete -n third-kv"),
    Step("az keyvault list-deleted", [DELETED]),
    Step("az keyvault show-deleted -n third-kv", DELETED),
    Step("az keyvault recover -n third-kv", {"name": "third-kv", "location": "westus2"}),
    Step("az keyvault delete -n third-kv"),
    Step("az keyvault purge -n third-kv"),
    Step("az keyvault list-deleted", []),
    # It asks for managed HSMs alone.
    Step("az keyvault check-name -n abc-kv", {"nameAvailable": True}),
    Step("az resource show --ids $VAULT", {"id": VAULT, "type": "Microsoft.KeyVault/vaults"}),
    Step("az resource list --resource-type Microsoft.KeyVault/vaults", some({"name": "shop-kv"})),
    Step("az provider show -n Microsoft.KeyVault --query registrationState", "Registered"),
    Step(
        "az rest --method get --url '/subscriptions/{subscriptionId}/resourceGroups/keyless?api-version=2024-11-01' --query name",
        "keyless",
    ),
    Step("az keyvault role assignment list --hsm-name x", Fails("")),
    Step("az group delete -n rg-shop --yes"),
    Step("az group exists -n rg-shop", False),
    # The answer is 404 ResourceGroupNotFound: az shows none, as for a group without a vault.
    Step("az keyvault list -g rg-shop", []),
    Step("az identity list -g rg-shop", Fails("(ResourceGroupNotFound)", 3)),
]
IDENTITY = {
    "clientId": guid,
    "id": ends(f"rg-shop/{USER_ASSIGNED}/shop"),
    "location": "westus2",
    "name": "shop",
    "principalId": guid,
    "resourceGroup": "rg-shop",
    "tenantId": VARIABLES["TENANT"],
    "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
}
IDENTITIES = [
    Step("az group create -n rg-shop -l westus2", {"name": "rg-shop"}),
    Step("az identity create -n shop -g rg-shop", IDENTITY),
    Step("az identity show -n shop -g rg-shop", IDENTITY),
    Step("az identity list", some(IDENTITY, {"name": "reporting"})),
    Step("az identity list -g rg-shop", [IDENTITY]),
    Step("az identity create -n second -g keyless -l westus2", {"name": "second", "resourceGroup": "keyless"}),
    Step(
        "az identity federated-credential create --name pods --identity-name shop -g rg-shop --issuer https://issuer.example/ "
        "--subject system:serviceaccount:default:shop --audiences api://AzureADTokenExchange",
        {
            "audiences": ["api://AzureADTokenExchange"],
            "issuer": "https://issuer.example/",
            "name": "pods",
            "subject": "system:serviceaccount:default:shop",
        },
    ),
    Step("az ad sp show --id $OPERATOR", {"appId": OPERATOR, "displayName": "operator"}),
    Step("az ad signed-in-user show", Fails("delegated authentication flow")),
    Step("az identity delete -n shop -g rg-shop"),
    Step("az identity show -n shop -g rg-shop", Fails("(ResourceNotFound)", 3)),
]
ASSIGNED = {
    "id": ends(""),
    "name": guid,
    "principalId": READER,
    "principalType": "ServicePrincipal",
    "scope": VAULT,
    "type": "Microsoft.Authorization/roleAssignments",
}
USER = {**ASSIGNED, "roleDefinitionName": "Key Vault Secrets User"}
GIVE = "az role assignment create"
LIST = "az role assignment list"
ROLES = [
    Step("az group create -n rg-shop -l westus2", {"name": "rg-shop"}),
    Step("az keyvault create -n shop-kv -g rg-shop", {"name": "shop-kv"}),
    Step(
        f"{GIVE} --assignee-object-id $READER --assignee-principal-type ServicePrincipal --role 'Key Vault Secrets User' "
        "--scope $VAULT",
        {**ASSIGNED, "roleDefinitionId": ends("4633458b-17de-408a-b874-0445c86b69e6")},
    ),
    Step(
        f"{GIVE} --assignee-object-id $READER --role 4633458b-17de-408a-b874-0445c86b69e6 "
        "--scope $VAULT/secrets/db-password",
        {"scope": f"{VAULT}/secrets/db-password"},
    ),
    Step(
        f"{GIVE} --assignee $OPERATOR --role 'Key Vault Secrets Officer' --scope $VAULT",
        {"principalId": VARIABLES["OPERATOR_OBJECT"]},
    ),
    # What there is already, az shows, and succeeds.
    Step(f"{GIVE} --assignee $OPERATOR --role 'Key Vault Secrets Officer' --scope $VAULT", {"scope": VAULT}),
    Step(f"{GIVE} --assignee nobody@x.y --role Reader --scope $VAULT", Fails("Cannot find user or service principal")),
    Step(f"{GIVE} --assignee $OPERATOR --role 'No Such Role' --scope $VAULT", Fails("doesn't exist")),
    Step(f"{GIVE} --assignee-object-id $READER --role Reader --scope $SUB", {"scope": SUBSCRIPTION}),
    Step(f"{LIST} --assignee $READER --scope $VAULT", [USER]),
    Step(
        f"{LIST} --assignee $READER --scope $VAULT --include-inherited",
        some(USER, {"scope": SUBSCRIPTION, "roleDefinitionName": "Reader"}),
    ),
    Step(f"{LIST} --assignee-object-id $READER --all", some(USER, {"scope": f"{VAULT}/secrets/db-password"})),
    Step(
        f"{LIST} --scope $VAULT --query '[].{{r:roleDefinitionName,p:principalName,t:principalType}}'",
        some({"r": "Key Vault Secrets User", "p": bool, "t": "ServicePrincipal"}),
    ),
    Step(f"{LIST} --scope $VAULT --fill-principal-name false", some(USER)),
    Step(f"{LIST} --scope $VAULT --fill-role-definition-name false --fill-principal-name false", some(ASSIGNED)),
    Step(f"{LIST} --assignee-object-id $READER --scope $VAULT --fill-principal-name false", [USER]),
    Step(LIST, some({"scope": SUBSCRIPTION, "roleDefinitionName": "Reader"})),
    Step(f"{LIST} --all", some(USER)),
    Step("az role assignment delete --assignee $READER --role 'Key Vault Secrets User' --scope $VAULT"),
    Step(f"{LIST} --assignee $READER --scope $VAULT", []),
    Step("az role assignment delete --assignee $OPERATOR --scope $VAULT"),
    Step(
        f"az role assignment delete --ids $({LIST} --assignee-object-id $READER --all --output tsv "
        "--query \"[?scope=='$VAULT/secrets/db-password'].id\")"
    ),
    Step(f"{LIST} --assignee-object-id $READER --all", lambda found: "db-password" not in str(found)),
    Step(
        "az role definition list --name 'Key Vault Secrets User'",
        [
            {
                "assignableScopes": ["/"],
                "name": "4633458b-17de-408a-b874-0445c86b69e6",
                "permissions": [{"dataActions": some("Microsoft.KeyVault/vaults/secrets/getSecret/action")}],
                "roleName": "Key Vault Secrets User",
                "roleType": "BuiltInRole",
            }
        ],
    ),
]
ON = "-n keyless -g keyless"
REPORTING = f"$SUB/resourcegroups/keyless/{USER_ASSIGNED}/reporting"
SYSTEM_ASSIGNED = {"principalId": SYSTEM, "tenantId": VARIABLES["TENANT"], "type": "SystemAssigned"}
BOTH = {
    "principalId": SYSTEM,
    "type": "SystemAssigned, UserAssigned",
    "userAssignedIdentities": lambda found: [each["principalId"] for each in found.values()] == [READER],
}
CONTOSO = "$SUB/resourceGroups/keyless/providers/Microsoft.KeyVault/vaults/contoso-kv"
APP = [
    Step("az functionapp identity remove -n keyless -g keyless --identities " + REPORTING, SYSTEM_ASSIGNED),
    Step(f"az functionapp identity assign {ON}", SYSTEM_ASSIGNED),
    Step(f"az functionapp identity assign {ON} --identities {REPORTING} '[system]'", BOTH),
    Step(f"az functionapp identity show {ON}", BOTH),
    Step(
        f"az functionapp identity assign {ON} --role 'Key Vault Secrets User' --scope {CONTOSO}",
        {"principalId": SYSTEM},
    ),
    Step(f"az webapp identity assign {ON}", {"principalId": SYSTEM}),
    Step(f"az webapp identity show {ON}", BOTH),
    Step(
        f"az functionapp show {ON}",
        {
            "id": SITE,
            "kind": "functionapp,linux",
            "name": "keyless",
            "properties": {"defaultHostName": "keyless.azurewebsites.net", "state": "Running"},
            "type": "Microsoft.Web/sites",
        },
    ),
    Step("az functionapp list", [{"name": "keyless", "resourceGroup": "keyless"}]),
    Step(
        f"az functionapp config appsettings set {ON} --settings SECRET_NAME=db-password",
        [{"name": "SECRET_NAME", "slotSetting": False}],
    ),
    Step(f"az functionapp config appsettings list {ON}", [{"name": "SECRET_NAME", "value": "db-password"}]),
    Step(f"az functionapp keys list {ON}", {"functionKeys": {"default": "a-key"}, "masterKey": "a-master"}),
    Step(
        f"az functionapp keys list {ON} --subscription {Azure.subscription_id} --only-show-errors "
        "--query functionKeys.default",
        "a-key",
    ),
    Step("az functionapp identity show -n keyless -g nope", Fails("(ResourceGroupNotFound)", 3)),
]
READ = "az keyvault secret show --vault-name contoso-kv -n"
AS = "az login --identity --allow-no-subscriptions --query '[0].user'"
MANAGED_IDENTITY = [
    Step("az login --identity", [{"user": {"name": "systemAssignedIdentity", "type": "servicePrincipal"}}]),
    Step(f"{AS}", {"assignedIdentityInfo": "MSI", "name": "systemAssignedIdentity"}),
    Step(f"{READ} db-password --query value", "s3cr3t"),
    Step(f"{READ} api-key --query value", "k3y"),
    Step(
        "az rest --method get --url 'https://contoso-kv.vault.azure.net/secrets/db-password?api-version=7.4' "
        "--resource https://vault.azure.net --query value",
        "s3cr3t",
    ),
    Step("az keyvault key list --vault-name contoso-kv", []),
    Step(
        "az keyvault key create --vault-name contoso-kv -n k --kty RSA",
        {"attributes": {"enabled": True}, "key": {"kid": lambda kid: "/keys/k/" in kid, "kty": "RSA"}},
    ),
    Step("az keyvault certificate list --vault-name contoso-kv", []),
    Step(
        'az keyvault certificate create --vault-name contoso-kv -n c -p "$(az keyvault certificate get-default-policy)"',
        {"status": "completed"},
    ),
    Step(f"{AS} --client-id aaaaaaaa-0000-4000-8000-000000000003", {"name": "userAssignedIdentity"}),
    Step(f"{AS} --object-id $READER", {"name": "userAssignedIdentity"}),
    Step(f"{AS} --resource-id {REPORTING}", {"name": "userAssignedIdentity"}),
]
TABLES: Final = {
    "accounts": ACCOUNTS,
    "vaults": VAULTS,
    "identities": IDENTITIES,
    "roles": ROLES,
    "app": APP,
    "managed identity": MANAGED_IDENTITY,
}
# Commands of the reference that are not run here, by their first words, and why.
ELSEWHERE: Final = {
    "az deployment group create": "tests/az/test_deployments.py runs it",
}


@needs_az
@pytest.mark.parametrize("table", TABLES)
def test_each_command_answers_as_in_azure(table: str, make_az: MakeAz) -> None:
    az = make_az(CONFIG)
    az.azure.azure.function_app.keys = HostKeys("a-master", {"default": "a-key"}, {})
    assert problems(az, TABLES[table], VARIABLES) == []


def asked(line: str) -> tuple[str, frozenset[str]]:
    """Return what a command asks for: its words, and its options without those that choose what is printed."""
    words = shlex.split(line)
    first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    options = {word for word in words[first:] if word.startswith("-") and not re.match(r"-\d", word)}
    return " ".join(words[:first]), frozenset(options - {"-o", "--output", "--query"})


def of_reference(path: Path) -> list[str]:
    """Return the commands of the reference."""
    lines = re.findall(r"^`(az [^`]+)`$", path.read_text(encoding="utf-8"), re.MULTILINE)
    # A role's or a policy's text stands there without quotation marks.
    return [
        re.sub(r" -p \{.*", " -p X", re.sub(r"--role [A-Z][\w ]*(?= --|$)", "--role X", line), flags=re.DOTALL)
        for line in lines
    ]


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"THE REFERENCE OF COMMANDS IS NOT HERE: {REFERENCE}")
def test_every_command_of_the_reference_is_run_or_has_a_reason() -> None:
    run = {asked(re.sub(r'"?\$\(.*\)"?', "X", step.line)) for steps in TABLES.values() for step in steps}
    found = of_reference(REFERENCE)
    missing = [line for line in found if asked(line) not in run and not line.startswith(tuple(ELSEWHERE))]
    assert missing == []
    assert len(found) > 100
