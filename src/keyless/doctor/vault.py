"""The fourth stage: will the vault take a token of this identity? It says what it wants before it sees one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless import remedies
from keyless.clouds import cloud_of
from keyless.doctor.finding import Finding, skipped, well

if TYPE_CHECKING:
    from keyless.challenge import Challenge
    from keyless.doctor.examination import Examination

_STAGE: Final = "vault"


def check_vault(examination: Examination) -> list[Finding]:
    """Compare what the vault wants of a token with what the token is."""
    challenge, target = examination.challenge, examination.target
    if challenge is None or target is None:
        return [skipped(_STAGE, "challenge", "The vault did not say what it wants of a token: see above.")]
    return [_check_audience(challenge, target.vault_url), _check_tenant(examination, challenge, target.vault_url)]


def _check_audience(challenge: Challenge, vault_url: str) -> Finding:
    host = vault_url.removeprefix("https://").partition(":")[0]
    cloud = cloud_of(host)
    wanted = cloud.resource if cloud else None
    if challenge.resource and challenge.resource == (wanted or challenge.resource) and challenge.vouches_for(host):
        return well(_STAGE, "audience", f"The vault wants tokens for {challenge.resource}.")
    return Finding(
        stage=_STAGE,
        check="audience",
        status="fail",
        code="KL-302",
        evidence=f"The vault {vault_url} wants tokens for {challenge.resource or 'nothing'}.",
        cause="What answers is no vault, or one of another cloud than its address says. A token must not be sent to it.",
        remedy=remedies.check_vault(host.partition(".")[0]),
    )


def _check_tenant(examination: Examination, challenge: Challenge, vault_url: str) -> Finding:
    own = str(examination.claims.get("tid", ""))
    if not own:
        return skipped(
            _STAGE, "tenant", f"The vault is in the tenant {challenge.tenant}; there is no token to compare."
        )
    if challenge.tenant is None or challenge.tenant.lower() == own.lower():
        return well(_STAGE, "tenant", f"The vault and the identity are in the tenant {own}.")
    name = vault_url.removeprefix("https://").partition(".")[0]
    return Finding(
        stage=_STAGE,
        check="tenant",
        status="fail",
        code="KL-302",
        evidence=f"The vault is in the tenant {challenge.tenant}, the identity in {own}.",
        cause="A managed identity gets tokens of its own tenant only, and the vault answers them with AKV10032: Invalid issuer. "
        "No role mends that.",
        remedy=remedies.move_vault(name, tenant=own),
    )
