"""The tokens of the local Azure: real JWTs, signed with a key that is published and checked by the vaults.

Claims are those of Microsoft Entra ID's version 1.0 tokens for a managed identity:
https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from keyless.local.azure.identities.signing_key import SigningKey, new_key
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from keyless.local.clock import Clock

LIFETIME = 86_400.0  # Seconds: managed identities get tokens for a day.
_SKEW = 300.0  # Seconds: Entra dates a token five minutes back, and so much is forgiven to a slow clock.
_RENEW_BEFORE = (
    600.0  # Seconds: clients fetch again within the last five minutes, so the platform must be ahead of them.
)
_MAX_CACHED = 10_000
_MAX_VERIFIED = 1_000
# The claims that a token of a bearer must have, and a statement of an attestation service.
_BEARER = frozenset({"aud", "iss", "exp", "nbf", "oid", "appid"})
_STATEMENT = frozenset({"iss", "exp"})
_LAST_TIME = 253_402_300_799  # The last second of the year 9999.


class Subject(Protocol):
    """Whom a token is for."""

    @property
    def client_id(self) -> str:
        """The application id: ``appid``."""

    @property
    def object_id(self) -> str:
        """The principal's object id: ``oid``."""

    @property
    def resource_id(self) -> str:
        """The ARM id of the identity, or of the resource that has it: ``xms_mirid``; empty for an application."""


class Token(Record, frozen=True):
    """An access token.

    Attributes:
        text: The JWT, which no representation shows.
        expires_on: When it ends, in Unix seconds.
        not_before: When it begins, in Unix seconds.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"text"})

    text: str
    expires_on: int
    not_before: int


class Claims(Record, frozen=True):
    """The claims of a valid token about its bearer.

    Attributes:
        object_id: ``oid``.
        client_id: ``appid``.
        issuer: ``iss``.
        expires_on: ``exp``, in Unix seconds.
    """

    object_id: str
    client_id: str
    issuer: str
    expires_on: int


class Rejection(Record, frozen=True):
    """The reason why a token is not accepted.

    Attributes:
        problem: ``malformed`` (not a JWT of the pinned algorithm with every claim), ``key`` (signed with a key that is
            not published), ``signature``, ``issuer``, ``audience``, or ``time`` (expired, or not yet valid).
        found: The claim as found, for ``issuer`` and ``audience``; the encoded header, for ``key``; else empty.
    """

    problem: Literal["malformed", "key", "signature", "issuer", "audience", "time"]
    found: str = ""


def issuer_of(tenant_id: str) -> str:
    """Return the issuer that a tenant's version 1.0 tokens name."""
    return f"https://sts.windows.net/{tenant_id}/"


def _is_time(claim: object) -> bool:
    """Return whether a claim is a number that dates can hold."""
    return isinstance(claim, (int, float)) and not isinstance(claim, bool) and 0 <= claim <= _LAST_TIME


def _texts(claims: Mapping[str, Any], *names: str) -> bool:
    """Return whether claims are text that UTF-8 can hold."""
    return all(isinstance(claims[name], str) and claims[name].isprintable() for name in names)


