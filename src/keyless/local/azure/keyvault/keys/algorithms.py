"""Every algorithm that the keys of a vault take, through ``cryptography``.

https://learn.microsoft.com/en-us/azure/key-vault/keys/about-keys-details
https://www.rfc-editor.org/rfc/rfc7518
"""

from __future__ import annotations

import hmac
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from keyless.local.azure.keyvault.keys.material import curve_of, size_of
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.keyvault.keys.material import PrivateKey, PublicKey


class Signature(Record, frozen=True):
    """A signature algorithm.

    Attributes:
        digest: The hash that the value is made with; None where the value is signed as it is.
        curve: The curve that it needs; None means an RSA key.
        pss: Whether an RSA signature is padded by PSS; otherwise by PKCS #1 v1.5.
    """

    digest: hashes.HashAlgorithm | None
    curve: str | None = None
    pss: bool = False


SIGNATURES: Final[Mapping[str, Signature]] = MappingProxyType(
    {
        "RS256": Signature(hashes.SHA256()),
        "RS384": Signature(hashes.SHA384()),
        "RS512": Signature(hashes.SHA512()),
        "PS256": Signature(hashes.SHA256(), pss=True),
        "PS384": Signature(hashes.SHA384(), pss=True),
        "PS512": Signature(hashes.SHA512(), pss=True),
        "RSNULL": Signature(None),
        "ES256": Signature(hashes.SHA256(), curve="P-256"),
        "ES256K": Signature(hashes.SHA256(), curve="P-256K"),
        "ES384": Signature(hashes.SHA384(), curve="P-384"),
        "ES512": Signature(hashes.SHA512(), curve="P-521"),
    }
)
ENCRYPTIONS: Final[Mapping[str, padding.AsymmetricPadding]] = MappingProxyType(
    {
        "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 (it is SHA-1 by definition)
        "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
        "RSA1_5": padding.PKCS1v15(),
    }
)


def sign(key: PrivateKey, algorithm: str, digest: bytes, *, kid: str) -> bytes:
    """Sign a digest; an EC signature is ``r`` and ``s`` side by side, as in JSON Web Signatures.

    Args:
        key: The key.
        algorithm: The algorithm.
        digest: What to sign.
        kid: What to call the key in a refusal.

    Raises:
        RefusedKeyError: If the key does not take the algorithm, or the digest has another length.
    """
    found = _signature(key, algorithm, digest, kid=kid)
    if isinstance(key, rsa.RSAPrivateKey):
        try:
            return key.sign(digest, _padding_of(found), _prehashed(found))
        except ValueError:
            raise _too_long(digest, algorithm) from None
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(_hashed(found))))
    size = size_of(key)
    return r.to_bytes(size) + s.to_bytes(size)


def verify(key: PublicKey, algorithm: str, digest: bytes, signature: bytes, *, kid: str) -> bool:
    """Return whether a signature is the key's, of that digest.

    Raises:
        RefusedKeyError: If the key does not take the algorithm, or the digest has another length.
    """
    found = _signature(key, algorithm, digest, kid=kid)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            return _verify_rsa(key, found, digest, signature)
        size = size_of(key)
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        key.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(_hashed(found)))
    except InvalidSignature:
        return False
    return True


def _verify_rsa(key: rsa.RSAPublicKey, found: Signature, digest: bytes, signature: bytes) -> bool:
    if found.digest is None:
        return hmac.compare_digest(key.recover_data_from_signature(signature, _padding_of(found), None), digest)
    key.verify(signature, digest, _padding_of(found), utils.Prehashed(found.digest))
    return True


def encrypt(key: PublicKey, algorithm: str, plaintext: bytes) -> bytes:
    """Encrypt bytes, or wrap a key.

    Raises:
        RefusedKeyError: If the key does not take the algorithm, or the plaintext is too long for it.
    """
    pad = ENCRYPTIONS.get(algorithm)
    if pad is None or not isinstance(key, rsa.RSAPublicKey):
        raise _unknown(algorithm, (*ENCRYPTIONS,))
    try:
        return key.encrypt(plaintext, pad)
    except ValueError:
        raise _too_long(plaintext, algorithm) from None


def decrypt(key: PrivateKey, algorithm: str, ciphertext: bytes) -> bytes:
    """Decrypt bytes, or unwrap a key.

    Whatever is wrong with a ciphertext of RSA-OAEP, the refusal is the same. With RSA1_5, one of the right length is never
    refused: OpenSSL returns bytes that say nothing, against the attack of Bleichenbacher.

    Raises:
        RefusedKeyError: If the key does not take the algorithm, or the ciphertext is not one of it.
    """
    pad = ENCRYPTIONS.get(algorithm)
    if pad is None or not isinstance(key, rsa.RSAPrivateKey):
        raise _unknown(algorithm, (*ENCRYPTIONS,))
    try:
        return key.decrypt(ciphertext, pad)
    except ValueError:
        raise RefusedKeyError(
            "The ciphertext cannot be decrypted.",
            allowed="what was encrypted for this key, by this algorithm",
            # Quoted: https://github.com/Azure/azure-sdk-for-js/issues/28100
            message="Error occurred while decoding OAEP padding",
        ) from None


def _signature(key: PrivateKey | PublicKey, algorithm: str, digest: bytes, *, kid: str) -> Signature:
    found = SIGNATURES.get(algorithm)
    if found is None:
        raise _unknown(algorithm, (*SIGNATURES,))
    curve = None if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)) else curve_of(key)
    if curve != found.curve:
        is_of = f"uses curve '{curve}'" if curve else "is of type 'RSA'"
        only = f"curve '{found.curve}'" if found.curve else "keys of type 'RSA'"
        raise RefusedKeyError(
            f"The algorithm {algorithm} is not one of this key.",
            allowed=f"{algorithm} with {only} alone",
            # Quoted where the curves differ: https://github.com/Azure/azure-sdk-for-java/issues/6262
            message=f"Key and signing algorithm are incompatible. Key {kid} {is_of}, and algorithm '{algorithm}' can only be "
            f"used with {only}.",
        )
    size = len(digest) if found.digest is None else found.digest.digest_size
    if len(digest) != size:
        raise RefusedKeyError(
            f"The digest is {len(digest)} bytes long.",
            allowed=f"{size} bytes for {algorithm}",
            # Quoted: https://github.com/Azure/azure-cli/issues/28027
            message=f"Invalid length of 'value': {len(digest)} bytes. {algorithm} requires {size} bytes, encoded with "
            "base64url.",
        )
    return found


def _padding_of(found: Signature) -> padding.AsymmetricPadding:
    if found.pss and found.digest is not None:
        return padding.PSS(padding.MGF1(found.digest), salt_length=found.digest.digest_size)
    return padding.PKCS1v15()


def _hashed(found: Signature) -> utils.Prehashed:
    if found.digest is None:
        raise TypeError("an EC signature has a hash")
    return utils.Prehashed(found.digest)


def _prehashed(found: Signature) -> utils.Prehashed | utils.NoDigestInfo:
    return utils.NoDigestInfo() if found.digest is None else utils.Prehashed(found.digest)


def _unknown(algorithm: str, known: tuple[str, ...]) -> RefusedKeyError:
    return RefusedKeyError(
        f"The algorithm {algorithm[:40]!r} is none that this key takes.", allowed=f"the algorithms {', '.join(known)}"
    )


def _too_long(value: bytes, algorithm: str) -> RefusedKeyError:
    return RefusedKeyError(
        f"The value of {len(value)} bytes is too long.", allowed=f"less for {algorithm} with a key of this size"
    )
