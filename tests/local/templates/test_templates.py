"""What templates would make: parameters, loops, conditions, order and nested deployments, by a prediction that makes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.local.templates.conftest import GROUP, UNKNOWN, predict, template, value

from keyless.local.azure.templates.errors import TemplateError

ROOT = Path(__file__).parents[3]
SNAPSHOTS = ROOT.parent / "shared" / "reference" / "arm"


def vault(name: str, **parts: Any) -> dict[str, Any]:
    return {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2026-02-01", "name": name, **parts}


def deployment(name: str, inner: dict[str, Any], scope: str, **parts: Any) -> dict[str, Any]:
    properties = {
        "mode": "Incremental",
        "template": inner,
        "expressionEvaluationOptions": {"scope": scope},
        **parts.pop("properties", {}),
    }
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2025-04-01",
        "name": name,
        "properties": properties,
        **parts,
    }


def names(raw: dict[str, Any], **given: Any) -> list[str]:
    return [each["name"] for each in predict(raw, **given)[0]]


@pytest.mark.parametrize(
    ("declared", "given", "words"),
    [
        ({"type": "string"}, {}, "The value for the template parameter 'p' is not provided"),
        ({"type": "string"}, {"p": 5}, "Expected 'String, Uri'. Actual 'Integer'"),
        ({"type": "int"}, {"p": "5"}, "Expected 'Integer'. Actual 'String'"),
        ({"type": "int"}, {"p": True}, "Expected 'Integer'. Actual 'Boolean'"),
        ({"type": "bool"}, {"p": "true"}, "Expected 'Boolean'. Actual 'String'"),
        ({"type": "array"}, {"p": {}}, "Expected 'Array'. Actual 'Object'"),
        ({"type": "secureObject"}, {"p": []}, "Expected 'Object'. Actual 'Array'"),
        (
            {"type": "string", "allowedValues": ["a", "b"]},
            {"p": "c"},
            "The provided value 'c' for the template parameter 'p'",
        ),
        ({"type": "string", "minLength": 3}, {"p": "ab"}, "Length of the value should be greater than or equal to '3'"),
        ({"type": "string", "maxLength": 1}, {"p": "ab"}, "Length of the value should be less than or equal to '1'"),
        ({"type": "int", "minValue": 7}, {"p": 6}, "The value should be greater than or equal to '7'"),
        ({"type": "int", "maxValue": 90}, {"p": 91}, "The value should be less than or equal to '90'"),
        ({"type": "array", "minLength": 1}, {"p": []}, "Length of the value should be greater than or equal to '1'"),
        ({"type": "string"}, {"p": "a", "q": 1}, "The template parameters 'q' in the parameters file are not valid"),
        ({"type": "date"}, {"p": "a"}, "The type 'date' is not one of"),
        ({"$ref": "#/definitions/none"}, {"p": "a"}, "The type '#/definitions/none' is not defined"),
        ({"type": "string", "allowedValues": "a"}, {"p": "a"}, "The allowed values of the template parameter 'p'"),
        ({"type": "string", "defaultValue": "[parameters('p')]"}, {}, "needs its own value"),
    ],
)
def test_a_parameter_that_cannot_be_so_is_refused(declared: Any, given: Any, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        predict(template(parameters={"p": declared}), **given)
    assert words in caught.value.message


def test_no_error_shows_the_value_of_a_secure_parameter() -> None:
    declared = {"type": "secureString", "allowedValues": ["a", "b"]}
    with pytest.raises(TemplateError) as caught:
        predict(template(parameters={"p": declared}), p="the-secret")
    assert "the-secret" not in caught.value.message


def test_parameters_have_defaults_types_of_the_template_and_null() -> None:
    parts: dict[str, Any] = {
        "parameters": {
            "first": {"type": "string", "defaultValue": "[concat(parameters('second'), '!')]"},
            "second": {"$ref": "#/definitions/word"},
            "third": {"type": "string", "nullable": True},
        },
        "definitions": {"word": {"type": "string", "minLength": 2}},
    }
    expression = "[createArray(parameters('first'), parameters('third'))]"
    assert value(expression, given={"second": "ab"}, **parts) == ["ab!", None]


def test_loops_make_resources_properties_variables_and_outputs() -> None:
    raw = template(
        variables={
            "copy": [{"name": "numbers", "count": 3, "input": "[add(copyIndex('numbers'), 1)]"}],
            "inside": {
                "copy": [{"name": "letters", "count": 2, "input": "[concat('l', string(copyIndex('letters')))]"}]
            },
        },
        resources=[
            vault(
                "[concat('kv-', string(copyIndex(1)))]",
                copy={"name": "vaults", "count": "[length(variables('numbers'))]"},
                properties={
                    "copy": [
                        {"name": "rules", "count": 2, "input": {"at": "[copyIndex('rules')]", "of": "[copyIndex()]"}}
                    ]
                },
            ),
            vault("last", dependsOn=["vaults"]),
        ],
        outputs={"names": {"type": "array", "copy": {"count": 2, "input": "[concat('n', string(copyIndex()))]"}}},
    )
    found, outputs = predict(raw)
    assert [each["name"] for each in found] == ["kv-1", "kv-2", "kv-3", "last"]
    assert [each["at"] for each in found[1]["properties"]["rules"]] == [0, 1]
    assert outputs == {"names": ["n0", "n1"]}
    assert value("[variables('inside').letters]", variables=raw["variables"]) == ["l0", "l1"]


@pytest.mark.parametrize("count", ["many", -1, 801, True])
def test_a_loop_without_a_count_is_refused(count: Any) -> None:
    with pytest.raises(TemplateError, match="must be an integer from 0 to 800"):
        predict(template(resources=[vault("a[copyIndex()]", copy={"name": "loop", "count": count})]))


def test_a_condition_leaves_a_resource_out() -> None:
    raw = template(
        parameters={"is": {"type": "bool"}},
        resources=[vault("a", condition="[parameters('is')]"), vault("b", condition="[not(parameters('is'))]")],
    )
    assert names(raw, **{"is": True}) == ["a"]
    assert names(raw, **{"is": False}) == ["b"]


def test_resources_come_after_those_that_they_need() -> None:
    needs = "[reference(resourceId('Microsoft.KeyVault/vaults', 'c')).vaultUri]"
    raw = template(
        resources=[
            vault("a", dependsOn=["[resourceId('Microsoft.KeyVault/vaults', 'b')]"]),
            vault("b", tags={"x": needs}),
            vault("c", dependsOn=["d"]),
            vault("d"),
        ]
    )
    assert names(raw) == ["d", "c", "b", "a"]
    symbolic = template(
        languageVersion="2.0",
        resources={
            "a": vault("a", tags={"x": "[reference('b').vaultUri]"}),
            "b": vault("b", dependsOn=["c"]),
            "c": vault("c"),
        },
    )
    assert names(symbolic) == ["c", "b", "a"]


def test_resources_inside_a_resource_are_its_children() -> None:
    child = {"type": "secrets", "apiVersion": "2026-02-01", "name": "[toLower('S')]", "dependsOn": ["kv"]}
    found, _ = predict(template(resources=[vault("kv", resources=[child])]))
    assert found[1]["id"] == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv/secrets/s"
    assert found[1]["type"] == "Microsoft.KeyVault/vaults/secrets"


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ([vault("a", dependsOn=["a"])], "Circular dependency detected on resource"),
        ([vault("a", dependsOn=["b"]), vault("b", dependsOn=["a"])], "Circular dependency detected on resource"),
        ([vault("a", dependsOn=["none"])], "The resource 'none' is not defined in the template"),
        ([vault("a"), vault("A")], "is defined multiple times in a template"),
        ([{"type": "Microsoft.KeyVault/vaults", "name": "a"}], "must have 'apiVersion'"),
        ([vault("a/b")], "requires '1' resource name argument(s)"),
        ([vault("a", condition="maybe")], "The condition of the template resource 'a' must be true or false"),
        ("none", "The value of 'resources' must be an array or an object"),
        ([vault(f"kv-{at}") for at in range(801)], "Limit: 800 and actual: 801"),
        (["none"], "A resource of a template must be an object"),
        ([vault("a", scope={})], "The scope of the template resource"),
        (
            [deployment("d", template(), "inner", properties={"expressionEvaluationOptions": ["inner"]})],
            "The options and the parameters of the nested deployment 'd' must be objects",
        ),
        (
            [deployment("d", template(), "inner", properties={"parameters": ["none"]})],
            "The options and the parameters of the nested deployment 'd' must be objects",
        ),
    ],
)
def test_resources_that_cannot_be_so_are_refused(resources: Any, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        predict(template(resources=resources))
    assert words in caught.value.message


def own_function(**parts: Any) -> dict[str, Any]:
    function = {"output": {"type": "string", "value": "x"}, **parts}
    return {"namespace": "n", "members": {"f": function}}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (None, "The template is missing"),
        ({"resources": []}, "Required property '$schema' not found"),
        (template(extensions={}), "Could not find member 'extensions'"),
        (template(languageVersion="9.0"), "the language version '9.0'"),
        (template(parameters=[]), "The value of 'parameters' must be an object"),
        (template(languageVersion=["2.0"]), "the language version '['2.0']'"),
        (template(parameters={"p": {"$ref": "#/definitions/D"}}, definitions={"D": "none"}), "must be an object"),
        (template(functions=[own_function(output="value")]), "The function 'f' has no output"),
        (
            template(functions=[own_function(parameters={"name": "x"})]),
            "The parameters of the function 'f' must be a list",
        ),
        (template(functions=[own_function(parameters=["x"])]), "The parameters of the function 'f' must be a list"),
    ],
)
def test_what_is_not_a_template_is_refused(raw: Any, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        predict(raw)
    assert words in caught.value.message


def test_a_nested_template_has_its_own_values_or_those_around_it() -> None:
    inner = template(
        parameters={"word": {"type": "string", "defaultValue": "inner"}},
        variables={"v": "inside"},
        resources=[vault("[concat(parameters('word'), '-', variables('v'))]")],
        outputs={"name": {"type": "string", "value": "[parameters('word')]"}},
    )
    raw = template(
        parameters={"word": {"type": "string", "defaultValue": "outer"}},
        variables={"v": "outside"},
        resources=[
            deployment(
                "one", inner, "Inner", properties={"parameters": {"word": {"value": "[toUpper(parameters('word'))]"}}}
            ),
            deployment("two", inner, "outer"),
        ],
        outputs={"name": {"type": "string", "value": "[reference('one').outputs.name.value]"}},
    )
    found, outputs = predict(raw)
    assert [each["name"] for each in found] == ["OUTER-inside", "outer-outside"]
    assert outputs == {"name": "OUTER"}


def test_a_nested_template_of_outer_scope_refers_to_what_is_around_it() -> None:
    inner = template(resources=[vault("two", tags={"uri": "[reference('one').vaultUri]"})])
    raw = template(resources=[vault("one"), deployment("nested", inner, "outer", dependsOn=["one"])])
    found, _ = predict(raw)
    assert found[1]["tags"] == {"uri": f"[reference('{found[0]['id']}', '2026-02-01').vaultUri]"}


def test_a_nested_deployment_goes_to_another_group() -> None:
    raw = template(resources=[deployment("one", template(resources=[vault("kv")]), "inner", resourceGroup="other")])
    assert "/resourceGroups/other/providers/Microsoft.KeyVault/vaults/kv" in predict(raw)[0][0]["id"]


def test_a_resource_on_another_one_has_an_id_below_it() -> None:
    role = {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "g"}
    on = "[resourceId('Microsoft.KeyVault/vaults', 'kv')]"
    older = {
        **role,
        "type": "Microsoft.KeyVault/vaults/providers/roleAssignments",
        "name": "kv/Microsoft.Authorization/h",
    }
    found, _ = predict(
        template(resources=[{**role, "scope": on}, {**role, "scope": "Microsoft.KeyVault/vaults/k2"}, older])
    )
    below = "providers/Microsoft.Authorization/roleAssignments"
    assert [each["id"].removeprefix(f"{GROUP}/providers/Microsoft.KeyVault/vaults/") for each in found] == [
        f"kv/{below}/g",
        f"k2/{below}/g",
        f"kv/{below}/h",
    ]


def test_what_exists_is_looked_up_and_not_made() -> None:
    raw = template(
        languageVersion="2.0",
        resources={
            "there": vault("kv", existing=True),
            "made": vault("other", tags={"uri": "[reference('there').vaultUri]"}),
        },
    )
    (made,), _ = predict(raw)
    here = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    assert made["tags"] == {"uri": f"[reference('{here}', '2026-02-01').vaultUri]"}


def test_a_prediction_shows_no_secure_value() -> None:
    raw = template(
        parameters={"s": {"type": "secureString"}},
        resources=[
            vault(
                "kv", tags={"a": "[parameters('s')]", "b": "[base64(parameters('s'))]", "c": "[empty(parameters('s'))]"}
            )
        ],
    )
    ((made,), _) = predict(raw, s="the-secret")
    assert made["tags"] == {"a": "[parameters('s')]", "b": "[base64(parameters('s'))]", "c": False}


MAIN = {"environmentName": "keyless-dev"}
PRIVATE = {
    **MAIN,
    "privateNetwork": "true",
    "recoverVault": "true",
    "alwaysReady": 1,
    "alertEmail": "operator@example.com",
    "secretValue": "x",
}


def test_the_project_s_own_template_is_worked_out_whole() -> None:
    main = json.loads((ROOT / "infra" / "main.json").read_text("utf-8"))
    found, outputs = predict(main, "keyless-dev-1", **MAIN)
    assert [each["type"].rpartition("/")[2] for each in found].count("roleAssignments") == 4
    assert {each["name"] for each in found} >= {
        "kv-a36nnomii3wea",
        "kv-a36nnomii3wea/db-password",
        "func-a36nnomii3wea",
    }
    assert outputs["KEY_VAULT_URL"] == "https://kv-a36nnomii3wea.vault.azure.net"
    assert len(predict(main, "keyless-dev-1", **PRIVATE)[0]) == len(found) + 10


@pytest.mark.skipif(not SNAPSHOTS.exists(), reason=f"NOT COMPARED WITH BICEP'S SNAPSHOTS: {SNAPSHOTS} is not there.")
@pytest.mark.parametrize(
    ("which", "file", "given"),
    [
        ("default", "main", MAIN),
        ("keep", "main", {**MAIN, "keepSecret": "true"}),
        ("recover", "main", {**MAIN, "recoverVault": "true"}),
        ("private", "main", PRIVATE),
        ("rotation", "rotation", {"vaultName": "kv-x", "functionAppName": "func-x", "secretName": "db-password"}),
    ],
)
def test_a_prediction_is_what_bicep_s_snapshot_says(which: str, file: str, given: dict[str, Any]) -> None:
    raw = json.loads((ROOT / "infra" / f"{file}.json").read_text("utf-8"))
    wanted = json.loads((SNAPSHOTS / f"snapshot-{which}.json").read_text("utf-8"))
    found, outputs = predict(raw, "keyless-rotation" if file == "rotation" else "keyless-dev-1", UNKNOWN, **given)
    assert by_id(found) == by_id(wanted["predictedResources"])
    assert outputs == wanted["outputs"]


def by_id(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Return resources by id, or by name where Bicep writes the id another way; and secure values as Bicep writes them."""
    told = json.loads(json.dumps(resources).replace("[parameters('secretValue')]", "[unknown()]"))
    is_long = {each["id"]: "virtualNetworkLinks" in each["id"] and each["id"].startswith("[") for each in told}
    return {
        each["name"] if is_long[each["id"]] else each["id"]: {
            name: part for name, part in each.items() if not (name == "id" and is_long[each["id"]])
        }
        for each in told
    }
