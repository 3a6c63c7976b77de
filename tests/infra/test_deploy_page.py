"""What docs/deploy.md says of the Bicep, held against it."""

from __future__ import annotations

import json
import re

import pytest
from tests.infra.bicep import INFRA, Template, as_object, names

from keyless.local.azure.authorization.roles import role_named

PAGE = (INFRA.parent / "docs" / "deploy.md").read_text()


def test_the_table_of_parameters_is_that_of_the_template() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)`)? ?\|", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == list(Template(INFRA / "main.bicep").of_kind("param"))
    by_azd = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    variables = {name: re.sub(r"\$\{(\w+).*", r"\1", given["value"]) for name, given in by_azd.items()}
    assert {name: variable for name, variable in rows if variable} == variables


def test_the_defaults_in_the_table_are_those_of_the_template() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| `?([\w.-]+)`? \|", PAGE, re.MULTILINE)
    declared = Template(INFRA / "main.bicep").of_kind("param")
    plain = {name: str(found.value).lower() for name, found in declared.items() if found.value not in {None, ""}}
    told = dict(rows)
    assert {name: told[name] for name in plain if name in told and told[name] != "random"} == {
        name: held for name, held in plain.items() if name in told and told[name] != "random"
    }
    assert len(told) >= 8


@pytest.mark.parametrize(("identity", "file"), [("system", "system-role.bicep"), ("user", "user-roles.bicep")])
def test_the_roles_of_the_page_are_those_of_the_template(identity: str, file: str) -> None:
    told = re.findall(rf"^\| {identity}-assigned \| ([\w ]+) \|", PAGE, re.MULTILINE)
    given = [each for each in Template(INFRA / "app" / file).of_kind("resource").values() if not each.existing]
    assert [role[0].lower() + role[1:].replace(" ", "") for role in told] == [
        names(as_object(each.properties["properties"])["roleDefinitionId"])[-1] for each in given
    ]


def test_the_role_that_the_page_gives_by_hand_is_that_of_the_template() -> None:
    (named,) = set(re.findall(r"--role '([^']+)'", PAGE))
    declared = Template(INFRA / "app" / "built-in-roles.bicep").declarations["keyVaultSecretsUser"]
    assert role_named(named).id == declared.value


def test_the_command_for_rotation_gives_the_template_what_it_needs() -> None:
    command = next(line for line in PAGE.splitlines() if "-f infra/rotation.json" in line)
    params = Template(INFRA / "rotation.bicep").of_kind("param")
    assert set(re.findall(r"(\w+)=\$", command)) == {name for name, found in params.items() if found.value is None}
