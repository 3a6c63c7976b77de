"""The parameters in the body of a request, checked: every wrong field is refused by name, and no value is ever quoted."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from keyless.local.azure.keyvault.backup.jwe import from_base64url
from keyless.local.azure.keyvault.objects.attributes import AttributeChange
from keyless.local.wire.http.whole_text import check_whole
from keyless.local.wire.keyvault.protocol.errors import invalid_property
from keyless.local.wire.keyvault.protocol.state_errors import malformed_backup

_T = TypeVar("_T")


def read_body(content: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        RefusedError: If it is anything else.
    """
    try:
        body = json.loads(content)
        check_whole(body, content)
    except (ValueError, RecursionError):
        # The reason never quotes the body: it may be a value.
        raise invalid_property("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise invalid_property("The body is not a JSON object.")
    return body


def read_value(body: dict[str, Any]) -> str:
    """Return the body's value, which may be empty.

    Raises:
        RefusedError: If there is none, or it is not a string.
    """
    value = read_field(body, "value", str)
    if value is None:
        raise invalid_property("The body has no value.")
    return value


def read_attributes(body: dict[str, Any]) -> AttributeChange:
    """Return the attributes that a body gives to a version; what clients may not set is ignored, and null is as if absent.

    Raises:
        RefusedError: If one of them is of the wrong type.
    """
    attributes = read_field(body, "attributes", dict) or {}
    tags = read_field(body, "tags", dict)
    if not all(isinstance(tag, str) for tag in (tags or {}).values()):
        raise invalid_property("A tag is not a string.")
    return AttributeChange(
        content_type=read_field(body, "contentType", str),
        enabled=read_field(attributes, "enabled", bool),
        not_before=_seconds(attributes, "nbf"),
        expires_on=_seconds(attributes, "exp"),
        tags=tags,
    )


def read_backup(body: dict[str, Any]) -> bytes:
    """Return the bytes of the backup that a body brings; clients send it with padding, or without.

    Raises:
        RefusedError: If there is none, or it is not base64url.
    """
    try:
        return from_base64url(read_value(body).rstrip("="))
    except ValueError as error:
        raise malformed_backup(f"The backup is not base64url: {error}.") from None


def read_field(body: dict[str, Any], name: str, kind: type[_T]) -> _T | None:
    """Return a field of a body, or None where it is not given.

    Raises:
        RefusedError: If it is of the wrong type.
    """
    found = body.get(name)
    if found is not None and not isinstance(found, kind):
        raise invalid_property(f"{name} is of the wrong type.")
    return found


def _seconds(attributes: dict[str, Any], name: str) -> int | None:
    # JSON's true is an int to Python. Negative seconds are taken: @azure/keyvault-secrets wraps late dates to them.
    if isinstance(attributes.get(name), bool):
        raise invalid_property(f"{name} is of the wrong type.")
    return read_field(attributes, name, int)
