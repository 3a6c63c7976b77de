"""Operations on a vault's issuers and contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError
from keyless.local.wire.keyvault.certificates.bodies import contacts_body, issuer_body, issuer_item
from keyless.local.wire.keyvault.certificates.refusals import no_contacts, no_issuer, refused_certificate
from keyless.local.wire.keyvault.keys.parameters import read_needed_body
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.paging import page_of

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.certificates.records import Record
    from keyless.local.wire.keyvault.protocol.call import Call


def list_issuers(call: Call) -> Answer:
    """Return a page of the issuers by name."""
    source = call.vault.certificates.records.page_of_issuers
    return page_of(call, source, item=issuer_item, key=lambda issuer: issuer.name)


def get_issuer(call: Call) -> Answer:
    """Return an issuer."""
    return _of_issuer(call, call.vault.certificates.records.issuer(call.name))


def set_issuer(call: Call) -> Answer:
    """Make an issuer, in place of the one of that name."""
    return _changed(call, replacing=True)


def update_issuer(call: Call) -> Answer:
    """Change what is given of an issuer."""
    return _changed(call, replacing=False)


def delete_issuer(call: Call) -> Answer:
    """Forget an issuer, and return what it was."""
    return _of_issuer(call, call.vault.certificates.records.delete_issuer(call.name))


def get_contacts(call: Call) -> Answer:
    """Return whom the vault writes to."""
    return _of_contacts(call, call.vault.certificates.records.contacts())


def set_contacts(call: Call) -> Answer:
    """Set whom the vault writes to."""
    try:
        return _of_contacts(call, call.vault.certificates.records.set_contacts(read_needed_body(call)))
    except ConfigurationError as error:
        raise refused_certificate(error) from None


def delete_contacts(call: Call) -> Answer:
    """Forget whom the vault writes to, and return who they were."""
    return _of_contacts(call, call.vault.certificates.records.delete_contacts())


def _changed(call: Call, *, replacing: bool) -> Answer:
    body, records = read_needed_body(call), call.vault.certificates.records
    if not replacing and records.issuer(call.name) is None:
        raise no_issuer()
    try:
        return _of_issuer(call, records.set_issuer(call.name, body, now=int(call.now), replacing=replacing))
    except ConfigurationError as error:
        raise refused_certificate(error) from None


def _of_issuer(call: Call, issuer: Record | None) -> Answer:
    if issuer is None:
        raise no_issuer()
    return Answer(200, issuer_body(call, issuer))


def _of_contacts(call: Call, contacts: Record | None) -> Answer:
    if contacts is None:
        raise no_contacts()
    return Answer(200, contacts_body(call, contacts))
