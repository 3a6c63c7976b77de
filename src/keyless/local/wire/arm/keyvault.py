"""Answers about vaults, deleted ones, and secrets as the management plane sees them: without their values."""

from __future__ import annotations

import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.management import vault_secrets, vaults
from keyless.local.azure.management.bodies import text
from keyless.local.wire.arm.call import PAUSE, ArmAnswer, ArmCall, deleted, listed, made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _list_vaults(call: ArmCall) -> ArmAnswer:
    return listed(vaults.list_vaults(call.azure, call.named.get("group")))


def _get_vault(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, vaults.get_vault(call.azure, call.group, call.name))


def _put_vault(call: ArmCall) -> ArmAnswer:
    """Make or change a vault; Azure answers 200 for a new one, too."""
    _, found = vaults.put_vault(call.azure, call.group, call.name, call.body(), api_version=call.api_version)
    return ArmAnswer(200, found)


def _update_vault(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, vaults.update_vault(call.azure, call.group, call.name, call.body()))


def _delete_vault(call: ArmCall) -> ArmAnswer:
    return deleted(vaults.delete_vault(call.azure, call.group, call.name))


def _update_policies(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, vaults.update_policies(call.azure, call.group, call.name, call.child, call.body()))


def _list_secrets(call: ArmCall) -> ArmAnswer:
    return listed(vault_secrets.list_secrets(vaults.find(call.azure, call.group, call.name)))


def _get_secret(call: ArmCall) -> ArmAnswer:
    vault = vaults.find(call.azure, call.group, call.name)
    return ArmAnswer(200, vault_secrets.get_secret(vault, call.child))


def _put_secret(call: ArmCall) -> ArmAnswer:
    vault = vaults.find(call.azure, call.group, call.name)
    return made(*vault_secrets.put_secret(vault, call.child, call.body()))


def _update_secret(call: ArmCall) -> ArmAnswer:
    vault = vaults.find(call.azure, call.group, call.name)
    return ArmAnswer(200, vault_secrets.update_secret(vault, call.child, call.body()))


def _list_deleted(call: ArmCall) -> ArmAnswer:
    return listed(vaults.list_deleted(call.azure))


def _get_deleted(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, vaults.get_deleted(call.azure, call.name))


def _purge(call: ArmCall) -> ArmAnswer:
    vaults.purge(call.azure, call.name)
    where = f"{call.base}/subscriptions/{call.azure.subscription_id}/providers/Microsoft.KeyVault/locations"
    result = f"{where}/{call.named['location']}/operationResults/{uuid.uuid4()}?api-version={call.api_version}"
    return ArmAnswer(202, headers={"Location": result, **PAUSE})


def _get_result(_: ArmCall) -> ArmAnswer:
    return ArmAnswer(200)


def _check_name(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, vaults.check_name(call.azure, text(call.body(), "name") or ""))


def _check_hsm_name(_: ArmCall) -> ArmAnswer:
    found: dict[str, Any] = {"nameAvailable": True}
    return ArmAnswer(200, found)


def _no_hsms(_: ArmCall) -> ArmAnswer:
    """Answer that there are no managed HSMs, for which ``az keyvault list`` asks, too."""
    return listed([])


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "listVaults": _list_vaults,
        "getVault": _get_vault,
        "putVault": _put_vault,
        "updateVault": _update_vault,
        "deleteVault": _delete_vault,
        "updateAccessPolicy": _update_policies,
        "listVaultSecrets": _list_secrets,
        "getVaultSecret": _get_secret,
        "putVaultSecret": _put_secret,
        "updateVaultSecret": _update_secret,
        "listDeletedVaults": _list_deleted,
        "getDeletedVault": _get_deleted,
        "purgeVault": _purge,
        "getVaultOperationResult": _get_result,
        "checkVaultName": _check_name,
        "checkHsmName": _check_hsm_name,
        "listManagedHsms": _no_hsms,
        "listDeletedManagedHsms": _no_hsms,
    }
)
