"""Templates without an Azure: their outputs, and what they would make."""

from __future__ import annotations

from typing import Any

from keyless.local.azure.templates.prediction import NothingNew, Prediction
from keyless.local.azure.templates.run import prepare
from keyless.local.azure.templates.scope import Place
from keyless.local.azure.templates.unresolved import Unresolved, shown

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-keyless"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def place(environment: Any = None) -> Place:
    return Place(
        group={"id": GROUP, "name": "rg-keyless", "location": "westeurope"},
        subscription={"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION},
        tenant={"tenantId": "99999999-8888-7777-6666-555555555555"},
        environment=environment
        or {"name": "AzureCloud", "suffixes": {"keyvaultDns": ".vault.azure.net", "storage": "core.windows.net"}},
        deployer={"objectId": "11111111-2222-3333-4444-555555555555"},
    )


def template(**parts: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [], **parts}


def predict(
    raw: Any, name: str = "test", environment: Any = None, **given: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the resources that a template would make, and its outputs."""
    here = place(environment)
    prediction = Prediction(here)
    outputs = prediction.run(prepare(raw, given, place=here, name=name, outside=NothingNew(), hides=True))
    return [each.body for each in prediction.resources], {key: shown(each["value"]) for key, each in outputs.items()}


def value(expression: Any, **parts: Any) -> Any:
    """Return the value of an expression, as an output."""
    given = parts.pop("given", {})
    outputs = {"found": {"type": "object", "value": expression}}
    return predict(template(outputs=outputs, **parts), **given)[1]["found"]


UNKNOWN = Unresolved("environment()")
