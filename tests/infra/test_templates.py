"""The Bicep: that it parses, that every name leads somewhere, and that modules and Azure know what they are given."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.infra.bicep import INFRA, TEMPLATES, Template, objects
from tests.infra.template_problems import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.bicep import Value


def problems(path: Path) -> list[str]:
    template = Template(path)
    return [problem for check in CHECKS for problem in check(template)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(INFRA)))
def test_nothing_is_wrong_with_it(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        ("main.bicep", "var token = ", "var token == ", "line "),
        ("main.bicep", "token: token\n", "token: tokn\n", "tokn is not declared"),
        ("main.bicep", "= uniqueString(", "= uniquString(", "uniquString is no function of Bicep that is known here"),
        ("main.bicep", "vault.outputs.url\n", "vault.outputs.uri\n", "vault gives no uri"),
        ("main.bicep", "email: alertEmail", "mail: alertEmail", "alerts does not take mail"),
        ("main.bicep", "email: alertEmail", "mail: alertEmail", "alerts needs email"),
        ("main.bicep", "= secretName\n", "= secretValue\n", "SECRET_NAME shows secretValue"),
        ("app/vault.bicep", "@secure()\n", "", "vault.secretValue is not secure"),
        ("app/vault.bicep", "sku: 'standard'", "skuName: 'standard'", "vault does not take skuName"),
        (
            "app/vault.bicep",
            "vault:0.14.0",
            "vault:0.15.0",
            "vault is br/public:avm/res/key-vault/vault:0.15.0: what is known",
        ),
        ("app/vault.bicep", "defaultAction:", "default:", "vault.networkAcls.default"),
        ("app/vault.bicep", "enableTelemetry: false", "", "vault tells Microsoft that it is used"),
        ("app/storage.bicep", "primaryBlobEndpoint", "blobEndpoint", "account gives no blobEndpoint"),
        ("app/function.bicep", "kind: 'functionapp,linux'", "", "app needs kind"),
        ("app/function.bicep", "instanceMemoryMB", "memoryMB", "app.functionAppConfig.scaleAndConcurrency.memoryMB"),
        ("app/function.bicep", "alwaysOn: false", "alwaysOff: true", "app.siteConfig.alwaysOff"),
        ("app/function.bicep", "@description('The version of Python.')\n", "", "pythonVersion has no description"),
        ("app/roles.bicep", "principalType", "principalKind", "systemReadsSecret.properties.principalKind"),
        ("app/alerts.bicep", "operator: 'GreaterThan'", "is: 'GreaterThan'", "throttled.properties.criteria.allOf.is"),
        ("rotation.bicep", "resourceId:", "id:", "subscription.properties.destination.properties.id"),
    ],
)
def test_a_mistake_would_be_found(tmp_path: Path, file: str, right: str, wrong: str, told: str) -> None:
    shutil.copytree(INFRA, tmp_path, dirs_exist_ok=True)
    path = tmp_path / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    found = [problem for each in {path, tmp_path / "main.bicep"} for problem in problems(each)]
    assert any(problem.startswith(told) for problem in found), found


def test_the_value_of_the_secret_is_what_is_secure() -> None:
    declared = Template(INFRA / "main.bicep").declarations.values()
    assert {found.name for found in declared if "secure" in found.decorators} == {"secretValue", "randomValue"}


def test_the_parameters_file_names_parameters_that_there_are() -> None:
    parameters = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    declared = Template(INFRA / "main.bicep").of_kind("param")
    assert set(parameters) <= set(declared)
    assert {name for name, found in declared.items() if found.value is None} <= set(parameters)


def test_nothing_can_be_opened_with_a_key_and_the_vault_goes_by_roles() -> None:
    def module(file: str, name: str) -> dict[str, Value]:
        return Template(INFRA / "app" / file).declarations[name].given

    account = module("storage.bicep", "account")
    assert (account["allowSharedKeyAccess"], account["allowBlobPublicAccess"]) == (False, False)
    assert module("monitoring.bicep", "insights")["disableLocalAuth"] is True
    vault = module("vault.bicep", "vault")
    assert (vault["enableRbacAuthorization"], vault["enablePurgeProtection"], vault["sku"]) == (True, True, "standard")
    site = module("function.bicep", "app")
    assert site["httpsOnly"] is True
    assert [each["allow"] for each in objects(site["basicPublishingCredentialsPolicies"])] == [False, False]
