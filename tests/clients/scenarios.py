"""What every client goes through: how the local Azure is prepared, what the program is asked, what it must answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.config.config import Config, default_config, read_config

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

VAULT: Final = "contoso-kv"
NAMES: Final = ("api-key", "db-password", *(f"page-{number:02}" for number in range(60)))
OUTSIDE: Final = "https://contoso-kv.vault.example.org"
"""A vault's host that the local authority must not vouch for."""
TOKEN_LIFETIME: Final = 4
"""For how many seconds a token is good that expires between two reads: longer than a slow client takes from token to vault."""

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a program is asked.

    Attributes:
        action: ``read``, ``list``, or ``read-twice`` with a line of standard input between the two.
        arguments: What comes after the vault's URL: the secret's name, and a version of it.
        vault_url: The vault's URL.
        ids: How the identity is named; nothing means that it is not.
    """

    action: str = "read"
    arguments: tuple[str, ...] = ("db-password",)
    vault_url: str = f"https://{VAULT}.vault.azure.net"
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A row of the table.

    Attributes:
        name: What it is called.
        prepare: Prepares the local Azure and says what to ask.
        values: The values that must be read.
        names: The names that must be listed.
        error: What must be in the error; none of these three means that nothing may be read, and that nothing more is known.
        status: The status of the vault's answer, with an error.
        seen: Says of the local Azure whether what it served is what the scenario is about.
        config: What there is at the start.
    """

    name: str
    prepare: Callable[[LocalAzure], Asked]
    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    error: str = ""
    status: int | None = None
    seen: Callable[[LocalAzure], bool] = lambda _: True
    config: Callable[[], Config] = default_config

    def problem(self, answer: Answer, azure: LocalAzure) -> str | None:
        """Return what is wrong with a program's answer; None if nothing is."""
        if self.values or self.names:
            wanted = {"values": list(self.values)} if self.values else {"names": list(self.names)}
            if answer != wanted:
                return f"answered {answer}"
        else:
            text = str(answer.get("error", ""))
            if not text or not re.search(self.error, text, re.IGNORECASE | re.DOTALL):
                return f"answered {answer}"
            if self.status is not None and answer.get("status") not in {None, self.status}:
                return f"said status {answer['status']}"
        return None if self.seen(azure) else f"answered {answer}, but the local Azure saw something else"


def _latest(azure: LocalAzure) -> Asked:
    azure.vault(VAULT).set_secret("db-password", "second")
    return Asked()


def _version(azure: LocalAzure) -> Asked:
    first = azure.vault(VAULT).set_secret("db-password", "first").version
    azure.vault(VAULT).set_secret("db-password", "second")
    return Asked(arguments=("db-password", first))


def _three_pages(azure: LocalAzure) -> Asked:
    for name in NAMES[2:]:
        azure.vault(VAULT).set_secret(name, "value")
    return Asked(action="list", arguments=())


def _by(key: str, identity: str) -> Callable[[LocalAzure], Asked]:
    return lambda azure: Asked(ids={key.upper(): getattr(azure.identity(identity), key)})


def _throttled(azure: LocalAzure) -> Asked:
    azure.azure.faults.add_named("throttled", times=2)
    return Asked()


def _disabled(azure: LocalAzure) -> Asked:
    azure.vault(VAULT).set_secret("db-password", "second", enabled=False)
    return Asked()


def _short_lived(azure: LocalAzure) -> Asked:
    azure.azure.token_lifetimes.update(dict.fromkeys(azure.azure.token_lifetimes, TOKEN_LIFETIME))
    return Asked(action="read-twice")


def _reads(identity: str, count: int) -> Callable[[LocalAzure], bool]:
    return lambda azure: (
        azure.journal.count(service="vault", operation="getSecret", identity=_whose(azure, identity), status=200)
        == count
    )


def _whose(azure: LocalAzure, identity: str) -> str:
    """Return whose token a program gets that names nobody: in a pod, that of the identity which trusts its account."""
    asked = azure.journal.entries(service="identity", operation="getToken")
    in_pod = bool(asked) and all(entry.source == "workload" for entry in asked)
    return "reporting" if in_pod and identity == "system" else identity