class Tokens:
    """Makes and checks tokens with one RSA key. Safe to use from any thread.

    Args:
        tenant_id: The tenant whose tokens they are.
        clock: The time that they begin and end by.
        signing: What signs them; None makes a key that ends with this object.
    """

    def __init__(self, *, tenant_id: str, clock: Clock, signing: SigningKey | None = None) -> None:
        self._tenant_id = tenant_id
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[tuple[str, str, float], Token] = {}
        self._verified: dict[bytes, dict[str, Any]] = {}
        self._signing = signing or SigningKey(new_key)

    def begin(self) -> None:
        """Begin to get the key, in a thread of its own, so that the first token need not wait as long."""
        self._signing.begin()

    def close(self) -> None:
        """End what was begun."""
        self._signing.close()

    def reset(self, *, tenant_id: str) -> None:
        """Forget every token, and speak for a tenant. Tokens that clients have stay good while that is theirs."""
        with self._lock:
            self._tenant_id = tenant_id
            self._cache.clear()

    def issue(
        self,
        subject: Subject,
        resource: str,
        *,
        lifetime: float = LIFETIME,
        refused_hash: str = "",
        bypass_cache: bool = False,
        method: str = "2",
    ) -> Token:
        """Return a token of an identity for a resource, from the platform's cache while it lasts.

        Azure keeps a managed identity's token for its resource in a cache of its own, so that a new role or group does
        not show in tokens at once:
        https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations

        Args:
            subject: Whom it is for.
            resource: What it is for.
            lifetime: For how many seconds a new one is good.
            refused_hash: The SHA-256, in hexadecimal, of a token that is not to be given again.
            bypass_cache: Whether to make a new one in any case, which is in the cache from then on.
            method: How the subject has shown who it is: ``1`` by a secret, ``2`` by a signature, as managed identities do.
        """
        now = self._clock.now()
        with self._lock:
            key = (subject.object_id, resource, lifetime)
            token = self._cache.get(key)
            if (
                token is None
                or bypass_cache
                or token.expires_on - now < min(_RENEW_BEFORE, lifetime / 2)
                or hashlib.sha256(token.text.encode()).hexdigest() == refused_hash
            ):
                if len(self._cache) >= _MAX_CACHED:
                    self._cache.clear()
                token = self._cache[key] = self._mint(subject, resource, now, lifetime, method)
            return token

    def _mint(self, subject: Subject, resource: str, now: float, lifetime: float, method: str) -> Token:
        issued, expires_on = int(now - _SKEW), int(now + lifetime)
        issuer = issuer_of(self._tenant_id)
        claims: dict[str, object] = {
            "aud": resource,
            "iss": issuer,
            "iat": issued,
            "nbf": issued,
            "exp": expires_on,
            "appid": subject.client_id,
            "appidacr": method,
            "idp": issuer,
            "idtyp": "app",
            "oid": subject.object_id,
            "sub": subject.object_id,
            "tid": self._tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
            **({"xms_mirid": subject.resource_id} if subject.resource_id else {}),
        }
        return Token(self.sign(claims), expires_on, issued)

    def sign(self, claims: dict[str, object]) -> str:
        """Return a JWT with just these claims, so that a test can hold a token that nobody would be given."""
        import jwt  # noqa: PLC0415 (it takes long to load, and a start does not wait for it)

        key = self._signing.pair
        return jwt.encode(claims, key.private, algorithm="RS256", headers={"x5t": key.id, "kid": key.id})

    def verify(self, token: str, *, audiences: Collection[str], tenant_id: str) -> Claims | Rejection:
        """Check a token as a service of Azure does.

        Args:
            token: The JWT.
            audiences: The audiences that the service goes by.
            tenant_id: The tenant that the service trusts.

        Returns:
            The claims of the token, or what is wrong with it.
        """
        claims = self._decode(token, _BEARER)
        if isinstance(claims, Rejection):
            return claims
        if not _texts(claims, "iss", "oid", "appid"):
            return Rejection("malformed")
        problem = self._check_claims(claims, audiences, issuer_of(tenant_id))
        return problem or Claims(str(claims["oid"]), str(claims["appid"]), str(claims["iss"]), int(claims["exp"]))

    def verify_attestation(self, token: str) -> dict[str, Any] | None:
        """Return the statement of an attestation service about an environment, where it is signed with the key.

        Args:
            token: The statement, a JWT.

        Returns:
            Its claims; None where it is not to be trusted.
        """
        claims = self._decode(token, _STATEMENT)
        if isinstance(claims, Rejection) or not isinstance(claims["exp"], int) or self._clock.now() >= claims["exp"]:
            return None
        return claims

    def _decode(self, token: str, required: frozenset[str]) -> dict[str, Any] | Rejection:
        """Return the claims of a token that is signed with the key, whatever they are."""
        claims = self._signed(token)
        if isinstance(claims, Rejection):
            return claims
        return claims if required <= claims.keys() else Rejection("malformed")

    def _signed(self, token: str) -> dict[str, Any] | Rejection:
        """Return what is in a token, once its signature is found good; a claim that is null is not there.

        Clients show one token with each request, and what was signed does not change: its digest is remembered. What does
        change, the time above all, is asked of each request.
        """
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None:
            return known
        claims = self._verify_signature(token)
        if not isinstance(claims, Rejection):
            claims = {name: claim for name, claim in claims.items() if claim is not None}
            with self._lock:
                if len(self._verified) >= _MAX_VERIFIED:
                    self._verified.clear()
                self._verified[digest] = claims
        return claims

    def _verify_signature(self, token: str) -> dict[str, Any] | Rejection:
        import jwt  # noqa: PLC0415 (as in sign)

        key = self._signing.pair
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, UnicodeEncodeError):  # A header of HTTP may hold bytes that are not text.
            return Rejection("malformed")
        if header.get("kid") != key.id:
            return Rejection("key", token.partition(".")[0])
        try:
            return jwt.decode(
                token,
                key.public,
                algorithms=["RS256"],
                # The clock that counts is the local Azure's, so times are checked apart, and so is the rest, in order.
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidSignatureError:
            return Rejection("signature")
        except jwt.PyJWTError:
            return Rejection("malformed")

    def _check_claims(self, claims: dict[str, Any], audiences: Collection[str], issuer: str) -> Rejection | None:
        if not (_is_time(claims["exp"]) and _is_time(claims["nbf"])):
            return Rejection("malformed")
        if claims["iss"] != issuer:
            return Rejection("issuer", str(claims["iss"]))
        audience = claims["aud"][0] if isinstance(claims["aud"], list) and claims["aud"] else claims["aud"]
        if isinstance(audience, str) and not audience.isprintable():  # No answer could say it.
            return Rejection("malformed")
        if not isinstance(audience, str) or audience not in audiences:
            return Rejection("audience", str(audience))
        # A client may bring a token of a time that was reset since.
        if claims["nbf"] - _SKEW > self._clock.furthest() or self._clock.now() >= claims["exp"]:
            return Rejection("time")
        return None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public key as a JSON Web Key Set, for any JWT library to check tokens with."""
        from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 (as in sign)

        pair = self._signing.pair
        key = RSAAlgorithm.to_jwk(pair.public, as_dict=True)
        named = {"use": "sig", "alg": "RS256", "kid": pair.id, "x5t": pair.id}
        return {"keys": [{"kty": key["kty"], **named, "n": key["n"], "e": key["e"]}]}
