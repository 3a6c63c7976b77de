"""Remedies for a process that uses a local Azure: the commands and the lines of keyless.toml that come before Azure's.

A local Azure names itself, by the kind of host that it plays, in one environment variable. That changes the words of errors
and nothing else.
"""

from __future__ import annotations

import os
import re
from typing import Final

from keyless._remedies import remedies

VARIABLE: Final = "KEYLESS_LOCAL_AZURE"
# MSAL for Python does not look for these, and asks another one instead.
UNKNOWN_TO_MSAL: Final = ("app-service-2017", "cloud-shell")
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ROLE = "Key Vault Secrets User"
_WHICH = " IDENTITY is one of: `keyless identity list`."
FAULTS: Final = "A fault may be set: `keyless fault list`. End it: `keyless fault clear`."


def first(local: str, azure: str) -> str:
    """Return a remedy for Azure, after the local one if this process uses a local Azure."""
    return f"Here, in the local Azure: {local} In Azure: {azure}" if source() else azure


def source() -> str:
    """Return the kind of host that the local Azure of this process plays; empty where there is none."""
    return os.environ.get(VARIABLE, "")


def give_role(vault: str, *, caller: str | None) -> str:
    """Return how to give an identity the role that reads secrets."""
    return (
        f'Grant the role: `keyless role grant {caller or "IDENTITY"} "{_ROLE}" --on {vault}`.{"" if caller else _WHICH} '
        f'To keep it, add this below the identity in keyless.toml: roles = {{ {vault} = "{_ROLE}" }}.'
    )


def set_policy(vault: str) -> str:
    """Return how to give an identity an access policy."""
    return f'Add this to keyless.toml and start again: [vaults.{vault}.policies] IDENTITY = ["get", "list"].{_WHICH}'


def assign_identity(identity: str) -> str:
    """Return how to give the host the identity that was asked for, ``system-assigned`` or such as ``client_id=…``."""
    kind, _, value = identity.partition("=")
    if kind == "client_id" and re.fullmatch(_GUID, value):
        return (
            f"Add it: `keyless identity add NAME --client-id {value}`. NAME is yours to choose. To keep it, write in "
            f'keyless.toml: [identities.NAME] client_id = "{value}". Which ids there are: `keyless identity list`.'
        )
    if kind in {"client_id", "object_id", "resource_id"}:
        return "Use the id of one that is there: `keyless identity list`."
    return "Add it: `keyless identity add system`. To keep it, write in keyless.toml: [identities.system]."


def choose_source() -> str:
    """Return how to get a kind of host that MSAL for Python knows."""
    start = "Start the program CMD on a host that MSAL knows: `keyless run --source app-service CMD`."
    return f"{start} Or stay: {remedies.GIVE_CREDENTIAL}" if source() == "cloud-shell" else start


def name_identity() -> str:
    """Return how to find the identities that can be named."""
    return "Name one by its client id: `keyless identity list`."


def open_firewall(vault: str) -> str:
    """Return how to open the firewall of a vault."""
    return (
        f"Take away the key firewall, public_network_access or perimeter of [vaults.{vault}] in keyless.toml, and start "
        f"again. {FAULTS}"
    )


def enable_secret(vault: str, name: str) -> str:
    """Return how to enable a secret."""
    return (
        f"Set a new version, which is enabled: `keyless secret set {name} --vault {vault}`. It asks for the value. In "
        f"keyless.toml, take away enabled = false. {FAULTS}"
    )


def find_secret(vault: str, name: str) -> str:
    """Return how to list the secrets of a vault, and how to add one."""
    return (
        f"See which secrets there are: `keyless secret list --vault {vault}`. Add this one: "
        f"`keyless secret set {name} --vault {vault}`. It asks for the value. To keep it, write in keyless.toml: "
        f'[vaults.{vault}.secrets] {name} = "VALUE".'
    )


def renew_secret(vault: str, name: str) -> str:
    """Return how to set a new version of a secret that has expired or does not apply yet."""
    return (
        f"Set a new version: `keyless secret set {name} --vault {vault}`. It asks for the value. In keyless.toml, change "
        "expires_on and not_before of the secret."
    )


def find_vault(vault: str) -> str:
    """Return how to list the vaults, and how to add one."""
    return (
        f"See which vaults there are: `keyless vault list`. Add this one: `keyless vault add {vault}`. To keep it, write "
        f"in keyless.toml: [vaults.{vault}.secrets]."
    )


def renew_variables() -> str:
    """Return how to get variables that lead to a local Azure that runs."""
    return (
        "The one that set these variables has stopped. Start the program CMD with another one: `keyless run CMD`. Or take "
        'the variables of one that runs: `eval "$(keyless env)"`.'
    )
