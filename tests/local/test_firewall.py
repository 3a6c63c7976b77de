"""A vault's network rules, over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from keyless import AccessDeniedError, SecretReader
from keyless.errors import ConfigurationError
from keyless.local.azure.azure import Azure
from keyless.local.azure.keyvault.firewall import Firewall, Perimeter

if TYPE_CHECKING:
    from tests.local.conftest import VaultWire

    from keyless.local.server import LocalAzure


def caller(wire: VaultWire) -> str:
    system = wire.azure.identity("system")
    issuer = f"https://sts.windows.net/{wire.azure.tenant_id}/"
    return f"Caller: appid={system.client_id};oid={system.object_id};iss={issuer}"


def test_an_address_that_is_not_let_in_is_refused_to_the_letter(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").firewall = Firewall.of(["203.0.113.0/24"])
    answer = wire.ask("GET", "/secrets/db-password")
    message = (
        "Client address is not authorized and caller is not a trusted service.\r\n"
        f"Client address: 127.0.0.1\r\n{caller(wire)}\r\nVault: contoso-kv;location=westus2"
    )
    error = {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByFirewall"}}
    assert (answer.status_code, answer.json()) == (403, {"error": error})
    assert "x-ms-keyvault-rbac-cache" not in answer.headers, "access was not come to"
    entry = wire.azure.journal.entries()[-1]
    assert (entry.code, entry.reason) == (
        "ForbiddenByFirewall",
        "The firewall of contoso-kv does not let 127.0.0.1 in.",
    )


def test_a_vault_that_is_closed_to_the_public_network_refuses_to_the_letter(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").firewall = Firewall(public_network_access=False)
    answer = wire.ask("PUT", "/secrets/fresh", body='{"value":"v"}')
    message = (
        "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\n"
        f"{caller(wire)}\r\nVault: contoso-kv;location=westus2"
    )
    error = {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByConnection"}}
    assert (answer.status_code, answer.json()) == (403, {"error": error})
    wire.azure.vault("contoso-kv").firewall = Firewall()
    assert wire.ask("GET", "/secrets/fresh").status_code == 404, "what was refused was not done"


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        (["127.0.0.1"], 200),
        (["203.0.113.0/24", "127.0.0.0/8"], 200),
        (["127.0.0.2"], 403),
        (["::1"], 403),
        ([], 403),
        (None, 200),
    ],
)
def test_a_firewall_lets_in_what_it_names_and_nothing_else(
    wire: VaultWire, networks: list[str] | None, status: int
) -> None:
    wire.azure.vault("contoso-kv").firewall = Firewall.of(networks)
    assert wire.ask("GET", "/secrets/db-password").status_code == status


def test_the_token_is_asked_for_before_the_firewall_and_roles_after_it(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").firewall = Firewall.of([])
    assert wire.ask("GET", "/secrets/db-password", authorization=None).status_code == 401
    denied = wire.ask("GET", "/secrets/db-password", identity="newcomer")
    assert denied.json()["error"]["innererror"] == {"code": "ForbiddenByFirewall"}


def test_a_perimeter_refuses_in_its_own_words(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").firewall = Firewall(perimeter=Perimeter())
    answer = wire.ask("GET", "/secrets/db-password")
    message = f"The request was forbidden by NSP policy.\r\n{caller(wire)}\r\nVault: contoso-kv;location=westus2"
    error = {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByNsp"}}
    assert (answer.status_code, answer.json()) == (403, {"error": error})
    assert wire.azure.journal.entries()[-1].reason.startswith(
        "The perimeter around contoso-kv lets in neither 127.0.0.1"
    )


HERE, ELSEWHERE = Perimeter.of(["127.0.0.0/8"]), Perimeter.of(["203.0.113.0/24"])
IN_TRANSITION = Perimeter.of(enforced=False)
OURS = Perimeter.of(subscriptions=[Azure().subscription_id.upper()])
LETS_US_IN, KEEPS_US_OUT = ["127.0.0.1"], ["203.0.113.0/24"]


@pytest.mark.parametrize(
    ("access", "perimeter", "networks", "code"),
    [
        (True, None, LETS_US_IN, None),
        (True, HERE, KEEPS_US_OUT, None),
        (True, OURS, KEEPS_US_OUT, None),
        (True, ELSEWHERE, LETS_US_IN, "ForbiddenByNsp"),
        (True, IN_TRANSITION, LETS_US_IN, None),
        (True, IN_TRANSITION, KEEPS_US_OUT, "ForbiddenByFirewall"),
        (False, None, LETS_US_IN, "ForbiddenByConnection"),
        (False, IN_TRANSITION, LETS_US_IN, "ForbiddenByNsp"),
        (False, HERE, KEEPS_US_OUT, None),
        ("perimeter", None, LETS_US_IN, "ForbiddenByConnection"),
        ("perimeter", IN_TRANSITION, LETS_US_IN, "ForbiddenByNsp"),
        ("perimeter", ELSEWHERE, LETS_US_IN, "ForbiddenByNsp"),
        ("perimeter", HERE, KEEPS_US_OUT, None),
    ],
)
def test_public_network_access_and_a_perimeter_decide_together_as_azure_documents(
    wire: VaultWire,
    access: bool | Literal["perimeter"],  # noqa: FBT001 (a value of a table)
    perimeter: Perimeter | None,
    networks: list[str],
    code: str | None,
) -> None:
    firewall = Firewall.of(networks, public_network_access=access, perimeter=perimeter)
    wire.azure.vault("contoso-kv").firewall = firewall
    answer = wire.ask("GET", "/secrets/db-password").json()
    assert answer.get("error", {}).get("innererror", {}).get("code") == code


@pytest.mark.parametrize("network", ["everywhere", "300.0.0.1", "10.0.0.0/40", ""])
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a network"):
        Firewall.of([network])


@pytest.mark.parametrize(
    ("firewall", "code"),
    [
        (Firewall.of([]), "ForbiddenByFirewall"),
        (Firewall(public_network_access=False), "ForbiddenByConnection"),
        (Firewall(perimeter=Perimeter()), "ForbiddenByNsp"),
    ],
)
def test_the_library_tells_network_rules_from_missing_roles(
    local_azure: LocalAzure, azure_environment: dict[str, str], firewall: Firewall, code: str
) -> None:
    local_azure.vault("contoso-kv").firewall = firewall
    with SecretReader("https://contoso-kv.vault.azure.net") as reader, pytest.raises(AccessDeniedError) as info:
        reader.get("db-password")
    assert (info.value.code, info.value.status) == (code, 403)
