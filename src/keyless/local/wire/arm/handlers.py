"""The function that answers each operation, but for those on deployments, which send requests to these."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.azure.management import inert
from keyless.local.wire.arm import authorization, identities, keyvault, tenant, web
from keyless.local.wire.arm.call import ArmAnswer, ArmCall, deleted, made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _get_kept(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, inert.get(call.azure, call.named["id"]))


def _put_kept(call: ArmCall) -> ArmAnswer:
    return made(*inert.put(call.azure, call.named["id"], call.body()))


def _delete_kept(call: ArmCall) -> ArmAnswer:
    return deleted(inert.delete(call.azure, call.named["id"]))


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        **tenant.HANDLERS,
        **keyvault.HANDLERS,
        **authorization.HANDLERS,
        **identities.HANDLERS,
        **web.HANDLERS,
        "getKeptResource": _get_kept,
        "putKeptResource": _put_kept,
        "deleteKeptResource": _delete_kept,
    }
)
