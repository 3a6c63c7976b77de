"""The properties of a vault as the management plane has them, and the settings that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.firewall import SECURED_BY_PERIMETER, Firewall
from keyless.local.azure.keyvault.policies import PERMISSIONS_OF, check_permissions
from keyless.local.azure.management import bodies
from keyless.local.azure.management.refusals import bad_request, invalid_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.keyvault.policies import Permissions
    from keyless.local.azure.keyvault.settings import VaultSettings
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.azure.management.bodies import Body

RBAC_BY_DEFAULT_SINCE: Final = "2026-02-01"
"""A vault made at this version or later goes by roles unless it sets otherwise; before, by access policies.

https://learn.microsoft.com/azure/key-vault/general/access-control-default
"""
_PLAIN: Final = ("enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment")
_ACCESS: Final[Mapping[str, bool | str]] = {
    "enabled": True,
    "disabled": False,
    "securedbyperimeter": SECURED_BY_PERIMETER,
}
_DEFAULT_DAYS: Final = 90


def new_properties(given: Body, *, api_version: str) -> Body:
    """Return the properties of a vault that is made, with what is not given as Azure adds it.

    Raises:
        ArmError: If something in them cannot be, or is missing.
    """
    is_rbac = bodies.flag(given, "enableRbacAuthorization")
    if is_rbac is None:
        is_rbac = api_version[:10] >= RBAC_BY_DEFAULT_SINCE
    if "accessPolicies" not in given and not is_rbac:
        raise bad_request("The parameter accessPolicies is not specified.")
    if bodies.flag(given, "enablePurgeProtection") is False:
        raise _purge_protection()
    days = given.get("softDeleteRetentionInDays")
    found = _checked(given)
    return {
        **found,
        "enableRbacAuthorization": is_rbac,
        "enableSoftDelete": bodies.flag(given, "enableSoftDelete") is not False,
        "softDeleteRetentionInDays": _DEFAULT_DAYS if days is None else days,
        "enablePurgeProtection": bool(given.get("enablePurgeProtection")),
    }


def changed_properties(before: Body, given: Body) -> Body:
    """Return the properties of a vault that is put once more: what cannot be undone stays.

    Raises:
        ArmError: If something in them cannot be, or cannot be changed.
    """
    if bodies.flag(given, "enablePurgeProtection") is False:
        raise _purge_protection()
    if bodies.flag(given, "enableSoftDelete") is False and before.get("enableSoftDelete"):
        raise bad_request(
            "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the 'soft delete' "
            "functionality is an irreversible action."
        )
    days = given.get("softDeleteRetentionInDays")
    if days is not None and days != before.get("softDeleteRetentionInDays"):
        raise bad_request('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.')
    kept = ("enableRbacAuthorization", "enableSoftDelete", "softDeleteRetentionInDays", "enablePurgeProtection")
    stays = {name: before[name] for name in kept if before.get(name) is not None}
    said = {name: given[name] for name in kept if given.get(name) is not None}
    return {**_checked(given), **stays, **said}


def settings_of(found: Body, base: VaultSettings, *, name: str) -> VaultSettings:
    """Return the settings that properties mean.

    Raises:
        ArmError: If no vault can have them.
    """
    days = found["softDeleteRetentionInDays"] if found["enableSoftDelete"] else 0
    try:
        wanted = replace(
            base,
            tenant_id=found["tenantId"].lower(),
            soft_delete_days=days,
            purge_protection=bool(found.get("enablePurgeProtection")),
            access="rbac" if found.get("enableRbacAuthorization") else "policies",
            firewall=_firewall(found, base.firewall),
        )
        wanted.check(name)
    except (ConfigurationError, TypeError) as error:
        raise bad_request(
            error.cause if isinstance(error, ConfigurationError) else "A property has a wrong type."
        ) from None
    return wanted


def policies_of(found: Body) -> dict[str, Permissions]:
    """Return what the access policies allow, by object id.

    Raises:
        ArmError: If one gives a permission that there is not.
    """
    made: dict[str, Permissions] = {}
    for policy in found.get("accessPolicies") or []:
        # One for an application that acts for a person is of no use to an identity.
        if not policy.get("applicationId"):
            made[policy["objectId"].lower()] = _permissions(policy["permissions"])
    return {object_id: held for object_id, held in made.items() if held}


def properties_of(vault: Vault, kept: Body | None) -> Body:
    """Return the properties of a vault as it is now: what was put, and what was changed since in another way."""
    settings, found = vault.settings, dict(kept or {})
    shown: dict[str, Any] = {
        "sku": found.get("sku") or {"family": "A", "name": "standard"},
        "tenantId": settings.tenant_id,
        "accessPolicies": _shown_policies(vault, found),
        **{name: bool(found.get(name)) for name in _PLAIN},
        "enableSoftDelete": settings.soft_delete_days > 0,
        "softDeleteRetentionInDays": settings.soft_delete_days
        or found.get("softDeleteRetentionInDays")
        or _DEFAULT_DAYS,
        "enableRbacAuthorization": settings.access == "rbac",
        "vaultUri": f"{vault.url}/",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": _shown_access(settings.firewall),
    }
    if settings.purge_protection:
        shown["enablePurgeProtection"] = True
    acls = _shown_acls(settings.firewall, found.get("networkAcls"))
    return {**shown, "networkAcls": acls} if acls else shown


def _checked(given: Body) -> Body:
    """Return those of the properties that a client can say freely."""
    tenant = bodies.text(given, "tenantId")
    if not tenant:
        raise bad_request("The parameter tenantId is not specified.")
    found: Body = {"tenantId": tenant, "sku": _sku(bodies.table(given, "sku"))}
    found |= {name: bodies.flag(given, name) or False for name in _PLAIN}
    found["accessPolicies"] = checked_policies(given)
    access = bodies.text(given, "publicNetworkAccess")
    if access is not None and access.lower() not in _ACCESS:
        raise bad_request(f"The value '{access}' of publicNetworkAccess is not valid.")
    found["publicNetworkAccess"] = access or "Enabled"
    if given.get("networkAcls") is not None:
        found["networkAcls"] = _acls(bodies.table(given, "networkAcls"))
    policies_of(found)
    return found


def checked_policies(given: Body) -> list[Body]:
    """Return the access policies in properties.

    Raises:
        ArmError: If they are not as they must be.
    """
    policies = given.get("accessPolicies")
    if policies is None:
        return []
    if not isinstance(policies, list) or not all(isinstance(each, dict) for each in policies):
        raise invalid_content("The value of 'accessPolicies' must be a list of objects.")
    for each in policies:
        if not bodies.text(each, "objectId") or not bodies.text(each, "tenantId"):
            raise bad_request("An access policy names no objectId or no tenantId.")
        bodies.table(each, "permissions")
        for name in each.get("permissions") or {}:
            bodies.texts(each["permissions"], name)
    return [{**each, "permissions": each.get("permissions") or {}} for each in policies]


def _sku(given: Body) -> Body:
    name = (bodies.text(given, "name") or "").lower()
    if name not in {"standard", "premium"}:
        raise bad_request("The parameter sku is not specified, or names neither standard nor premium.")
    return {"family": "A", "name": name}


def _acls(given: Body) -> Body:
    action = bodies.text(given, "defaultAction") or "Allow"
    if action.lower() not in {"allow", "deny"}:
        raise bad_request(f"The value '{action}' of defaultAction is not valid.")
    rules = given.get("ipRules") or []
    networks = given.get("virtualNetworkRules") or []
    if not isinstance(rules, list) or not all(map(_is_ip_rule, rules)):
        raise invalid_content("The value of 'ipRules' must be a list of objects with a value.")
    try:
        Firewall.of([rule["value"] for rule in rules])
    except ConfigurationError as error:
        raise bad_request(f"{error.what} {error.cause}") from None
    return {
        "bypass": bodies.text(given, "bypass") or "AzureServices",
        "defaultAction": action.capitalize(),
        "ipRules": [{"value": rule["value"] if "/" in rule["value"] else f"{rule['value']}/32"} for rule in rules],
        "virtualNetworkRules": networks,
    }


def _is_ip_rule(rule: object) -> bool:
    return isinstance(rule, dict) and isinstance(rule.get("value"), str) and rule["value"] != ""


def _firewall(found: Body, base: Firewall) -> Firewall:
    acls = found.get("networkAcls") or {}
    rules = [rule["value"] for rule in acls.get("ipRules") or []]
    access: Any = _ACCESS[str(found.get("publicNetworkAccess") or "Enabled").lower()]
    networks = rules if acls.get("defaultAction") == "Deny" else None
    return Firewall.of(networks, public_network_access=access, perimeter=base.perimeter)


def _shown_access(firewall: Firewall) -> str:
    if firewall.public_network_access == SECURED_BY_PERIMETER:
        return "SecuredByPerimeter"
    return "Enabled" if firewall.public_network_access else "Disabled"


def _shown_acls(firewall: Firewall, kept: Body | None) -> Body | None:
    """Return the network rules: as they were put, unless they were changed in another way."""
    as_kept = _firewall({"networkAcls": kept}, firewall)
    if as_kept.allowed == firewall.allowed:
        return kept
    return {
        "bypass": "AzureServices",
        "defaultAction": "Allow" if firewall.allowed is None else "Deny",
        "ipRules": [{"value": str(network)} for network in firewall.allowed or ()],
        "virtualNetworkRules": [],
    }


def _permissions(given: Body) -> Permissions:
    names = [
        name if kind == "secret" else f"{kind}s/{name}"
        for kind in PERMISSIONS_OF
        for name in given.get(f"{kind}s") or []
    ]
    try:
        return check_permissions(names)
    except ConfigurationError as error:
        raise bad_request(f"Invalid value found at accessPolicies[].permissions. {error.what}") from None


def _shown_policies(vault: Vault, found: Body) -> list[Body]:
    shown, known = [], set()
    for policy in found.get("accessPolicies") or []:
        object_id = policy["objectId"].lower()
        known.add(object_id)
        if policy.get("applicationId") or _permissions(policy["permissions"]) == dict(
            vault.policies.get(object_id, {})
        ):
            shown.append(policy)
        elif object_id in vault.policies:
            shown.append(_policy(vault, object_id, policy["permissions"]))
    return [*shown, *(_policy(vault, each, {}) for each in vault.policies if each not in known)]


def _policy(vault: Vault, object_id: str, others: Body) -> Body:
    held = vault.policies[object_id]
    said = {
        f"{kind}s": [name for name in names if name.lower() in held.get(kind, ())]
        for kind, names in PERMISSIONS_OF.items()
    }
    return {"tenantId": vault.tenant_id, "objectId": object_id, "permissions": {**others, **said}}


def _purge_protection() -> Exception:
    return bad_request(
        'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an '
        "irreversible action."
    )
