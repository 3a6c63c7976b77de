"""Versions of Azure's management API that stop."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.rules.rule import rule

if TYPE_CHECKING:
    from keyless.audit.rules.rule import Rule

FIRST_KEPT: Final = "2026-02-01"
"""The first version of Key Vault's control plane that goes on being served."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def retirement(resource_type: str, version: str) -> Rule | None:
    """Return the rule that says when a version of a resource type's API stops; None where it goes on.

    Args:
        resource_type: A type or path of the management API, such as ``Microsoft.KeyVault/vaults``.
        version: The ``api-version`` that is asked for.

    Example::

        >>> retirement("Microsoft.KeyVault/vaults", "2023-07-01").code
        'KA-101'
        >>> retirement("Microsoft.KeyVault/vaults", "2026-02-01") is None
        True
    """
    found = _DATE.match(version)
    if found is None or not re.search(r"(^|/)microsoft\.keyvault(/|$)", resource_type, re.IGNORECASE):
        return None
    return rule("KA-101") if found[0] < FIRST_KEPT else None
