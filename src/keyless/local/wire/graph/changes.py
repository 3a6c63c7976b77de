"""Microsoft Graph's changes to the tenant: groups and who is in them, applications and their credentials.

https://learn.microsoft.com/en-us/graph/api/application-post-applications
https://learn.microsoft.com/en-us/graph/api/group-post-members
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from keyless.errors import KeylessError
from keyless.local.azure.identities.application import FOREVER, Application
from keyless.local.azure.identities.directory import Group
from keyless.local.wire.graph import objects
from keyless.local.wire.graph.call import Answer, Call, RefusedError, no_object
from keyless.local.wire.graph.reads import find_application, find_client, find_group

if TYPE_CHECKING:
    from keyless.local.azure.identities.principal import Principal
    from keyless.local.wire.graph.call import Answers


def create_application(call: Call) -> Answer:
    """Make an application, with its service principal."""
    azure, name = call.azure, _display_name(call)
    made = Application(
        name,
        client_id=None,
        object_id=None,
        role_assignments=azure.role_assignments,
        scope=azure.any_scope,
    )
    made.certificates = _certificates(call)
    try:
        azure.directory.add_application(made)
    except KeylessError as error:
        raise RefusedError(400, "Request_BadRequest", f"{error.what} {error.remedy}") from None
    return Answer(201, objects.application(made))


def update_application(call: Call) -> Answer:
    """Change an application's certificates, and nothing else."""
    found = find_application(call)
    if "keyCredentials" in call.body:
        found.certificates = _certificates(call)
    return Answer(204)


def delete_application(call: Call) -> Answer:
    """Have an application no more, nor its service principal. Its role assignments stay, as in Azure."""
    call.azure.directory.remove(find_application(call))
    return Answer(204)


def add_password(call: Call) -> Answer:
    """Give an application one more secret, which is shown this once."""
    found, asked = find_application(call), call.body.get("passwordCredential")
    ends = _time(asked.get("endDateTime")) if isinstance(asked, dict) else FOREVER
    value = found.add_secret(expires_on=ends)
    return Answer(200, {**objects.password(found.secrets[-1].id, ends), "secretText": value, "hint": value[:3]})


def remove_password(call: Call) -> Answer:
    """Take a secret from an application."""
    found, gone = find_application(call), call.text("keyId")
    kept = tuple(each for each in found.secrets if each.id != gone)
    if len(kept) == len(found.secrets):
        raise RefusedError(
            400, "Request_BadRequest", f"No credentials found to be removed with the key id {gone[:80]}."
        )
    found.secrets = kept
    return Answer(204)


def create_service_principal(call: Call) -> Answer:
    """Return the service principal of an application, which it has from its beginning."""
    found = call.azure.directory.client(call.text("appId"))
    if not isinstance(found, Application):
        text = "The backing application of the service principal being created must in the local tenant"
        raise RefusedError(400, "Request_BadRequest", text)
    return Answer(201, objects.service_principal(call.azure, found))


def delete_service_principal(call: Call) -> Answer:
    """Have an application no more. A managed identity's goes with the identity alone."""
    found = find_client(call)
    if not isinstance(found, Application):
        raise RefusedError(400, "Request_BadRequest", "A managed identity's service principal goes with the identity.")
    call.azure.directory.remove(found)
    return Answer(204)


def create_group(call: Call) -> Answer:
    """Make a group."""
    azure = call.azure
    made = Group(_display_name(call), object_id=None, role_assignments=azure.role_assignments, scope=azure.any_scope)
    try:
        azure.directory.add_group(made)
    except KeylessError as error:
        raise RefusedError(400, "Request_BadRequest", f"{error.what} {error.remedy}") from None
    return Answer(201, objects.group(made))


def delete_group(call: Call) -> Answer:
    """Have a group no more."""
    call.azure.directory.remove(find_group(call))
    return Answer(204)


def add_member(call: Call) -> Answer:
    """Put someone into a group."""
    group, member = find_group(call), _referred(call)
    if member in call.azure.directory.members_of(group):
        text = "One or more added object references already exist for the following modified properties: 'members'."
        raise RefusedError(400, "Request_BadRequest", text)
    call.azure.directory.add_member(group, member)
    return Answer(204)


def remove_member(call: Call) -> Answer:
    """Take someone out of a group."""
    group, directory = find_group(call), call.azure.directory
    member = directory.principal_of(call.parts["member"])
    if member is None or member not in directory.members_of(group):
        raise no_object(call.parts["member"])
    directory.remove_member(group, member)
    return Answer(204)


def _display_name(call: Call) -> str:
    name = call.text("displayName").strip()
    if not name:
        raise RefusedError(400, "Request_BadRequest", "Property 'displayName' is required.")
    return name


def _referred(call: Call) -> Principal:
    """Return whom a reference means, such as ``https://graph.microsoft.com/v1.0/directoryObjects/ID``."""
    object_id = call.text("@odata.id").rstrip("/").rpartition("/")[2]
    found = call.azure.directory.principal_of(object_id)
    if found is None:
        raise no_object(object_id)
    return found


def _certificates(call: Call) -> tuple[x509.Certificate, ...]:
    asked = call.body.get("keyCredentials") or []
    try:
        return tuple(_certificate(each) for each in asked)
    except (ValueError, KeyError, TypeError, AttributeError):
        text = "Key credentials must hold certificates, in DER and base64."
        raise RefusedError(400, "Request_BadRequest", text) from None


def _certificate(asked: dict[str, Any]) -> x509.Certificate:
    content = base64.b64decode(asked["key"])
    # The Azure CLI sends the text of a PEM file without its first and last line, encoded once.
    return (
        x509.load_pem_x509_certificate(content)
        if content.startswith(b"-----")
        else x509.load_der_x509_certificate(content)
    )


def _time(text: object) -> float:
    if not isinstance(text, str):
        return FOREVER
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise RefusedError(
            400, "Request_BadRequest", "Cannot convert a value to target type 'Edm.DateTimeOffset'."
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


CHANGES: Final[tuple[tuple[str, str, Answers], ...]] = (
    ("POST", "/applications", create_application),
    ("PATCH", "/applications/{id}", update_application),
    ("DELETE", "/applications/{id}", delete_application),
    ("POST", "/applications/{id}/addPassword", add_password),
    ("POST", "/applications/{id}/removePassword", remove_password),
    ("POST", "/servicePrincipals", create_service_principal),
    ("DELETE", "/servicePrincipals/{id}", delete_service_principal),
    ("POST", "/groups", create_group),
    ("DELETE", "/groups/{id}", delete_group),
    ("POST", "/groups/{id}/members/$ref", add_member),
    ("DELETE", "/groups/{id}/members/{member}/$ref", remove_member),
)
