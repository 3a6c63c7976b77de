"""Each remedy heals: a read fails, the lines of az that its error prints are run by the real az, and the read succeeds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from msal import UserAssignedManagedIdentity
from msgspec.structs import replace
from tests.az.printed import reason, shape
from tests.az.program import NOWHERE, Az, needs_az

from keyless import KeylessError, SecretReader
from keyless.doctor import diagnose
from keyless.local.azure.config.config import load_config
from keyless.local.azure.keyvault.firewall import Firewall
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = needs_az
URL: Final = "https://contoso-kv.vault.azure.net"
REPORTING: Final = "aaaaaaaa-0000-4000-8000-000000000003"
CONFIG: Final = f"""
[vaults.contoso-kv.secrets]
db-password = "s3cr3t"

[identities.system]
roles = {{ contoso-kv = "Key Vault Secrets User" }}

[identities.reporting]
client_id = "{REPORTING}"
roles = {{ contoso-kv = "Key Vault Secrets User" }}

[applications.operator]
secret = "an-operator-s-secret"
roles = {{ "/" = "Owner", contoso-kv = "Key Vault Administrator" }}
"""
# What App Service sets, so that a remedy names the app, and the functions' host does here.
HOST: Final = {"WEBSITE_SITE_NAME": "keyless", "WEBSITE_POD_NAME": "0", "FUNCTIONS_WORKER_RUNTIME": "python"}


@dataclass
class Machine:
    """A program's machine: a local Azure, and az beside it."""

    az: Az
    patch: pytest.MonkeyPatch

    @property
    def azure(self) -> LocalAzure:
        return self.az.azure

    def read(self, client_id: str | None = None) -> str:
        """Read the secret as a program that is started now."""
        has_one = any(found.assigned for found in self.azure.azure.identities.values())
        for name in IDENTITY_VARIABLES:
            self.patch.delenv(name, raising=False)
        for name, value in {**self.azure.environment(identity=has_one), **HOST}.items():
            self.patch.setenv(name, value)
        identity = UserAssignedManagedIdentity(client_id=client_id) if client_id else None
        with SecretReader(URL, identity=identity, timeout=60, on_event=lambda _: None) as reader:
            return reader.get("db-password").value

    def remedy(self, client_id: str | None) -> str:
        """Return the remedy of a read that fails."""
        with pytest.raises(KeylessError) as failed:
            self.read(client_id)
        return failed.value.remedy

    def finding(self, code: str) -> str:
        """Return the remedy of the doctor's finding, while the read succeeds."""
        self.read()
        (found,) = [each for each in diagnose(vault_url=URL, secret="db-password").findings if each.code == code]
        return found.remedy


@dataclass(frozen=True)
class Case:
    """A state that a remedy heals.

    Attributes:
        breaks: Brings it about.
        runs: The shapes of the lines that its remedy prints and az runs here.
        client_id: The user-assigned identity that reads; None means the system-assigned.
        finding: The code of the doctor's finding that has the remedy; None means the error of the read.
        words: What a reader puts in the place of words in capitals.
    """

    breaks: Callable[[Machine], None]
    runs: tuple[str, ...]
    client_id: str | None = None
    finding: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


def take_role(machine: Machine) -> None:
    machine.azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")


def go_by_policies(machine: Machine) -> None:
    machine.az.must("az keyvault update --name contoso-kv --enable-rbac-authorization false --output none")


def close_to_this_address(machine: Machine) -> None:
    vault = machine.azure.vault("contoso-kv")
    vault.settings = replace(vault.settings, firewall=Firewall.of(["10.0.0.0/8"]))


def disable(machine: Machine) -> None:
    machine.azure.vault("contoso-kv").set_secret("db-password", "s3cr3t", enabled=False)


def delete(machine: Machine) -> None:
    machine.azure.vault("contoso-kv").delete_secret("db-password")
    # A deletion takes some seconds, and nothing can be recovered before.
    machine.azure.clock.advance(minutes=1)


