"""The answers of the function: a secret as JSON, or what went wrong as problem+json.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from functools import cache
from typing import Any

import azure.functions as func

import keyless

ERRORS_PAGE = "https://github.com/keyless-azure/keyless/blob/main/docs/errors.md"
# Seconds to stay away where the service that is too busy did not say.
PAUSE = 5
# A third faster than json.dumps, which looks for a body that holds itself.
ENCODER = json.JSONEncoder(check_circular=False)


class SettingsError(keyless.ConfigurationError):
    """A setting of this app is missing or wrong: its operator must fix it, and no caller can."""


# The first class that fits decides; the last fits every failure.
PROBLEMS: tuple[tuple[type[keyless.KeylessError], int, str], ...] = (
    (SettingsError, 500, "A setting of the function app is missing or wrong"),
    (keyless.ConfigurationError, 400, "The request does not name one managed identity"),
    (keyless.AccessDeniedError, 403, "The vault denies the identity"),
    (keyless.SecretDisabledError, 403, "The secret is disabled"),
    (keyless.SecretNotFoundError, 404, "The vault has no such secret"),
    (keyless.IdentityUnavailableError, 503, "There is no managed identity here"),
    (keyless.IdentityRefusedError, 503, "The managed identity is not one of this app"),
    (keyless.IdentityThrottledError, 503, "The identity endpoint gets too many requests"),
    (keyless.VaultThrottledError, 503, "The vault gets too many requests"),
    (keyless.ReaderClosedError, 503, "The function is asked for too many identities at once"),
    (keyless.DeadlineExceededError, 504, "The time for reading the secret ran out"),
    (keyless.KeylessError, 502, "The secret could not be read"),
)
BUSY = (keyless.IdentityThrottledError, keyless.VaultThrottledError, keyless.ReaderClosedError)


def answer(body: dict[str, Any]) -> func.HttpResponse:
    """Return a JSON answer that no cache may keep."""
    return func.HttpResponse(ENCODER.encode(body), headers={"Cache-Control": "no-store"}, mimetype="application/json")


@cache
def in_a_pod() -> bool:
    """Say whether this process has the variables of workload identity, which do not change while it runs."""
    return keyless.WorkloadIdentity.is_offered()


def kind_of(ids: dict[str, str]) -> str:
    """Return the kind of the identity that reads: the id says so, or what the host offers."""
    if not ids.keys() - {"clientId"} and in_a_pod():
        return "workload"
    return "user-assigned" if ids else "system-assigned"


def success(secret: keyless.Secret, identity: dict[str, str]) -> func.HttpResponse:
    """Return the answer with a secret, who read it, and how many seconds ago the vault gave it."""
    ids = {name.replace("_id", "Id"): value for name, value in identity.items()}
    body = {
        "identity": {"kind": kind_of(ids)} | ids,
        "vault": secret.vault_url,
        "secret": {
            "name": secret.name,
            "version": secret.version,
            "id": secret.id,
            "value": secret.value,
            "contentType": secret.content_type,
            "enabled": secret.enabled,
            "expiresOn": secret.expires_on and secret.expires_on.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "source": secret.source,
        "ageSeconds": round(max(0.0, (datetime.now(UTC) - secret.retrieved_on).total_seconds()), 3),
    }
    return answer(body)


def problem(error: keyless.KeylessError) -> func.HttpResponse:
    """Return the answer to a request that failed: what happened, why, and what to do."""
    status, title = next((status, title) for kind, status, title in PROBLEMS if isinstance(error, kind))
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, BUSY):
        headers["Retry-After"] = str(math.ceil(PAUSE if error.retry_after is None else error.retry_after))
    body = {
        "type": f"{ERRORS_PAGE}#{error.kl_code.lower()}",
        "title": title,
        "status": status,
        "detail": error.what,
        "code": error.code or error.kl_code,
        "cause": error.cause,
        "remedy": error.remedy,
    }
    return func.HttpResponse(
        ENCODER.encode(body), status_code=status, headers=headers, mimetype="application/problem+json"
    )
