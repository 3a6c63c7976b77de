"""The parameters in the body of a request about keys, checked; no value is ever quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless.local.azure.keyvault.backup.jwe import from_base64url
from keyless.local.azure.keyvault.keys.vault_keys import Wanted
from keyless.local.wire.keyvault.keys.refusals import no_body, not_base64url, required
from keyless.local.wire.keyvault.protocol.errors import invalid_property
from keyless.local.wire.keyvault.protocol.parameters import read_attributes, read_body, read_field

if TYPE_CHECKING:
    from keyless.local.wire.keyvault.protocol.call import Call


def read_needed_body(call: Call) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        RefusedError: If there is no body, or it is anything else.
    """
    if not call.content.strip():
        raise no_body()
    return read_body(call.content)


def read_wanted(body: dict[str, Any], *, key_ops: tuple[str, ...]) -> Wanted:
    """Return what a new version of a key is to be.

    Raises:
        RefusedError: If a field is of the wrong type.
    """
    attributes = read_field(body, "attributes", dict) or {}
    return Wanted(
        key_ops=key_ops,
        attributes=read_attributes(body),
        exportable=bool(read_field(attributes, "exportable", bool)),
        release_policy=read_field(body, "release_policy", dict),
    )


def read_operations(body: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the operations that a body gives to a key; None where it has none.

    Raises:
        RefusedError: If they are not a list of strings.
    """
    found = read_field(body, "key_ops", list)
    if found is not None and not all(isinstance(each, str) for each in found):
        raise invalid_property("A key operation is not a string.")
    return None if found is None else tuple(found)


def read_number(body: dict[str, Any], name: str) -> int | None:
    """Return a whole number, or None where it is not given.

    Raises:
        RefusedError: If it is something else.
    """
    if isinstance(body.get(name), bool):
        raise invalid_property(f"{name} is of the wrong type.")
    return read_field(body, name, int)


def read_text(body: dict[str, Any], name: str) -> str:
    """Return a text that must be there.

    Raises:
        RefusedError: If it is not, or is something else.
    """
    found = read_field(body, name, str)
    if found is None:
        raise required(name)
    return found


def read_bytes(body: dict[str, Any], name: str) -> bytes:
    """Return bytes that must be there, in base64url, with its padding or without.

    Raises:
        RefusedError: If they are not, or are something else.
    """
    found = read_text(body, name)
    try:
        return from_base64url(found.rstrip("="))
    except ValueError:
        raise not_base64url(name) from None
