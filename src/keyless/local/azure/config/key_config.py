"""The keys of a keyless.toml: what is made at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from keyless.errors import ConfigurationError
from keyless.local.azure.config.declaration import KeyTable
from keyless.local.azure.keyvault.keys.material import RSA_SIZES
from keyless.local.azure.keyvault.objects.attributes import AttributeChange, Attributes
from keyless.local.azure.keyvault.objects.limits import check_attributes
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.azure.config.declared import Wrong
    from keyless.local.azure.config.value_kinds import KeyType


class KeyConfig(Record, frozen=True, kw_only=True):
    """A key that a vault makes at the start.

    Attributes:
        name: Its name.
        kty: Its type.
        size: Of an RSA key, in bits.
        curve: Of an EC key.
        key_ops: What it may be used for; none means all that its type can.
        attributes: What is said of it.
    """

    name: str
    kty: str
    size: int | None = None
    curve: str | None = None
    key_ops: tuple[str, ...] = ()
    attributes: AttributeChange = field(default_factory=AttributeChange)


def key_of(name: str, said: KeyType | KeyTable, *, path: tuple[str, ...], wrong: Wrong) -> KeyConfig:
    """Return a key.

    Raises:
        ConfigurationError: If it has a size or a curve that its type has not, or attributes that are too large.
    """
    table = KeyTable(kty=said) if isinstance(said, str) else said
    is_rsa = table.kty.startswith("RSA")
    if (table.curve if is_rsa else table.size) is not None:
        other, allowed = ("curve", "size for an RSA key") if is_rsa else ("size", "curve for an EC key")
        raise wrong((*path, other), f"a key of the type {table.kty} has no {other}", allowed)
    if table.size is not None and table.size not in RSA_SIZES:
        raise wrong((*path, "size"), f"no RSA key has {table.size} bits", "2048, 3072 or 4096")
    change = AttributeChange.of(
        content_type=None,
        enabled=table.enabled,
        not_before=table.not_before,
        expires_on=table.expires_on,
        tags=table.tags or None,
    )
    try:
        check_attributes(Attributes().changed(change), kind="key", tag_characters=256)
    except ConfigurationError as error:
        raise wrong(path, error.what.removesuffix("."), error.cause.removesuffix(".")) from None
    return KeyConfig(
        name=name,
        kty=table.kty,
        size=table.size,
        curve=table.curve,
        key_ops=tuple(table.key_ops),
        attributes=change,
    )
