"""What each rule finds, and what it leaves alone: a file, and the line of the finding, or none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One file and what a rule makes of it.

    Attributes:
        rule: The rule's code.
        path: The file's path in the project.
        text: What is in it.
        line: The line of the finding; None where there is to be none.
        beside: Another file of the project, which counts as well.
    """

    rule: str
    path: str
    text: str
    line: int | None
    beside: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.rule}-{self.path}-{'quiet' if self.line is None else self.line}"


ARM = '{\n"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",\n"resources": [\n%s\n]\n}'
VALUES = '{\n"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",\n"parameters": {\n%s\n}}'
CALL = "https://management.azure.com/subscriptions/s/providers/Microsoft.KeyVault/vaults/kv?api-version=%s"
BICEP_VAULT = "resource kv 'Microsoft.KeyVault/vaults@2026-02-01' = {\n  name: 'kv'\n  properties: {\n%s\n  }\n}\n"
TF_VAULT = 'resource "azurerm_key_vault" "kv" {\n  name = "kv"\n%s\n}\n'
PROVIDER = 'terraform {\n  required_providers {\n    azurerm = {\n      source = "hashicorp/azurerm"\n      version = "%s"\n    }\n  }\n}\n'
A_VAULT = ("kv.tf", TF_VAULT % "  rbac_authorization_enabled = true")
SITE = "resource app 'Microsoft.Web/sites@2025-03-01' = {\n  name: 'a'\n  properties: {\n%s\n  }\n}\n"
READER = (
    "app.py",
    "from azure.keyvault.secrets import SecretClient\nc = SecretClient(u, credential=x)\nc.get_secret('a')\n",
)
WRITER = ("app.py", f"{READER[1]}c.set_secret('a', b)\n")
ROLE = """var admin = '00482a5a-887f-4fb3-b363-3b7fe8e74483'
resource r 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid('x')
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', admin)
    principalId: %s
    principalType: '%s'
  }
}
"""
WORKFLOW = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n%s\n"
CLI = "      - uses: azure/cli@v2\n        with:\n          azcliversion: %s\n          inlineScript: az keyvault %s"
DEPLOY = "      - uses: azure/functions-action@v1\n"
SCRIPT = """resource s 'Microsoft.Resources/deploymentScripts@2023-08-01' = {
  name: 's'
  kind: 'AzureCLI'
  properties: { azCliVersion: '%s', scriptContent: 'az keyvault %s' }
}
"""
CSPROJ = '<Project Sdk="Microsoft.NET.Sdk">\n<PropertyGroup>\n%s\n</PropertyGroup>\n<ItemGroup>\n%s\n</ItemGroup>\n</Project>\n'
POM = "<project>\n<dependencies><dependency>\n<groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version>\n</dependency></dependencies></project>"

