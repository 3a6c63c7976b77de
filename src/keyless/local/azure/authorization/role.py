"""Roles: the actions that each allows, in a vault and in the management plane."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

from keyless.local.record import Record


class Role(Record, frozen=True):
    """A role definition: a name and the actions that it allows, with ``*`` for any.

    Attributes:
        name: The name that people use.
        id: The role definition's GUID, the same in every tenant.
        data_actions: What it allows in a vault.
        actions: What it allows in the management plane, which gives no access to what is in a vault.
        not_actions: What of these it leaves out.
        not_data_actions: What of the data actions it leaves out.
    """

    name: str
    id: str
    data_actions: tuple[str, ...]
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Return whether this role includes a data action; Azure compares them in any case."""
        return _is_among(action, self.data_actions) and not _is_among(action, self.not_data_actions)

    def allows_management(self, action: str) -> bool:
        """Return whether this role includes an action of the management plane."""
        return _is_among(action, self.actions) and not _is_among(action, self.not_actions)


@lru_cache(maxsize=1024)
def _is_among(action: str, patterns: tuple[str, ...]) -> bool:
    wanted = action.lower()
    return any(fnmatchcase(wanted, form) for pattern in patterns for form in _forms(pattern.lower()))


def _forms(pattern: str) -> tuple[str, ...]:
    """Return a pattern in its forms: ``vaults/*/read`` reads a vault, too, and not only what is in it."""
    return (pattern, pattern.replace("/*/", "/")) if "/*/" in pattern else (pattern,)
