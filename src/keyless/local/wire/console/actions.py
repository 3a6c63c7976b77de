"""The actions of the console's forms: each reports its result in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyless.errors import ConfigurationError
from keyless.local.wire.console.holdings import held_in
from keyless.local.wire.console.rendering import span
from keyless.local.wire.control import fault_actions, times, vault_keys, vault_secrets
from keyless.local.wire.control.control_request import ControlRequest

if TYPE_CHECKING:
    from keyless.local.wire.console.asked import Asked


def _asking(asked: Asked, *fields: str, **path: str) -> ControlRequest:
    """Return the form as the control API would be asked: what is not filled in is not given."""
    return ControlRequest(path=path, body={name: asked.form[name] for name in fields if asked.form.get(name)})


def grant(asked: Asked) -> str:
    """Give a role."""
    client = asked.azure.directory.named(asked.required("identity"))
    client.grant(asked.required("role"), on=asked.required("on"), condition=asked.form.get("condition") or None)
    return f"{asked.required('identity')} has {asked.required('role')} on {asked.required('on')}. The next call is decided by it."


def revoke(asked: Asked) -> str:
    """Take a role away."""
    client = asked.azure.directory.named(asked.required("identity"))
    client.revoke(asked.required("role"), on=asked.required("on"))
    return f"{asked.required('identity')} no longer has {asked.required('role')} on {asked.required('on')}."


def add_policy(asked: Asked) -> str:
    """Add a permission to an identity's access policy."""
    vault, identity = asked.azure.vault(asked.required("vault")), asked.azure.identity(asked.required("identity"))
    held = vault.policies.get(identity.object_id, {})
    before = [
        name if kind == "secret" else f"{kind}s/{name}" for kind, permissions in held.items() for name in permissions
    ]
    vault.set_policy(identity, [*before, asked.required("permission")])
    return f"{identity.name} has the permission {asked.required('permission')} on {vault.name}."


def assign(asked: Asked) -> str:
    """Give an identity to the host, or take it away."""
    identity = asked.azure.identity(asked.required("identity"))
    if asked.form.get("away"):
        identity.unassign()
        return f"The host no longer has {identity.name}."
    identity.assign()
    return f"The host has {identity.name}."


def open_network(asked: Asked) -> str:
    """Allow every address to use a vault."""
    vault = asked.azure.vault(asked.required("vault"))
    vault.firewall = replace(vault.firewall, public_network_access=True, allowed=None)
    return f"{vault.name} lets every address in."


def add_fault(asked: Asked) -> str:
    """Switch a fault on."""
    request = _asking(asked, "name", "operation", "identity", "vault", "secret", "times", "share")
    fault_actions.add_fault(asked.azure, request)
    return f"The fault {asked.required('name')} is on."


def remove_fault(asked: Asked) -> str:
    """Switch a fault off."""
    fault_actions.remove_fault(asked.azure, _asking(asked, fault=asked.required("id")))
    return "The fault is off."


def clear_faults(asked: Asked) -> str:
    """Switch every fault off."""
    asked.azure.faults.clear()
    return "Every fault is off."


def advance(asked: Asked) -> str:
    """Move the clock forward."""
    before = asked.azure.clock.now()
    times.advance_clock(asked.azure, _asking(asked, "seconds", "minutes", "hours", "days"))
    return f"It is {span(asked.azure.clock.now() - before)} later. Programs keep their own time."


def rotate(asked: Asked) -> str:
    """Make a new version of a secret or a key."""
    kind, vault, name = asked.required("kind"), asked.required("vault"), asked.required("name")
    if kind == "secret":
        vault_secrets.rotate_secret(asked.azure, _asking(asked, vault=vault, secret=name))
        return f"{name} has a new random value."
    if kind == "key":
        vault_keys.rotate_key(asked.azure, _asking(asked, vault=vault, key=name))
        return f"{name} has a new version."
    raise ConfigurationError(
        f"A {kind} cannot be rotated here.", cause="Secrets and keys can be.", remedy="Use the vault's own operations."
    )


def delete(asked: Asked) -> str:
    """Delete an object, as the vault deletes it."""
    held_in(asked, asked.required("vault"), asked.required("kind")).delete(asked.required("name"))
    return f"{asked.required('name')} is deleted."


def recover(asked: Asked) -> str:
    """Recover a deleted object."""
    held_in(asked, asked.required("vault"), asked.form.get("kind") or "secret").recover(asked.required("name"))
    return f"{asked.required('name')} is back, with all its versions."


def enable(asked: Asked) -> str:
    """Enable the latest version of a secret."""
    asked.azure.vault(asked.required("vault")).update_secret(asked.required("name"), enabled=True)
    return f"{asked.required('name')} is enabled."


def begin_drill(asked: Asked) -> str:
    """Begin a drill that ends by itself."""
    seconds = _asking(asked, "seconds").number("seconds", default=10.0)
    if asked.drills and asked.drills[-1].account().ended is None:
        asked.drills[-1].end()
    run = asked.counsel.drill(asked.required("name"))
    run.begin()
    asked.drills.append(run)
    asked.later(seconds, run.end)
    return f"The drill {asked.required('name')} has begun. It ends in {span(seconds)}."


def end_drill(asked: Asked) -> str:
    """End the drill that runs."""
    if asked.drills:
        asked.drills[-1].end()
    return "The drill is over."


def clear_journal(asked: Asked) -> str:
    """Forget every call."""
    asked.azure.journal.clear()
    return "The journal is empty."
