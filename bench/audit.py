"""The time that `keyless audit` takes, as a ratio to reading and parsing the same files with the same parsers, in one run.

A thousand files, ten megabytes, are generated: templates, workflows, scripts and lock files. In each, one part in twelve is a vault or
a command for one. Run as ``python -m bench.audit``.
"""

import ast
import random
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import yaml
from bench.results import alternate, keep, median, met, ratio, table

from keyless.audit.files import files, reader_of
from keyless.audit.project import audit
from keyless.audit.readers import python
from keyless.audit.source import Grammars

SIZE = 10_000
ROUNDS = 7
RARE = 12  # One part in so many has to do with vaults: more than projects have.
TODAY = date(2026, 11, 27)
# How many of each kind, out of a thousand.
MIX = {"bicep": 250, "json": 200, "tf": 250, "yml": 100, "sh": 70, "ps1": 40, "txt": 30, "toml": 30, "py": 30}
GRAMMARS = {"bicep": "bicep", "json": "json", "tf": "hcl", "sh": "bash", "ps1": "powershell", "toml": "toml"}


def bicep(n: int) -> str:
    if n % RARE:
        return f"""resource store{n} 'Microsoft.Storage/storageAccounts@2025-06-01' = {{
  name: 'st{n}${{token}}'
  location: location
  sku: {{ name: 'Standard_LRS' }}
  kind: 'StorageV2'
  properties: {{ allowSharedKeyAccess: false, minimumTlsVersion: 'TLS1_2' }}
}}

@description('The name of part {n}.')
param part{n} string = 'part-{n}'

"""
    return f"""resource vault{n} 'Microsoft.KeyVault/vaults@2023-07-01' = {{
  name: 'kv{n}${{token}}'
  location: location
  properties: {{
    sku: {{ family: 'A', name: 'standard' }}
    tenantId: tenant().tenantId
    enableRbacAuthorization: true
  }}
}}

"""


def arm(n: int) -> str:
    kind, version = (
        ("Microsoft.KeyVault/vaults", "2023-07-01")
        if n % RARE == 0
        else ("Microsoft.Storage/storageAccounts", "2025-06-01")
    )
    return f"""    {{
      "type": "{kind}",
      "apiVersion": "{version}",
      "name": "[format('x{n}{{0}}', parameters('token'))]",
      "location": "[parameters('location')]",
      "tags": {{ "part": "{n}" }},
      "properties": {{
        "enableRbacAuthorization": true,
        "sku": {{ "family": "A", "name": "standard" }},
        "tenantId": "[tenant().tenantId]"
      }}
    }}"""


def terraform(n: int) -> str:
    if n % RARE:
        return f"""resource "azurerm_storage_account" "store{n}" {{
  name                     = "st{n}${{var.token}}"
  resource_group_name      = azurerm_resource_group.main.name
  location                 = var.location
  account_tier             = "Standard"
  account_replication_type = "LRS"
  tags                     = merge(var.tags, {{ part = "{n}" }})
}}

"""
    return f"""resource "azurerm_key_vault" "vault{n}" {{
  name                       = "kv{n}${{var.token}}"
  resource_group_name        = azurerm_resource_group.main.name
  location                   = var.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
}}

"""


def workflow(n: int) -> str:
    called = "az keyvault set-policy --name $KV --object-id $ID" if n % RARE == 0 else "make test"
    return f"""      - name: Step {n}
        uses: actions/checkout@v4
        with:
          fetch-depth: {n}
      - name: Run {n}
        env:
          PART: part-{n}
        run: |
          set -eu
          {called}
"""


def shell(n: int) -> str:
    called = (
        'az keyvault secret set --vault-name "$KV" --name x --value "$VALUE"'
        if n % RARE == 0
        else f"make part-{n} --jobs 2"
    )
    return f'if [ -n "${{PART_{n}:-}}" ]; then\n  {called}\n  echo "part {n} is done"\nfi\n\n'


