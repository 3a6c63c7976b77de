"""Errors for answers that are not a secret: each becomes one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless._remedies import local, remedies
from keyless._vault.challenge import Challenge
from keyless._vault.denials import denial
from keyless._wire.error_answer import ErrorAnswer, quote, read_error
from keyless._wire.pauses import parse_retry_after
from keyless.clouds import vault_name
from keyless.errors import (
    AccessDeniedError,
    SecretDisabledError,
    SecretNotFoundError,
    UnexpectedAnswerError,
    VaultAuthenticationError,
    VaultError,
    VaultServiceError,
    VaultThrottledError,
    VaultUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

    from keyless.secret_id import SecretId

_LONGEST_KIND = 100


def error_answer(secret: SecretId, response: requests.Response, *, sent: Iterable[str] = ()) -> VaultError:
    """Return the error for an answer that is not a secret.

    Args:
        secret: Which secret was asked for.
        response: The answer.
        sent: What was sent and nobody may see.
    """
    status, answer = response.status_code, read_error(response.content, sent=sent)
    what = f"{secret} could not be read: the vault answered {_said(status, answer)}"
    if status == 429:  # noqa: PLR2004 (Too Many Requests)
        return _throttled(secret, what, answer, response)
    if status >= 500:  # noqa: PLR2004 (server errors)
        return VaultServiceError(
            what,
            cause="The vault, or a gateway before it, fails.",
            remedy=local.first(
                local.FAULTS, f"Try again; if it lasts, look at the platform's health. {remedies.HEALTH}"
            ),
            code=answer.code,
            status=status,
            retry_after=parse_retry_after(response.headers.get("Retry-After")),
        )
    if answer.code is None:
        return not_a_vault(secret, response)
    if status == 401:  # noqa: PLR2004 (Unauthorized)
        return _unauthenticated(secret, what, answer, response)
    if status == 403:  # noqa: PLR2004 (Forbidden)
        return _forbidden(secret, what, answer)
    if status == 404 and answer.code == "SecretNotFound":  # noqa: PLR2004 (Not Found)
        return SecretNotFoundError(
            f"{secret} was not found: the vault answered {_said(status, answer)}",
            cause="The name or version is misspelt, the secret is in another vault, or it was deleted.",
            remedy=local.first(
                local.find_secret(vault_name(secret.vault_url), secret.name),
                remedies.find_secret(vault_name(secret.vault_url), secret.name),
            ),
            code=answer.code,
            status=status,
        )
    return UnexpectedAnswerError(
        what,
        cause="Keyless does not know this answer of the vault.",
        remedy=remedies.OWN_WORDS,
        code=answer.code,
        status=status,
    )


def wrong_challenge(secret: SecretId, challenge: Challenge) -> VaultAuthenticationError:
    """Return the error for a challenge that asks for a token which this host must not see."""
    return VaultAuthenticationError(
        f"{secret.vault_url} is not a vault that a token may be sent to: it asks for one for '{quote(challenge.resource)}'.",
        cause="The host is under no known vault suffix, and its challenge does not name the host's own parent domain.",
        remedy="Real vaults are under vault.azure.net, vault.azure.cn or vault.usgovcloudapi.net. "
        f"{remedies.check_vault(vault_name(secret.vault_url))}",
    )


def open_to_all(secret: SecretId) -> VaultUnreachableError:
    """Return the error for a host that gives a secret to anyone who asks."""
    return VaultUnreachableError(
        f"{secret.vault_url} is not a vault: it answers without asking for a token.",
        cause="The host is under no known vault suffix. It does not ask for a token, as every vault does.",
        remedy=remedies.check_vault(vault_name(secret.vault_url)),
    )


def not_a_vault(secret: SecretId, response: requests.Response) -> VaultUnreachableError:
    """Return the error for an answer that no vault gives, such as a 200 that holds no secret."""
    kind = quote(response.headers.get("Content-Type", "no content type").partition(";")[0], _LONGEST_KIND)
    return VaultUnreachableError(
        f"{secret} could not be read: what answered {response.status_code} ({kind}) does not answer as a vault does.",
        cause="A proxy, a gateway or another server answers in place of the vault.",
        remedy=f"Check the vault URL, and HTTPS_PROXY and NO_PROXY: {remedies.SHOW_PROXIES}.",
        status=response.status_code,
    )


def unreadable(secret: SecretId, problem: Exception, *, status: int | None = None) -> VaultUnreachableError:
    """Return the error for an answer that cannot be read at all."""
    answer = "the answer" if status is None else f"the answer {status}"
    return VaultUnreachableError(
        f"{secret} could not be read: {answer} makes no sense ({type(problem).__name__}).",
        cause="A proxy, a gateway or another server answers in place of the vault, or changed the vault's answer.",
        remedy=f"Check the vault URL, and HTTPS_PROXY and NO_PROXY: {remedies.SHOW_PROXIES}.",
        status=status,
    )


def another_answer(secret: SecretId) -> VaultUnreachableError:
    """Return the error for an answer to another question: its value is never given to this one's caller."""
    return VaultUnreachableError(
        f"{secret} could not be read: the answer that came is another secret's, or another version's.",
        cause="A proxy or a gateway mixes up answers, or keeps one for the next request.",
        remedy=f"Check what is between here and the vault: {remedies.SHOW_PROXIES}.",
        status=200,
    )


