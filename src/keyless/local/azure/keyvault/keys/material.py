"""Key material: made, imported, shown as a public JSON Web Key, and kept.

https://learn.microsoft.com/en-us/azure/key-vault/keys/about-keys
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InternalError, InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

RSA_SIZES: Final = (2048, 3072, 4096)
CURVES: Final[Mapping[str, ec.EllipticCurve]] = MappingProxyType(
    {"P-256": ec.SECP256R1(), "P-256K": ec.SECP256K1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
)
TYPES: Final = ("RSA", "RSA-HSM", "EC", "EC-HSM")
# Clients of the first years called it so.
_OTHER_CURVE_NAMES: Final = MappingProxyType({"SECP256K1": "P-256K"})
_EXPONENTS: Final = (3, 65537)
_DEFAULT_EXPONENT: Final = 65537


class Imported(Record, frozen=True):
    """A key that was imported.

    Attributes:
        key: The key.
        modulus: The text of ``n`` as it was sent, which a vault returns as it is; None for other keys.
    """

    key: PrivateKey
    modulus: str | None = None


def check_type(kty: str) -> str:
    """Return a key type that a vault makes.

    Raises:
        RefusedKeyError: If it makes none such. Symmetric keys are for managed HSMs.
    """
    if kty not in TYPES:
        raise RefusedKeyError(
            f"There is no key type {kty[:20]!r} in a vault.",
            allowed=f"the key types {', '.join(TYPES)}",
            # Quoted for oct: https://github.com/Azure/azure-sdk-for-js/issues/26212
            message=f"Invalid kty value: {kty[:40]}",
            inner_code="KeyTypeNotSupported",
        )
    return kty


def make_key(kty: str, *, size: int | None = None, exponent: int | None = None, curve: str | None = None) -> PrivateKey:
    """Make a key. One of RSA takes up to seconds, in which other threads go on.

    Args:
        kty: Its type.
        size: Of an RSA key, in bits; None means 2048.
        exponent: The public exponent of an RSA key; None or 0 means 65537.
        curve: Of an EC key; None means P-256.

    Raises:
        RefusedKeyError: If no vault makes such a key.
    """
    if check_type(kty).startswith("EC"):
        return ec.generate_private_key(CURVES[curve_named(curve or "P-256")])
    bits = RSA_SIZES[0] if size is None else size
    _check_size(bits)
    if (exponent or _DEFAULT_EXPONENT) not in _EXPONENTS:
        raise RefusedKeyError(f"The public exponent is {exponent}.", allowed="the exponents 3 and 65537")
    return rsa.generate_private_key(public_exponent=exponent or _DEFAULT_EXPONENT, key_size=bits)


def make_alike(key: PrivateKey) -> PrivateKey:
    """Make a key of the same kind and size as another, for its rotation."""
    if isinstance(key, rsa.RSAPrivateKey):
        exponent = key.public_key().public_numbers().e
        return rsa.generate_private_key(public_exponent=exponent, key_size=key.key_size)
    return ec.generate_private_key(key.curve)


def curve_named(name: str) -> str:
    """Return the name of a curve as a vault writes it.

    Raises:
        RefusedKeyError: If there is no such curve.
    """
    found = _OTHER_CURVE_NAMES.get(name, name)
    if found not in CURVES:
        raise RefusedKeyError(f"There is no curve {name[:20]!r}.", allowed=f"the curves {', '.join(CURVES)}")
    return found


def from_jwk(jwk: Mapping[str, Any]) -> Imported:
    """Read a private JSON Web Key.

    https://www.rfc-editor.org/rfc/rfc7518#section-6

    Raises:
        RefusedKeyError: If it is not a private RSA or EC key that a vault can have.
    """
    kty = jwk.get("kty")
    if not isinstance(kty, str):
        raise invalid_jwk("it has no kty")
    try:
        if check_type(kty).startswith("EC"):
            return Imported(_ec_from(jwk))
        return Imported(_rsa_from(jwk), str(jwk["n"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        # The cause is left out: its text may hold material.
        raise invalid_jwk("its numbers are missing or do not fit together") from None


def invalid_jwk(problem: str) -> RefusedKeyError:
    """Return the refusal of what is not a private JSON Web Key. Recorded."""
    return RefusedKeyError(
        f"The JSON Web Key cannot be imported: {problem}.",
        allowed="a private RSA or EC key whose numbers fit together",
        message='The property "key" must be a valid JsonWebKey object.',
    )


def check_imported(key: object) -> PrivateKey:
    """Return an imported key, if a vault can have it.

    Load a key of RSA without the check of its numbers, which is made here: that of OpenSSL takes 0.4 s for 4,096 bits,
    in which no other thread goes on.

    Raises:
        RefusedKeyError: If it is of another type, size or curve.
        ValueError: If its numbers do not fit together.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        _check_size(key.key_size)
        _check_numbers(key)
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and any(key.curve.name == curve.name for curve in CURVES.values()):
        return key
    raise invalid_jwk("it is of a type or on a curve that no vault has")


