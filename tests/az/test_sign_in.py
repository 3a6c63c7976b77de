"""The real Azure CLI signs in here in each of its ways, unmodified: `make az` installs it, and elsewhere this is skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.az.program import AZ, NOWHERE, needs_az

from keyless.local.azure.azure import Azure

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "an-application-s-secret"
CONFIG = f"""
[vaults.contoso-kv.secrets]
db-password = "the-value"

[identities.system]
roles = {{ contoso-kv = "Key Vault Secrets User" }}

[identities.reporting]
groups = "ops"

[groups.ops]
object_id = "38418092-90d8-5ebe-919d-e7e596bfbd01"
roles = {{ contoso-kv = "Key Vault Reader" }}

[applications.ci]
client_id = "b1b9e125-236c-5f38-9dad-ee7175403db1"
secret = "{SECRET}"
certificate = "ci.pem"
roles = {{ contoso-kv = "Key Vault Secrets User" }}
groups = "ops"

[applications.operator]
client_id = "0c0b0a00-0000-4000-8000-000000000001"
secret = "{SECRET}"
roles = {{ "/" = "Owner" }}
"""
CI = "b1b9e125-236c-5f38-9dad-ee7175403db1"
OPS = "38418092-90d8-5ebe-919d-e7e596bfbd01"
TENANT = "1b42fbc6-cd36-50dd-bf72-ff3aceecbac1"
OPERATOR = "0c0b0a00-0000-4000-8000-000000000001"
PERSON = "the-person-s-own-login"

pytestmark = needs_az


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a keyless.toml, the application's certificate, and a person's own login beside it."""
    key_and_certificate = tmp_path / "ci.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ci", "-days", "30"),
            *("-keyout", "key.pem", "-out", "certificate.pem"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    parts = [(tmp_path / name).read_text("ascii") for name in ("key.pem", "certificate.pem")]
    key_and_certificate.write_text("".join(parts), "ascii")
    (tmp_path / "keyless.toml").write_text(CONFIG.replace("ci.pem", "certificate.pem"), "utf-8")
    (tmp_path / "home" / ".azure").mkdir(parents=True)
    (tmp_path / "home" / ".azure" / "azureProfile.json").write_text(PERSON, "utf-8")
    return tmp_path


def walk(place: Path, script: str, *, source: str = "app-service") -> tuple[list[Any], str]:
    """Run a script of sh with the real az under `keyless run`; return each line of its output, and its errors."""
    names = {"az": f"{AZ} --output json --only-show-errors", "CI": CI, "OPS": OPS, "TENANT": TENANT, "SECRET": SECRET}
    program = f'az() {{ "{AZ}" "$@" --only-show-errors | "{sys.executable}" -c "import json,sys; t = sys.stdin.read(); '
    program += "print(json.dumps(json.loads(t)) if t.strip() else 'null')\"; }\n" + script
    done = subprocess.run(
        [sys.executable, "-m", "keyless", "run", "--source", source, "--", "sh", "-c", program],
        cwd=place,
        env={**os.environ, **names, **NOWHERE, "HOME": str(place / "home"), "AZURE_CORE_OUTPUT": "json"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert SECRET not in done.stdout + done.stderr
    # The run's az has a folder of its own: nobody's real login is used or touched.
    assert [each.name for each in (place / "home" / ".azure").iterdir()] == ["azureProfile.json"]
    assert (place / "home" / ".azure" / "azureProfile.json").read_text("utf-8") == PERSON
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


READ = "az keyvault secret show --vault-name contoso-kv -n db-password --query value"


@pytest.mark.parametrize(
    ("login", "source", "user"),
    [
        ("--service-principal -u $CI -p $SECRET --tenant $TENANT", "app-service", CI),
        ("--service-principal -u $CI --certificate ci.pem --tenant $TENANT", "app-service", CI),
        ("--identity", "app-service", "systemAssignedIdentity"),
        ("--identity", "imds", "systemAssignedIdentity"),
    ],
    ids=["secret", "certificate", "identity-app-service", "identity-imds"],
)
def test_az_signs_in_and_reads_a_secret(place: Path, login: str, source: str, user: str) -> None:
    script = f"az login {login}\naz account show\n{READ}"
    (logged_in, account, value), errors = walk(place, script, source=source)
    assert [each["user"]["name"] for each in logged_in] == [user], errors
    assert (account["user"]["name"], account["tenantId"], account["state"]) == (user, TENANT, "Enabled")
    assert account["environmentName"] == "AzureCloud"
    assert value == "the-value"


def test_az_signs_in_with_a_federated_token(place: Path) -> None:
    # The pod's token is of the first user-assigned identity.
    script = (
        'az login --service-principal -u "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" '
        '--federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")"\naz account show'
    )
    (logged_in, account), errors = walk(place, script, source="workload")
    assert account["id"] == logged_in[0]["id"], errors
    assert account["user"]["type"] == "servicePrincipal"


def test_az_shows_entra_s_words_for_a_wrong_secret(place: Path) -> None:
    _, errors = walk(place, "az login --service-principal -u $CI -p wrong --tenant $TENANT")
    assert "AADSTS7000215: Invalid client secret provided" in errors


def test_az_asks_who_there_is_and_makes_an_application_that_signs_in(place: Path) -> None:
    script = """
az login --service-principal -u $CI -p $SECRET --tenant $TENANT
az ad sp show --id $CI --query '[displayName, appId, servicePrincipalType]'
az ad group show --group ops --query id
az ad group member list --group $OPS --query '[].displayName'
made=$("$AZ" ad sp create-for-rbac --name made --output tsv --query '[appId, password]')
set -- $made
az login --service-principal -u $1 -p $2 --tenant $TENANT --allow-no-subscriptions --query '[0].user.type'
az ad group member add --group $OPS --member-id $(az ad sp show --id $1 --query id | tr -d '"')
az ad group member list --group $OPS --query 'sort([].displayName)'
""".replace('"$AZ"', f'"{AZ}"')
    (_, shown, group, members, user, _, more), errors = walk(place, script)
    assert shown == ["ci", CI, "Application"], errors
    assert group == OPS
    assert sorted(members) == ["ci", "reporting"]
    assert user == "servicePrincipal"
    assert more == ["ci", "made", "reporting"]


def test_az_gives_a_group_a_role_and_its_members_read_the_secret(place: Path) -> None:
    scope = f"/subscriptions/{Azure.subscription_id}"
    script = f"""
operator="--service-principal -u {OPERATOR} -p $SECRET --tenant $TENANT"
az login --service-principal -u $CI -p $SECRET --tenant $TENANT --query '[0].user.name'
az role assignment create --assignee $OPS --role 'Key Vault Administrator' --scope {scope} --query id
az login $operator --query '[0].user.name'
az keyvault show -n contoso-kv --query '[name, properties.enableRbacAuthorization]'
scope=$(az keyvault show -n contoso-kv --query id | tr -d '"')
az role assignment create --assignee-object-id $OPS --assignee-principal-type Group --role 'Key Vault Secrets Officer' \\
  --scope "$scope" --query principalType
az role assignment list --scope "$scope" --query "[?principalId=='$OPS'].[principalName, roleDefinitionName]"
az login --service-principal -u $CI -p $SECRET --tenant $TENANT --query '[0].user.name'
az keyvault secret set --vault-name contoso-kv -n db-password --value new --query attributes.enabled
"""
    (first, refused, operator, vault, kind, held, _, set_), errors = walk(place, script)
    assert (first, refused, operator) == (CI, None, OPERATOR), errors
    assert "(AuthorizationFailed)" in errors
    assert vault == ["contoso-kv", True]
    assert kind == "Group"
    assert ["ops", "Key Vault Secrets Officer"] in held
    assert set_ is True
