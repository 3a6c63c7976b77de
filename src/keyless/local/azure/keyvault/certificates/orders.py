"""Orders of certificates: what is to be issued, by whom, and whether what somebody else has issued fits."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from keyless.local.azure.keyvault.certificates.facts import encoded
from keyless.local.azure.keyvault.certificates.issuing import (
    LOCAL_ISSUER,
    Issuer,
    Life,
    certificate_for,
    new_issuer,
    request_for,
)
from keyless.local.azure.keyvault.certificates.package import is_of
from keyless.local.azure.keyvault.certificates.pending import PendingOperation
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.keys.material import curve_of, make_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
    from keyless.local.azure.keyvault.certificates.records import VaultRecords
    from keyless.local.azure.keyvault.keys.material import PrivateKey
    from keyless.local.azure.keyvault.keys.vault_keys import VaultKeys
    from keyless.local.azure.keyvault.objects.attributes import AttributeChange
    from keyless.local.azure.storage.database import Database

# The code is recorded, and how the message begins.
_REJECTED: Final = "Request rejected"


class Orders:
    """Makes orders, and what they order.

    Args:
        records: The issuers that the vault knows.
        keys: Encrypts private keys.
        database: Keeps the authority that acts for the issuers.
    """

    def __init__(self, *, records: VaultRecords, keys: VaultKeys, database: Database) -> None:
        self._records = records
        self._keys = keys
        self._database = database

    def order(
        self,
        name: str,
        policy: CertificatePolicy,
        attributes: AttributeChange,
        *,
        reused: PrivateKey | None,
        now: int,
        settles_on: float,
        preserve_order: bool,
    ) -> PendingOperation:
        """Order a certificate. Making a key of RSA takes up to seconds, in which other threads go on.

        Args:
            name: The certificate's name.
            policy: What it is to be.
            attributes: What is said of the version.
            reused: The private key; None means a new one.
            now: When it is made.
            settles_on: When it is there.
            preserve_order: Whether its chain keeps the order in which it comes.

        Raises:
            RefusedCertificateError: If the vault knows no such issuer.
        """
        rejected = self._rejection(policy)
        key = reused or _made(policy.key)
        issued: tuple[x509.Certificate, ...] = ()
        if not policy.is_issued_elsewhere and rejected is None:
            issuer = None if policy.is_self_signed else self._issuer()
            life = Life.beginning(now, months=policy.months)
            made = x509.load_der_x509_certificate(certificate_for(key, policy, life, issuer=issuer))
            issued = (made,) if issuer is None else (made, issuer.certificate)
        return PendingOperation(
            name=name,
            version=uuid.uuid4().hex,
            request_id=uuid.uuid4().hex,
            csr=base64.b64encode(request_for(key, policy)).decode(),
            policy=policy.body,
            key=self._keys.sealed(key),
            created_on=now,
            settles_on=settles_on,
            enabled=attributes.enabled is not False,
            tags=dict(attributes.tags or {}),
            preserve_order=preserve_order,
            certificates=tuple(map(encoded, issued)),
            error=rejected,
        )

    def key_of(self, ordered: PendingOperation) -> PrivateKey:
        """Return the private key of what was ordered."""
        return self._keys.unsealed(ordered.key)

    def merged(self, ordered: PendingOperation, key: PrivateKey, chain: Sequence[str]) -> list[x509.Certificate]:
        """Return certificates that somebody else has issued, the one that was ordered first.

        Args:
            ordered: The order.
            key: Its private key.
            chain: The certificates, DER in base64.

        Raises:
            RefusedCertificateError: If nobody is to merge this order, or not with these.
        """
        if not ordered.is_to_be_merged:
            raise RefusedCertificateError(
                f"The certificate is issued by {ordered.issuer}.",
                allowed="certificates for what nobody else issues",
                status=403,
                code="Forbidden",
                # Documented, misspelt so.
                message="Merge is forbidden on pending object created with issuer : "
                f"{ordered.issuer} while it is in progess.",
            )
        found = [_der(each) for each in chain]
        leaf = next((each for each in found if is_of(each, key)), None)
        if leaf is None:
            raise RefusedCertificateError(
                "None of the certificates is that of the key that was made for the order.",
                allowed="a certificate that was made from the csr of the order",
                message="The public key of the end-entity certificate in the specified X.509 certificate content does not "
                "match the public part of the specified private key. Please check if certificate is valid.",
            )
        others = [each for each in found if each != leaf]
        return found if ordered.preserve_order else [leaf, *others]

    def _issuer(self) -> Issuer:
        """Return the authority that acts for all issuers that a vault knows by name."""
        return Issuer.load(self._database.key(LOCAL_ISSUER, new_issuer))

    def _rejection(self, policy: CertificatePolicy) -> Mapping[str, str] | None:
        """Return why the issuer will not do it; None where it will."""
        if policy.is_self_signed or policy.is_issued_elsewhere:
            return None
        issuer = self._records.issuer(policy.issuer)
        if issuer is None:
            raise RefusedCertificateError(
                f"The vault knows no issuer {policy.issuer[:40]!r}.",
                allowed="Self, Unknown, or an issuer that was set",
                status=404,
                code="CertificateIssuerNotFound",
                message="Issuer not found",
            )
        if issuer.content["attributes"]["enabled"]:
            return None
        provider = issuer.content["provider"]
        return {
            "code": _REJECTED,
            "message": f"The call to {provider} failed with: the issuer {issuer.name} is disabled.",
        }


def fits(key: PrivateKey, wanted: Mapping[str, Any]) -> bool:
    """Return whether a key is of the type, size and curve that a policy wants."""
    if isinstance(key, rsa.RSAPrivateKey):
        return bool(wanted["kty"].startswith("RSA") and wanted["key_size"] == key.key_size)
    return bool(wanted["kty"].startswith("EC") and wanted["crv"] == curve_of(key))


def _made(wanted: Mapping[str, Any]) -> PrivateKey:
    kty = wanted["kty"]
    if kty.startswith("RSA"):
        return make_key(kty, size=wanted["key_size"])
    return make_key(kty, curve=wanted["crv"])


def _der(text: str) -> x509.Certificate:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise no_valid_item() from None
    try:
        return x509.load_der_x509_certificate(content)
    except ValueError:
        raise RefusedCertificateError(
            "One of the certificates cannot be read.",
            allowed="certificates in DER, in base64 once",
            message="ASN1 bad tag value met",  # Quoted: https://github.com/Azure/azure-sdk-for-python/issues/2834
        ) from None


def no_valid_item() -> RefusedCertificateError:
    """Return the refusal of certificates of which there are none. Quoted, but for the end of the line."""
    return RefusedCertificateError(
        "There is no certificate in x5c.",
        allowed="certificates in DER, in base64",
        message="Property x5c has invalid value X5C must has at least one valid item\r\n",
    )
