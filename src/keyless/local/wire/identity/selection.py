"""The choice of the identity that a request for a token means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.http.fields import Fields

IdKind = Literal["client_id", "object_id", "resource_id"]

ID_PARAMETERS: Final[Mapping[str, IdKind]] = {
    "client_id": "client_id",
    "clientid": "client_id",
    "object_id": "object_id",
    "principal_id": "object_id",
    "principalId": "object_id",
    "mi_res_id": "resource_id",
    "msi_res_id": "resource_id",
    "resource_id": "resource_id",
}
"""Every spelling by which clients name an identity, and the id that it gives.

``resource_id`` is what azure-identity's async credential sends where its user wrote ``{"resource_id": ...}``; Azure
documents ``mi_res_id`` and ``msi_res_id`` alone.
"""


class Asked(Record, frozen=True):
    """The ids by which a request names identities.

    Attributes:
        names: The parameters that it used.
        kind: The kind of the first id; None where it gives none.
        value: The first id.
    """

    names: tuple[str, ...]
    kind: IdKind | None
    value: str

    @classmethod
    def of(cls, query: Fields) -> Asked:
        """Read them from a request's parameters."""
        found = [(name, value) for name, value in query.pairs if name in ID_PARAMETERS]
        if not found:
            return cls((), None, "")
        return cls(tuple(name for name, _ in found), ID_PARAMETERS[found[0][0]], found[0][1])


class NoIdentity(Record, frozen=True):
    """The reason why a request means no identity of the host.

    Attributes:
        problem: ``conflict`` (more than one id), ``none`` (nothing asked, and there is none to take), ``several``
            (nothing asked, and more than one to take), or ``unknown`` (the host has none with that id).
        reason: The same in one sentence.
    """

    problem: Literal["conflict", "none", "several", "unknown"]
    reason: str


def choose(
    azure: Azure, query: Fields, *, takes_the_only_one: bool = False, system_has_ids: bool = False
) -> Identity | NoIdentity:
    """Return the identity that a request means; ids are compared without case.

    Args:
        azure: The local Azure whose host is asked.
        query: The request's parameters.
        takes_the_only_one: Whether, where nothing is asked and there is no system-assigned identity, the host's only
            user-assigned one answers.
        system_has_ids: Whether the system-assigned identity, too, can be asked for by its ids.
    """
    asked = Asked.of(query)
    if len(asked.names) > 1:
        return NoIdentity("conflict", f"Only one id of an identity may be given, not {', '.join(asked.names)}.")
    hosts = [identity for identity in azure.identities.values() if identity.assigned]
    if asked.kind is None:
        return _unasked(hosts, takes_the_only_one=takes_the_only_one)
    for identity in hosts:
        nameable = system_has_ids or identity.kind == "user"
        if nameable and _id_of(identity, asked.kind) == asked.value.lower():
            return identity
    return NoIdentity("unknown", _why_unknown(azure, asked.kind, asked.value[:300]))


def _unasked(hosts: list[Identity], *, takes_the_only_one: bool) -> Identity | NoIdentity:
    for identity in hosts:
        if identity.kind == "system":
            return identity
    if takes_the_only_one and len(hosts) == 1:
        return hosts[0]
    if takes_the_only_one and hosts:
        names = ", ".join(identity.name for identity in hosts)
        return NoIdentity("several", f"No id was given, and the host has several user-assigned identities: {names}.")
    return NoIdentity("none", "No id was given, and the host has no system-assigned identity.")


def _why_unknown(azure: Azure, kind: IdKind, value: str) -> str:
    for identity in azure.identities.values():
        if value.lower() in {identity.client_id.lower(), identity.object_id.lower(), identity.resource_id.lower()}:
            if not identity.assigned:
                return f"The identity {identity.name} exists and is not assigned to the host."
            if identity.kind == "system":
                return f"The {kind} {value!r} is the system-assigned identity's, which is asked for without any id."
            return f"{value!r} is an id of {identity.name}, and not its {kind}."
    return f"No identity has the {kind} {value!r}."


def _id_of(identity: Identity, kind: IdKind) -> str:
    ids = {"client_id": identity.client_id, "object_id": identity.object_id, "resource_id": identity.resource_id}
    return ids[kind].lower()
