"""The policy that a certificate has which somebody brings: what the certificate says, where the client says nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa

from keyless.local.azure.keyvault.certificates.extensions import described
from keyless.local.azure.keyvault.certificates.issuing import Life, months_between
from keyless.local.azure.keyvault.certificates.names import write_name
from keyless.local.azure.keyvault.certificates.package import invalid_content
from keyless.local.azure.keyvault.certificates.policy import merged, read_policy
from keyless.local.azure.keyvault.certificates.policy_parts import table_of
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.keys.material import curve_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from keyless.local.azure.keyvault.certificates.package import Package
    from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
    from keyless.local.azure.keyvault.keys.material import PrivateKey


def derived_policy(package: Package, given: Mapping[str, Any], *, now: int) -> CertificatePolicy:
    """Return the policy of a certificate that somebody brings. Recorded.

    Args:
        package: The certificate.
        given: What the client says of the policy.
        now: The time, in Unix seconds.

    Raises:
        RefusedCertificateError: If no certificate can have it.
        RefusedKeyError: If no key can be so.
    """
    if given.get("lifetime_actions") and not table_of(given, "secret_props").get("contentType"):
        # Quoted: https://github.com/Azure/azure-sdk-for-go/issues/21780
        raise RefusedCertificateError(
            "The policy has lifetime_actions and no contentType.",
            allowed="lifetime_actions with secret_props.contentType",
        )
    leaf = package.leaf
    found: dict[str, Any] = {
        "key_props": _key(package.key),
        "secret_props": {"contentType": package.content_type},
        "x509_props": {
            "subject": write_name(leaf.subject),
            "validity_months": months_between(Life.of(leaf)),
            **_described(leaf),
        },
        "issuer": {"name": "Unknown"},
    }
    return read_policy(merged(found, given), now=now)


def _described(leaf: x509.Certificate) -> dict[str, Any]:
    try:
        return described(leaf)
    except ValueError:
        raise invalid_content("its extensions cannot be read") from None


def _key(key: PrivateKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "key_size": key.key_size}
    return {"kty": "EC", "crv": curve_of(key)}
