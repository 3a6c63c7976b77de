"""The names of Terraform's own resources in ARM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.audit.values import EMPTY, Group, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.audit.values import Value

_APPS: Final = tuple(
    f"azurerm_{system}_{kind}"
    for system in ("linux", "windows")
    for kind in ("function_app", "function_app_slot", "web_app", "web_app_slot")
)
_APP_NAMES: Final = (*_APPS, "azurerm_function_app_flex_consumption", "azurerm_function_app", "azurerm_app_service")

ARM_TYPES: Final = {
    "azurerm_key_vault": "Microsoft.KeyVault/vaults",
    "azurerm_key_vault_secret": "Microsoft.KeyVault/vaults/secrets",
    "azurerm_key_vault_access_policy": "Microsoft.KeyVault/vaults/accessPolicies",
    "azurerm_role_assignment": "Microsoft.Authorization/roleAssignments",
    "azurerm_service_plan": "Microsoft.Web/serverfarms",
    **dict.fromkeys(_APP_NAMES, "Microsoft.Web/sites"),
}
_STACK: Final = {
    "python_version": "python",
    "node_version": "node",
    "dotnet_version": "dotnet",
    "powershell_core_version": "powershell",
    "java_version": "java",
}


def in_arm(name: str, body: Group) -> Group:
    """Return the properties of a resource of Terraform, in ARM's names."""
    if name in _APP_NAMES:
        return _app(body)
    make: dict[str, Callable[[Group], Group]] = {
        "azurerm_key_vault": _vault,
        "azurerm_key_vault_secret": lambda found: _renamed(found, {"value": "value"}),
        "azurerm_role_assignment": _assignment,
        "azurerm_service_plan": _plan,
    }
    return make[name](body) if name in make else EMPTY


def _renamed(body: Group, names: dict[str, str]) -> Group:
    found = {arm: body.get(own) for own, arm in names.items()}
    return Group(
        {"properties": Group({name: value for name, value in found.items() if value is not None}, body.line)}, body.line
    )


def _vault(body: Group) -> Group:
    model = {"rbac_authorization_enabled", "enable_rbac_authorization"} & set(body.members)
    names = dict.fromkeys(model, "enableRbacAuthorization")
    return _renamed(body, {**names, "access_policy": "accessPolicies"})


def _assignment(body: Group) -> Group:
    role = body.get("role_definition_name") or body.get("role_definition_id")
    made = _renamed(body, {"principal_id": "principalId", "principal_type": "principalType"})
    members: dict[str, Value] = dict(made.members)
    if isinstance(inner := made.members["properties"], Group) and role is not None:
        members["properties"] = Group({**inner.members, "roleDefinitionId": role}, body.line)
    scope = body.get("scope")
    return Group(members if scope is None else {**members, "scope": scope}, body.line)


def _plan(body: Group) -> Group:
    linux = body.text("os_type") == "Linux"
    sku = body.get("sku_name")
    members: dict[str, Value] = {"properties": Group({"reserved": Scalar(linux, body.line)}, body.line)}
    return Group(members if sku is None else {**members, "sku": Group({"name": sku}, sku.line)}, body.line)


def _app(body: Group) -> Group:
    settings = body.get("app_settings")
    runtime: dict[str, Value] = {}
    for config in body.groups("site_config"):
        for stack in config.groups("application_stack"):
            for own, language in _STACK.items():
                version = stack.get(own)
                if version is not None:
                    runtime |= {"name": Scalar(language, version.line), "version": version}
    flex = body.get("runtime_version")
    if flex is not None:
        runtime = {"name": body.get("runtime_name") or Scalar("", body.line), "version": flex}
    members: dict[str, Value] = dict(settings.members) if isinstance(settings, Group) else {}
    host = body.get("functions_extension_version") or body.get("version")
    if host is not None:
        members["FUNCTIONS_EXTENSION_VERSION"] = host
    return Group({"appSettings": Group(members, body.line), "runtime": Group(runtime, body.line)}, body.line)
