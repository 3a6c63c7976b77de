"""A secret as it was read: its value, which never shows, and its attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Source = Literal["vault", "cache", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret of Azure Key Vault.

    Only ``value`` holds the value: it is in no repr, no str and no pickle. CPython cannot wipe a ``str``, so a value
    stays in memory until it is collected; Keyless does not pretend otherwise.

    Attributes:
        value: The secret itself.
        name: Its name, as the vault spells it.
        version: The version that was read, 32 hexadecimal digits.
        vault_url: The vault's address, without a trailing slash.
        content_type: The owner's description of the value; free text.
        enabled: Always true for a secret that was read: Key Vault refuses to give a disabled one.
        not_before: From when it is meant to be used. Key Vault only informs: it gives the value before, too.
        expires_on: Until when it is meant to be used. Key Vault only informs: it gives the value after, too.
        created_on: When this version was made.
        updated_on: When this version's attributes last changed.
        tags: Its owner's labels.
        managed: Whether Key Vault itself keeps it, for a certificate: the value is then a PFX in base64, or PEM, as
            ``content_type`` says.
        key_id: The identifier of that certificate's key, ``kid`` on the wire; None for any other secret.
        retrieved_on: When the vault gave it (UTC).
        source: ``vault`` if this very call waited for the vault, ``cache`` if it was read before and is current,
            ``stale`` if it should have been refreshed and could not be.
    """

    value: str = field(repr=False)
    name: str
    version: str
    vault_url: str
    content_type: str | None = None
    enabled: bool = True
    not_before: datetime | None = None
    expires_on: datetime | None = None
    created_on: datetime | None = None
    updated_on: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, hash=False)
    managed: bool = False
    key_id: str | None = None
    retrieved_on: datetime
    source: Source = "vault"

    @property
    def id(self) -> str:
        """The identifier with the version: ``https://{vault host}/secrets/{name}/{version}``."""
        return f"{self.vault_url}/secrets/{self.name}/{self.version}"

    @property
    def is_stale(self) -> bool:
        """Whether it should have been refreshed and could not be."""
        return self.source == "stale"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("A Secret gives no state: its value would be in it. Pass secret.value on.")

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret cannot be pickled: its value would land on disk or on a wire. Pass secret.value on.")