def _throttled(secret: SecretId, what: str, answer: ErrorAnswer, response: requests.Response) -> VaultThrottledError:
    return VaultThrottledError(
        what,
        cause="The vault, or the whole subscription, gets more requests than Azure allows (4,000 in 10 s for a vault).",
        remedy=local.first(
            local.FAULTS,
            "Keep one SecretReader for the whole process and let it cache; spread busy applications over vaults. "
            f"{remedies.look_at_requests(vault_name(secret.vault_url))}",
        ),
        code=answer.code,
        status=response.status_code,
        retry_after=parse_retry_after(response.headers.get("Retry-After")),
    )


def _unauthenticated(
    secret: SecretId, what: str, answer: ErrorAnswer, response: requests.Response
) -> VaultAuthenticationError:
    cause, remedy = (
        "The token is expired, was tampered with, or was revoked.",
        "Check this machine's clock: `date -u`. Then what is between it and the identity endpoint.",
    )
    if "AKV10032" in answer.message:
        tenant = quote(Challenge.parse(response.headers.get("WWW-Authenticate")).tenant, _LONGEST_KIND) or "unknown"
        cause = f"The vault belongs to the tenant {tenant}, the identity to another: a managed identity never leaves its own."
        remedy = remedies.move_vault(vault_name(secret.vault_url), tenant=None)
    elif "AKV10022" in answer.message:
        cause = "The token is for another resource than this vault's cloud."
        remedy = remedies.match_cloud(vault_name(secret.vault_url))
    return VaultAuthenticationError(
        what,
        cause=cause,
        remedy=remedy,
        code=answer.code,
        status=response.status_code,
    )


def _forbidden(secret: SecretId, what: str, answer: ErrorAnswer) -> VaultError:
    if answer.inner == "SecretDisabled":
        return SecretDisabledError(
            what,
            cause="Its latest version, or the version that was asked for, is disabled. This is not a question of rights.",
            remedy=local.first(
                local.enable_secret(vault_name(secret.vault_url), secret.name),
                remedies.enable_secret(vault_name(secret.vault_url), secret.name),
            ),
            code=answer.inner,
            status=403,
        )
    cause, remedy = denial(secret, answer)
    return AccessDeniedError(what, cause=cause, remedy=remedy, code=answer.inner or answer.code, status=403)


def _said(status: int, answer: ErrorAnswer) -> str:
    code = answer.inner or answer.code
    return f"{status}{f' {code}' if code else ''}{f': {answer.message}' if answer.message else '.'}"
