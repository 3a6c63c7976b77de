"""The Bicep: that it parses, that every name leads somewhere, and that modules know what they are given."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.infra.bicep import INFRA, TEMPLATES, Choice, Template, as_object
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
        ("app/storage.bicep", "output blobEndpoint", "output blobs", "storage gives no blobEndpoint"),
        ("app/network.bicep", "service: 'blob'\n", "", "blobEndpoint needs service"),
        ("app/built-in-roles.bicep", "@export()\n", "", "built-in-roles.bicep exports no keyVaultSecretsUser"),
        ("app/function.bicep", "@description('Python version.')\n", "", "pythonVersion has no description"),
    ],
)
def test_a_mistake_would_be_found(tmp_path: Path, file: str, right: str, wrong: str, told: str) -> None:
    shutil.copytree(INFRA, tmp_path, dirs_exist_ok=True)
    path = tmp_path / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    found = [problem for each in tmp_path.rglob("*.bicep") for problem in problems(each)]
    assert any(problem.startswith(told) for problem in found), found


def test_the_value_of_the_secret_is_what_is_secure() -> None:
    declared = Template(INFRA / "main.bicep").declarations.values()
    assert {found.name for found in declared if "secure" in found.decorators} == {"secretValue", "randomValue"}


def test_the_parameters_file_names_parameters_that_there_are() -> None:
    parameters = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    declared = Template(INFRA / "main.bicep").of_kind("param")
    assert set(parameters) <= set(declared)
    assert {name for name, found in declared.items() if found.value is None} <= set(parameters)


@pytest.mark.parametrize("switch", ["keepSecret", "privateNetwork", "recoverVault"])
def test_a_switch_takes_the_words_true_and_false_and_no_other(switch: str) -> None:
    """azd drops a boolean that it cannot read, and az takes any word but "true" for false: Azure refuses a wrong word."""
    declared = Template(INFRA / "main.bicep").declarations[switch]
    assert (declared.decorators["allowed"], declared.value) == (["true", "false"], "false")
    assert re.search(rf"bool\({switch}\)", (INFRA / "main.bicep").read_text())


def test_nothing_can_be_opened_with_a_key_and_the_vault_goes_by_roles() -> None:
    def properties(file: str, name: str) -> dict[str, Value]:
        return as_object(Template(INFRA / "app" / file).declarations[name].properties["properties"])

    account = properties("storage.bicep", "account")
    assert (account["allowSharedKeyAccess"], account["allowBlobPublicAccess"]) == (False, False)
    insights = properties("monitoring.bicep", "insights")
    assert (insights["DisableLocalAuth"], insights["DisableIpMasking"]) == (True, False)
    vault = properties("vault.bicep", "vault")
    assert (vault["enableRbacAuthorization"], vault["enablePurgeProtection"]) == (True, True)
    assert properties("function.bicep", "app")["httpsOnly"] is True
    assert [properties("function.bicep", f"{each}Passwords")["allow"] for each in ("ftp", "scm")] == [False, False]


def test_a_private_network_closes_both_the_vault_and_the_storage_account() -> None:
    for file, name in (("vault.bicep", "vault"), ("storage.bicep", "account")):
        properties = as_object(Template(INFRA / "app" / file).declarations[name].properties["properties"])
        closed = Choice("privateNetwork", "Disabled", "Enabled")
        assert properties["publicNetworkAccess"] == closed
        assert as_object(properties["networkAcls"])["defaultAction"] == Choice("privateNetwork", "Deny", "Allow")
