"""The vaults of the subscription: made, changed, deleted, recovered, purged; each takes effect at the next request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.azure.management import bodies, role_assignments
from keyless.local.azure.management.groups import get_group, group_id, group_name
from keyless.local.azure.management.refusals import ArmError, location_differs, no_resource
from keyless.local.azure.management.vault_properties import (
    changed_properties,
    checked_policies,
    new_properties,
    policies_of,
    properties_of,
    settings_of,
)
from keyless.secret_id import VAULT_NAME

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure, Vault
    from keyless.local.azure.keyvault.vaults import DeletedVault
    from keyless.local.azure.management.bodies import Body

TYPE: Final = "Microsoft.KeyVault/vaults"
_IN_USE: Final = (
    "The vault name '{}' is already in use. Vault names are globally unique so it is possible that the name is already "
    "taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was "
    "recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then "
    "the vault will need to be purged before reusing the name. For more information on VaultAlreadyExists, soft delete and "
    "purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740."
)
_RECOVERABLE: Final = (
    "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. "
    "Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete."
)
_NO_NAME: Final = (
    "The vault name '{}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a "
    "letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: "
    "https://go.microsoft.com/fwlink/?linkid=2147742"
)


def vault_id(azure: Azure, group: str, name: str) -> str:
    """Return the ARM id of a vault."""
    return f"{group_id(azure, group)}/providers/{TYPE}/{name}"


def list_vaults(azure: Azure, group: str | None = None) -> list[Body]:
    """Return the vaults of the subscription, or of a group in it."""
    if group is not None:
        get_group(azure, group)
    found = azure.vaults.values()
    return [shown(azure, each) for each in found if group is None or group_name(each.group_id).lower() == group.lower()]


def get_vault(azure: Azure, group: str, name: str) -> Body:
    """Return a vault.

    Raises:
        ArmError: If the group has none of that name.
    """
    return shown(azure, find(azure, group, name))


def find(azure: Azure, group: str, name: str) -> Vault:
    """Return a vault of a group.

    Raises:
        ArmError: If the group has none of that name.
    """
    get_group(azure, group)
    found = azure.vault_register.find(name)
    if found is None or group_name(found.group_id).lower() != group.lower():
        raise no_resource(f"{TYPE}/{name}", group)
    return found


def put_vault(azure: Azure, group: str, name: str, body: Body, *, api_version: str) -> tuple[bool, Body]:
    """Make a vault, or change one, or recover one; return whether it was made.

    Raises:
        ArmError: If it cannot be as the body asks, or the name is taken.
    """
    if not re.fullmatch(VAULT_NAME, name):
        raise ArmError(400, "VaultNameNotValid", _NO_NAME.format(name))
    spelled, where = get_group(azure, group)["name"], bodies.location(body)
    given, before = bodies.table(body, "properties"), azure.vault_register.find(name)
    if (bodies.text(given, "createMode") or "").lower() == "recover" and before is None:
        return False, _recover(azure, spelled, name)
    _expect_free(azure, group, name)
    if before is None:
        found = new_properties(given, api_version=api_version)
    else:
        if before.region != where:
            raise location_differs(name, group, here=before.region, wanted=where)
        found = changed_properties(properties_of(before, _kept(azure, before)), given)
    _keep(azure, spelled, before.name if before else name, found, where=where, tags=bodies.tags(body))
    return before is None, get_vault(azure, group, name)


def update_vault(azure: Azure, group: str, name: str, body: Body) -> Body:
    """Change of a vault what the body names, and nothing else.

    Raises:
        ArmError: If there is none, or it cannot be so.
    """
    vault = find(azure, group, name)
    before = get_vault(azure, group, name)
    given = {**before["properties"], **bodies.table(body, "properties")}
    if not vault.settings.purge_protection and "enablePurgeProtection" not in bodies.table(body, "properties"):
        given.pop("enablePurgeProtection", None)
    found = changed_properties(before["properties"], given)
    tags = bodies.tags(body) if "tags" in body else before.get("tags", {})
    _keep(azure, group_name(vault.group_id), vault.name, found, where=vault.region, tags=tags)
    return get_vault(azure, group, name)


def update_policies(azure: Azure, group: str, name: str, kind: str, body: Body) -> Body:
    """Add, replace or remove access policies.

    Raises:
        ArmError: If there is no such vault, or a policy cannot be so.
    """
    if kind.lower() not in {"add", "replace", "remove"}:
        raise ArmError(400, "BadRequest", f"Unsupported access policy operation kind: {kind}.")
    given = {each["objectId"].lower(): each for each in checked_policies(bodies.table(body, "properties"))}
    held = {each["objectId"].lower(): each for each in get_vault(azure, group, name)["properties"]["accessPolicies"]}
    for object_id, policy in given.items():
        before = held.get(object_id, {"permissions": {}})
        held[object_id] = (
            policy if kind.lower() == "replace" else _joined(before, policy, removing=kind.lower() == "remove")
        )
    left = [each for each in held.values() if any(each["permissions"].values())]
    update_vault(azure, group, name, {"properties": {"accessPolicies": left}})
    found = get_vault(azure, group, name)["properties"]["accessPolicies"]
    kept_id = f"{vault_id(azure, group, name)}/accessPolicies/"
    return {"id": kept_id, "type": f"{TYPE}/accessPolicies", "properties": {"accessPolicies": found}}


def delete_vault(azure: Azure, group: str, name: str) -> bool:
    """Delete a vault, with its role assignments, as Azure does; return whether there was one."""
    get_group(azure, group)
    vault = azure.vault_register.find(name)
    if vault is None or group_name(vault.group_id).lower() != group.lower():
        return False
    body = {**_document(azure, vault)}
    deleted = azure.vault_register.delete(vault.name)
    for held in [
        each for each in azure.role_assignments.all() if getattr(each.scope, "vault", "") == vault.name.lower()
    ]:
        role_assignments.forget(azure, held)
    azure.documents.put(vault.resource_id, None if deleted is None else {**body, "deletedOn": deleted.deleted_on})
    return True


def list_deleted(azure: Azure) -> list[Body]:
    """Return the vaults that were deleted and can be recovered."""
    found = sorted(azure.vault_register.deleted(), key=lambda each: each.vault.name.lower())
    return [_shown_deleted(azure, each) for each in found]


def get_deleted(azure: Azure, name: str) -> Body:
    """Return a deleted vault.

    Raises:
        ArmError: If there is none of that name.
    """
    return _shown_deleted(azure, _find_deleted(azure, name))


def purge(azure: Azure, name: str) -> None:
    """Forget a deleted vault for good.

    Raises:
        ArmError: If there is none of that name, or it is protected.
    """
    found = _find_deleted(azure, name)
    if found.vault.settings.purge_protection:
        raise ArmError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
    azure.vault_register.purge(name)
    azure.documents.put(found.vault.resource_id, None)


def check_name(azure: Azure, name: str) -> Body:
    """Return whether a vault can have a name, and why not."""
    if not re.fullmatch(VAULT_NAME, name):
        return {"nameAvailable": False, "reason": "AccountNameInvalid", "message": _NO_NAME.format(name)}
    if azure.vault_register.find(name) or azure.vault_register.find_deleted(name):
        return {"nameAvailable": False, "reason": "AlreadyExists", "message": _IN_USE.format(name)}
    return {"nameAvailable": True}


def shown(azure: Azure, vault: Vault) -> Body:
    """Return a vault as the management plane shows it."""
    found = _document(azure, vault)
    return {
        "id": vault.resource_id,
        "name": vault.name,
        "type": TYPE,
        "location": vault.region,
        "tags": found["tags"],
        "properties": properties_of(vault, found.get("properties")),
    }


def restore(azure: Azure, resource_id: str, kept: Body | None) -> None:
    """Have a vault as it was kept; None means that it was deleted for good."""
    name = resource_id.rpartition("/")[2]
    known = azure.vault_register.find(name)
    if kept is None:
        if known is not None:
            azure.vault_register.delete(name)
        if azure.vault_register.find_deleted(name):
            azure.vault_register.purge(name)
        return
    _apply(azure, kept["group"], kept["name"], kept)
    if "deletedOn" in kept:
        azure.vault_register.delete(name, deleted_on=kept["deletedOn"])


def _expect_free(azure: Azure, group: str, name: str) -> None:
    found = azure.vault_register.find(name)
    if found is not None and group_name(found.group_id).lower() != group.lower():
        raise ArmError(409, "VaultAlreadyExists", _IN_USE.format(name))
    if azure.vault_register.find_deleted(name):
        raise ArmError(409, "ConflictError", _RECOVERABLE)


def _recover(azure: Azure, group: str, name: str) -> Body:
    found = _find_deleted(azure, name)
    if group_name(found.vault.group_id).lower() != group.lower():
        raise ArmError(409, "VaultAlreadyExists", _IN_USE.format(name))
    vault = azure.vault_register.recover(name)
    kept = {key: value for key, value in _document(azure, vault).items() if key != "deletedOn"}
    azure.documents.put(vault.resource_id, kept)
    return shown(azure, vault)


def _keep(azure: Azure, group: str, name: str, found: Body, *, where: str, tags: dict[str, str]) -> None:
    body: Body = {"group": group, "name": name, "location": where, "tags": tags, "properties": found}
    vault = _apply(azure, group, name, body)
    azure.documents.put(vault.resource_id, body)


def _apply(azure: Azure, group: str, name: str, body: Body) -> Vault:
    """Apply to a vault what was kept of it."""
    found, vault = body["properties"], azure.vault_register.find(name)
    settings = settings_of(found, vault.settings if vault else VaultSettings(), name=name)
    policies = policies_of(found)
    if vault is None:
        vault = azure.add_vault(name, settings, group_id=group_id(azure, group), region=body["location"])
    vault.settings = settings
    vault.replace_policies(policies)
    return vault


def _kept(azure: Azure, vault: Vault) -> Body | None:
    kept = azure.documents.get(vault.resource_id)
    return kept["properties"] if kept else None


def _document(azure: Azure, vault: Vault) -> Body:
    kept = azure.documents.get(vault.resource_id)
    if kept:
        return kept
    group = group_name(vault.group_id)
    found: dict[str, Any] = properties_of(vault, None)
    return {"group": group, "name": vault.name, "location": vault.region, "tags": {}, "properties": found}


def _joined(before: Body, policy: Body, *, removing: bool) -> Body:
    permissions = {}
    for name in {*before["permissions"], *policy["permissions"]}:
        here = before["permissions"].get(name) or []
        given = [each.lower() for each in policy["permissions"].get(name) or []]
        rest = [each for each in here if each.lower() not in given]
        permissions[name] = rest if removing else [*rest, *(policy["permissions"].get(name) or [])]
    return {**policy, "permissions": permissions}


def _find_deleted(azure: Azure, name: str) -> DeletedVault:
    found = azure.vault_register.find_deleted(name)
    if found is None:
        raise ArmError(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")
    return found


def _shown_deleted(azure: Azure, found: DeletedVault) -> Body:
    vault = found.vault
    where = f"/subscriptions/{azure.subscription_id}/providers/Microsoft.KeyVault/locations/{vault.region}"
    properties: dict[str, Any] = {
        "vaultId": vault.resource_id,
        "location": vault.region,
        "tags": _document(azure, vault)["tags"],
        "deletionDate": bodies.moment(found.deleted_on),
        "scheduledPurgeDate": bodies.moment(found.purge_on),
    }
    if vault.settings.purge_protection:
        properties["purgeProtectionEnabled"] = True
    return {
        "id": f"{where}/deletedVaults/{vault.name}",
        "name": vault.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": properties,
    }
