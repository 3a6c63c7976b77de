"""The facts about a version of a key besides its private part, and how the private part is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from cryptography.fernet import Fernet
from msgspec.structs import asdict

from keyless.local.azure.keyvault.keys.material import from_der, to_der
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyless.local.azure.keyvault.keys.material import PrivateKey

OPERATIONS: Final = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export")
_OF_RSA: Final = OPERATIONS[:6]
_OF_EC: Final = ("sign", "verify")


class KeyFacts(Record, frozen=True, kw_only=True):
    """The facts about a version of a key; none of them is secret.

    Attributes:
        kty: Its type, as JSON Web Keys name it: RSA, RSA-HSM, EC or EC-HSM.
        key_ops: What it may be used for, in the order given.
        public: The public members of its JSON Web Key.
        exportable: Whether it may be released; None for the key of a certificate, of which a vault does not say it.
        release_policy: Under which conditions, as a vault returns it; None where it has none.
        tagged: Whether it was ever given tags, be they none: a vault then shows even an empty set of them.
        managed: Whether it belongs to a certificate.
    """

    kty: str
    key_ops: tuple[str, ...]
    public: Mapping[str, str]
    exportable: bool | None = False
    release_policy: Mapping[str, Any] | None = None
    tagged: bool = False
    managed: bool = False

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Read the facts that a store has."""
        return cls(**{**facts, "key_ops": tuple(facts["key_ops"])})

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a store has them."""
        return asdict(self)

    @property
    def is_hsm(self) -> bool:
        """Whether it was made in a hardware security module."""
        return self.kty.endswith("-HSM")


def default_operations(kty: str) -> tuple[str, ...]:
    """Return what a key may be used for where nobody says. Recorded."""
    return _OF_RSA if kty.startswith("RSA") else _OF_EC


def check_operations(operations: Iterable[str]) -> tuple[str, ...]:
    """Return what a key may be used for, as given.

    Raises:
        RefusedKeyError: If one of them is unknown.
    """
    found = tuple(operations)
    for operation in found:
        if operation not in OPERATIONS:
            raise RefusedKeyError(
                f"There is no key operation {operation[:20]!r}.", allowed=f"the operations {', '.join(OPERATIONS)}"
            )
    return found


def seal(key: PrivateKey, cipher_key: bytes) -> str:
    """Return a private key, encrypted, as a store keeps it."""
    return Fernet(cipher_key).encrypt(to_der(key)).decode()


def unseal(value: str, cipher_key: bytes) -> PrivateKey:
    """Return the private key that a store keeps."""
    return from_der(Fernet(cipher_key).decrypt(value))


def new_cipher_key() -> bytes:
    """Make a key that private keys are encrypted with."""
    return Fernet.generate_key()
