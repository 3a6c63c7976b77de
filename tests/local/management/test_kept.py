"""What the management plane was told survives a restart with --data, and a reset forgets it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tests.local.management.conftest import config

from keyless.local.azure.storage.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.management.conftest import Arm, MakeArm


def change(arm: Arm) -> None:
    """Make one of each kind, and take away what the file says of a role."""
    user, guid = arm.role("Key Vault Secrets User"), uuid.uuid4()
    rg1 = f"{arm.subscription}/resourceGroups/rg1"
    vault = f"{rg1}/providers/Microsoft.KeyVault/vaults/new-kv"
    walker = f"{rg1}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/walker"
    body = {"tenantId": arm.azure.tenant_id, "sku": {"family": "A", "name": "premium"}, "softDeleteRetentionInDays": 7}
    assert arm.ask("PUT", rg1, {"location": "eastus"}).ok
    assert arm.ask("PUT", vault, {"location": "eastus", "tags": {"a": "b"}, "properties": body}).ok
    made = arm.ask("PUT", walker, {"location": "eastus"}).json()
    fic = {"issuer": "https://x/", "subject": "s", "audiences": ["a"]}
    assert arm.ask("PUT", f"{walker}/federatedIdentityCredentials/pods", {"properties": fic}).ok
    role = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid5(uuid.NAMESPACE_DNS, 'r')}"
    permissions = [{"dataActions": ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}]
    assert arm.ask("PUT", role, {"properties": {"roleName": "Value Reader", "permissions": permissions}}).ok
    for scope, definition in ((vault, user), (arm.vault, role)):
        wanted = {"roleDefinitionId": definition, "principalId": made["properties"]["principalId"]}
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid if scope == vault else uuid.uuid4()}"
        assert arm.ask("PUT", path, {"properties": wanted}).ok
    site = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {made["id"]: {}}}}
    assert arm.ask("PATCH", arm.site, site).ok
    assert arm.ask("PUT", f"{arm.site}/config/appsettings", {"properties": {"A": "b"}}).ok
    arm.azure.vault("new-kv").set_secret("db-password", "s3cr3t")


def shown(arm: Arm) -> dict[str, object]:
    paths = {
        "groups": f"{arm.subscription}/resourcegroups",
        "vaults": f"{arm.subscription}/providers/Microsoft.KeyVault/vaults",
        "deleted": f"{arm.subscription}/providers/Microsoft.KeyVault/deletedVaults",
        "identities": f"{arm.subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
        "assignments": f"{arm.subscription}/providers/Microsoft.Authorization/roleAssignments",
        "credentials": f"{arm.subscription}/resourceGroups/rg1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
        "walker/federatedIdentityCredentials",
    }
    found = {name: arm.ask("GET", path).json() for name, path in paths.items()}
    found["site"] = arm.ask("GET", arm.site).json()["identity"]
    found["settings"] = arm.ask("POST", f"{arm.site}/config/appsettings/list").json()["properties"]
    return found


def test_everything_is_there_after_a_restart(tmp_path: Path, make_arm: MakeArm) -> None:
    first = make_arm(Database(tmp_path / "store.db"))
    change(first)
    before = shown(first)
    assert (first.secret("walker", "new-kv"), first.secret("walker")) == (200, 200)
    first.azure.close()
    second = make_arm(Database(tmp_path / "store.db"))
    assert shown(second) == before
    assert (second.secret("walker", "new-kv"), second.secret("walker")) == (200, 200)
    assert dict(second.azure.function_app.settings) == {"A": "b"}


def test_what_was_deleted_stays_so_whatever_the_file_says(tmp_path: Path, make_arm: MakeArm) -> None:
    first = make_arm(Database(tmp_path / "store.db"))
    change(first)
    assert first.ask("DELETE", first.vault).ok
    assert first.ask("DELETE", f"{first.subscription}/resourceGroups/rg1").ok
    stranger = f"{first.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/stranger"
    assert first.ask("DELETE", stranger).ok
    before = {name: found for name, found in shown(first).items() if name != "credentials"}
    first.azure.close()
    second = make_arm(Database(tmp_path / "store.db"))
    assert {name: found for name, found in shown(second).items() if name != "credentials"} == before
    assert "stranger" not in second.azure.identities
    assert {each.vault.name for each in second.azure.vault_register.deleted()} == {"contoso-kv", "new-kv"}
    second.ask(
        "POST", f"{second.subscription}/providers/Microsoft.KeyVault/locations/westus2/deletedVaults/contoso-kv/purge"
    )
    second.azure.close()
    third = make_arm(Database(tmp_path / "store.db"))
    assert "contoso-kv" not in third.azure.vaults
    assert {each.vault.name for each in third.azure.vault_register.deleted()} == {"new-kv"}


def test_an_assignment_of_the_file_that_was_taken_away_does_not_come_back(tmp_path: Path, make_arm: MakeArm) -> None:
    first = make_arm(Database(tmp_path / "store.db"))
    (owner,) = first.ask("GET", f"{first.subscription}/providers/Microsoft.Authorization/roleAssignments").json()[
        "value"
    ]
    assert first.ask("DELETE", owner["id"]).ok
    assert first.ask("GET", first.vault).status_code == 403
    first.azure.close()
    assert make_arm(Database(tmp_path / "store.db")).ask("GET", first.vault).status_code == 403


def test_a_reset_forgets_it(make_arm: MakeArm) -> None:
    arm = make_arm()
    change(arm)
    arm.azure.reset(config())
    found = shown(arm)
    assert found["settings"] == {}
    assert "new-kv" not in arm.azure.vaults
    assert "walker" not in arm.azure.identities
    assert not arm.ask("GET", f"{arm.subscription}/resourceGroups/rg1").ok
    roles = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions"
    assert arm.ask("GET", roles, filtered="type eq 'CustomRole'").json() == {"value": []}
