"""Built-in roles that allow more than to read secrets, by their ids."""

from __future__ import annotations

from typing import Final

SECRETS_USER: Final = ("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6")

WIDE: Final = {
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
}
"""Roles that can change secrets."""

MANAGING: Final = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "f25e0fa2-a7c8-4377-a976-54943a77a395": "Key Vault Contributor",
}
"""Roles that manage the vault itself, and read no secret where roles decide."""
