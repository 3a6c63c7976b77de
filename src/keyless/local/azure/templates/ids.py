"""The ids of resources.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/template-functions-resource#resourceid
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.unresolved import Unresolved, written

if TYPE_CHECKING:
    from keyless.local.azure.templates.scope import Place


def relative_id(type_: str, names: list[str]) -> str:
    """Return ``/providers/TYPE/NAME/CHILD/NAME`` for a type and the names of its parts.

    Raises:
        TemplateError: If there are not as many names as the type has parts.
    """
    namespace, *kinds = type_.split("/")
    if not kinds or not all(kinds):
        raise TemplateError(
            f"The type '{type_}' is not valid: it is a namespace and a type, as 'Microsoft.KeyVault/vaults'."
        )
    if len(kinds) != len(names) or not all(names):
        raise TemplateError(
            f"The type '{type_}' requires '{len(kinds)}' resource name argument(s), and the name "
            f"'{'/'.join(names)}' has '{len(names)}'."
        )
    return f"/providers/{namespace}/" + "/".join(f"{kind}/{name}" for kind, name in zip(kinds, names, strict=True))


def resource_id(place: Place, arguments: tuple[Any, ...]) -> str:
    """Return what ``resourceId([subscription], [group], type, name…)`` does."""
    at = _type_at(arguments)
    before, names = _texts(arguments[:at]), _texts(arguments[at + 1 :])
    subscription: str = place.subscription["subscriptionId"]
    group: str = place.group["name"]
    match before:
        case []:
            pass
        case [group]:
            pass
        case [subscription, group]:
            pass
        case _:
            raise TemplateError("resourceId takes a subscription and a group before the type.")
    return f"/subscriptions/{subscription}/resourceGroups/{group}{relative_id(arguments[at], names)}"


def subscription_resource_id(place: Place, arguments: tuple[Any, ...]) -> str:
    """Return what ``subscriptionResourceId([subscription], type, name…)`` does."""
    at = _type_at(arguments)
    subscription = arguments[0] if at else place.subscription["subscriptionId"]
    return f"/subscriptions/{subscription}{relative_id(arguments[at], _texts(arguments[at + 1 :]))}"


def tenant_resource_id(_: Place, arguments: tuple[Any, ...]) -> str:
    """Return what ``tenantResourceId(type, name…)`` does."""
    return relative_id(_texts(arguments[:1])[0], _texts(arguments[1:]))


def extension_resource_id(_: Place, arguments: tuple[Any, ...]) -> str:
    """Return what ``extensionResourceId(id, type, name…)`` does."""
    scope, type_, *names = _texts(arguments)
    return f"{scope.rstrip('/')}{relative_id(type_, names)}"


def unresolved(place: Place, name: str, arguments: tuple[Any, ...]) -> Unresolved:
    """Return the call that stands for an id of which a part is not known, with the subscription and the group in it."""
    at = next((at for at, each in enumerate(arguments) if isinstance(each, str) and "/" in each), 0)
    here = (place.subscription["subscriptionId"], place.group["name"])
    before = here[: len(here) - at] if name.lower() == "resourceid" else ()
    return Unresolved(f"{name}({', '.join(written(each) for each in (*before, *arguments))})")


def parts_of(resource_id: str) -> tuple[str, str]:
    """Return the type and the name that an id ends with: those of the extension, for an id of one."""
    _, _, last = f"/{resource_id.strip('/')}".rpartition("/providers/")
    namespace, *rest = last.split("/")
    return "/".join([namespace, *rest[::2]]), "/".join(rest[1::2])


def _type_at(arguments: tuple[Any, ...]) -> int:
    found = next((at for at, each in enumerate(arguments) if isinstance(each, str) and "/" in each), None)
    if found is None:
        raise TemplateError("The type of the resource is missing, as 'Microsoft.KeyVault/vaults'.")
    return found


def _texts(values: Any) -> list[str]:
    if not all(isinstance(each, str) for each in values):
        raise TemplateError("The parts of a resource's id must be strings.")
    return list(values)
