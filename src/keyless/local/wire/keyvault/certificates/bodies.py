"""The JSON that a vault writes of certificates: members in the recorded order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.certificates.facts import CertificateFacts
from keyless.local.wire.keyvault.protocol.bodies import attributes_of, object_id, version_id

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.certificates.pending import PendingOperation
    from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
    from keyless.local.azure.keyvault.certificates.records import Record
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties
    from keyless.local.wire.keyvault.protocol.call import Call

_OF_RECOVERY = ("recoveryLevel", "recoverableDays")


def version_bundle(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a version of a certificate: what is behind it, and its contents, once it is there."""
    bundle: dict[str, object] = {"id": version_id(call, found)}
    facts = CertificateFacts.of(found.facts)
    if facts is not None:
        parts = {"kid": "keys", "sid": "secrets"}
        bundle |= {name: f"{call.base}/{where}/{found.name}/{found.version}" for name, where in parts.items()}
        bundle |= {"x5t": facts.x5t, "cer": facts.cer}
    bundle |= {"attributes": attributes_of(call, found), **_tags(found)}
    if facts is not None and facts.preserve_order:
        bundle["preserveCertOrder"] = True
    return bundle


def certificate_bundle(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a version of a certificate with its policy, and with where its order can be asked for."""
    bundle, policy = version_bundle(call, found), call.vault.certificates.policy(found.name)
    if policy is not None:
        bundle["policy"] = policy_body(call, found.name, policy)
    if call.vault.certificates.was_ordered(found.name):
        bundle["pending"] = {"id": _pending_id(call, found.name)}
    return bundle


def certificate_item(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a certificate as a list of certificates shows it: its id names no version."""
    return _item(call, found, object_id(call, found))


def certificate_version_item(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a version as a list of versions shows it."""
    return _item(call, found, version_id(call, found))


def deleted_item(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a deleted certificate as a list shows it, but for what says that it is deleted."""
    return {
        "id": object_id(call, found),
        **_thumbprint(found),
        "attributes": attributes_of(call, found),
        **_tags(found),
    }


def policy_body(call: Call, name: str, policy: CertificatePolicy) -> dict[str, object]:
    """Return the policy of a certificate."""
    return {"id": f"{call.base}/certificates/{name}/policy", **policy.body}


def operation_body(call: Call, ordered: PendingOperation, *, settled: bool = True) -> dict[str, object]:
    """Return how an order stands.

    Args:
        call: The request.
        ordered: The order.
        settled: Whether it may be done; else it is as it was when it was made.
    """
    now = call.now if settled else min(call.now, ordered.settles_on - 1)
    body: dict[str, object] = {
        "id": _pending_id(call, ordered.name),
        "issuer": {"name": ordered.issuer},
        "csr": ordered.csr,
        "cancellation_requested": ordered.cancel,
        "status": ordered.status(now),
    }
    if (details := ordered.details(now)) is not None:
        body["status_details"] = details
    if ordered.status(now) == "failed" and ordered.error is not None:
        body["error"] = dict(ordered.error)
    if ordered.done:
        body["target"] = f"{call.base}/certificates/{ordered.name}"
    if ordered.preserve_order:
        body["preserveCertOrder"] = True
    return {**body, "request_id": ordered.request_id}


def issuer_body(call: Call, issuer: Record) -> dict[str, object]:
    """Return an issuer, without its password."""
    return {"id": _issuer_id(call, issuer), **issuer.content}


def issuer_item(call: Call, issuer: Record) -> dict[str, object]:
    """Return an issuer as a list shows it."""
    return {"id": _issuer_id(call, issuer), "provider": issuer.content["provider"]}


def contacts_body(call: Call, contacts: Record) -> dict[str, object]:
    """Return whom a vault writes to."""
    return {"id": f"{call.base}/certificates/contacts", **contacts.content}


def _item(call: Call, found: ObjectProperties, identifier: str) -> dict[str, object]:
    attributes = {name: value for name, value in attributes_of(call, found).items() if name not in _OF_RECOVERY}
    # The subject is always there and always empty, as recorded.
    return {"id": identifier, **_thumbprint(found), "attributes": attributes, **_tags(found), "subject": ""}


def _thumbprint(found: ObjectProperties) -> dict[str, object]:
    facts = CertificateFacts.of(found.facts)
    return {} if facts is None else {"x5t": facts.x5t}


def _tags(found: ObjectProperties) -> dict[str, object]:
    return {"tags": dict(found.attributes.tags)} if found.attributes.tags else {}


def _pending_id(call: Call, name: str) -> str:
    return f"{call.base}/certificates/{name}/pending"


def _issuer_id(call: Call, issuer: Record) -> str:
    return f"{call.base}/certificates/issuers/{issuer.name}"