def powershell(n: int) -> str:
    called = (
        "Set-AzKeyVaultAccessPolicy -VaultName $vault -ObjectId $id" if n % RARE == 0 else f"Get-Item -Path 'part-{n}'"
    )
    return f'if ($part{n}) {{\n  {called}\n  Write-Host "part {n} is done"\n}}\n\n'


def requirement(n: int) -> str:
    name = "msal" if n % 60 == 0 else f"package-{n}"
    return f"{name}==1.{n} \\\n    --hash=sha256:{n:064x} \\\n    --hash=sha256:{n + 1:064x}\n"


def lock(n: int) -> str:
    name = "azure-identity" if n % 60 == 0 else f"package-{n}"
    return f'[[package]]\nname = "{name}"\nversion = "1.{n}.0"\nsource = {{ registry = "here" }}\ndependencies = [{{ name = "package-{n + 1}" }}]\n\n'


def program(n: int) -> str:
    return f'def part_{n}(client: SecretClient, name: str = "part-{n}") -> str:\n    return client.get_secret(name).value or ""\n\n\n'


HEADS = {
    "json": '{\n  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",\n  "contentVersion": "1.0.0.0",\n  "parameters": { "token": { "type": "string" }, "location": { "type": "string" } },\n  "resources": [\n',
    "yml": "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n",
    "py": "from azure.keyvault.secrets import SecretClient\n\n\n",
}
TAILS = {"json": "\n  ]\n}\n"}
PARTS: dict[str, Callable[[int], str]] = {
    "bicep": bicep,
    "json": arm,
    "tf": terraform,
    "yml": workflow,
    "sh": shell,
    "ps1": powershell,
    "txt": requirement,
    "toml": lock,
    "py": program,
}
NAMES = {"yml": ".github/workflows/{}.yml", "txt": "requirements-{}.txt", "toml": "{}/uv.lock"}


def generate(folder: Path) -> int:
    """Write the files, and return how many bytes they take."""
    written = 0
    choose = random.Random(1)
    for kind, count in MIX.items():
        for number in range(count):
            path = folder / f"area-{number % 20}" / NAMES.get(kind, "{}." + kind).format(f"{kind}-{number}")
            parts, size = [], 0
            while size < SIZE:
                parts.append(PARTS[kind](choose.randrange(10_000)))
                size += len(parts[-1])
            text = HEADS.get(kind, "") + (",\n" if kind == "json" else "").join(parts) + TAILS.get(kind, "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written += len(text)
    return written


def read_and_parse(folder: Path) -> float:
    started = time.process_time()
    grammars = Grammars()
    for shown, path in files(folder, []):
        if reader_of(shown) is None:
            continue
        data = path.read_bytes()
        kind = "toml" if path.name == "uv.lock" else path.suffix[1:]
        if kind == "yml":
            list(yaml.compose_all(data, Loader=yaml.CSafeLoader))
        elif kind == "py" and python.concerns(data):
            ast.parse(data)
        elif kind in GRAMMARS:
            grammars.tree(GRAMMARS[kind], data)
    return time.process_time() - started


def whole(folder: Path) -> float:
    started = time.process_time()
    report = audit([folder], today=TODAY)
    assert len(report.findings) > 1000
    assert not report.problems
    return time.process_time() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = generate(folder)
        rivals = {"reading and parsing": partial(read_and_parse, folder), "`keyless audit`": partial(whole, folder)}
        for measure in rivals.values():
            measure()  # In the page cache, and imported.
        measured = alternate(rivals, ROUNDS)
    times = ratio(measured, "`keyless audit`", "reading and parsing")
    section = f"""
`python -m bench.audit`: processor time for {sum(MIX.values()):,} files, {written / 1e6:.1f} MB, median of {ROUNDS} alternating rounds.

{table(["done", "s"], [[name, f"{value:.2f}"] for name, value in median(measured).items()])}

* `keyless audit` took {times:.2f} of what reading and parsing the same files with the same parsers takes. Goal: {met(times, 1.5)}.
"""
    keep("audit", {"s": measured}, section)


if __name__ == "__main__":
    main()
