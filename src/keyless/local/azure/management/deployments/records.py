"""Records of deployments: how each went, its operations, and its template."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management.groups import get_group, group_id
from keyless.local.azure.management.refusals import ArmError, bad_request
from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.functions.function import kind
from keyless.local.azure.templates.parameters import SECURE, SPELLED
from keyless.local.azure.templates.template import DEPLOYMENTS
from keyless.local.azure.templates.unique import hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body
    from keyless.local.azure.management.deployments.masking import Secrets
    from keyless.local.azure.templates.run import Deployment

_NAME: Final = re.compile(r"[-\w.()]{1,64}")
_WHAT_IF: Final = "whatIfResult"


def deployment_id(azure: Azure, group: str, name: str) -> str:
    """Return the ARM id of a deployment.

    Raises:
        ArmError: If no deployment can have the name.
    """
    if not _NAME.fullmatch(name):
        raise bad_request(
            f"The deployment name '{name}' is not valid: it has 1 to 64 letters, digits, hyphens, underscores, dots and brackets."
        )
    return f"{group_id(azure, group)}/providers/{DEPLOYMENTS}/{name}"


def find(azure: Azure, group: str, name: str) -> Body:
    """Return what is kept of a deployment.

    Raises:
        ArmError: If the group has none of that name.
    """
    get_group(azure, group)
    found = azure.documents.get(deployment_id(azure, group, name))
    if found is None:
        raise ArmError(404, "DeploymentNotFound", f"Deployment '{name}' could not be found.")
    return found


def keep(azure: Azure, kept: Body) -> None:
    """Keep a deployment."""
    azure.documents.put(kept["id"], kept)


def all_of(azure: Azure, group: str) -> Iterator[Body]:
    """Go through what is kept of the deployments of a group, the latest first."""
    prefix = f"{group_id(azure, group)}/providers/{DEPLOYMENTS}/".lower()
    kept = [
        each for each_id, each in azure.documents.all() if each and each_id.startswith(prefix) and "operations" in each
    ]
    return iter(sorted(kept, key=lambda each: each["properties"]["timestamp"], reverse=True))


def forget(azure: Azure, group: str, name: str) -> bool:
    """Forget a deployment, and nothing of what it made; return whether there was one."""
    get_group(azure, group)
    here = deployment_id(azure, group, name)
    found = azure.documents.get(here)
    if found is None:
        return False
    azure.documents.put(here, None)
    return True


def forget_all(azure: Azure, group: str) -> None:
    """Forget every deployment and what-if of a group."""
    prefix = f"{group_id(azure, group)}/providers/{DEPLOYMENTS}/".lower()
    for each_id in [each_id for each_id, kept in azure.documents.all() if kept and each_id.startswith(prefix)]:
        azure.documents.put(each_id, None)


def keep_what_if(azure: Azure, group: str, name: str, result: Body, *, by: str) -> None:
    """Keep the result of the last what-if of a name until who asked for it, by object id, takes it."""
    azure.documents.put(f"{deployment_id(azure, group, name)}/{_WHAT_IF}", {"by": by, "result": result})


def what_if_of(azure: Azure, group: str, name: str, *, by: str) -> Body:
    """Return the result of the last what-if of a name to who asked for it: another may not see all that it shows.

    Raises:
        ArmError: If there is none.
    """
    found = azure.documents.get(f"{deployment_id(azure, group, name)}/{_WHAT_IF}")
    if found is None or found["by"] != by:
        raise ArmError(404, "DeploymentNotFound", f"There is no what-if of the deployment '{name}'.")
    result: Body = found["result"]
    return result


def shown(kept: Body) -> Body:
    """Return a deployment as the management plane shows it."""
    head: Body = {"id": kept["id"], "name": kept["name"], "type": DEPLOYMENTS}
    tags = {"tags": kept["tags"]} if kept.get("tags") else {}
    return {**head, **tags, "properties": kept["properties"]}


def parameters_shown(deployment: Deployment, secrets: Secrets) -> Body:
    """Return the parameters of a deployment: a secure one without its value, wherever else it was given on to."""
    parameters = deployment.parameters
    found: Body = {}
    for name in parameters or ():
        type_ = parameters.type_of(name) if parameters else ""
        found[name] = {"type": SPELLED[type_]}
        if parameters and type_ not in SECURE:
            found[name]["value"] = secrets.masked(parameters[name])
    return found


def outputs_shown(outputs: dict[str, Body]) -> Body:
    """Return outputs: a secure one without its value."""
    return {name: {"type": each["type"]} if each["type"].lower() in SECURE else each for name, each in outputs.items()}


def check_outputs(outputs: dict[str, Body]) -> None:
    """Refuse outputs whose values are not of their types.

    Raises:
        TemplateError: If there is one.
    """
    wanted = {"string": "String", "int": "Integer", "bool": "Boolean", "array": "Array", "object": "Object"}
    for name, each in outputs.items():
        found = kind(each["value"])
        if each["value"] is not None and found != wanted[each["type"].lower().removeprefix("secure")]:
            raise TemplateError(
                f"The template output '{name}' is not valid: its value is of type '{found}', and it is of type '{each['type']}'."
            )


def template_hash(raw: Any) -> str:
    """Return a number that stands for a template; Azure's own is another."""
    return str(hash_of(json.dumps(raw, sort_keys=True, separators=(",", ":"))))
