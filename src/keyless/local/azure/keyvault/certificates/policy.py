"""The policy of a certificate: what a new version of it is to be, and when one is made.

https://learn.microsoft.com/en-us/azure/key-vault/certificates/about-certificates#certificate-policy
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.keyvault.certificates.policy_parts import (
    key_type,
    read_actions,
    read_issuer,
    read_key,
    read_platform,
    read_secret,
    read_x509,
    table_of,
)
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAY: Final = 86_400
_OPERATIONS_BY_USAGE: Final = (
    ("digitalSignature", ("sign", "verify")),
    ("nonRepudiation", ("sign", "verify")),
    ("keyCertSign", ("sign", "verify")),
    ("cRLSign", ("sign", "verify")),
    ("keyEncipherment", ("wrapKey", "unwrapKey")),
    ("dataEncipherment", ("encrypt", "decrypt")),
    ("encipherOnly", ("encrypt",)),
    ("decipherOnly", ("decrypt",)),
)
_OPERATIONS: Final = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey")


class CertificatePolicy(Record, frozen=True):
    """A policy that a vault accepted.

    Attributes:
        body: The policy as a vault answers it, without its id.
    """

    body: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        """The name of who issues it: Self, Unknown, or an issuer of the vault."""
        return str(self.body["issuer"]["name"])

    @property
    def is_self_signed(self) -> bool:
        """Whether it is signed with its own key."""
        return self.issuer.lower() == "self"

    @property
    def is_issued_elsewhere(self) -> bool:
        """Whether nobody whom the vault knows issues it, so that somebody must merge it."""
        return self.issuer.lower() == "unknown"

    @property
    def key(self) -> Mapping[str, Any]:
        """The properties of the key."""
        found: Mapping[str, Any] = self.body["key_props"]
        return found

    @property
    def x509(self) -> Mapping[str, Any]:
        """The contents of the certificate."""
        found: Mapping[str, Any] = self.body["x509_props"]
        return found

    @property
    def content_type(self) -> str:
        """The format of the secret behind it."""
        return str(self.body["secret_props"]["contentType"])

    @property
    def months(self) -> int:
        """For how many months it is valid."""
        return int(self.x509["validity_months"])

    def key_operations(self) -> tuple[str, ...]:
        """Return what the key behind it may be used for, by the usages that the certificate says."""
        usages, kty = self.x509["key_usage"], self.key["kty"]
        possible = _OPERATIONS if kty.startswith("RSA") else _OPERATIONS[2:4]
        wanted = {each for usage, operations in _OPERATIONS_BY_USAGE if usage in usages for each in operations}
        return tuple(each for each in possible if each in wanted or not usages)

    def renews_on(self, *, not_before: int, expires_on: int) -> float | None:
        """Return when a version is followed by another, in Unix seconds; None where that is not for the vault to do."""
        for action in self.body["lifetime_actions"]:
            if action["action"]["action_type"] == "AutoRenew":
                trigger = action["trigger"]
                if "days_before_expiry" in trigger:
                    return float(expires_on - trigger["days_before_expiry"] * _DAY)
                return not_before + (expires_on - not_before) * float(trigger["lifetime_percentage"]) / 100
        return None


def read_policy(given: Mapping[str, Any], *, now: int, since: int | None = None) -> CertificatePolicy:
    """Return a policy with all that it does not say as Key Vault has it.

    Args:
        given: What a client gives.
        now: The time, in Unix seconds.
        since: When it was made; None means now.

    Raises:
        RefusedCertificateError: If no certificate can have it.
        RefusedKeyError: If no key can be so.
    """
    # The subject is looked at before all else, as recorded.
    x509 = read_x509(table_of(given, "x509_props"), kty=key_type(table_of(given, "key_props")))
    key = read_key(table_of(given, "key_props"))
    issuer = read_issuer(table_of(given, "issuer"))
    unattended = issuer["name"].lower() == "unknown"
    attributes = table_of(given, "attributes")
    body = {
        "key_props": key,
        "secret_props": read_secret(table_of(given, "secret_props")),
        "x509_props": x509,
        "lifetime_actions": read_actions(
            given.get("lifetime_actions"),
            months=x509["validity_months"],
            default="EmailContacts" if unattended else "AutoRenew",
        ),
        "issuer": issuer,
        "attributes": {
            "enabled": attributes.get("enabled") is not False,
            "created": now if since is None else since,
            "updated": now,
        },
    }
    platform = read_platform(given.get("platformManaged"))
    return CertificatePolicy(body if platform is None else {**body, "platformManaged": platform})


def changed_policy(before: CertificatePolicy, given: Mapping[str, Any], *, now: int) -> CertificatePolicy:
    """Return a policy after a change: what is not given stays as it is.

    Raises:
        RefusedCertificateError: If no certificate can have it.
        RefusedKeyError: If no key can be so.
    """
    body = merged(before.body, given)
    key = table_of(given, "key_props")
    if {"kty", "crv"} & set(key):
        # Another type has another size: nobody asked for the one that there was.
        body["key_props"] = {**_without(before.key, "key_size", "crv"), **key}
    elif key.get("key_size") is not None:
        body["key_props"] = {**_without(before.key, "crv"), **key}
    return read_policy(body, now=now, since=before.body["attributes"]["created"])


def merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy with what is given in place of what was; in each of its objects, what is not given stays."""
    found = dict(before)
    for name, value in given.items():
        known = found.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            found[name] = {**known, **{key: each for key, each in value.items() if each is not None}}
        elif value is not None:
            found[name] = value
    return found


def _without(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}