def _check_numbers(key: rsa.RSAPrivateKey) -> None:
    """Refuse a key whose private and public numbers do not fit together.

    It signs once and verifies, as a pair-wise consistency test does:
    https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-56Br2.pdf (6.4.1.1)
    """
    found = key.private_numbers()
    p, q, n = found.p, found.q, found.public_numbers.n
    fits = 1 < p < n and p * q == n and found.iqmp * q % p == 1
    if not fits or (found.dmp1, found.dmq1) != (rsa.rsa_crt_dmp1(found.d, p), rsa.rsa_crt_dmq1(found.d, q)):
        raise ValueError("the numbers do not fit together")
    message = os.urandom(32)
    try:
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, InternalError):
        raise ValueError("the numbers are not those of a key") from None


def _rsa_from(jwk: Mapping[str, Any]) -> PrivateKey:
    n, e, d = (_read(jwk[name]) for name in ("n", "e", "d"))
    _check_size(n.bit_length())
    p, q = (_read(jwk[name]) for name in ("p", "q")) if "p" in jwk else rsa.rsa_recover_prime_factors(n, e, d)
    dp = _read(jwk["dp"]) if "dp" in jwk else rsa.rsa_crt_dmp1(d, p)
    dq = _read(jwk["dq"]) if "dq" in jwk else rsa.rsa_crt_dmq1(d, q)
    qi = _read(jwk["qi"]) if "qi" in jwk else rsa.rsa_crt_iqmp(p, q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n))
    return check_imported(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def _ec_from(jwk: Mapping[str, Any]) -> PrivateKey:
    curve = CURVES[curve_named(str(jwk["crv"]))]
    x, y, d = (_read(jwk[name]) for name in ("x", "y", "d"))
    return ec.EllipticCurvePrivateNumbers(d, ec.EllipticCurvePublicNumbers(x, y, curve)).private_key()


def _read(text: str) -> int:
    return int.from_bytes(from_base64url(text))


def _check_size(bits: int) -> None:
    if bits not in RSA_SIZES:
        raise RefusedKeyError(
            f"There is no RSA key of {bits} bits in a vault.",
            allowed=f"RSA keys of {', '.join(map(str, RSA_SIZES))} bits",
            # Its beginning is quoted: https://github.com/Azure/azure-cli/issues/2613; the rest is that of certificates.
            message=f"Unsupported key size ({bits}). Supported sizes are {list(RSA_SIZES)}",
        )


def curve_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> str:
    """Return the name of a key's curve as a vault writes it."""
    return next(name for name, curve in CURVES.items() if curve.name == key.curve.name)


def public_members(key: PrivateKey, *, modulus: str | None = None) -> dict[str, str]:
    """Return the public members of a key's JSON Web Key, in the recorded order.

    Args:
        key: The key.
        modulus: The text of ``n`` as it was imported; None means to write it.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"n": modulus or _number(numbers.n), "e": _number(numbers.e)}
    point = key.public_key().public_numbers()
    size = size_of(key)
    return {
        "crv": curve_of(key),
        "x": to_base64url(point.x.to_bytes(size)),
        "y": to_base64url(point.y.to_bytes(size)),
    }


def size_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> int:
    """Return how many bytes a coordinate of a key has."""
    return (key.curve.key_size + 7) // 8


def public_key(members: Mapping[str, str]) -> PublicKey:
    """Return the public key whose members ``public_members`` wrote."""
    if "n" in members:
        return rsa.RSAPublicNumbers(_read(members["e"]), _read(members["n"])).public_key()
    x, y = _read(members["x"]), _read(members["y"])
    return ec.EllipticCurvePublicNumbers(x, y, CURVES[members["crv"]]).public_key()


def to_der(key: PrivateKey) -> bytes:
    """Return a key in PKCS #8, unencrypted."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def from_der(der: bytes) -> PrivateKey:
    """Return the key that ``to_der`` wrote."""
    # It was checked when it was made or imported: to do so again takes longer than a signature.
    key = load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise TypeError("the store holds a key of another type")
    return key


def _number(value: int) -> str:
    return to_base64url(value.to_bytes((value.bit_length() + 7) // 8))