def expire(machine: Machine) -> None:
    now = int(machine.azure.clock.now())
    machine.azure.vault("contoso-kv").set_secret("db-password", "s3cr3t", expires_on=now - 3600)


def begin_late(machine: Machine) -> None:
    now = int(machine.azure.clock.now())
    machine.azure.vault("contoso-kv").set_secret("db-password", "s3cr3t", not_before=now + 3600)


def unassign_all(machine: Machine) -> None:
    for identity in machine.azure.azure.identities.values():
        identity.unassign()


def unassign_reporting(machine: Machine) -> None:
    machine.azure.identity("reporting").unassign()


def move_to_another_tenant(machine: Machine) -> None:
    vault = machine.azure.vault("contoso-kv")
    vault.settings = replace(vault.settings, tenant_id="99999999-0000-4000-8000-000000000009")


CASES: Final = {
    "no role": Case(
        take_role,
        (
            "az role assignment create --assignee-object-id --assignee-principal-type --role --scope",
            "az role assignment list --assignee-object-id --fill-principal-name --include-inherited --scope",
        ),
    ),
    "no policy": Case(go_by_policies, ("az keyvault set-policy --name --object-id --secret-permissions",)),
    "firewall": Case(close_to_this_address, ("az keyvault network-rule add --ip-address --name",)),
    "disabled": Case(disable, ("az keyvault secret set-attributes --enabled --name --vault-name",)),
    "deleted": Case(delete, ("az keyvault secret list --vault-name", "az keyvault secret recover --name --vault-name")),
    "no identity": Case(unassign_all, ("az functionapp identity assign --name --resource-group",)),
    "identity not assigned": Case(
        unassign_reporting,
        ("az functionapp identity assign --identities --name --resource-group",),
        client_id=REPORTING,
    ),
    "another tenant": Case(move_to_another_tenant, ("az keyvault update --name --set",)),
    "expired": Case(
        expire,
        ("az keyvault secret set --expires --file --name --vault-name",),
        finding="KL-631",
        words={"FILE": "new-value"},
    ),
    "not yet valid": Case(
        begin_late, ("az keyvault secret set-attributes --name --not-before --vault-name",), finding="KL-633"
    ),
}
HEALING: Final = frozenset(each for case in CASES.values() for each in case.runs)


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """One login for all cases: the operator and its token outlive a reset."""
    folder = tmp_path_factory.mktemp("remedies")
    (folder / "keyless.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "new-value").write_text("new", encoding="utf-8")
    config = load_config(folder / "keyless.toml")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in NOWHERE.items():
            patch.setenv(name, value)
        with LocalAzure(config) as azure:
            az = Az(azure, config, folder=folder)
            az.login()
            yield az


@pytest.fixture
def machine(signed_in: Az, monkeypatch: pytest.MonkeyPatch) -> Machine:
    signed_in.azure.reset()
    return Machine(signed_in, monkeypatch)


def lines(remedy: str, words: Mapping[str, str]) -> list[str]:
    """Return the lines of az that a remedy prints, with a reader's words in them."""
    found = re.findall("`(az [^`]+)`", remedy)
    assert found, remedy
    for word, meant in words.items():
        found = [re.sub(rf"\b{word}\b", meant, line) for line in found]
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_a_remedy_prints_heals_the_read(name: str, machine: Machine) -> None:
    case = CASES[name]
    machine.read(case.client_id)
    machine.azure.clock.advance(minutes=1)
    case.breaks(machine)
    remedy = machine.finding(case.finding) if case.finding else machine.remedy(case.client_id)
    run = [line for line in lines(remedy, case.words) if reason(line) is None]
    assert set(case.runs) <= {shape(line) for line in run}, run
    for line in run:
        machine.az.must(line)
    machine.azure.clock.advance(minutes=1)
    assert machine.read(case.client_id) in {"s3cr3t", "new"}
    if case.finding:
        assert case.finding not in {each.code for each in diagnose(vault_url=URL, secret="db-password").findings}
