"""A role was given just now, or through a group, and does nothing yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless import UserAssignedManagedIdentity

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 15
CODE = "KL-303"
SYMPTOM = (
    "If role assignments, deny assignments or role definitions were changed recently, please observe propagation time."
)


ANOTHER_SECRET = (
    "((!(ActionMatches{'Microsoft.KeyVault/vaults/secrets/getSecret/action'})) OR "
    "(@Resource[Microsoft.KeyVault/vaults/secrets:name] StringEquals 'api-key'))"
)


def test_a_role_whose_condition_leaves_the_secret_out_never_shows_and_the_remedy_says_how_to_see_it(
    clinic: Clinic,
) -> None:
    system = clinic.azure.identity("system")
    system.revoke("Key Vault Secrets User", on="contoso-kv")
    system.grant("Key Vault Secrets User", on="contoso-kv", condition=ANOTHER_SECRET)
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "its role has a condition that leaves this secret out" in finding.cause
    assert "condition:condition" in finding.remedy
    assert "waiting does not help" in finding.remedy
    clinic.azure.clock.advance(minutes=60)
    assert not clinic.report().healthy


def test_the_token_says_since_when_the_platform_has_kept_it(clinic: Clinic) -> None:
    clinic.azure.azure.role_assignments.propagation_seconds = 300
    newcomer = clinic.azure.identity("newcomer")
    newcomer.grant("Key Vault Secrets User", on="contoso-kv")
    assert SYMPTOM in clinic.sdk_says(client_id=newcomer.client_id)
    identity = UserAssignedManagedIdentity(client_id=newcomer.client_id)
    finding = clinic.finding(CODE, identity=identity)
    assert "or the role is only minutes old" in finding.cause
    assert (
        "A role given through a group shows in new tokens only, and the platform keeps this one, issued 20"
        in finding.cause
    )
    clinic.azure.clock.advance(minutes=6)
    assert clinic.report(identity=identity).healthy
