"""The property names that Azure's resource manager knows, as the models of Microsoft's own clients list them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from azure.mgmt.authorization import models as authorization
from azure.mgmt.eventgrid import models as eventgrid
from azure.mgmt.keyvault import models as keyvault
from azure.mgmt.monitor import models as monitor
from azure.mgmt.web import models as web

if TYPE_CHECKING:
    from collections.abc import Iterable

# A model, the names in an object with what each holds, or None where anything may stand.
Known = type | dict[str, "Known"] | None

# The model of every resource that a template makes by itself, by its type without the version.
RESOURCES: dict[str, type] = {
    "Microsoft.Authorization/roleAssignments": authorization.RoleAssignmentCreateParameters,
    "Microsoft.Insights/actionGroups": monitor.ActionGroupResource,
    "Microsoft.Insights/metricAlerts": monitor.MetricAlertResource,
    "Microsoft.EventGrid/systemTopics": eventgrid.SystemTopic,
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": eventgrid.EventSubscription,
}
# What Bicep itself knows of every resource, beside its properties.
OF_BICEP = {"name", "parent", "scope", "dependsOn"}
# Objects that an Azure Verified Module hands on as they are: (module, parameter).
HANDED_ON: dict[tuple[str, str], type] = {
    ("web/site", "siteConfig"): web.SiteConfig,
    ("web/site", "functionAppConfig"): web.FunctionAppConfig,
    ("key-vault/vault", "networkAcls"): keyvault.NetworkRuleSet,
}


def unknown_names(found: Any, known: Known, where: str) -> list[str]:
    """Return the names in an object that its model does not have, with their place; Bicep's expressions are let pass."""
    if isinstance(found, list):
        return [problem for each in found for problem in unknown_names(each, known, where)]
    if not isinstance(found, dict) or known is None:
        return []
    children = known if isinstance(known, dict) else _children(known, found)
    problems = [f"{where}.{name}" for name in found if name not in children]
    for name in found.keys() & children.keys():
        problems += unknown_names(found[name], children[name], f"{where}.{name}")
    return problems


def _children(model: Any, found: dict[str, Any]) -> dict[str, Known]:
    """Return what may stand in an object of a model. The older clients keep a map, the newer ones a registry of fields."""
    model = _chosen(model, found)
    names = vars(sys.modules[model.__module__])
    if hasattr(model, "_attribute_map"):
        return _unflattened(model._attribute_map.values(), names)
    hints = {name: str(hint) for kind in model.__mro__ for name, hint in vars(kind).get("__annotations__", {}).items()}
    models = {name: re.search(r"_models\.(\w+)", hint) for name, hint in hints.items()}
    return {
        field._rest_name: names.get(inner[1]) if (inner := models.get(name)) else None
        for name, field in model()._attr_to_rest_field.items()
    }


def _unflattened(entries: Iterable[dict[str, str]], names: dict[str, Any]) -> dict[str, Known]:
    """Undo what the older clients do to names: ``properties.scopes`` is nested, ``odata\\.type`` is one name."""
    children: dict[str, Known] = {}
    for entry in entries:
        *outer, name = [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", entry["key"])]
        place = children
        for each in outer:
            inner = place.setdefault(each, {})
            assert isinstance(inner, dict)
            place = inner
        place[name] = names.get(entry["type"].strip("[]{}"))
    return children


def _chosen(model: Any, found: dict[str, Any]) -> Any:
    """Return the kind of a model that an object says it is, such as the destination of an event subscription."""
    for attribute, kinds in vars(model).get("_subtype_map", {}).items():
        kind = found.get(model._attribute_map[attribute]["key"].replace("\\.", "."))
        if kind in kinds:
            return _chosen(vars(sys.modules[model.__module__])[kinds[kind]], found)
    return model
