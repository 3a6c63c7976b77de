"""Expressions have the values that Azure's documents give them; what is unknown or wrong is refused by name."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from tests.local.templates.conftest import GROUP, SUBSCRIPTION, value

from keyless.local.azure.templates.errors import TemplateError

LONG = "padLeft('', 3000, 'x')"


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("plain", "plain"),
        ("[[plain]", "[plain]"),
        ("[plain", "[plain"),
        ("['it''s']", "it's"),
        ("[ concat( 'a' , 'b' ) ]", "ab"),
        ("[concat('a', 1, true())]", "a1True"),
        ("[concat(createArray(1), createArray('b'))]", [1, "b"]),
        ("[CONCAT('a', 'b')]", "ab"),
        ("[format('{0}-{1:d3}-{{x}}', 'a', 7)]", "a-007-{x}"),
        ("[createObject('a', createObject('b', 5)).a.b]", 5),
        ("[createObject('a', createObject('b', 5))['A'].B]", 5),
        ("[createArray('x', 'y')[1]]", "y"),
        ("[createObject('a', 1).?b]", None),
        ("[createObject('a', 1).?b.?c]", None),
        ("[createArray(1)[?4]]", None),
        ("[tryGet(createObject('a', createArray(3)), 'a', 0)]", 3),
        ("[if(true(), 'yes', parameters('none'))]", "yes"),
        ("[if(equals(1, 2), first('').x, 'no')]", "no"),
        ("[and(false(), parameters('none'))]", False),
        ("[or(true(), parameters('none'))]", True),
        ("[not(or(false(), false()))]", True),
        ("[coalesce(null(), null(), 'third')]", "third"),
        ("[equals(createObject('a', 1), createObject('a', 1))]", True),
        ("[equals('a', 'A')]", False),
        ("[equals(1, true())]", False),
        ("[less(2, 10)]", True),
        ("[greaterOrEquals('b', 'b')]", True),
        ("[add(2, mul(3, sub(9, 5)))]", 14),
        ("[div(-7, 2)]", -3),
        ("[mod(-7, 2)]", -1),
        ("[max(createArray(1, 5, 2))]", 5),
        ("[min(3, 2)]", 2),
        ("[int('42')]", 42),
        ("[bool('True')]", True),
        ("[bool(0)]", False),
        ("[string(createObject('a', createArray(1, true())))]", '{"a":[1,true]}'),
        ("[json('{\"a\": [1, null]}')]", {"a": [1, None]}),
        ("[length('four')]", 4),
        ("[length(createObject('a', 1))]", 1),
        ("[empty('')]", True),
        ("[empty(createArray())]", True),
        ("[empty(null())]", True),
        ("[contains('OneTwo', 'two')]", True),
        ("[contains(createArray(1, 2), 2)]", True),
        ("[contains(createObject('a', 1), 'A')]", True),
        ("[first('abc')]", "a"),
        ("[last(createArray(1, 2))]", 2),
        ("[skip('abcd', 2)]", "cd"),
        ("[take(createArray(1, 2, 3), 2)]", [1, 2]),
        ("[range(5, 3)]", [5, 6, 7]),
        ("[union(createArray(1, 2), createArray(2, 3))]", [1, 2, 3]),
        (
            "[union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))]",
            {"a": {"x": 1, "y": 2}},
        ),
        ("[intersection(createArray(1, 2, 3), createArray(3, 2))]", [2, 3]),
        ("[flatten(createArray(createArray(1), createArray(2, 3)))]", [1, 2, 3]),
        ("[items(createObject('b', 2, 'a', 1))]", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
        ("[substring('abcdef', 1, 3)]", "bcd"),
        ("[replace('a-b-c', '-', '')]", "abc"),
        ("[split('a,b;c', createArray(',', ';'))]", ["a", "b", "c"]),
        ("[join(createArray('a', 'b'), '/')]", "a/b"),
        ("[toLower(toUpper(trim(' aB ')))]", "ab"),
        ("[padLeft('7', 3, '0')]", "007"),
        ("[startsWith('Keyless', 'key')]", True),
        ("[endsWith('Keyless', 'x')]", False),
        ("[indexOf('abcabc', 'C')]", 2),
        ("[lastIndexOf('abcabc', 'c')]", 5),
        ("[base64ToString(base64('one, two'))]", "one, two"),
        ("[uriComponent('a b/c')]", "a%20b%2Fc"),
        ("[uri('https://a.example/x/', 'y.json')]", "https://a.example/x/y.json"),
        ("[map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))]", [0, 2, 4]),
        ("[filter(createArray(1, 5, 9), lambda('n', greater(lambdaVariables('n'), 3)))]", [5, 9]),
        ("[reduce(range(1, 4), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]", 10),
        (
            "[sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]",
            [1, 2, 3],
        ),
        (
            "[toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', length(lambdaVariables('x'))))]",
            {"a": 1, "b": 1},
        ),
        ("[resourceGroup().location]", "westeurope"),
        ("[subscription().subscriptionId]", SUBSCRIPTION),
        ("[deployment().name]", "test"),
        ("[format('https://x{0}', environment().suffixes.keyvaultDns)]", "https://x.vault.azure.net"),
        (
            "[resourceId('Microsoft.KeyVault/vaults/secrets', 'kv', 's')]",
            f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv/secrets/s",
        ),
        (
            "[resourceId('other', 'Microsoft.KeyVault/vaults', 'kv')]",
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.KeyVault/vaults/kv",
        ),
        (
            "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/r",
        ),
        (
            "[tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
            "/providers/Microsoft.Authorization/roleDefinitions/r",
        ),
        (
            "[extensionResourceId('/subscriptions/s/resourceGroups/g', 'Microsoft.Authorization/locks', 'l')]",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/locks/l",
        ),
        # As the Bicep compiler works it out.
        (
            "[uniqueString('/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-keyless', 'keyless-dev')]",
            "a36nnomii3wea",
        ),
        # As Microsoft's page on guid() describes it: version 5, joined with "-".
        ("[guid('a', 'b')]", str(uuid.uuid5(uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830"), "a-b"))),
    ],
)
def test_an_expression_has_its_value(expression: str, wanted: Any) -> None:
    assert value(expression) == wanted


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("[nonsense('x')]", "The template function 'nonsense' is not valid"),
        ("[listKeys('x', '2023-01-01')]", "The template function 'listKeys' is not valid"),
        ("[concat('a']", "is not valid at position"),
        ("[concat('a' 'b')]", "is not valid at position"),
        ("['a' 'b']", "is not valid at position"),
        ("[]", "is not valid at position"),
        ("[x]", "is not valid at position"),
        ("[parameters('none')]", "The template parameter 'none' is not found"),
        ("[variables('none')]", "The template variable 'none' is not found"),
        ("[createObject('a', 1).b]", "property 'b' doesn't exist, available properties are 'a'"),
        ("[createArray(1)[1]]", "array index '1' is out of bounds"),
        ("[toLower(5)]", "'toLower': it takes a string, not Integer"),
        ("[toLower('a', 'b')]", "'toLower': it takes 1 argument(s), and has 2"),
        ("[if('yes', 1, 2)]", "'if': it takes true or false, not String"),
        ("[div(1, 0)]", "'div': it cannot divide by 0"),
        ("[copyIndex()]", "'copyIndex': it is inside no copy loop"),
        ("[newGuid()]", "It can be only used in the default value of a parameter"),
        ("[resourceId('Microsoft.KeyVault/vaults')]", "requires '1' resource name argument(s)"),
        ("[range(0, 100000)]", "'range': it takes a count from 0 to 10000"),
        ("[padLeft('a', 1000000000)]", "'padLeft'"),
        ("[" + "concat(" * 100 + "'a'" + ")" * 100 + "]", "is nested more than 60 times"),
        ("['" + "a" * 30_000 + "']", "longer than 24576 characters"),
        ("[substring('abc', 2, 5)]", "must refer to a location within the string"),
        ("[replace('abc', '', 'x')]", "'replace': it takes a string to replace that is not empty"),
        ("[mul(9000000000000000000, 2)]", "is not an integer of 64 bits"),
        ("[add(99999999999999999999, 1)]", "it takes an integer of 64 bits"),
        (f"[replace({LONG}, 'x', {LONG})]", "'replace': the value is larger than 4 MB"),
        (f"[join(range(0, 10000), {LONG})]", "'join': the value is larger than 4 MB"),
        (f"[format('{'{0}' * 5000}', {LONG})]", "'format': the value is larger than 4 MB"),
    ],
)
def test_an_expression_without_a_value_is_refused_by_name(expression: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        value(expression)
    assert words in caught.value.message


def test_variables_are_worked_out_when_they_are_asked_for() -> None:
    variables = {"a": "[concat(variables('b'), '!')]", "b": "x", "unused": "[nonsense()]"}
    assert value("[variables('A')]", variables=variables) == "x!"


def test_a_variable_that_needs_itself_is_refused() -> None:
    with pytest.raises(TemplateError, match="'a' needs its own value"):
        value("[variables('a')]", variables={"a": "[variables('b')]", "b": "[variables('a')]"})


@pytest.mark.parametrize(
    "step",
    [
        "[concat({0}, {0})]",
        "[createArray({0}, {0})]",
        ["{0_}", "{0_}"],
        {"a": "{0_}", "b": "{0_}"},
        "[string(createArray({0}, {0}))]",
    ],
    ids=["text", "call", "list", "object", "string"],
)
def test_a_value_that_doubles_without_end_is_refused(step: Any) -> None:
    variables: dict[str, Any] = {"v0": "0123456789"}
    for at in range(1, 60):
        before = f"variables('v{at - 1}')"
        text = json.dumps(step).replace("{0_}", f"[{before}]").replace("{0}", before)
        variables[f"v{at}"] = json.loads(text)
    with pytest.raises(TemplateError, match=r"larger than 4 MB|values grow too large"):
        value("[variables('v59')]", variables=variables)


@pytest.mark.parametrize(
    "expression",
    [
        "[map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', 1))))]",
        {
            "copy": [
                {
                    "name": "x",
                    "count": 800,
                    "input": {"copy": [{"name": "y", "count": 800, "input": "[range(0, 500)]"}]},
                }
            ]
        },
        "[own.two(1)]",
    ],
    ids=["lambdas", "loops", "functions"],
)
def test_work_without_end_is_refused(expression: Any) -> None:
    twice = {"two": "[add(own.one(parameters('n')), own.one(parameters('n')))]"}
    members = {
        name: {"parameters": [{"name": "n", "type": "int"}], "output": {"type": "int", "value": each}}
        for name, each in {"one": twice["two"].replace("own.one", "own.two"), **twice}.items()
    }
    functions = [{"namespace": "own", "members": members}]
    with pytest.raises(TemplateError, match=r"values grow too large|more than 20 deep"):
        value(expression, functions=functions)


def test_a_chain_that_is_too_long_is_refused() -> None:
    variables = {"v0": "x"} | {f"v{at}": f"[toLower(variables('v{at - 1}'))]" for at in range(1, 900)}
    with pytest.raises(TemplateError, match="nested too deeply"):
        value("[variables('v899')]", variables=variables)


def test_a_template_s_own_function_is_called() -> None:
    functions = [
        {
            "namespace": "own",
            "members": {
                "host": {
                    "parameters": [{"name": "name", "type": "string"}],
                    "output": {"type": "string", "value": "[concat(parameters('name'), '.example')]"},
                }
            },
        }
    ]
    assert value("[own.host('kv')]", functions=functions) == "kv.example"


def test_names_of_properties_can_be_expressions() -> None:
    assert value({"[concat('a', 'b')]": {"x": "[add(1, 1)]"}}) == {"ab": {"x": 2}}
