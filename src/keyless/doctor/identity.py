"""The second stage: does the identity endpoint give a token, and whose?"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keyless._identity.choice import choose
from keyless._identity.failures import refusal_remedy
from keyless._remedies.remedies import (
    ASK_WORKLOAD,
    GIVE_CREDENTIAL,
    IDENTITY_OVERVIEW,
    LIST_IDENTITIES,
    NAME_IN_MANIFEST,
    name_only_identity,
)
from keyless._remedies.sources import SERVICE_FABRIC, WORKLOAD, offered_source
from keyless._wire.deadline import Deadline
from keyless._wire.error_answer import json_object, quote
from keyless._wire.trust import Trust
from keyless.clouds import CLOUDS, cloud_of
from keyless.doctor.finding import Finding, failed, well
from keyless.doctor.machine import find_machine
from keyless.doctor.sources import beyond_ours, not_known
from keyless.errors import DeadlineExceededError, IdentityRefusedError, IdentityUnavailableError, KeylessError
from keyless.workload_identity import WorkloadIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.doctor.examination import Examination

_STAGE: Final = "identity"
# Of what is left: the stages that need no token are to have their turn when the endpoint is silent.
_SHARE = 0.5
_USER_ASSIGNED = "/userassignedidentities/"
_CLAIMS = {"ClientId": "appid", "ObjectId": "oid", "ResourceId": "xms_mirid"}
_NAMES = {"ClientId": "client id", "ObjectId": "object id", "ResourceId": "resource id"}


def check_identity(examination: Examination) -> list[Finding]:
    """Ask the identity endpoint for a token for Key Vault, and report whose it is."""
    host = examination.target.vault_url.removeprefix("https://") if examination.target else ""
    resource = (cloud_of(host) or CLOUDS[0]).resource
    try:
        get_token(examination, resource)
    except IdentityRefusedError as error:
        return [_refused(examination, error)]
    except KeylessError as error:
        return [_without_answer(examination, error)]
    return [well(_STAGE, "token", _described(examination.claims)), _check_whose(examination)]


def _without_answer(examination: Examination, error: KeylessError) -> Finding:
    """Return the finding of a token that did not come; where other SDKs have another source, that is why."""
    finding, variables, agent = failed(_STAGE, "token", error), examination.environment, examination.agent
    if not isinstance(error, (IdentityUnavailableError, DeadlineExceededError)):
        return finding
    if offered_source(variables, agent=agent) is WORKLOAD and not isinstance(examination.identity, WorkloadIdentity):
        cause = "This host has workload identity. You asked for a managed identity: that is one of the node."
        return replace(finding, cause=cause, remedy=ASK_WORKLOAD)
    unknown = beyond_ours(variables, agent=agent)
    if unknown is None:
        return finding
    return replace(finding, cause=not_known(unknown), remedy=GIVE_CREDENTIAL)


def _refused(examination: Examination, error: IdentityRefusedError) -> Finding:
    """Return the finding of a refusal; on a virtual machine the remedy gets the name that no variable holds."""
    finding = failed(_STAGE, "token", error)
    machine = find_machine(examination)
    if machine is None:
        return finding
    name = choose(examination.identity).name
    return replace(finding, remedy=refusal_remedy(name, machine, code=error.code, message=error.what))


def get_token(examination: Examination, resource: str) -> None:
    """Ask the identity endpoint for a token for a resource, once: anyone who asks the doctor waits.

    Raises:
        ConfigurationError: If the identity is none.
        IdentityError: If there is no token.
        DeadlineExceededError: If the time runs out.
    """
    deadline = examination.deadline
    identity = choose(examination.identity).make(lambda _: True, deadline.clock, Trust())
    try:
        token = identity.acquire(resource, Deadline.after(deadline.remaining * _SHARE, deadline.clock))
    finally:
        identity.close()
    examination.token, examination.claims = token, read_claims(token.value)


def read_claims(token: str) -> Mapping[str, Any]:
    """Return the claims of a token, unchecked, its texts as they may be shown; nothing where it is not a JWT."""
    try:
        payload = token.split(".")[1]
        found = json_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return {name: quote(value) if isinstance(value, str) else value for name, value in found.items()}


def _described(claims: Mapping[str, Any]) -> str:
    ids = ", ".join(f"{name} {quote(claims[name])}" for name in ("oid", "appid", "tid", "xms_mirid") if name in claims)
    times = "".join(
        f", {word} {_shown(claims[name])}"
        for name, word in (("iat", "issued"), ("exp", "good until"))
        if isinstance(claims.get(name), int)
    )
    return f"A token was given: {ids or 'it does not show whose'}{times}."


def _shown(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return "a time that no calendar has"


def _check_whose(examination: Examination) -> Finding:
    claims, asked = examination.claims, examination.asked_id
    # Only tokens for Microsoft's own services have xms_mirid; Key Vault is one.
    resource_id = str(claims.get("xms_mirid", ""))
    if asked is None:
        if _USER_ASSIGNED not in resource_id.lower():
            return well(_STAGE, "whose", "It is the system-assigned identity's.")
        evidence = f"The system-assigned identity was asked for, and the token is that of {resource_id}."
        cause = (
            "The machine has no system-assigned identity and one user-assigned: its endpoint gives that one's token."
        )
        remedy = name_only_identity(
            examination.host or find_machine(examination),
            client_id=str(claims.get("appid", "")),
            name=resource_id.rpartition("/")[2],
        )
    else:
        kind, value = asked
        found = str(claims.get(_CLAIMS[kind], value))
        if found.lower() == value.lower():
            return well(_STAGE, "whose", f"It is that of the identity asked for ({_NAMES[kind]} {value}).")
        evidence = f"The identity with the {_NAMES[kind]} {value} was asked for, and the token is that of {found}."
        cause = "The endpoint does not know this kind of id and gave another identity's token."
        remedy = f"Name the identity by its client id, one of: {LIST_IDENTITIES}. {IDENTITY_OVERVIEW}"
        if offered_source(examination.environment, agent=examination.agent) is SERVICE_FABRIC:
            cause = (
                "On Service Fabric the application's manifest names its identity. "
                "The id that a program asks for has no effect."
            )
            remedy = NAME_IN_MANIFEST
    return Finding(
        stage=_STAGE, check="whose", status="warn", code="KL-611", evidence=evidence, cause=cause, remedy=remedy
    )
