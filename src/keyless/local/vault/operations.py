"""What a vault does when it is asked: one function an operation of the secrets API.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from keyless.errors import ConfigurationError
from keyless.local.vault.bodies import secret_bundle, secret_item, version_item
from keyless.local.vault.errors import invalid_property, secret_disabled, secret_not_found
from keyless.local.vault.paging import next_link, page_size, page_start

if TYPE_CHECKING:
    from keyless.local.vault.call import Call

_T = TypeVar("_T")


class Answer(NamedTuple):
    """A success: its status and its JSON body."""

    status: int
    body: dict[str, object]


def get_secret(call: Call) -> Answer:
    """Return a version of a secret with its value; ``nbf`` and ``exp`` are for the client to heed."""
    secret = call.vault.find_secret(call.name, call.version)
    if secret is None:
        raise secret_not_found(call.name, call.version)
    if not secret.enabled:
        raise secret_disabled(secret.name)
    return Answer(200, secret_bundle(secret, base=call.base, api_version=call.api_version))


def set_secret(call: Call) -> Answer:
    """Store a new version and return it with its value, even where it is disabled."""
    body = _json_object(call.content)
    value = _field(body, "value", str)
    if value is None:
        raise invalid_property("The body has no value.")
    attributes = _field(body, "attributes", dict) or {}
    enabled = _field(attributes, "enabled", bool)
    tags = _field(body, "tags", dict) or {}
    if not all(isinstance(tag, str) for tag in tags.values()):
        raise invalid_property("A tag is not a string.")
    try:
        secret = call.vault.set_secret(
            call.name,
            value,
            content_type=_field(body, "contentType", str),
            enabled=True if enabled is None else enabled,
            not_before=_seconds(attributes, "nbf"),
            expires_on=_seconds(attributes, "exp"),
            tags=tags,
        )
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    return Answer(200, secret_bundle(secret, base=call.base, api_version=call.api_version))


def list_secrets(call: Call) -> Answer:
    """Return a page of the secrets by name, without values."""
    size = page_size(call)
    found = call.vault.page_of_secrets(start=page_start(call), size=size)
    items = [secret_item(secret, base=call.base, api_version=call.api_version) for secret in found[:size]]
    following = next_link(call, key=found[size].name, size=size) if len(found) > size else None
    return Answer(200, {"value": items, "nextLink": following})


def list_secret_versions(call: Call) -> Answer:
    """Return a page of a secret's versions by id, without values: an empty one where there is no such secret."""
    size = page_size(call)
    found = call.vault.page_of_versions(call.name, start=page_start(call), size=size)
    items = [version_item(secret, base=call.base, api_version=call.api_version) for secret in found[:size]]
    more = len(found) > size
    following = next_link(call, key=f"{found[size].name}/{found[size].version}", size=size) if more else None
    return Answer(200, {"value": items, "nextLink": following})


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        # The reason never quotes the body: it may be a value.
        raise invalid_property("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise invalid_property("The body is not a JSON object.")
    return body


def _field(body: dict[str, Any], name: str, kind: type[_T]) -> _T | None:
    found = body.get(name)
    if found is not None and not isinstance(found, kind):
        raise invalid_property(f"{name} is of the wrong type.")
    return found


def _seconds(attributes: dict[str, Any], name: str) -> int | None:
    # JSON's true is an int to Python. Negative seconds are taken: @azure/keyvault-secrets wraps late dates to them.
    if isinstance(attributes.get(name), bool):
        raise invalid_property(f"{name} is of the wrong type.")
    return _field(attributes, name, int)
