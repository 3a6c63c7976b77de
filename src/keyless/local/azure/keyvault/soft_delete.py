"""How a vault keeps what was deleted: for how long, and how long deleting and recovering take."""

import math

from keyless.errors import ConfigurationError

# As recorded in 2022: https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/keyvault/azure-keyvault-secrets
DELETION_SECONDS = 4.0
RECOVERY_SECONDS = 4.0
_RETENTION_DAYS = range(7, 91)


def check_soft_delete(name: str, days: int, *delays: float, purge_protection: bool) -> None:
    """Refuse what no vault can have.

    Args:
        name: The vault's name, for the error.
        days: For how many days deleted secrets are kept.
        delays: How many seconds deleting and recovering take.
        purge_protection: Whether nobody may purge.

    Raises:
        ConfigurationError: If a number is out of range.
    """
    if days != 0 and days not in _RETENTION_DAYS:
        raise ConfigurationError(
            f"The vault {name} cannot keep deleted secrets for soft_delete_days={days}.",
            cause="Key Vault keeps them for 7 to 90 days.",
            remedy="Give 7 to 90, or 0 for a vault without soft delete.",
        )
    if purge_protection and not days:
        raise ConfigurationError(
            f"The vault {name} cannot have purge_protection.",
            cause="Its soft_delete_days are 0, so that there is nothing to protect.",
            remedy="Give it 7 to 90 soft_delete_days.",
        )
    if not all(0 <= delay < math.inf for delay in delays):
        raise ConfigurationError(
            f"The vault {name} cannot have deletion_seconds={delays[0]} and recovery_seconds={delays[1]}.",
            cause="A delay is a number of seconds that is not negative.",
            remedy="Give 0 for a change that is done at once.",
        )
