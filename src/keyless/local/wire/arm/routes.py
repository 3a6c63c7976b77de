"""The routes of the management plane: which operation a method and a path mean, and on what it is decided."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from msgspec.structs import replace

from keyless.local.azure.management.inert import kind_of
from keyless.local.azure.management.refusals import ArmError, bad_request, no_type
from keyless.local.azure.management.resources import provider_named
from keyless.local.operations.management import INERT_OPERATIONS, MANAGEMENT_OPERATIONS
from keyless.local.wire.arm.errors import method_not_allowed, no_path, unknown_api_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.operations.management import ManagementOperation

_SCOPE: Final = "{scope}"
_VERSION: Final = re.compile(r"\d{4}-\d\d-\d\d(-[a-z]+)?")
_PROVIDERS: Final = "providers"


class Match(NamedTuple):
    """An operation, and what its path names.

    Attributes:
        operation: The operation.
        named: What is in the place of each placeholder, as the client spells it.
        scope: The ARM id that a role must hold on, as the client spells it.
    """

    operation: ManagementOperation
    named: Mapping[str, str]
    scope: str


def find_operation(method: str, raw_path: str) -> Match:
    """Return the operation that a request means.

    Raises:
        ArmError: If there is none: the service is not registered, or has no such type, path or method.
    """
    segments = [unquote(segment) for segment in raw_path.split("/") if segment]
    fitting = [
        (operation, named)
        for operation in MANAGEMENT_OPERATIONS
        if (named := _named(operation.path, segments)) is not None
    ]
    for operation, named in fitting:
        if operation.method == method:
            return Match(operation, named, _decided_on(segments, named))
    if fitting:
        raise method_not_allowed(method)
    raise _unknown(segments, raw_path)


def find_kept(method: str, raw_path: str) -> Match | None:
    """Return what a request means for a resource that only deployments make; None where the path is of no such resource."""
    resource_id, operation = (
        "".join(f"/{unquote(each)}" for each in raw_path.split("/") if each),
        INERT_OPERATIONS.get(method),
    )
    kind = kind_of(resource_id)
    if kind is None or operation is None:
        return None
    verb = {"GET": "read", "PUT": "write"}.get(method, "delete")
    named = {"id": resource_id, "subscription": resource_id.split("/")[2]}
    return Match(replace(operation, action=f"{kind.type}/{verb}"), named, resource_id)


def check_version(version: str, operation: ManagementOperation) -> None:
    """Refuse a version that the service does not know.

    Raises:
        ArmError: If it does not.
    """
    if not _VERSION.fullmatch(version) or not operation.since[:10] <= version[:10] <= operation.latest[:10]:
        raise unknown_api_version(version, since=operation.since, latest=operation.latest)


def _named(pattern: str, segments: list[str]) -> dict[str, str] | None:
    """Return what a path names, where it fits a pattern."""
    parts = pattern.strip("/").split("/")
    named = {}
    if parts[0] == _SCOPE:
        parts = parts[1:]
        before = len(segments) - len(parts)
        if before < 0:
            return None
        named["scope"] = "".join(f"/{segment}" for segment in segments[:before])
        segments = segments[before:]
    if len(parts) != len(segments):
        return None
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            named[part.strip("{}")] = segment
        elif part != segment.lower():
            return None
    return named


def _decided_on(segments: list[str], named: Mapping[str, str]) -> str:
    """Return what a role must hold on: the resource that a path names, or what it is in where it names none."""
    if "scope" in named:
        return named["scope"] or "/"
    lower = [segment.lower() for segment in segments]
    kept = segments
    if _PROVIDERS in lower:
        at = lower.index(_PROVIDERS)
        pairs = (len(segments) - at - 2) // 2
        kept = segments[: at + 2 + 2 * pairs] if pairs else segments[:at]
    elif len(segments) % 2:
        kept = segments[:-1]
    return "".join(f"/{segment}" for segment in kept) or "/"


def _unknown(segments: list[str], raw_path: str) -> ArmError:
    lower = [segment.lower() for segment in segments]
    if _PROVIDERS in lower[:-1]:
        at = len(lower) - 1 - lower[::-1].index(_PROVIDERS)
        if at + 1 < len(segments):
            namespace = provider_named(segments[at + 1])  # Raises where the service is none of ours.
            if namespace == "Microsoft.Resources" and "deployments" in lower[at + 2 :]:
                return bad_request(
                    "The local Azure deploys to resource groups: deployments to a subscription, a management group or a "
                    "tenant are not supported."
                )
            return no_type(namespace, "/".join(segments[at + 2 :: 2]) or "?")
    return no_path(raw_path)
