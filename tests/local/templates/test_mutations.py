"""A template with a wrong value anywhere in it is worked out or refused in words, and never by an error of Python."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.local.templates.conftest import predict, template

from keyless.local.azure.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN = json.loads((Path(__file__).parents[3] / "infra" / "main.json").read_text("utf-8"))
EVERY: dict[str, Any] = template(
    parameters={"a": {"type": "array", "defaultValue": [1, 2]}, "s": {"type": "securestring", "defaultValue": "x"}},
    functions=[
        {
            "namespace": "own",
            "members": {
                "f": {
                    "parameters": [{"name": "x", "type": "string"}],
                    "output": {"type": "string", "value": "[toUpper(parameters('x'))]"},
                }
            },
        }
    ],
    definitions={"t": {"type": "string"}},
    variables={
        "copy": [{"name": "c", "count": 2, "input": "[copyIndex('c')]"}],
        "v": "[own.f('q')]",
        "o": {"copy": [{"name": "z", "count": 2, "input": {"i": "[copyIndex('z')]"}}]},
    },
    resources=[
        {
            "type": "Microsoft.KeyVault/vaults",
            "apiVersion": "2026-02-01",
            "name": "[concat('a', copyIndex())]",
            "copy": {"name": "loop", "count": "[length(parameters('a'))]"},
            "scope": "Microsoft.KeyVault/vaults/z",
            "condition": "[equals(1, 1)]",
            "tags": {"x": "[string(variables('o'))]"},
            "resources": [{"type": "secrets", "apiVersion": "2026-02-01", "name": "k", "dependsOn": ["loop"]}],
        },
        {
            "type": "Microsoft.Resources/deployments",
            "apiVersion": "2025-04-01",
            "name": "n",
            "resourceGroup": "g",
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {
                    "p": {"value": "[parameters('s')]"},
                    "q": {"reference": {"keyVault": {"id": "/x"}, "secretName": "s"}},
                },
                "template": template(
                    parameters={"p": {"type": "securestring"}, "q": {"type": "securestring"}},
                    outputs={"o": {"type": "securestring", "value": "[parameters('p')]"}},
                ),
            },
        },
    ],
    outputs={
        "o": {"type": "array", "copy": {"count": 2, "input": "[reference('n').outputs.o.value]"}},
        "m": {"type": "array", "value": "[map(createArray(1, 2), lambda('x', add(lambdaVariables('x'), 1)))]"},
    },
)
WRONG: list[Any] = [
    *(None, True, 0, -1, 5, 1.5, "", "x", "[", "[]", "[x()]", [], {}, [None], {"copy": []}, {"value": 1}),
    *({"copy": {"name": "x", "count": 1}}, {"copy": [{"name": "q", "count": 2, "input": 1}]}, "[[x]", "[copyIndex()]"),
    *({"$ref": "#/definitions/t"}, "[parameters('a')]", "[variables('v')]", "[reference('n')]", "[references('n')]"),
    *(
        "[createObject('value', 1)]",
        "[json('{')]",
        "[if(1, 2, 3)]",
        "[createArray()[0]]",
        "[first(null())]",
        "[map(1, 2)]",
    ),
    *(
        "[lambda('x', 1)]",
        "[items(5)]",
        "[union(1, 2)]",
        "[min('a')]",
        "[split(1, 2)]",
        "[resourceId(1)]",
        "[utcNow()]",
    ),
    "[sort(createArray(1, 'a'), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]",
    "[toObject(createArray(createArray(1)), lambda('x', lambdaVariables('x')))]",
    *("[contains(5, 5)]", "[indexOf(1, 2)]", "[int('x')]", "[float('x')]", "[padLeft(createArray(), 3)]", "[own.f()]"),
    *("[join(createObject(), '')]", "[mapValues(createArray(1), lambda('x', 1))]", "[intersection(createObject(), 1)]"),
    *(
        "[shallowMerge(createArray(1))]",
        "[objectKeys(1)]",
        "[format('{0:Z}', 1)]",
        "[uri('http://[', 'x')]",
        "[own.f(1)]",
    ),
    *("[dataUriToString('data:;base64,x')]", "[base64ToString('é')]", "[string(float('1e999'))]", "[range('a', 1)]"),
]


def places(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Go through the places in a template, by the names and numbers that lead there."""
    pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, inside in pairs:
        yield (*path, key)
        yield from places(inside, (*path, key))


def changed(raw: dict[str, Any], path: tuple[Any, ...], chance: random.Random) -> dict[str, Any]:
    """Return a template with something else at a place, nothing, or one more sign in an expression."""
    found = copy.deepcopy(raw)
    held: Any = found
    for key in path[:-1]:
        held = held[key]
    text, kind = held[path[-1]], chance.random()
    if isinstance(text, str) and kind < 0.2:
        at = chance.randrange(len(text) + 1)
        held[path[-1]] = text[:at] + chance.choice("[]().,'?{}$x1") + text[at:]
    elif kind < 0.35:
        del held[path[-1]]
    else:
        held[path[-1]] = chance.choice(WRONG)
    return found


@pytest.mark.parametrize(("raw", "given", "times"), [(EVERY, {}, 1500), (MAIN, {"environmentName": "e"}, 100)])
def test_a_wrong_value_anywhere_is_refused_in_words(raw: dict[str, Any], given: dict[str, Any], times: int) -> None:
    chance = random.Random(20261127)
    every = list(places(raw))
    refused = 0
    for _ in range(times):
        wrong = changed(raw, chance.choice(every), chance)
        try:
            predict(wrong, **given)
        except TemplateError:
            refused += 1
    assert 0 < refused < times
