"""A condition on a role assignment: read once, then decided for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.conditions.expressions import Facts, holds, why
from keyless.local.azure.authorization.conditions.parser import parse
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.azure.authorization.conditions.expressions import Expression

VERSION: Final = "2.0"
# Azure refuses more: https://learn.microsoft.com/en-us/azure/role-based-access-control/conditions-faq
_LONGEST = 8 * 1024

_VAULT_NAME = "microsoft.keyvault/vaults:name"
_SECRET_NAME = "microsoft.keyvault/vaults/secrets:name"  # noqa: S105 (an attribute's name)
# The secret may not exist before these, so its name is an attribute of the request.
_NAMED_BY_REQUEST = ("/setsecret/action", "/restore/action")


class Condition(Record, frozen=True):
    """A condition, as text and as what it means.

    Attributes:
        text: The condition as it was written.
        expression: Its meaning.
    """

    text: str
    expression: Expression

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a condition.

        Raises:
            ConfigurationError: If it is too long, or not a condition; the error names line, column and what can be there.
        """
        if len(text.encode()) > _LONGEST:
            raise ConfigurationError(
                "The condition is too long.",
                cause=f"Azure takes {_LONGEST:,} bytes at most, and this has {len(text.encode()):,}.",
                remedy="Shorten it, or split it over several role assignments.",
            )
        return cls(text, parse(text))

    def allows(self, facts: Facts) -> bool:
        """Return whether the role assignment takes effect for a call."""
        return holds(self.expression, facts)

    def reason(self, facts: Facts) -> str:
        """Return why it takes effect for a call, or why it does not."""
        return why(self.expression, facts)


def facts_of(action: str, *, vault: str, secret: str | None = None) -> Facts:
    """Return the attributes that Key Vault gives to conditions.

    https://learn.microsoft.com/en-us/azure/key-vault/general/rbac-attribute-based-access-control

    Args:
        action: The data action.
        vault: The vault's name.
        secret: The secret's name as the call spells it; None for a list, which has none.
    """
    resource = {_VAULT_NAME: vault}
    if secret is None:
        return Facts(action, resource, {})
    if action.lower().endswith(_NAMED_BY_REQUEST):
        return Facts(action, resource, {_SECRET_NAME: secret})
    return Facts(action, {**resource, _SECRET_NAME: secret}, {})
