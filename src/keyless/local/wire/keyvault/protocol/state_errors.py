"""The answers by which a vault refuses because of the state that an object is in, to the letter.

Recorded ones come from the recordings in Microsoft's SDK repositories, quoted ones from public issues; what is known of
neither says so. docs/fidelity.md has them all in one table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.objects.life import ObjectState, ObjectStateError
from keyless.local.operations.codes import NOT_FOUND
from keyless.local.wire.keyvault.protocol.errors import RefusedError, not_found

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.operations import Kind
    from keyless.local.operations.codes import VaultCode


def not_active(error: ObjectStateError, name: str) -> RefusedError:
    """Refuse what needs an object that is there. For one that is on its way, Azure's answer is not known."""
    if error.state is ObjectState.RECOVERING:
        return _conflict(f"{error.kind.title()} {name} is currently being recovered.", "ObjectIsBeingRecovered")
    return not_found(error.kind, name, None)


def name_in_use(error: ObjectStateError, name: str) -> RefusedError:
    """409: a new version of an object that is deleted, or on its way.

    Quoted: https://github.com/hashicorp/terraform-provider-azurerm/issues/12285 for one that is being recovered,
    https://github.com/Azure/azure-rest-api-specs/issues/9222 for a deleted one. Of one that is being deleted the text
    is that of keys, in the tests of https://github.com/Azure/azure-sdk-for-cpp. A name that is being purged is taken to
    be the same.
    """
    if error.state is ObjectState.DELETED:
        return _conflict(
            f"{error.kind.title()} {name} is currently in a deleted but recoverable state, and its name cannot be reused; in "
            f"this state, the {error.kind} can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        )
    code: VaultCode = "ObjectIsBeingDeleted"
    doing = "deleted"
    if error.state is ObjectState.RECOVERING:
        doing, code = "recovered", "ObjectIsBeingRecovered"
    return _conflict(
        f"{error.kind.title()} {name} is currently being {doing} and cannot be re-created; retry later.", code
    )


def not_recoverable(error: ObjectStateError, name: str) -> RefusedError:
    """Refuse to recover what is not deleted: 404 as recorded, for keys in other words; 409 while it is on its way."""
    under_way = _on_the_way(error)
    if under_way is not None or error.kind != "secret":
        return under_way or not_found(error.kind, name, None)
    return RefusedError(404, "SecretNotFound", f"Secret not found: {name}", reason=_not_deleted(error.kind, name))


def not_purgeable(error: ObjectStateError, name: str) -> RefusedError:
    """Refuse to purge what is not deleted: 404, with a text that is only known of reading; 409 while it is on its way."""
    return _on_the_way(error) or deleted_not_found(error.kind, name)


def deleted_not_found(kind: Kind, name: str) -> RefusedError:
    """404: no such deleted object, or not yet. Recorded."""
    text = f"Deleted {kind.title()} not found: {name}"
    return RefusedError(404, NOT_FOUND[kind], text, reason=_not_deleted(kind, name))


def restore_conflict(kind: Kind, identifier: str) -> RefusedError:
    """409: a backup's name is in use. Recorded."""
    return RefusedError(
        409,
        "Conflict",
        f"There was a conflict restoring the {kind} '{identifier}'. This can happen if either: a second {kind} with the same "
        f"name was created after the first {kind} was deleted; thus trying to restore a {kind} whose name is already in use. "
        f"To fix this, rename the second {kind} to something else so that the restore works. The second probable cause of "
        f"this exception is when multiple operations are performed in parallel against the {kind}. To avoid this error, "
        f"perform operations against a {kind} in a sequential manner.",
        reason=f"The name in {identifier} is in use, by a deleted {kind} perhaps, or was until a moment ago.",
    )


def malformed_backup(reason: str) -> RefusedError:
    """400: a backup that no vault here made. Recorded, with this code."""
    return RefusedError(400, "Malformed backup blob", "Backup blob is corrupt.", reason=reason)


def managed(kind: Kind, operation: str) -> RefusedError:
    """403: the object belongs to a certificate.

    Quoted for secrets: https://github.com/hashicorp/terraform-provider-azurerm/issues/5659. That of keys is made after it.
    """
    message = f'Operation "{operation}" is not allowed as this object\'s lifetime is managed by Key Vault.'
    code: VaultCode = "SecretManagedByKeyVault" if kind == "secret" else "KeyManagedByKeyVault"
    return RefusedError(403, "Forbidden", message, inner_code=code)


def purge_protected(vault: Vault) -> RefusedError:
    """403: the vault keeps what is deleted to the end of its days. Quoted, without an inner error."""
    message = (
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
        f"automatically purge it after the retention period has passed.\r\nVault: {vault.name};location={vault.region}"
    )
    return RefusedError(403, "Forbidden", message, reason=f"{vault.name} has purge protection.")


def no_soft_delete(operation: str) -> RefusedError:
    """400: the vault keeps nothing that is deleted.

    Quoted for purge (https://github.com/hashicorp/terraform-provider-azurerm/issues/10132); of the others it is inferred.
    """
    return RefusedError(400, "NotSupported", f'Operation "{operation}" is not enabled for this vault.')


def _on_the_way(error: ObjectStateError) -> RefusedError | None:
    """409, as recorded of a key that is being deleted; that of a recovery is not known."""
    if error.state is ObjectState.DELETING:
        return _conflict(f"{error.kind.title()} is currently being deleted.", "ObjectIsBeingDeleted")
    if error.state is ObjectState.RECOVERING:
        return _conflict(f"{error.kind.title()} is currently being recovered.", "ObjectIsBeingRecovered")
    return None


def _conflict(message: str, inner_code: VaultCode) -> RefusedError:
    return RefusedError(409, "Conflict", message, inner_code=inner_code)


def _not_deleted(kind: Kind, name: str) -> str:
    return f"There is no deleted {kind} {name}, or its deletion is still under way."
