"""What every client of keys goes through. A program makes keys, and uses ``NAME``, of RSA, and ``NAME-ec`` on P-256."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.clients.scenarios import VAULT, Asked, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.server import LocalAzure

_ALL_WELL: Final = ("RS256 true", "ES256 true", "plain", "a key of 16 byte")


def _make(azure: LocalAzure) -> Asked:
    azure.identity("system").grant("Key Vault Crypto Officer", on=VAULT)
    return Asked(action="make", arguments=("new",))


def _use(
    identity: str = "system", *, enabled: bool = True, key_ops: tuple[str, ...] = ()
) -> Callable[[LocalAzure], Asked]:
    def prepare(azure: LocalAzure) -> Asked:
        vault = azure.vault(VAULT)
        vault.create_key("used", enabled=enabled, key_ops=key_ops)
        vault.create_key("used-ec", "EC")
        azure.identity("system").grant("Key Vault Crypto User", on=VAULT)
        azure.identity("reporting").grant("Key Vault Crypto User", on=VAULT)
        ids = {} if identity == "system" else {"CLIENT_ID": azure.identity(identity).client_id}
        return Asked(action="use", arguments=("used",), ids=ids)

    return prepare


def _missing(azure: LocalAzure) -> Asked:
    azure.identity("system").grant("Key Vault Crypto User", on=VAULT)
    return Asked(action="use", arguments=("absent",))


def _made(azure: LocalAzure) -> bool:
    keys = azure.vault(VAULT).keys
    versions = keys.page_of_versions("new-ec", start="", size=10)
    return {found.facts["kty"] for found in keys} == {"RSA", "EC"} and len(versions) == 2


def _used(identity: str) -> Callable[[LocalAzure], bool]:
    """Return what says whether the vault did what needs a private key; some clients do the rest by themselves."""
    wanted = {"sign": 2, "decrypt": 1, "unwrapKey": 1}
    return lambda azure: all(
        azure.journal.count(operation=operation, identity=identity, status=200) == count
        for operation, count in wanted.items()
    )


def _not_signed(azure: LocalAzure) -> bool:
    return azure.journal.count(operation="sign", status=200) == 0


KEY_SCENARIOS: Final = (
    Scenario(name="keys: make, rotate, list", prepare=_make, names=("new", "new-ec"), seen=_made),
    Scenario(name="keys: sign, encrypt, wrap", prepare=_use(), values=_ALL_WELL, seen=_used("system")),
    Scenario(name="keys: by client id", prepare=_use("reporting"), values=_ALL_WELL, seen=_used("reporting")),
    Scenario(name="keys: not found", prepare=_missing, error="KeyNotFound|was not found", status=404),
    Scenario(name="keys: disabled", prepare=_use(enabled=False), error="disabled", status=403, seen=_not_signed),
    Scenario(
        name="keys: not permitted",
        prepare=_use(key_ops=("verify",)),
        # Some clients look at the key's operations, and do not ask the vault.
        error="not permitted on this key|KeyOperationForbidden|not supported|not allowed for key",
        status=403,
        seen=_not_signed,
    ),
    Scenario(
        name="keys: denied by role",
        prepare=_use("newcomer"),
        error="not authorized|ForbiddenByRbac",
        status=403,
        seen=_not_signed,
    ),
)
