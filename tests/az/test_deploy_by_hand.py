"""The commands of "By hand" in docs/deploy.md, run by the real az from top to bottom, from nothing to a 200 of the function.

One is replaced, since nothing here can do it: the local host serves the function that `make package` and `func azure
functionapp publish` would publish. The system topic of the last step, rotation, is deployed and does nothing.
"""

from __future__ import annotations

import re
import textwrap
import time
from typing import TYPE_CHECKING

import requests
from tests.az.program import ROOT, needs_az

from keyless.cli.served_functions import served_functions
from keyless.local.azure.azure import Azure
from keyless.local.functions.bundled import bundled_function_app

if TYPE_CHECKING:
    from tests.az.conftest import MakeAz

pytestmark = needs_az
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BY_HAND = PAGE.partition("\n## By hand\n")[2].partition("\n## ")[0]
KEY = "KEY=$(az functionapp keys list -g GROUP -n APP --query functionKeys.default -o tsv)"
CONFIG = f"""
[identities.system]
assigned = false
resource_id = "/subscriptions/{Azure.subscription_id}/resourceGroups/rg-contoso/providers/Microsoft.Web/sites/func-contoso"

[applications.operator]
roles = {{ "/" = "Owner" }}
"""
# What the page takes for granted, and how a reader would have made it: the vault with its secret.
BEFORE = """
az group create --name $GROUP --location westus2
az keyvault create --resource-group $GROUP --name $VAULT
az role assignment create --role 'Key Vault Secrets Officer' --scope $(az keyvault show -n $VAULT --query id -o tsv) \\
    --assignee $(az account show --query user.name -o tsv)
az keyvault secret set --vault-name $VAULT --name $SECRET --value by-hand
"""


def steps() -> tuple[str, dict[int, list[str]]]:
    """Return the line of names, and the blocks of commands of each numbered step."""
    blocks: dict[int, list[str]] = {}
    step, before = 0, ""
    for line in BY_HAND.splitlines():
        if found := re.match(r"(\d)\. ", line):
            step = int(found[1])
        if line.startswith(" " * 8):
            held = blocks.setdefault(step, [])
            if before.startswith(" " * 8):
                held[-1] += f"\n{line}"
            else:
                held.append(line)
        before = line
    (names,) = re.findall(r"^    (\S.*)$", BY_HAND, re.MULTILINE)
    return names, {number: [textwrap.dedent(block) for block in found] for number, found in blocks.items()}


def call(url: str, key: str, query: dict[str, str]) -> tuple[int, str]:
    """Call the function, which may be starting again after the change of its settings."""
    end = time.monotonic() + 60
    while True:
        try:
            answer = requests.get(url, params=query, headers={"x-functions-key": key}, timeout=30)
            return answer.status_code, answer.json().get("secret", {}).get("value", answer.text)
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_every_step_that_az_does_is_run_and_the_others_are_named() -> None:
    _, found = steps()
    assert {number: len(blocks) for number, blocks in found.items()} == {1: 2, 2: 1, 3: 1, 4: 1, 6: 1}
    assert "func azure functionapp publish" in found[4][0]
    assert "az deployment group create" in found[6][0]
    assert f"    {KEY}\n" in PAGE


def test_by_hand_from_nothing_to_a_200_of_the_function(make_az: MakeAz) -> None:
    az = make_az(CONFIG)
    names, found = steps()
    (system, user), (role,), (settings,), (rotation,) = found[1], found[2], found[3], found[6]
    key = KEY.replace("GROUP -n APP", "$GROUP -n $APP")
    # Both ways of step 1, each with the role of step 2.
    lines = (names, BEFORE, user, role, system, role, settings, rotation, key)
    script = "\n".join(("export AZURE_CORE_OUTPUT=none", f"cd {ROOT}", *lines))
    azure = az.azure
    with served_functions(azure, az.config, bundled_function_app(), port=0, quiet=True) as host:
        done = az.must(
            f'{script}\nprintf "%s\\n" "$KEY" "$(az identity show -g $GROUP -n id-contoso --query clientId -o tsv)"'
        )
        key, client_id = done.out.splitlines()[-2:]
        url = f"{host.url}/api/AcquireTokenMsi"
        for query in ({}, {"userAssignedClientId": client_id}):
            assert call(url, key, query) == (200, "by-hand")
    assert azure.journal.count(service="arm", operation="putRoleAssignment", status=201) == 3
    assert azure.journal.count(service="arm", operation="putDeployment", status=201) == 1
