"""One request to a vault, read and checked, for the operation that answers it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from keyless.errors import ConfigurationError
from keyless.local.record import Record
from keyless.local.wire.keyvault.protocol.errors import invalid_name, unknown_api_version
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Vault
    from keyless.local.azure.identities.tokens import Tokens
    from keyless.local.azure.keyvault.certificates.vault_certificates import VaultCertificates
    from keyless.local.azure.keyvault.keys.vault_keys import VaultKeys
    from keyless.local.azure.keyvault.secrets.vault_secrets import VaultSecrets
    from keyless.local.operations import Kind

# Every version of the API that an official client of the last ten years sends.
_API_VERSION = re.compile(
    r"2016-10-01|7\.[0-6]|2025-07-01|2026-04-01|7\.\d-preview(\.\d)?|20\d\d-\d\d-\d\d-preview(\.\d)?"
)


class Call(Record, frozen=True, kw_only=True):
    """A request that was authenticated, routed and authorized.

    Attributes:
        vault: The vault that is asked.
        base: ``https://`` and the Host header: what the client believes the vault's address to be.
        path: The path as it was sent.
        query: The parameters, decoded, names as well.
        api_version: The version of the API.
        kind: What the operation is about.
        name: The object's name as it was sent; empty where the operation names none.
        version: The version as it was sent; None where there is none.
        now: When it came, in Unix seconds.
        tokens: Signs and verifies.
        content: The request's body, which may hold a value.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"content"})

    vault: Vault
    base: str
    path: str
    query: Mapping[str, str]
    api_version: str
    kind: Kind
    name: str
    version: str | None
    now: float
    tokens: Tokens
    content: bytes

    @property
    def objects(self) -> VaultSecrets | VaultKeys | VaultCertificates:
        """The objects of the vault that the operation is about."""
        if self.kind == "certificate":
            return self.vault.certificates
        return self.vault.keys if self.kind == "key" else self.vault.secrets

    @property
    def has_port(self) -> bool:
        """Whether the Host header names a port."""
        return bool(re.search(r":\d+$", self.base))


def check_api_version(query: Mapping[str, str]) -> str:
    """Return the version of the API that a request names.

    Raises:
        RefusedError: If it names none, or one that no client sends.
    """
    version = query.get("api-version")
    if version is None or not _API_VERSION.fullmatch(version):
        raise unknown_api_version(version)
    return version


def check_name(name: str) -> None:
    """Refuse a name that no object can have.

    Raises:
        RefusedError: If it is such a name.
    """
    try:
        check_secret_name(name)
    except ConfigurationError:
        raise invalid_name(name) from None
