"""``keyless drill`` and ``keyless report``: a program while something goes wrong, and what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from keyless.local.testing.drills import DRILLS

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.server import LocalAzure

# Reads until it has seen what it waits for, so that a slow machine takes longer and shows the same.
PROGRAM = """
import sys, time
from keyless import SecretReader
reader = SecretReader("https://contoso-kv.vault.azure.net", ttl=0.2, on_event=lambda event: None)
end = time.monotonic() + 30
seen = set()
while time.monotonic() < end and not eval(sys.argv[1]):
    secret = reader.get("db-password")
    seen.add((secret.value, secret.is_stale))
    time.sleep(0.05)
print(sorted(seen))
"""


def drill(name: str, *options: str, until: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyless", "drill", name, *options, "--", sys.executable, "-c", PROGRAM, until],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def report(azure: LocalAzure) -> str:
    reached = ["--url", azure.control_url, "--token", azure.control_token]
    command = [sys.executable, "-m", "keyless", "report", *reached]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_rotation_in_the_midst_is_accounted_for() -> None:
    done = drill("rotation", "--after", "0.5", until="len(seen) == 2")
    assert done.returncode == 0
    assert done.stdout == "[('local-db-password', False), ('local-db-password-rotated', False)]\n"
    assert "The drill rotation: Every secret gets a new version" in done.stderr
    assert "a new version was first read" in done.stderr
    assert "s after the rotation" in done.stderr
    assert "the command ended with 0" in done.stderr


def test_an_outage_begins_and_ends_while_the_program_goes_on_with_what_it_has() -> None:
    lived = "('local-db-password', True) in seen and not secret.is_stale"
    done = drill("vault-outage", "--after", "0.5", "--for", "1", until=lived)
    assert done.stdout == "[('local-db-password', False), ('local-db-password', True)]\n"
    assert "x getSecret: 503" in done.stderr
    assert "a secret was first read" in done.stderr
    assert "s after the drill ended" in done.stderr
    assert "local-db-password" not in done.stderr


def test_a_drill_waits_for_the_first_secret_that_the_program_reads() -> None:
    done = drill("rotation", "--after", "0", until="len(seen) == 2")
    assert done.stdout == "[('local-db-password', False), ('local-db-password-rotated', False)]\n"


def test_a_drill_does_not_begin_for_a_program_that_reads_nothing() -> None:
    done = drill("rotation", "--after", "0", until="True")
    assert "it did not begin: the program ended before, or read no secret" in done.stderr


def test_what_comes_before_the_first_request_begins_at_once() -> None:
    done = drill("imds-cold-start", until="seen")
    assert done.stdout == "[('local-db-password', False)]\n"
    assert "3 x getToken: 410" in done.stderr
    assert "it began after 0.0 s" in done.stderr


@pytest.mark.parametrize("name", DRILLS)
def test_every_drill_leaves_the_world_as_it_was_but_for_rotated_secrets(local_azure: LocalAzure, name: str) -> None:
    azure = local_azure.azure
    assigned = {identity.name: identity.assigned for identity in azure.identities.values()}
    lifetimes = dict(azure.token_lifetimes)
    end = DRILLS[name].begin(azure)
    during = (
        {identity.name: identity.assigned for identity in azure.identities.values()},
        dict(azure.token_lifetimes),
        bool(azure.faults.active()),
        azure.vault("contoso-kv").get_secret("db-password").value,
    )
    assert during != (assigned, lifetimes, False, "local-db-password")
    end()
    assert {identity.name: identity.assigned for identity in azure.identities.values()} == assigned
    assert dict(azure.token_lifetimes) == lifetimes
    assert azure.faults.active() == ()


def test_the_report_of_a_running_azure_says_the_least_that_each_identity_needs(
    local_azure: LocalAzure, tmp_path: Path
) -> None:
    local_azure.identity("reporting").grant("Key Vault Secrets Officer", on="contoso-kv")
    program = """
import sys
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
system, reporting, newcomer = (
    SecretClient("https://contoso-kv.vault.azure.net", ManagedIdentityCredential(client_id=name or None))
    for name in sys.argv[1:]
)
for _ in range(2):
    system.get_secret("db-password")
list(reporting.list_properties_of_secrets())
reporting.get_secret("api-key")
reporting.set_secret("made", "value")
try:
    newcomer.get_secret("api-key")
except HttpResponseError:
    print("denied")
"""
    environment = {**os.environ, **local_azure.environment()}
    ids = ["", local_azure.identity("reporting").client_id, local_azure.identity("newcomer").client_id]
    ran = [sys.executable, "-c", program, *ids]
    assert subprocess.run(ran, env=environment, capture_output=True, text=True, check=True).stdout == "denied\n"
    told = report(local_azure)
    assert told.startswith(
        "newcomer:\n"
        "  getSecret contoso-kv/api-key (denied) once\n"
        "  needs Key Vault Secrets User on contoso-kv/api-key\n"
        "reporting:\n"
        "  listSecrets contoso-kv once\n"
        "  getSecret contoso-kv/api-key once\n"
        "  setSecret contoso-kv/made once\n"
        "  needs Key Vault Reader on contoso-kv\n"
        "  needs Key Vault Secrets User on contoso-kv/api-key\n"
        "  needs Key Vault Secrets Officer on contoso-kv/made\n"
        "system:\n"
        "  getSecret contoso-kv/db-password 2 times\n"
        "  needs Key Vault Secrets User on contoso-kv/db-password\n"
    )
    assert told.count("az role assignment create") == 5
    assert told.count("'Microsoft.Authorization/roleAssignments@2022-04-01'") == 5


def test_a_report_without_any_request_says_so(local_azure: LocalAzure) -> None:
    told = report(local_azure)
    assert told == "No identity asked anything of a vault.\n"