def _refused(status: int, code: str) -> Callable[[LocalAzure], bool]:
    return lambda azure: azure.journal.count(service="vault", status=status, code=code) > 0


def _throttles(count: int) -> Callable[[LocalAzure], bool]:
    return lambda azure: azure.journal.count(service="vault", status=429) == count


def _no_token(azure: LocalAzure) -> bool:
    asked = azure.journal.entries(service="identity", operation="getToken")
    return bool(asked) and all(entry.status != 200 for entry in asked)


def _no_vault(azure: LocalAzure) -> bool:
    return azure.journal.count(service="vault") == 0


def _only_user_assigned() -> Config:
    roles = {VAULT: "Key Vault Secrets User"}
    return read_config(
        "interop",
        {"vaults": {VAULT: {"secrets": {"db-password": "x"}}}, "identities": {"one": {"roles": roles}, "two": {}}},
    )


_LOCAL = "local-db-password"
SCENARIOS: Final = (
    Scenario(name="read latest", prepare=_latest, values=("second",), seen=_reads("system", 1)),
    Scenario(name="read a version", prepare=_version, values=("first",), seen=_reads("system", 1)),
    Scenario(
        name="list three pages",
        prepare=_three_pages,
        names=NAMES,
        seen=lambda azure: azure.journal.count(operation="listSecrets", status=200) == 3,
    ),
    Scenario(name="by client id", prepare=_by("client_id", "reporting"), values=(_LOCAL,), seen=_reads("reporting", 1)),
    Scenario(name="by object id", prepare=_by("object_id", "reporting"), values=(_LOCAL,), seen=_reads("reporting", 1)),
    Scenario(
        name="by resource id", prepare=_by("resource_id", "reporting"), values=(_LOCAL,), seen=_reads("reporting", 1)
    ),
    Scenario(
        name="not found",
        prepare=lambda _: Asked(arguments=("absent",)),
        error="SecretNotFound|was not found",
        status=404,
        seen=_refused(404, "SecretNotFound"),
    ),
    Scenario(name="disabled", prepare=_disabled, error="disabled", status=403, seen=_refused(403, "SecretDisabled")),
    Scenario(
        name="denied by role",
        prepare=_by("client_id", "newcomer"),
        error="not authorized|ForbiddenByRbac",
        status=403,
        seen=_refused(403, "ForbiddenByRbac"),
    ),
    Scenario(
        name="wrong identity",
        prepare=lambda _: Asked(ids={"CLIENT_ID": "99999999-9999-9999-9999-999999999999"}),
        seen=_no_token,
    ),
    Scenario(name="none chosen of two", prepare=lambda _: Asked(), seen=_no_token, config=_only_user_assigned),
    Scenario(name="throttled twice", prepare=_throttled, values=(_LOCAL,), seen=_throttles(2)),
    Scenario(
        name="token expired",
        prepare=_short_lived,
        values=(_LOCAL, _LOCAL),
        seen=lambda azure: azure.journal.count(operation="getToken", status=200) >= 2,
    ),
    Scenario(
        name="no such vault",
        prepare=lambda _: Asked(vault_url="https://unknown-kv.vault.azure.net"),
        # The proxy's refusal, as clients tell it; what was let through fails in other words.
        error=r"No vault unknown-kv|\b502\b|tunnel error: unsuccessful|failure when writing TLS control frames",
        seen=_no_vault,
    ),
    Scenario(
        name="foreign certificate",
        prepare=lambda _: Asked(vault_url=OUTSIDE),
        error="certificate|constraint|permitted|PKIX|SSL|TLS",
        seen=_no_vault,
    ),
)
DEFAULT: Final = Scenario(
    name="default credential",
    prepare=lambda _: Asked(ids={"CREDENTIAL": "default"}),
    values=(_LOCAL,),
    # What the kind of host has as its default, and nobody else: no token of the developer's is shown to the vault.
    seen=lambda azure: (
        azure.journal.count(service="vault", operation="getSecret", status=200) == 1
        and not azure.journal.count(service="vault", code="Unauthorized", operation="getSecret", status=403)
    ),
)
"""How it goes with the credential that finds out by itself what kind of host it is on."""
