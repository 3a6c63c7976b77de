"""The last stage: the read itself, and the secret's own dates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import requests

from keyless._remedies import remedies
from keyless._vault.vault import Bearer, TokenRejected, Vault
from keyless.clouds import vault_name
from keyless.doctor.finding import Finding, failed, skipped, well
from keyless.doctor.references import stale_settings
from keyless.errors import AccessDeniedError, KeylessError, SecretNotFoundError
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from keyless.doctor.examination import Examination
    from keyless.secret import Secret

_STAGE: Final = "secret"
_NEAR = timedelta(days=30)
# How long a new version is proposed to be good.
_NEXT = timedelta(days=365)
_CALLER = r"\boid=([0-9a-fA-F-]{36})"
_OK = 200
_NOT_FOUND = 404
_LONGEST = 5.0
_API_VERSION = "7.4"


def check_secret(examination: Examination) -> list[Finding]:
    """Read the secret; its value is dropped at once."""
    if examination.secret is None:
        return [skipped(_STAGE, "read", "No secret was named (--secret, secret=, or SECRET_NAME): nothing was read.")]
    if examination.target is None:
        return [skipped(_STAGE, "read", "The vault's address is not known: see the network.")]
    try:
        target = SecretId.resolve(examination.target.vault_url, examination.secret)
    except KeylessError as error:
        return [failed(_STAGE, "name", error)]
    token, missing = examination.token, _missing(examination)
    if token is None or missing:
        return [skipped(_STAGE, "read", missing)]
    vault = Vault(target.vault_url, connections=1, now=lambda: examination.now)
    try:
        secret = vault.read(target, token, examination.deadline)
    except TokenRejected as refused:
        return [failed(_STAGE, "read", refused.error)]
    except SecretNotFoundError as error:
        return [_not_found(examination, target, error)]
    except AccessDeniedError as error:
        return [_denied(examination, error)]
    except KeylessError as error:
        return [failed(_STAGE, "read", error)]
    finally:
        vault.close()
    return [
        well(_STAGE, "read", f"{secret.name} was read, version {secret.version}."),
        _check_dates(secret, examination.now),
        *_check_references(examination, secret),
    ]


def _check_references(examination: Examination, secret: Secret) -> list[Finding]:
    """Compare the settings that the platform resolved from this secret with it: it keeps what it has resolved for a day."""
    stale = stale_settings(examination.environment, secret)
    if not stale:
        return []
    return [
        Finding(
            stage=_STAGE,
            check="references",
            status="warn",
            code="KL-634",
            evidence=f"{', '.join(stale)} holds another value than {secret.name}, to which it is a Key Vault reference.",
            cause="The secret was rotated after the platform had resolved the reference, which it keeps for up to 24 hours. A "
            "restart alone changes nothing. Code that reads the secret follows sooner.",
            remedy=remedies.refresh_references(examination.host),
        )
    ]


def _missing(examination: Examination) -> str:
    if examination.token is None:
        of = "that this vault takes: see the vault" if examination.claims else "to read it with: see the identity"
        return f"There is no token {of}."
    return "" if examination.challenge else "The vault was not reached: see the network."


def _denied(examination: Examination, error: AccessDeniedError) -> Finding:
    """Return the finding of a denial, with what the token and the name's addresses add to it."""
    finding = failed(_STAGE, "read", error)
    more = []
    caller, own = re.search(_CALLER, error.what), str(examination.claims.get("oid", ""))
    if caller and own and caller[1].lower() != own.lower():
        more.append(f"The vault saw the object id {caller[1]}, the token has {own}.")
    issued = examination.claims.get("iat")
    if error.code in {"ForbiddenByRbac", "ForbiddenByPolicy", "AccessDenied"}:
        more.append(
            "An identity that was switched off and on again, or made again, has a new object id: roles and policies of the old "
            "one do nothing for it."
        )
    if error.code == "ForbiddenByRbac" and isinstance(issued, int):
        more.append(
            "A role given through a group shows in new tokens only, and the platform keeps this one, issued "
            f"{_written(datetime.fromtimestamp(issued, UTC))}, for up to a day: give the role to the identity itself."
        )
    if error.code == "ForbiddenByConnection" and examination.public_addresses:
        more.append(f"Its name resolved to the public address {', '.join(examination.public_addresses)}.")
    return _with_cause(finding, " ".join(more))


def _not_found(examination: Examination, target: SecretId, error: SecretNotFoundError) -> Finding:
    """Return the finding of a secret that is not there; one that was deleted shows, to who may look."""
    finding, status = failed(_STAGE, "read", error), _deleted_status(examination, target)
    vault = vault_name(target.vault_url)
    if status == _OK:
        return replace(
            finding,
            cause="It was deleted. It is in a deleted but recoverable state, in which its name cannot be used for a new secret "
            "either (409 ObjectIsDeletedButRecoverable).",
            remedy=remedies.recover_secret(vault, target.name),
        )
    if status == _NOT_FOUND:
        return _with_cause(finding, "It is not among the deleted ones that can be recovered.")
    return _with_cause(finding, "Whether it is among the deleted ones, this identity may not see.")


def _deleted_status(examination: Examination, target: SecretId) -> int | None:
    """Ask for the secret among the deleted ones, and return the status of the answer; None where there was none."""
    left = min(examination.deadline.remaining, _LONGEST)
    if examination.token is None or left <= 0:
        return None
    try:
        with requests.Session() as session:
            answer = session.get(
                f"{target.vault_url}/deletedsecrets/{target.name}",
                params={"api-version": _API_VERSION},
                auth=Bearer(examination.token),
                timeout=left,
                allow_redirects=False,
            )
    except (OSError, ValueError):
        return None
    return answer.status_code


def _with_cause(finding: Finding, more: str) -> Finding:
    return replace(finding, cause=f"{finding.cause} {more}".strip())


def _check_dates(secret: Secret, now: datetime) -> Finding:
    ends, begins = secret.expires_on, secret.not_before
    vault = vault_name(secret.vault_url)
    remedy = remedies.renew_secret(vault, secret.name, until=_written(now + _NEXT))
    if ends is not None and ends <= now:
        code, evidence = "KL-631", f"{secret.name} expired on {_written(ends)}."
    elif ends is not None and ends - now <= _NEAR:
        code, evidence = "KL-632", f"{secret.name} expires on {_written(ends)}."
    elif begins is not None and begins > now:
        code, evidence = "KL-633", f"{secret.name} is not valid before {_written(begins)}."
        remedy = remedies.begin_secret(vault, secret.name, at=_written(now))
    else:
        until = f"until {_written(ends)}" if ends else "without an end"
        return well(_STAGE, "dates", f"{secret.name} is valid {until}.")
    return Finding(
        stage=_STAGE,
        check="dates",
        status="warn",
        code=code,
        evidence=evidence,
        cause="The dates of a secret are advice: the vault still returns it, but the service that it opens may refuse it.",
        remedy=remedy,
    )


def _written(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
