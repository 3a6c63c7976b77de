"""The signed statements by which an application shows who it is: with its certificate's key, or another issuer's word.

https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials
https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, Literal

from cryptography.hazmat.primitives import hashes

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import jwt
    from cryptography import x509

    from keyless.local.azure.identities.federated_credential import FederatedCredential

_SKEW: Final = 300  # Seconds that Entra forgives to a slow clock.
_ALGORITHMS: Final = ("RS256", "PS256")
# The clock that counts is the local Azure's, so times are checked apart, and so is the rest, in order.
_SIGNATURE_ALONE: Final = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}

Problem = Literal["malformed", "key", "signature", "issuer", "audience", "subject", "time"]


class Distrusted(Record, frozen=True):
    """The reason why a statement is not believed.

    Attributes:
        problem: What is wrong with it.
        found: What is there, or the thumbprint of a certificate that is not known.
    """

    problem: Problem
    found: str = ""


def thumbprint(certificate: x509.Certificate) -> str:
    """Return the SHA-1 of a certificate, as portals and errors show it: 40 hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 (what clients and Entra name it by)


def check_federated(
    token: str, trusted: Sequence[FederatedCredential], *, own_keys: Sequence[jwt.PyJWK], now: float
) -> FederatedCredential | Distrusted:
    """Return the credential that a token of another issuer fulfils, or what is wrong with the token.

    Args:
        token: The token.
        trusted: What its bearer trusts.
        own_keys: The keys of the local Azure.
        now: The time, in Unix seconds.
    """
    key_id = _header(token).get("kid")
    theirs = {id(key): key for each in trusted for key in each.keys or () if key.key_id == key_id}
    ours = {id(key): key for key in own_keys if key.key_id == key_id}
    if not isinstance(key_id, str):
        return Distrusted("malformed")
    if not theirs and not ours:
        return Distrusted("key")
    found: dict[str, Any] | Distrusted = Distrusted("key")
    for known, key in {**theirs, **ours}.items():
        found = _decoded(token, key.key)
        if not isinstance(found, Distrusted):
            signers = [each for each in trusted if known in (ours if each.keys is None else map(id, each.keys))]
            return _fulfilled(found, signers, now)
    return found if isinstance(found, Distrusted) else Distrusted("signature")


def _fulfilled(
    claims: dict[str, Any], trusted: Sequence[FederatedCredential], now: float
) -> FederatedCredential | Distrusted:
    issuer, subject, audience = (claims.get(name) for name in ("iss", "sub", "aud"))
    audiences = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in (issuer, subject, *audiences)) or not audiences:
        return Distrusted("malformed")
    of_issuer = [each for each in trusted if each.issuer == issuer]
    if not of_issuer:
        return Distrusted("issuer", str(issuer))
    meant = [each for each in of_issuer if each.audience in audiences]
    if not meant:
        return Distrusted("audience", str(audiences[0]))
    late = _untimely(claims, now)
    if late is not None:
        return late
    return next((each for each in meant if each.subject == subject), None) or Distrusted("subject", str(subject))


def check_certified(
    token: str,
    certificates: Sequence[x509.Certificate],
    *,
    client_id: str,
    is_audience: Callable[[str], bool],
    now: float,
) -> x509.Certificate | Distrusted:
    """Return the certificate that a statement was signed with, or what is wrong with the statement.

    Args:
        token: The statement.
        certificates: Those of the application.
        client_id: The application's client id, of which the statement must speak.
        is_audience: Says of an audience whether it is this authority.
        now: The time, in Unix seconds.
    """
    header = _header(token)
    # MSAL for Python ends it with the padding that others leave out.
    named = {name: value.rstrip("=") for name in ("x5t", "x5t#S256") if isinstance(value := header.get(name), str)}
    if not named:
        return Distrusted("malformed")
    certificate = next((each for each in certificates if named.items() <= _names(each).items()), None)
    if certificate is None:
        return Distrusted("key", _as_hexadecimal(next(iter(named.values()))))
    claims = _decoded(token, certificate.public_key())
    if isinstance(claims, Distrusted):
        return claims
    if any(str(claims.get(name)).lower() != client_id.lower() for name in ("iss", "sub")):
        return Distrusted("subject", str(claims.get("sub")))
    if not is_audience(str(claims.get("aud"))):
        return Distrusted("audience", str(claims.get("aud")))
    return _untimely(claims, now) or certificate


def _names(certificate: x509.Certificate) -> dict[str, str]:
    """Return how the header of a statement may name a certificate."""
    made = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # noqa: S303 (what clients name it by)
    return {
        name: base64.urlsafe_b64encode(certificate.fingerprint(each)).rstrip(b"=").decode()
        for name, each in made.items()
    }


def _as_hexadecimal(name: str) -> str:
    try:
        return base64.urlsafe_b64decode(f"{name}==").hex().upper()
    except ValueError:
        return ""


def _header(token: str) -> dict[str, Any]:
    import jwt  # noqa: PLC0415 (it takes long to load, and a start does not wait for it)

    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, UnicodeEncodeError):
        return {}


def _decoded(token: str, key: Any) -> dict[str, Any] | Distrusted:
    import jwt  # noqa: PLC0415 (as above)

    try:
        return jwt.decode(token, key, algorithms=[*_ALGORITHMS], options={**_SIGNATURE_ALONE})  # type: ignore[arg-type]
    except jwt.InvalidSignatureError:
        return Distrusted("signature")
    except (jwt.PyJWTError, TypeError):  # A key of another kind than the algorithm's is a TypeError.
        return Distrusted("malformed")


def _untimely(claims: dict[str, Any], now: float) -> Distrusted | None:
    ends, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(ends, int | float) or not isinstance(begins, int | float):  # MSAL for Python sends fractions.
        return Distrusted("malformed")
    return Distrusted("time") if begins - _SKEW > now or now >= ends else None
