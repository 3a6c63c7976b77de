"""The key that signs tokens. Making one takes a tenth of a second of a processor, and a run in which nobody asks needs none."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import Future
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable


def new_key() -> bytes:
    """Make a private key to sign tokens with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class KeyPair(Record, frozen=True):
    """A key, and what is published of it.

    Attributes:
        private: What signs.
        public: What is published.
        id: By which tokens name it.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"private"})

    private: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey
    id: str

    @classmethod
    def of(cls, pem: bytes) -> KeyPair:
        """Read a private key, as ``new_key`` makes it.

        Raises:
            ValueError: If it is damaged.
        """
        # Whether its factors are primes takes a twentieth of a second, in which no other thread runs. That it signs is enough.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("tokens are signed with an RSA key")
        try:
            signature = key.sign(b"", PKCS1v15(), SHA256())
            key.public_key().verify(signature, b"", PKCS1v15(), SHA256())
        except InvalidSignature:
            raise ValueError("the key that signs tokens is damaged") from None
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        name = base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).rstrip(b"=").decode()
        return cls(key, key.public_key(), name)


class SigningKey:
    """A key that is got in a thread of its own, once it is wanted. Safe to use from any thread.

    Args:
        pem: Makes it, or fetches it from where it is kept.
    """

    def __init__(self, pem: Callable[[], bytes]) -> None:
        self._pem = pem
        self._found: Future[KeyPair] = Future()
        self._beginning = Lock()
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Begin to get it, unless that was done before."""
        with self._beginning:
            if self._thread is None:
                self._thread = Thread(target=self._get, name="keyless-makes-signing-key", daemon=True)
                self._thread.start()

    def _get(self) -> None:
        try:
            self._found.set_result(KeyPair.of(self._pem()))
        except BaseException as error:  # noqa: BLE001 (it is raised where the key is wanted)
            self._found.set_exception(error)

    @property
    def pair(self) -> KeyPair:
        """The key, waited for where it is not there yet."""
        self.begin()
        return self._found.result()

    def close(self) -> None:
        """Wait for the thread's end."""
        with self._beginning:
            if self._thread is not None:
                self._thread.join()
