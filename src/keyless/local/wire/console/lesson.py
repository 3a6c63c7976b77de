"""The explanation of a refusal: who asked for what, which roles it has, the least that would do, and how to give it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import field

from keyless._remedies import network, remedies
from keyless.errors import KeylessError
from keyless.local.azure.explanation import explain
from keyless.local.operations import VAULT_OPERATIONS
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.azure.explanation import Step
    from keyless.local.azure.identities.application import Application
    from keyless.local.instruments.journal_entry import Entry
    from keyless.local.wire.console.counsel import Counsel

_REFUSED: Final = 400


class Button(Record, frozen=True, kw_only=True):
    """Something that can be done here.

    Attributes:
        action: The path of the form, below the console's own.
        label: What the button says.
        fields: The fields of the form.
    """

    action: str
    label: str
    fields: Mapping[str, str] = field(default_factory=dict)


class Lesson(Record, frozen=True, kw_only=True):
    """The explanation of a call that was refused.

    Attributes:
        because: Why it was refused.
        asked: The data action that it needs; empty where roles do not decide.
        steps: Each role of the identity, and what it does for the call.
        now: Why the same call is let through now; empty where it is not.
        needs: The least that lets it through.
        local: The command that fixes it here; empty where none does.
        buttons: What fixes it here, from this page.
        command: The ``az`` command that fixes it in Azure; empty where none does.
        remedy: The words of the errors and of the doctor, on Azure.
    """

    because: str
    asked: str = ""
    steps: tuple[Step, ...] = ()
    now: str = ""
    needs: str = ""
    local: str = ""
    buttons: tuple[Button, ...] = ()
    command: str = ""
    remedy: str = ""


def lesson_of(azure: Azure, entry: Entry, counsel: Counsel) -> Lesson | None:
    """Return what a call teaches; None where it went well, or only asked for a challenge."""
    if entry.status < _REFUSED or entry.operation in {"getChallenge", "probe", "discover"}:
        return None
    if entry.reason.startswith("Fault ") or entry.code == "Fault":
        return _of_fault(azure, entry)
    if entry.service == "identity":
        return _of_identity(azure, entry)
    if entry.service != "vault" or entry.vault not in azure.vaults:
        return Lesson(because=entry.reason)
    found = _BY_CODE.get(entry.code or "")
    return found(azure, entry, counsel) if found else Lesson(because=entry.reason)


def _of_fault(azure: Azure, entry: Entry) -> Lesson:
    name = entry.reason.removeprefix("Fault ").rstrip(".")
    active = tuple(fault for fault in azure.faults.active() if fault.name == name)
    return Lesson(
        because=f"The fault {name} struck: it was switched on in this local Azure.",
        now="" if active else "The fault is over.",
        local="keyless fault clear",
        buttons=tuple(
            Button(action="faults/remove", label=f"Switch {name} off", fields={"id": fault.id}) for fault in active
        ),
        remedy=f"In Azure it passes, or is fixed by its operator. {remedies.HEALTH}",
    )


def _of_identity(azure: Azure, entry: Entry) -> Lesson:
    away = [identity for identity in azure.identities.values() if not identity.assigned]
    named = [identity for identity in away if identity.name == entry.identity] or away
    words = next((f"client_id={each.client_id}" for each in named if each.kind == "user"), "system-assigned")
    remedy = remedies.assign_identity(None, words) if named else remedies.name_identity(None)
    return Lesson(
        because=entry.reason,
        needs="The host must have the identity that the program asks for." if named else "",
        buttons=tuple(
            Button(action="identities/assign", label=f"Assign {each.name} here", fields={"identity": each.name})
            for each in named
        ),
        command=_first_command(remedy),
        remedy=remedy,
    )


def _by_role(azure: Azure, entry: Entry, counsel: Counsel) -> Lesson:
    least, identity = counsel.smallest(entry), clients_of(azure).get(entry.identity or "")
    if least is None or identity is None:
        return Lesson(because=entry.reason)
    now, asked = "", ""
    steps: tuple[Step, ...] = ()
    try:
        found = explain(azure, identity=identity.name, action=entry.operation, on=entry.scope)
        now, steps, asked = found.decision.reason if found.decision.allowed else "", found.steps, found.action
    except KeylessError:  # Its vault is gone, or a name that nothing can have was asked for.
        pass
    fields = {"identity": identity.name, "role": least.role, "on": least.on}
    return Lesson(
        because=entry.reason,
        asked=asked,
        steps=steps,
        now=now,
        needs=f"{least.role} on {least.on}",
        local=f'keyless role grant {identity.name} "{least.role}" --on {least.on}',
        buttons=() if now else (Button(action="roles/grant", label="Grant it here", fields=fields),),
        command=least.command,
        remedy=_given(entry, identity, least.role),
    )


def clients_of(azure: Azure) -> dict[str, Identity | Application]:
    """Return who can ask a vault, by name: identities and applications."""
    return {**azure.identities, **azure.directory.applications}


def _given(entry: Entry, identity: Identity | Application, role: str) -> str:
    words = remedies.give_role(entry.vault or "", caller=identity.object_id, scope=None)
    return words.replace(remedies.READER_ROLE, role)


def _by_policy(azure: Azure, entry: Entry, _: Counsel) -> Lesson:
    identity = clients_of(azure).get(entry.identity or "")
    operation = next((known for known in VAULT_OPERATIONS if known.name == entry.operation), None)
    if identity is None or operation is None:
        return Lesson(because=entry.reason)
    permission = operation.permission if operation.kind == "secret" else f"{operation.kind}s/{operation.permission}"
    remedy = remedies.set_policy(entry.vault or "", caller=identity.object_id)
    fields = {"identity": identity.name, "vault": entry.vault or "", "permission": permission}
    return Lesson(
        because=entry.reason,
        asked=f"the permission {permission}",
        needs=f"The permission {permission} by an access policy of {entry.vault}",
        buttons=(Button(action="policies/add", label="Give the permission here", fields=fields),),
        command=_first_command(remedy),
        remedy=remedy,
    )


def _by_network(azure: Azure, entry: Entry, _: Counsel) -> Lesson:
    vault = azure.vault(entry.vault or "")
    remedy = {
        "ForbiddenByFirewall": network.open_firewall(vault.name, address=None),
        "ForbiddenByConnection": network.use_private_endpoint(vault.name, vault.cloud.vault_suffix),
        "ForbiddenByNsp": network.join_perimeter(),
    }[entry.code or ""]
    return Lesson(
        because=entry.reason,
        needs="The vault's network rules must let the program's address in. No role changes this.",
        buttons=(Button(action="networks/open", label="Allow this machine here", fields={"vault": vault.name}),),
        command=_first_command(remedy),
        remedy=remedy,
    )


def _by_state(azure: Azure, entry: Entry, _: Counsel) -> Lesson:
    vault, name = azure.vault(entry.vault or ""), entry.name or ""
    fields = {"vault": vault.name, "name": name}
    if entry.code == "SecretDisabled":
        remedy = remedies.enable_secret(vault.name, name)
        buttons = (Button(action="secrets/enable", label="Enable it here", fields=fields),)
        return Lesson(because=entry.reason, buttons=buttons, command=_first_command(remedy), remedy=remedy)
    remedy = remedies.find_secret(vault.name, name)
    deleted = vault.secrets.find_deleted(name) is not None
    return Lesson(
        because=f"{entry.reason} It was deleted, and can be recovered." if deleted else entry.reason,
        local="" if deleted else f"keyless secret set {name} --vault {vault.name}",
        buttons=(Button(action="secrets/recover", label="Recover it here", fields=fields),) if deleted else (),
        command=_first_command(remedies.recover_secret(vault.name, name) if deleted else remedy),
        remedy=remedy,
    )


def _by_limit(_: Azure, entry: Entry, __: Counsel) -> Lesson:
    remedy = remedies.look_at_requests(entry.vault or "")
    return Lesson(because=entry.reason, command=_first_command(remedy), remedy=remedy)


_BY_CODE: Final[Mapping[str, Callable[[Azure, Entry, Counsel], Lesson]]] = {
    "ForbiddenByRbac": _by_role,
    "ForbiddenByPolicy": _by_policy,
    "AccessDenied": _by_policy,
    "ForbiddenByFirewall": _by_network,
    "ForbiddenByConnection": _by_network,
    "ForbiddenByNsp": _by_network,
    "SecretDisabled": _by_state,
    "SecretNotFound": _by_state,
    "Throttled": _by_limit,
}


def _first_command(remedy: str) -> str:
    found = re.search(r"`(az [^`]+)`", remedy)
    return found[1] if found else ""