# fmt: off
CASES: tuple[Case, ...] = (
    # A comment that ignores says why.
    Case("KA-001", "a.sh", "az keyvault create # keyless: ignore KA-101\n", 1),
    Case("KA-001", "b.sh", "az keyvault create # keyless: ignore KA-999 the reason\n", 1),
    Case("KA-001", "c.sh", "az keyvault create # keyless: ignore KA-101 no vault is managed here\n", None),
    # The control plane's version, in every language.
    Case("KA-101", "old.bicep", "resource kv 'Microsoft.KeyVault/vaults@2023-07-01' existing = {\n  name: 'x'\n}\n", 1),
    Case("KA-101", "new.bicep", "resource kv 'Microsoft.KeyVault/vaults@2026-02-01' existing = {\n  name: 'x'\n}\n", None),
    Case("KA-101", "case.bicep", "resource kv 'microsoft.keyvault/Vaults@2019-09-01' existing = {\n  name: 'x'\n}\n", 1),
    Case("KA-101", "ahead.bicep", "resource kv 'Microsoft.KeyVault/vaults@2026-04-01-preview' existing = {\n  name: 'x'\n}\n", None),
    Case("KA-101", "other.bicep", "resource s 'Microsoft.Storage/storageAccounts@2019-04-01' existing = {\n  name: 'x'\n}\n", None),
    Case("KA-101", "comment.bicep", "// resource kv 'Microsoft.KeyVault/vaults@2023-07-01' existing = {\n", None),
    Case("KA-101", "child.bicep", "resource kv 'Microsoft.KeyVault/vaults@2026-02-01' existing = {\n  name: 'x'\n  resource s 'secrets@2023-07-01' existing = {\n    name: 'y'\n  }\n}\n", 3),
    Case("KA-101", "reference.bicep", "output u string = reference(resourceId('Microsoft.KeyVault/vaults', 'x'), '2019-09-01').vaultUri\n", 1),
    Case("KA-101", "t.json", ARM % '{ "type": "Microsoft.KeyVault/vaults",\n"apiVersion": "2021-10-01", "name": "x", "properties": {} }', 5),
    Case("KA-101", "n.json", ARM % '{ "type": "Microsoft.KeyVault/vaults",\n"apiVersion": "2026-02-01", "name": "x" }', None),
    Case("KA-101", "nested.json", ARM % '{ "type": "Microsoft.KeyVault/vaults", "apiVersion": "2026-02-01", "name": "x", "resources": [\n{ "type": "secrets",\n"apiVersion": "2016-10-01", "name": "y" } ] }', 6),
    Case("KA-101", "variable.json", ARM.replace('"resources"', '"variables": { "v": "2018-02-14" },\n"resources"') % '{ "type": "Microsoft.KeyVault/vaults",\n"apiVersion": "[variables(\'v\')]", "name": "x" }', 6),
    Case("KA-101", "policy.json", '{ "if": { "field": "type", "equals": "Microsoft.KeyVault/vaults" } }', None),
    Case("KA-101", "a.tf", 'resource "azapi_resource" "kv" {\n  type = "Microsoft.KeyVault/vaults@2023-07-01"\n}\n', 2),
    Case("KA-101", "b.tf", 'resource "azapi_resource" "kv" {\n  type = "Microsoft.KeyVault/vaults@2026-02-01"\n}\n', None),
    Case("KA-101", "rest.sh", f"x=$(az rest \\\n  --url '{CALL % '2022-07-01'}')\n", 2),
    Case("KA-101", "curl.sh", f'curl -H "$H" "{CALL % "2019-09-01"}"\n', 1),
    Case("KA-101", "new.sh", f"az rest --url '{CALL % '2026-02-01'}'\n", None),
    Case("KA-101", "comment.sh", f"# az rest --url '{CALL % '2022-07-01'}'\n", None),
    Case("KA-101", "printed.sh", f"cat <<END\naz rest --url '{CALL % '2022-07-01'}'\nEND\n", None),
    Case("KA-101", "rest.ps1", f'Invoke-AzRestMethod -Uri "{CALL % "2022-07-01"}"\n', 1),
    Case("KA-101", "resource.ps1", "New-AzResource -ResourceType Microsoft.KeyVault/vaults -ApiVersion 2019-09-01\n", 1),
    Case("KA-101", "call.py", f'URL = "{CALL % "2022-07-01"}"\n', 1),
    Case("KA-101", "data.py", 'URL = "https://kv.vault.azure.net/secrets/x?api-version=7.4"\n', None),
    # The Azure CLI.
    Case("KA-102", ".github/workflows/a.yml", WORKFLOW % (CLI % ("2.60.0", "set-policy --name x")), 8),
    Case("KA-102", ".github/workflows/b.yml", WORKFLOW % (CLI % ("2.90.0", "set-policy --name x")), None),
    Case("KA-102", ".github/workflows/c.yml", WORKFLOW % (CLI % ("2.60.0", "secret show --name x")), None),
    Case("KA-102", "Dockerfile", "FROM mcr.microsoft.com/azure-cli:2.75.0\n", 1),
    Case("KA-102", "new.dockerfile", "FROM mcr.microsoft.com/azure-cli:2.91.0\n", None),
    Case("KA-102", ".gitlab-ci.yml", "image: mcr.microsoft.com/azure-cli:2.61.0\nbuild:\n  script: [make]\n", 1),
    Case("KA-102", "setup.sh", "pip install azure-cli==2.60.0\n", 1),
    Case("KA-102", "python.sh", "sudo python3 -m pip install azure-cli==2.60.0\n", 1),
    Case("KA-102", "apt.sh", "apt-get install -y azure-cli=2.60.0-1~jammy\n", 1),
    Case("KA-102", "free.sh", "pip install 'azure-cli>=2.60'\n", None),
    Case("KA-102", "script.bicep", SCRIPT % ("2.63.0", "update --name x"), 1),
    Case("KA-102", "script2.bicep", SCRIPT % ("2.63.0", "secret show --name x"), None),
    # Azure PowerShell.
    Case("KA-103", "a.ps1", "Install-Module -Name Az.KeyVault -RequiredVersion 5.0.0\n", 1),
    Case("KA-103", "b.ps1", "Install-Module -Name Az.KeyVault -RequiredVersion 6.6.0\n", None),
    Case("KA-103", "c.ps1", "Install-Module Az.KeyVault\n", None),
    Case("KA-103", "requirements.psd1", "@{\n  'Az.KeyVault' = '4.*'\n}\n", 2),
    Case("KA-103", "r2/requirements.psd1", "@{\n  'Az.KeyVault' = '7.*'\n}\n", None),
    # Management SDKs.
    Case("KA-104", "requirements.txt", "requests\nazure_mgmt_keyvault==12.1.1 \\\n    --hash=sha256:00\n", 2),
    Case("KA-104", "requirements-new.txt", "azure-mgmt-keyvault==14.1.0\n", None),
    Case("KA-104", "requirements-open.txt", "azure-mgmt-keyvault>=10\n", None),
    Case("KA-104", "requirements-wild.txt", "azure-mgmt-keyvault==10.*\n", 1),
    Case("KA-104", "poetry.lock", '[[package]]\nname = "azure-mgmt-keyvault"\nversion = "11.0.0"\n', 3),
    Case("KA-104", "uv.lock", '[[package]]\nname = "azure-mgmt-keyvault"\nversion = "14.0.0"\n', None),
    Case("KA-104", "pyproject.toml", '[project]\ndependencies = [\n  "azure-mgmt-keyvault~=10.3",\n]\n', 3),
    Case("KA-104", "p/pyproject.toml", '[tool.poetry.dependencies]\nazure-mgmt-keyvault = "^11.0"\n', 2),
    Case("KA-104", "q/pyproject.toml", '[tool.poetry.dependencies]\nazure-mgmt-keyvault = "^14.0"\n', None),
    Case("KA-104", "package.json", '{\n"dependencies": {\n"@azure/arm-keyvault": "^4.0.0" } }', 3),
    Case("KA-104", "n/package.json", '{ "dependencies": { "@azure/arm-keyvault": "^5.0.0" } }', None),
    Case("KA-104", "package-lock.json", '{ "packages": { "node_modules/@azure/arm-keyvault": {\n"version": "3.2.0" } } }', 2),
    Case("KA-104", "pom.xml", POM % ("com.azure.resourcemanager", "azure-resourcemanager-keyvault", "2.54.1"), 2),
    Case("KA-104", "q/pom.xml", POM % ("com.azure.resourcemanager", "azure-resourcemanager-keyvault", "2.60.0"), None),
    # Providers and modules.
    Case("KA-105", "providers.tf", PROVIDER % "~> 3.39", 5, A_VAULT),
    Case("KA-105", "providers2.tf", PROVIDER % "~> 4.0", None, A_VAULT),
    Case("KA-105", "alone.tf", PROVIDER % "~> 3.39", None),
    Case("KA-105", ".terraform.lock.hcl", 'provider "registry.terraform.io/hashicorp/azurerm" {\n  version = "4.40.0"\n}\n', 2, A_VAULT),
    Case("KA-105", "module.bicep", "module v 'br/public:avm/res/key-vault/vault:0.14.0' = {\n  params: { name: 'x' }\n}\n", 1),
    Case("KA-105", "module2.bicep", "module v 'br/public:avm/res/key-vault/vault:0.15.0' = {\n  params: { name: 'x' }\n}\n", None),
    # How access is decided.
    Case("KA-201", "a.bicep", BICEP_VAULT % "    tenantId: tenant().tenantId", 1),
    Case("KA-201", "b.bicep", BICEP_VAULT % "    enableRbacAuthorization: false", None),
    Case("KA-201", "existing.bicep", "resource kv 'Microsoft.KeyVault/vaults@2026-02-01' existing = {\n  name: 'x'\n}\n", None),
    Case("KA-201", "loop.bicep", "resource kv 'Microsoft.KeyVault/vaults@2026-02-01' = [for n in names: {\n  name: n\n  properties: {}\n}]\n", 1),
    Case("KA-201", "a.json", ARM % '{ "type": "Microsoft.KeyVault/vaults", "apiVersion": "2026-02-01", "name": "x", "properties": {} }', 4),
    Case("KA-201", "kv.tf", TF_VAULT % "", 1),
    Case("KA-201", "kv2.tf", TF_VAULT % "  enable_rbac_authorization = var.rbac", None),
    Case("KA-201", "azapi.tf", 'resource "azapi_resource" "kv" {\n  type = "Microsoft.KeyVault/vaults@2026-02-01"\n  body = { properties = { } }\n}\n', 2),
    Case("KA-201", "update.tf", 'resource "azapi_update_resource" "kv" {\n  type = "Microsoft.KeyVault/vaults@2026-02-01"\n  body = { properties = { } }\n}\n', None),
    # Access policies.
    Case("KA-202", "a.bicep", BICEP_VAULT % "    enableRbacAuthorization: false\n    accessPolicies: [{ objectId: id }]", 1),
    Case("KA-202", "b.bicep", BICEP_VAULT % "    enableRbacAuthorization: false\n    accessPolicies: []", None),
    Case("KA-202", "a.sh", "if true; then\n  az keyvault set-policy --name x --object-id y\nfi\n", 2),
    Case("KA-202", "b.sh", "az keyvault delete-policy --name x --object-id y\n", None),
    Case("KA-202", "fill.sh", "NAME=<the_name>\naz keyvault set-policy --name <vault> --object-id $ID\n", 2),
    Case("KA-202", "a.ps1", "Set-AzKeyVaultAccessPolicy -VaultName x -ObjectId y\n", 1),
    Case("KA-202", "a.tf", 'resource "azurerm_key_vault_access_policy" "a" {\n  object_id = var.id\n}\n', 1),
    Case("KA-202", "azure.yaml", "name: x\nhooks:\n  postprovision:\n    shell: sh\n    run: |\n      set -e\n      az keyvault set-policy --name $KV\n", 7),
    Case("KA-202", ".github/workflows/a.yml", WORKFLOW % "      - shell: pwsh\n        run: |\n          Set-AzKeyVaultAccessPolicy -VaultName ${{ vars.KV }}", 8),
    Case("KA-202", "azure-pipelines.yml", "steps:\n- task: AzureCLI@2\n  inputs:\n    scriptType: bash\n    inlineScript: az keyvault set-policy --name $(kv)\n", 5),
    Case("KA-203", "a.bicep", BICEP_VAULT % "    enableRbacAuthorization: true\n    accessPolicies: [{ objectId: id }]", 1),
    Case("KA-203", "b.bicep", BICEP_VAULT % "    enableRbacAuthorization: true\n    accessPolicies: []", None),
    # SDKs.
    Case("KA-301", "requirements.txt", "msal==1.32.1\n", 1),
    Case("KA-301", "constraints.txt", "msal==1.32.3\n", None),
    Case("KA-301", "requirements/run.txt", "azure-identity==1.15.0\n", 1),
    Case("KA-301", "a.csproj", CSPROJ % ("", '<PackageReference Include="Azure.Identity" Version="1.10.0" />'), 6),
    Case("KA-301", "b.csproj", CSPROJ % ("", '<PackageReference Include="Azure.Identity" Version="1.13.0" />'), None),
    Case("KA-301", "Directory.Packages.props", CSPROJ % ("", '<PackageVersion Include="Microsoft.Identity.Client"><Version>4.60.0</Version></PackageVersion>'), 6),
    Case("KA-301", "packages.lock.json", '{ "dependencies": { "net8.0": { "Azure.Identity": {\n"resolved": "1.9.0" } } } }', 2),
    Case("KA-301", "package.json", '{ "dependencies": {\n"@azure/identity": "^2.0.4" } }', 2),
    Case("KA-301", "pom.xml", POM % ("com.azure", "azure-identity", "1.9.0"), 2),
    Case("KA-302", "requirements.txt", "msal==1.37.0\n", 1),
    Case("KA-302", "requirements-new.txt", "msal==1.39.0\nazure-identity==1.25.3\n", None),
    Case("KA-302", "requirements-id.txt", "azure-identity==1.20.0\n", 1),
    # Languages and hosts that end.
    Case("KA-401", "a.bicep", SITE % "    siteConfig: { linuxFxVersion: 'Python|3.9' }", 4),
    Case("KA-401", "b.bicep", SITE % "    siteConfig: { linuxFxVersion: 'Python|3.13' }", None),
    Case("KA-401", "c.bicep", "param pythonVersion string = '3.10'\n" + SITE % "    functionAppConfig: { runtime: { name: 'python', version: pythonVersion } }", 5),
    Case("KA-401", "dotnet.bicep", SITE % "    siteConfig: { netFrameworkVersion: 'v6.0' }", 4),
    Case("KA-401", "framework.bicep", SITE % "    siteConfig: { netFrameworkVersion: 'v4.0' }", None),
    Case("KA-401", "a.tf", 'resource "azurerm_linux_function_app" "a" {\n  site_config {\n    application_stack {\n      python_version = "3.9"\n    }\n  }\n}\n', 4),
    Case("KA-401", "b.tf", 'resource "azurerm_function_app_flex_consumption" "a" {\n  runtime_name = "python"\n  runtime_version = "3.10"\n}\n', 3),
    Case("KA-401", "a.sh", "az functionapp create --runtime python --runtime-version 3.10 --name x\n", 1),
    Case("KA-401", "b.sh", "az webapp create --runtime 'NODE|18-lts' --name x\n", 1),
    Case("KA-401", "c.sh", "az functionapp create --runtime python --runtime-version 3.13 --name x\n", None),
    Case("KA-401", "Dockerfile", "FROM mcr.microsoft.com/azure-functions/python:4-python3.10\n", 1),
    Case("KA-401", ".github/workflows/a.yml", WORKFLOW % (DEPLOY + "      - uses: actions/setup-python@v5\n        with:\n          python-version: '3.10'"), 9),
    Case("KA-401", ".github/workflows/b.yml", WORKFLOW % "      - uses: actions/setup-python@v5\n        with:\n          python-version: '3.10'", None),
    Case("KA-401", ".github/workflows/c.yml", "env:\n  PY: '3.9'\n" + WORKFLOW % (DEPLOY + "      - uses: actions/setup-python@v5\n        with:\n          python-version: ${{ env.PY }}"), 2),
    Case("KA-401", "azure-pipelines.yml", "steps:\n- task: UsePythonVersion@0\n  inputs:\n    versionSpec: '3.9'\n- task: AzureFunctionApp@2\n", 4),
    Case("KA-401", "a.csproj", CSPROJ % ("<TargetFramework>net6.0</TargetFramework><AzureFunctionsVersion>v4</AzureFunctionsVersion>", ""), 3),
    Case("KA-402", "a.bicep", SITE % "    siteConfig: { appSettings: [{ name: 'FUNCTIONS_EXTENSION_VERSION', value: '~3' }] }", 4),
    Case("KA-402", "b.bicep", SITE % "    siteConfig: { appSettings: [{ name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }] }", None),
    Case("KA-402", "a.ps1", "az functionapp create --name x --functions-version 3\n", 1),
    Case("KA-403", "a.bicep", "resource p 'Microsoft.Web/serverfarms@2025-03-01' = {\n  sku: { name: 'Y1' }\n  properties: { reserved: true }\n}\n", 1),
    Case("KA-403", "b.bicep", "resource p 'Microsoft.Web/serverfarms@2025-03-01' = {\n  sku: { name: 'FC1' }\n  properties: { reserved: true }\n}\n", None),
    Case("KA-403", "windows.bicep", "resource p 'Microsoft.Web/serverfarms@2025-03-01' = {\n  sku: { name: 'Y1' }\n  properties: {}\n}\n", None),
    Case("KA-403", "a.tf", 'resource "azurerm_service_plan" "a" {\n  os_type = "Linux"\n  sku_name = "Y1"\n}\n', 1),
    # Secrets in clear text.
    Case("KA-501", "a.bicep", "param adminPassword string\n", 1),
    Case("KA-501", "b.bicep", "@description('x')\n@secure()\nparam adminPassword string\n", None),
    Case("KA-501", "c.bicep", "param secretName string\nparam passwordLength int\nparam createSecret bool\n", None),
    Case("KA-501", "t.json", ARM.replace('"resources"', '"parameters": {\n"sqlPassword": { "type": "string" } },\n"resources"') % "", 4),
    Case("KA-501", "s.json", ARM.replace('"resources"', '"parameters": {\n"sqlPassword": { "type": "securestring" } },\n"resources"') % "", None),
    Case("KA-501", "a.tf", 'variable "db_password" {\n  type = string\n}\n', 1),
    Case("KA-501", "b.tf", 'variable "db_password" {\n  type = string\n  sensitive = true\n}\n', None),
    Case("KA-502", "a.bicep", "resource s 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {\n  name: 'a'\n  properties: {\n    value: 'hunter2'\n  }\n}\n", 4),
    Case("KA-502", "b.bicep", "resource s 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {\n  name: 'a'\n  properties: {\n    value: secretValue\n  }\n}\n", None),
    Case("KA-502", "c.bicep", "@secure()\nparam adminPassword string = 'hunter2'\n", 2),
    Case("KA-502", "d.bicep", "@secure()\nparam adminPassword string = newGuid()\n", None),
    Case("KA-502", "a.tf", 'resource "azurerm_key_vault_secret" "s" {\n  value = "hunter2"\n}\n', 2),
    Case("KA-502", "b.tf", 'resource "azurerm_key_vault_secret" "s" {\n  value = random_password.p.result\n}\n', None),
    Case("KA-502", "c.tf", 'resource "azurerm_key_vault_secret" "s" {\n  value = "${var.user}:${var.password}"\n}\n', None),
    Case("KA-502", "a.sh", "az keyvault secret set --vault-name \"$KV\" --name a \\\n  --value 'hunter2'\n", 2),
    Case("KA-502", "b.sh", 'az keyvault secret set --vault-name "$KV" --name a --value "$VALUE"\n', None),
    Case("KA-502", "c.sh", "az keyvault secret set --vault-name kv --name a --value <value>\n", None),
    Case("KA-502", "a.ps1", 'Set-AzKeyVaultSecret -VaultName x -SecretValue (ConvertTo-SecureString "hunter2" -AsPlainText -Force)\n', 1),
    Case("KA-503", "a.bicep", SITE % "    siteConfig: { appSettings: [{ name: 'DB_PASSWORD', value: 'hunter2' }] }", 4),
    Case("KA-503", "b.bicep", SITE % "    siteConfig: { appSettings: [{ name: 'DB_PASSWORD', value: '@Microsoft.KeyVault(SecretUri=https://x)' }] }", None),
    Case("KA-503", "c.bicep", SITE % "    siteConfig: { appSettings: [{ name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }] }", None),
    Case("KA-503", "d.bicep", SITE % "    siteConfig: { appSettings: [{ name: 'SQL', value: 'Server=x;User=y;Password=hunter2;' }] }", 4),
    Case("KA-503", "e.bicep", "resource c 'Microsoft.Web/sites/config@2025-03-01' = {\n  name: 'appsettings'\n  properties: {\n    API_KEY: 'hunter2'\n  }\n}\n", 4),
    Case("KA-503", "a.tf", 'resource "azurerm_linux_web_app" "a" {\n  app_settings = {\n    CLIENT_SECRET = "hunter2"\n  }\n}\n', 3),
    Case("KA-503", "p.parameters.json", VALUES % '"adminPassword": {\n"value": "hunter2" }', 5),
    Case("KA-503", "q.parameters.json", VALUES % '"adminPassword": { "reference": { "secretName": "x" } }', None),
    Case("KA-503", "main.bicepparam", "using 'main.bicep'\nparam adminPassword = 'hunter2'\n", 2),
    Case("KA-503", "env.bicepparam", "using 'main.bicep'\nparam adminPassword = readEnvironmentVariable('X')\n", None),
    Case("KA-503", "prod.tfvars", 'db_password = "hunter2"\n', 1),
    Case("KA-503", "a.ps1", "$conn = 'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=aGVsbG8='\n", 1),
    Case("KA-503", "a.sh", "export DB_PASSWORD='hunter2'\n", 1),
    Case("KA-503", "b.sh", "export DB_PASSWORD=\"$(cat file)\"\nSECRET_NAME='db-password'\n", None),
    Case("KA-503", "Dockerfile", "FROM scratch\nENV DB_PASSWORD=hunter2\n", 2),
    Case("KA-503", ".github/workflows/a.yml", "env:\n  DB_PASSWORD: hunter2\n" + WORKFLOW % DEPLOY, 2),
    Case("KA-503", ".github/workflows/b.yml", "env:\n  DB_PASSWORD: ${{ secrets.DB_PASSWORD }}\n" + WORKFLOW % DEPLOY, None),
    # Roles.
    Case("KA-601", "r.bicep", ROLE % ("app.identity.principalId", "ServicePrincipal"), 2, READER),
    Case("KA-601", "s.bicep", ROLE % ("app.identity.principalId", "ServicePrincipal"), None, WRITER),
    Case("KA-601", "alone.bicep", ROLE % ("app.identity.principalId", "ServicePrincipal"), None),
    Case("KA-601", "person.bicep", ROLE % ("principalId", "User"), None, READER),
    Case("KA-601", "deployer.bicep", ROLE % ("deployer().objectId", "ServicePrincipal"), None, READER),
    Case("KA-601", "r.tf", 'resource "azurerm_role_assignment" "a" {\n  role_definition_name = "Key Vault Secrets Officer"\n  principal_id = azurerm_linux_web_app.a.identity[0].principal_id\n}\n', 1, READER),
    Case("KA-601", "user.tf", 'resource "azurerm_role_assignment" "a" {\n  role_definition_name = "Key Vault Secrets User"\n  principal_id = azurerm_linux_web_app.a.identity[0].principal_id\n}\n', None, READER),
    Case("KA-601", "contributor.tf", 'resource "azurerm_role_assignment" "a" {\n  scope = azurerm_key_vault.kv.id\n  role_definition_name = "Contributor"\n  principal_id = azurerm_linux_web_app.a.identity[0].principal_id\n}\n', 1, READER),
    Case("KA-601", "group.tf", 'resource "azurerm_role_assignment" "a" {\n  scope = azurerm_resource_group.a.id\n  role_definition_name = "Contributor"\n  principal_id = azurerm_linux_web_app.a.identity[0].principal_id\n}\n', None, READER),
    Case("KA-601", "r.sh", "az role assignment create --role 'Key Vault Administrator' --assignee-object-id \"$APP\" --assignee-principal-type ServicePrincipal\n", 1, READER),
    Case("KA-601", "r.ps1", 'New-AzRoleAssignment -RoleDefinitionName "Key Vault Administrator" -SignInName someone@example.com\n', None, READER),
)
