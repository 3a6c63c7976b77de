"""Operations on certificates: one function for each operation of the certificates API.

https://learn.microsoft.com/en-us/rest/api/keyvault/certificates/operation-groups
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate
from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.wire.keyvault.certificates.bodies import (
    certificate_bundle,
    certificate_item,
    certificate_version_item,
    deleted_item,
    operation_body,
    policy_body,
    version_bundle,
)
from keyless.local.wire.keyvault.certificates.refusals import refused_certificate
from keyless.local.wire.keyvault.keys.parameters import read_needed_body
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import invalid_property, not_found
from keyless.local.wire.keyvault.protocol.objects import ObjectOperations
from keyless.local.wire.keyvault.protocol.paging import page_of
from keyless.local.wire.keyvault.protocol.parameters import read_attributes, read_field, read_value
from keyless.local.wire.keyvault.protocol.state_errors import name_in_use

if TYPE_CHECKING:
    from keyless.local.wire.keyvault.protocol.call import Call

CERTIFICATES = ObjectOperations(
    whole=certificate_bundle,
    deleted=certificate_bundle,
    item=certificate_item,
    version_item=certificate_version_item,
    deleted_item=deleted_item,
)
_RETRY_SECONDS = "10"


def waiting() -> dict[str, str]:
    """Return the header that says when to ask again."""
    return {"Retry-After": _RETRY_SECONDS}


def list_certificates(call: Call) -> Answer:
    """Return a page of the certificates by name; those that were never there, only where the client wants them."""
    source = partial(call.vault.certificates.page, include_pending=_includes_pending(call))
    return page_of(call, source, item=certificate_item, key=lambda found: found.name)


def list_deleted_certificates(call: Call) -> Answer:
    """Return a page of the deleted certificates by name, likewise."""
    source = partial(call.vault.certificates.page_of_deleted, include_pending=_includes_pending(call))
    return CERTIFICATES.page_of_deleted(call, source)


def get_certificate(call: Call) -> Answer:
    """Return a certificate, disabled, expired or on its way: with its policy, unless a version is named."""
    found = call.vault.certificates.find(call.name, call.version)
    if found is None:
        raise not_found("certificate", call.name, call.version)
    return Answer(200, (version_bundle if call.version else certificate_bundle)(call, found))


def create_certificate(call: Call) -> Answer:
    """Order a new version of a certificate."""
    body = read_needed_body(call)
    try:
        ordered = call.vault.certificates.create(call.name, read_field(body, "policy", dict) or {}, _wanted(body))
    except ConfigurationError as error:
        raise refused_certificate(error) from None
    except ObjectStateError as error:
        raise name_in_use(error, call.name) from None
    where = f"{call.base}/certificates/{ordered.name}/pending"
    location = f"{where}?api-version={call.api_version}&request_id={ordered.request_id}"
    return Answer(202, operation_body(call, ordered, settled=False), {"Location": location, **waiting()})


def import_certificate(call: Call) -> Answer:
    """Take a certificate with its private key as a new version."""
    body = read_needed_body(call)
    value, password, policy = read_value(body), read_field(body, "pwd", str), read_field(body, "policy", dict)
    try:
        made = call.vault.certificates.import_package(call.name, value, password, policy, _wanted(body))
    except ConfigurationError as error:
        raise refused_certificate(error) from None
    except ObjectStateError as error:
        raise name_in_use(error, call.name) from None
    return Answer(200, certificate_bundle(call, made))


def update_certificate(call: Call) -> Answer:
    """Change properties of a version, and the policy."""
    body = read_needed_body(call)
    policy = read_field(body, "policy", dict)
    try:
        changed = call.vault.certificates.change(call.name, call.version, read_attributes(body), policy=policy)
    except ConfigurationError as error:
        raise refused_certificate(error) from None
    if changed is None:
        raise not_found("certificate", call.name, call.version)
    return Answer(200, certificate_bundle(call, changed))


def get_policy(call: Call) -> Answer:
    """Return the policy of a certificate."""
    found, policy = call.vault.certificates.find(call.name), call.vault.certificates.policy(call.name)
    if found is None or policy is None:
        raise not_found("certificate", call.name, None)
    return Answer(200, policy_body(call, found.name, policy))


def update_policy(call: Call) -> Answer:
    """Change the policy of a certificate, after which later versions are made."""
    body = read_needed_body(call)
    found = call.vault.certificates.find(call.name)
    try:
        policy = call.vault.certificates.change_policy(call.name, body)
    except ConfigurationError as error:
        raise refused_certificate(error) from None
    if found is None or policy is None:
        raise not_found("certificate", call.name, None)
    return Answer(200, policy_body(call, found.name, policy))


def _wanted(body: dict[str, Any]) -> WantedCertificate:
    return WantedCertificate(
        attributes=read_attributes(body), preserve_order=bool(read_field(body, "preserveCertOrder", bool))
    )


def _includes_pending(call: Call) -> bool:
    asked = call.query.get("includePending", "false").lower()
    if asked not in {"true", "false"}:
        raise invalid_property("includePending is neither true nor false.")
    return asked == "true"
