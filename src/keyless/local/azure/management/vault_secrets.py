"""The secrets of a vault as the management plane sees them: it sets values, and never shows one.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.errors import KeylessError
from keyless.local.azure.keyvault.objects.attributes import AttributeChange, Attributes
from keyless.local.azure.management import bodies
from keyless.local.azure.management.groups import group_name
from keyless.local.azure.management.refusals import ArmError, bad_request, no_resource

if TYPE_CHECKING:
    from keyless.local.azure.azure import Vault
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties
    from keyless.local.azure.management.bodies import Body

TYPE: Final = "Microsoft.KeyVault/vaults/secrets"


def list_secrets(vault: Vault) -> list[Body]:
    """Return the secrets of a vault, each with what is known of its latest version."""
    return [_shown(vault, found) for found in vault.list_secrets()]


def get_secret(vault: Vault, name: str) -> Body:
    """Return a secret, without its value.

    Raises:
        ArmError: If there is none of that name.
    """
    found = vault.secrets.find(name)
    if found is None:
        raise no_resource(f"Microsoft.KeyVault/vaults/{vault.name}/secrets/{name}", group_name(vault.group_id))
    return _shown(vault, found)


def put_secret(vault: Vault, name: str, body: Body) -> tuple[bool, Body]:
    """Set a secret to a new version; return whether it is new. No right to the vault's data is needed for that, as in Azure.

    Raises:
        ArmError: If there is no value, or no secret can be so.
    """
    properties = bodies.table(body, "properties")
    value = bodies.text(properties, "value")
    if value is None:
        raise bad_request("The parameter value is not specified.")
    is_new = vault.secrets.find(name) is None
    try:
        vault.secrets.set(name, value, Attributes().changed(_change(properties, body)))
    except KeylessError as error:
        raise ArmError(409 if is_new else 400, "Conflict" if is_new else "BadRequest", error.what) from None
    return is_new, get_secret(vault, name)


def update_secret(vault: Vault, name: str, body: Body) -> Body:
    """Change what is known of a secret; with a value, it gets a new version.

    Raises:
        ArmError: If there is none, or it cannot be so.
    """
    get_secret(vault, name)
    properties = bodies.table(body, "properties")
    if bodies.text(properties, "value") is not None:
        return put_secret(vault, name, body)[1]
    try:
        vault.secrets.update(name, None, _change(properties, body))
    except KeylessError as error:
        raise bad_request(error.what) from None
    return get_secret(vault, name)


def _change(properties: Body, body: Body) -> AttributeChange:
    attributes = bodies.table(properties, "attributes")
    return AttributeChange.of(
        content_type=bodies.text(properties, "contentType"),
        enabled=bodies.flag(attributes, "enabled"),
        not_before=attributes.get("nbf"),
        expires_on=attributes.get("exp"),
        tags=bodies.tags(body) if "tags" in body else None,
    )


def _shown(vault: Vault, found: ObjectProperties) -> Body:
    said = found.attributes
    times = {"nbf": said.not_before, "exp": said.expires_on}
    attributes: dict[str, Any] = {
        "enabled": said.enabled,
        **{name: value for name, value in times.items() if value is not None},
        "created": found.created_on,
        "updated": found.updated_on,
    }
    uri = f"{vault.url}/secrets/{found.name}"
    properties: Body = {"attributes": attributes, "secretUri": uri, "secretUriWithVersion": f"{uri}/{found.version}"}
    if said.content_type is not None:
        properties["contentType"] = said.content_type
    return {
        "id": f"{vault.resource_id}/secrets/{found.name}",
        "name": found.name,
        "type": TYPE,
        "location": vault.region,
        "tags": dict(said.tags),
        "properties": properties,
    }
