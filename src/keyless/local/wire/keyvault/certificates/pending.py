"""Operations on certificates that are on their way: a vault shows, cancels, forgets and completes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.certificates.orders import no_valid_item
from keyless.local.wire.keyvault.certificates.bodies import certificate_bundle, operation_body
from keyless.local.wire.keyvault.certificates.operations import waiting
from keyless.local.wire.keyvault.certificates.refusals import nothing_pending, refused_certificate
from keyless.local.wire.keyvault.keys.parameters import read_needed_body
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import invalid_property
from keyless.local.wire.keyvault.protocol.parameters import read_attributes, read_field

if TYPE_CHECKING:
    from keyless.local.wire.keyvault.protocol.call import Call


def get_operation(call: Call) -> Answer:
    """Return the state of an order; the answer has when to ask again while it is in progress or has failed."""
    ordered = call.vault.certificates.operation(call.name)
    asked = call.query.get("request_id")
    if ordered is None or asked not in {None, ordered.request_id}:
        raise nothing_pending(call.name)
    is_waiting = ordered.status(call.now) in {"inProgress", "failed"}
    return Answer(200, operation_body(call, ordered), waiting() if is_waiting else {})


def update_operation(call: Call) -> Answer:
    """Ask for the cancellation of an order, which is done a while later."""
    body = read_needed_body(call)
    cancel = read_field(body, "cancellation_requested", bool)
    if cancel is None:
        raise invalid_property("The body has no cancellation_requested.")
    try:
        ordered = call.vault.certificates.cancel(call.name) if cancel else call.vault.certificates.operation(call.name)
    except ConfigurationError as error:
        raise refused_certificate(error) from None
    if ordered is None:
        raise nothing_pending(call.name)
    return Answer(200, operation_body(call, ordered))


def delete_operation(call: Call) -> Answer:
    """Forget an order."""
    ordered = call.vault.certificates.forget_operation(call.name)
    if ordered is None:
        raise nothing_pending(call.name)
    return Answer(200, operation_body(call, ordered))


def merge_certificate(call: Call) -> Answer:
    """Make what somebody else has issued the version that was ordered."""
    if not call.content.strip() and call.vault.certificates.operation(call.name) is None:
        raise nothing_pending(call.name, merging=True)
    body = read_needed_body(call)
    chain = read_field(body, "x5c", list)
    if chain is None or not all(isinstance(each, str) for each in chain):
        raise invalid_property("x5c is not a list of strings.")
    try:
        if not chain:
            raise no_valid_item()
        merged = call.vault.certificates.merge(call.name, chain, read_attributes(body))
    except ConfigurationError as error:
        raise refused_certificate(error) from None
    if merged is None:
        raise nothing_pending(call.name, merging=True)
    location = f"{call.base}/certificates/{merged.name}?api-version={call.api_version}"
    return Answer(201, certificate_bundle(call, merged), {"Location": location})
