"""The JSON beside the Bicep, which ``az`` deploys without Bicep: it is what the Bicep says, and Azure's types allow it."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.infra.azure_types import ABSENT, FOLDERS, type_problems
from tests.infra.bicep import INFRA, TEMPLATES, Template
from tests.infra.compiled import DEPLOYED, committed, resources, stale, without_generator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.compiled import Json

MAIN, ROTATION = DEPLOYED
# Bicep tells a wrong name in a resource as a warning, and ends with 0 all the same.
COMPLAINTS = (" : Warning ", " : Error ")
needs_types = pytest.mark.skipif(not all(folder.exists() for folder in FOLDERS), reason=ABSENT)
needs_bicep = pytest.mark.skipif(
    shutil.which("bicep") is None, reason="Bicep is not on the PATH, so nothing is compiled."
)


def compile_with(bicep: str, path: Path) -> Json:
    """Compile a template, and fail on any complaint."""
    command = [bicep, "build", "--no-restore", "--stdout", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not any(each in done.stderr for each in COMPLAINTS), done.stderr
    found: Json = json.loads(done.stdout)
    return found


@needs_bicep
@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_the_compiler_complains_of_nothing_and_makes_what_is_committed(path: Path) -> None:
    assert without_generator(compile_with("bicep", path)) == without_generator(committed(path))


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_complaint_of_the_compiler_is_a_failure_though_it_ends_well(tmp_path: Path, complaint: str) -> None:
    stand_in = tmp_path / "bicep"
    stand_in.write_text(f'#!/bin/sh\necho "main.bicep(1,1){complaint}BCP037: ..." >&2\necho "{{}}"\n')
    stand_in.chmod(0o755)
    with pytest.raises(AssertionError, match="BCP037"):
        compile_with(str(stand_in), MAIN)


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_the_json_is_what_the_bicep_says(path: Path) -> None:
    assert stale(path, committed(path)) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        (
            "main.bicep",
            "@allowed([512, 2048, 4096])",
            "@allowed([512, 2048])",
            "main.bicep: instanceMemory.allowedValues",
        ),
        ("main.bicep", "'Name of the vault.'", "'The vault.'", "main.bicep: KEY_VAULT_NAME has another description"),
        ("main.bicep", "mostInstances int = 40", "mostInstances int = 41", "main.bicep: mostInstances is 41 in Bicep"),
        (
            "main.bicep",
            "principalId: userIdentity.o",
            "id: userIdentity.o",
            "main.bicep: userRoles is given: id, principalId",
        ),
        ("main.bicep", "= if (isPrivate) {", "= {", "main.bicep: network is looked up, made or made on a condition"),
        (
            "app/vault.bicep",
            "@2026-02-01' = {",
            "@2026-05-15' = {",
            "vault.bicep: vault is Microsoft.KeyVault/vaults@2026-05",
        ),
        (
            "app/vault.bicep",
            "enablePurgeProtection: true",
            "enablePurgeProtection: false",
            "vault.bicep: vault.properties",
        ),
        ("app/vault.bicep", "@secure()\n", "", "vault.bicep: secretValue is secure in one of the two alone"),
        ("app/vault.bicep", "value: secretValue", "value: secretName", "vault.bicep: secret.properties.value"),
        (
            "app/storage.bicep",
            "days: 7 }\n    container",
            "days: 8 }\n    container",
            "storage.bicep: blobs.properties",
        ),
        (
            "app/system-role.bicep",
            "principalId: principalId",
            "principalId: vaultName",
            "system-role.bicep: systemReadsSecret",
        ),
        ("app/user-roles.bicep", "resource userSends", "resource userGives", "user-roles.bicep: resources: userGives"),
        ("app/function.bicep", "output url", "output address", "function.bicep: outputs: address, url"),
        ("app/built-in-roles.bicep", "4633458b-", "5633458b-", "system-role.bicep: keyVaultSecretsUser"),
        ("app/network.bicep", "'10.0.1.0/24'", "'10.0.2.0/24'", "network.bicep: network.properties.subnets[1]"),
        ("rotation.bicep", "maxDeliveryAttempts: 30", "maxDeliveryAttempts: 3", "rotation.bicep: Microsoft.EventGrid"),
    ],
)
def test_bicep_that_was_changed_and_not_compiled_is_found(
    tmp_path: Path, file: str, right: str, wrong: str, told: str
) -> None:
    shutil.copytree(INFRA, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text()
    assert right in text
    (tmp_path / file).write_text(text.replace(right, wrong))
    found = [problem for path in DEPLOYED for problem in stale(tmp_path / path.name, committed(path))]
    assert any(told in problem for problem in found), found


def test_every_template_is_part_of_what_is_compiled() -> None:
    """A file that no deployment reaches is compiled by nobody."""
    reached = {INFRA / "main.bicep", INFRA / "rotation.bicep"}
    for path in TEMPLATES:
        reached |= {path.parent / name for name in sources_of(path)}
    assert reached == set(TEMPLATES)


def sources_of(path: Path) -> set[str]:
    declared = Template(path).declarations.values()
    return {found.source for found in declared if found.source.endswith(".bicep")}


@needs_types
@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_azure_knows_every_type_version_and_name_in_it(path: Path) -> None:
    assert [problem for resource in resources(committed(path)) for problem in type_problems(resource)] == []


@needs_types
@pytest.mark.parametrize(
    ("place", "names", "wrong", "told"),
    [
        (
            "vault.vault",
            ("apiVersion",),
            "2023-01-01",
            "vault.vault: Azure has no Microsoft.KeyVault/vaults@2023-01-01",
        ),
        ("vault.vault", ("properties", "sku", "name"), "standrad", "vault.vault.properties.sku.name"),
        ("vault.vault", ("properties", "enableRbac"), True, "vault.vault.properties: "),
        ("vault.vault", ("properties", "hsmPoolResourceId"), "/x", "vault.vault.properties.hsm"),
        ("vault.vault", ("properties", "softDeleteRetentionInDays"), "7", "vault.vault.properties.softDelete"),
        ("storage.account", ("properties", "minimumTlsVersion"), "TLS1.2", "storage.account.properties.minimumTls"),
        ("function.app", ("properties", "functionAppConfig", "runtime", "name"), "pyton", "function.app.properties.f"),
        ("function.app", ("properties", "siteConfig", "minTlsVersion"), "12", "function.app.properties.siteConfig.min"),
        ("function.app", ("location",), None, "function.app: "),
        ("userRoles.userOwnsBlobs", ("properties", "principalType"), "Robot", "userRoles.userOwnsBlobs.properties.p"),
        ("alerts.denied", ("properties", "criteria", "odata.type"), "Metric", "alerts.denied.properties.criteria"),
        ("network.network", ("properties", "subnet"), [], "network.network.properties: "),
    ],
)
def test_what_azure_does_not_know_is_found(place: str, names: tuple[str, ...], wrong: Any, told: str) -> None:
    template = copy.deepcopy(committed(MAIN))
    (resource,) = (each for each in resources(template) if each.place == place)
    held: Any = resource.body
    for name in names[:-1]:
        held = held[name]
    if wrong is None:
        del held[names[-1]]
    else:
        held[names[-1]] = wrong
    found = [*type_problems(resource)]
    assert any(problem.startswith(told) for problem in found), found


def test_the_value_of_the_secret_passes_through_secure_parameters_alone() -> None:
    template = committed(MAIN)
    text = json.dumps(template)
    secret = next(each for each in resources(template) if each.place == "vault.secret")
    assert secret.body["properties"]["value"] == "[parameters('secretValue')]"
    assert text.count("parameters('secretValue')") == 3, "the choice in main, which names it twice, and the secret"
    vault = template["resources"]["vault"]["properties"]["template"]
    for given in (template["parameters"]["secretValue"], template["parameters"]["randomValue"]):
        assert given["type"] == "securestring"
    assert vault["parameters"]["secretValue"]["type"] == "securestring"
