"""The Bicep: that it parses, that every name leads somewhere, and that modules and Azure know what they are given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.infra.bicep import INFRA, TEMPLATES, Choice, Template, names, nodes, objects, text
from tests.infra.resource_models import HANDED_ON, OF_BICEP, RESOURCES, unknown_names
from tests.infra.verified_modules import VERIFIED_MODULES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.bicep import Declaration, Value
    from tree_sitter import Node

# https://learn.microsoft.com/en-us/azure/azure-resource-manager/bicep/bicep-functions
FUNCTIONS = {
    "resourceGroup",
    "uniqueString",
    "newGuid",
    "empty",
    "union",
    "guid",
    "subscriptionResourceId",
    "environment",
}
REGISTRY = "br/public:avm/res/"
TYPES = {"string", "int", "bool", "object"}

every_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(INFRA)))


def used_names(template: Template) -> dict[str, list[Node]]:
    """Return every symbol that a template uses, without the keys of objects and the names of functions."""
    used: dict[str, list[Node]] = {}
    for node in nodes(template.root):
        if node.type != "identifier" or node.parent is None:
            continue
        if node == node.parent.named_children[0] and node.parent.type in {
            *("call_expression", "object_property", "parameter_declaration", "variable_declaration"),
            *("module_declaration", "resource_declaration", "output_declaration"),
        }:
            continue
        used.setdefault(text(node), []).append(node)
    return used


def functions_called(template: Template) -> set[str]:
    calls = [node for node in nodes(template.root) if node.type == "call_expression"]
    return {
        text(call.named_children[0])
        for call in calls
        if call.named_children[0].type == "identifier" and call.parent is not None and call.parent.type != "decorator"
    }


def verified(module: Declaration) -> str:
    """Return the name of an Azure Verified Module, such as ``web/site``; empty for a template of ours."""
    return module.source.removeprefix(REGISTRY).partition(":")[0] if module.source.startswith(REGISTRY) else ""


@every_template
def test_it_has_no_syntax_error(path: Path) -> None:
    template = Template(path)
    wrong = [f"{node.start_point.row + 1}: {text(node)}" for node in nodes(template.root) if node.is_error]
    assert wrong == []
    assert [node.start_point for node in nodes(template.root) if node.is_missing] == []


@every_template
def test_every_name_is_declared_and_every_declared_name_is_used(path: Path) -> None:
    template = Template(path)
    used = used_names(template)
    assert set(used) <= set(template.declarations)
    assert functions_called(template) <= FUNCTIONS
    inputs = {*template.of_kind("param"), *template.of_kind("var")}
    assert inputs - set(used) == set()


@every_template
def test_every_output_of_a_module_that_is_read_is_one_that_it_has(path: Path) -> None:
    template = Template(path)
    modules = template.of_kind("module")
    for name, places in used_names(template).items():
        for node in places if name in modules else []:
            assert node.parent is not None
            reading = node.parent.parent
            assert reading is not None
            assert text(node.parent).removeprefix(name).strip("!.") == "outputs"
            read = text(reading.named_children[-1])
            source = verified(modules[name])
            outputs = VERIFIED_MODULES[source].outputs if source else local(path, modules[name]).of_kind("output")
            assert read in outputs, f"{name} gives no {read}"


@every_template
def test_every_module_is_given_what_it_takes_and_all_that_it_needs(path: Path) -> None:
    for module in Template(path).of_kind("module").values():
        source = verified(module)
        if source:
            known = VERIFIED_MODULES[source]
            assert module.source == f"{REGISTRY}{source}:{known.version}"
            takes, needs = known.parameters, known.required
            assert module.given["enableTelemetry"] is False
        else:
            params = local(path, module).of_kind("param")
            takes, needs = frozenset(params), frozenset(name for name in params if params[name].value is None)
        assert set(module.given) - takes == set(), module.name
        assert needs - set(module.given) == set(), module.name


@every_template
def test_azure_knows_every_property(path: Path) -> None:
    template = Template(path)
    for resource in template.of_kind("resource").values():
        if not resource.existing:
            properties = {name: held for name, held in resource.properties.items() if name not in OF_BICEP}
            model = RESOURCES[resource.source.partition("@")[0]]
            assert unknown_names(properties, model, resource.name) == []
    for module in template.of_kind("module").values():
        for (source, parameter), model in HANDED_ON.items():
            if verified(module) == source:
                assert unknown_names(module.given[parameter], model, parameter) == []


@pytest.mark.parametrize(
    ("key", "wrong", "told"),
    [
        (("web/site", "functionAppConfig"), {"runtime": {"nmae": "python"}}, ["here.runtime.nmae"]),
        (("web/site", "siteConfig"), {"alwaysOff": True}, ["here.alwaysOff"]),
        (("key-vault/vault", "networkAcls"), {"default": "Deny"}, ["here.default"]),
    ],
)
def test_a_property_that_azure_does_not_know_would_be_found(
    key: tuple[str, str], wrong: dict[str, object], told: list[str]
) -> None:
    assert unknown_names(wrong, HANDED_ON[key], "here") == told


@every_template
def test_every_parameter_and_output_says_what_it_is(path: Path) -> None:
    template = Template(path)
    said = {**template.of_kind("param"), **template.of_kind("output")}
    assert [name for name, found in said.items() if "description" not in found.decorators] == []
    assert said or template.of_kind("resource")


@every_template
def test_a_secure_parameter_is_handed_on_to_secure_ones_alone_and_is_no_output(path: Path) -> None:
    template = Template(path)
    secure = {name for name, found in template.declarations.items() if "secure" in found.decorators}
    assert secure == {name for name in template.of_kind("param") if name in {"secretValue", "randomValue"}}
    for output in template.of_kind("output").values():
        assert not any(name in str(output.value) for name in secure)
    for module in template.of_kind("module").values():
        for parameter, held in module.given.items():
            used = {*names(held)} | ({*names(held.yes), *names(held.no)} if isinstance(held, Choice) else set())
            if secure & used and not verified(module):
                assert "secure" in local(path, module).declarations[parameter].decorators


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


def local(path: Path, module: Declaration) -> Template:
    return Template(path.parent / module.source)
