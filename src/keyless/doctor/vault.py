"""The fourth stage: will the vault take a token of this identity? The vault names what it wants before it sees one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless._remedies import remedies
from keyless.clouds import cloud_of, vault_name
from keyless.doctor.finding import Finding, failed, skipped, well
from keyless.doctor.identity import get_token
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from keyless._vault.challenge import Challenge
    from keyless.doctor.examination import Examination

_STAGE: Final = "vault"
# Key Vault's own application id, by which some tokens name it:
# https://learn.microsoft.com/en-us/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
_KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"


def check_vault(examination: Examination) -> list[Finding]:
    """Compare what the vault wants of a token with what the token is."""
    challenge, target = examination.challenge, examination.target
    if challenge is None or target is None:
        return [skipped(_STAGE, "challenge", "No vault named what it wants of a token: see the network.")]
    audience = _check_audience(examination, challenge, target.vault_url)
    tenant = _check_tenant(examination, challenge, target.vault_url)
    if "fail" in {audience.status, tenant.status}:
        examination.token = None
    return [audience, tenant]


def _check_audience(examination: Examination, challenge: Challenge, vault_url: str) -> Finding:
    host = vault_url.removeprefix("https://").partition(":")[0]
    cloud = cloud_of(host)
    wanted = challenge.resource
    if not wanted or wanted != (cloud.resource if cloud else wanted) or not challenge.vouches_for(host):
        return _wrong_audience(
            host,
            evidence=f"The vault {vault_url} wants tokens for {wanted or 'nothing'}.",
            cause="What answers is not a vault, or one of another cloud than its address. A token must not be sent to it.",
        )
    if examination.token is None:
        return well(_STAGE, "audience", f"The vault wants tokens for {wanted}.")
    if cloud is None:
        # The identity's stage could not know what a vault of this cloud wants.
        try:
            get_token(examination, wanted)
        except KeylessError as error:
            return failed(_STAGE, "audience", error)
    audience = str(examination.claims.get("aud", wanted))
    if audience.rstrip("/").lower() in {wanted.lower(), _KEY_VAULT}:
        return well(_STAGE, "audience", f"The vault wants tokens for {wanted}, and the token is for {audience}.")
    return _wrong_audience(
        host,
        evidence=f"The vault wants tokens for {wanted}, and the identity endpoint gave one for {audience}.",
        cause="The endpoint gives another token than the one asked for: it is not the platform's own, or that of "
        "another cloud. The "
        "vault would answer 401 AKV10022: Invalid audience. This token was not sent to it.",
    )


def _wrong_audience(host: str, *, evidence: str, cause: str) -> Finding:
    return Finding(
        stage=_STAGE,
        check="audience",
        status="fail",
        code="KL-302",
        evidence=evidence,
        cause=cause,
        remedy=remedies.match_cloud(host.partition(".")[0]),
    )


def _check_tenant(examination: Examination, challenge: Challenge, vault_url: str) -> Finding:
    own = str(examination.claims.get("tid", ""))
    if not own:
        return skipped(
            _STAGE, "tenant", f"The vault is in the tenant {challenge.tenant}; there is no token to compare."
        )
    if challenge.tenant is None or challenge.tenant.lower() == own.lower():
        return well(_STAGE, "tenant", f"The vault and the identity are in the tenant {own}.")
    return Finding(
        stage=_STAGE,
        check="tenant",
        status="fail",
        code="KL-302",
        evidence=f"The vault is in the tenant {challenge.tenant}, the identity in {own}.",
        cause="A managed identity gets tokens of its own tenant only, and the vault answers them with AKV10032: Invalid issuer. "
        "No role fixes that. This token was not sent to it.",
        remedy=remedies.move_vault(vault_name(vault_url), tenant=own),
    )
