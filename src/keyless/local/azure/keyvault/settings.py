"""The settings of a vault, which can be changed while it is there."""

from __future__ import annotations

import math
from typing import Final, Literal

from msgspec import field

from keyless.clouds import CLOUDS
from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.firewall import Firewall
from keyless.local.record import Record

Access = Literal["rbac", "policies"]
RETENTION_DAYS: Final = range(7, 91)


class VaultSettings(Record, frozen=True, kw_only=True):
    """The settings of a vault.

    Attributes:
        cloud: The Azure cloud it is in, as ``keyless.clouds`` names it.
        tenant_id: The tenant whose tokens it accepts; None means that of the identities.
        soft_delete_days: For how long what was deleted can be recovered: 7 to 90 days; 0 means that deleting is for good,
            as in vaults made before 2020.
        purge_protection: Whether deleted objects stay for all those days, even if someone wants to purge them.
        deletion_seconds: How long a deletion takes after it was answered, and a purge too; during it the object's name
            answers to nothing. Four by default, as recorded in 2022:
            https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/keyvault/azure-keyvault-secrets
        recovery_seconds: How long a recovery takes after it was answered.
        issuance_seconds: How long a certificate takes to be there after it was ordered, and its cancellation too. Four by
            default: a vault was asked five seconds later in 2023, and had it.
        access: Whether roles or access policies say who may do what.
        firewall: The network rules.
        limits: Whether Azure's limit on requests holds: 4,000 in ten seconds.
    """

    cloud: str = CLOUDS[0].name
    tenant_id: str | None = None
    soft_delete_days: int = 90
    purge_protection: bool = False
    deletion_seconds: float = 4.0
    recovery_seconds: float = 4.0
    issuance_seconds: float = 4.0
    access: Access = "rbac"
    firewall: Firewall = field(default_factory=Firewall)
    limits: bool = False

    def check(self, name: str) -> None:
        """Refuse what no vault can have.

        Args:
            name: The vault's name, for the error.

        Raises:
            ConfigurationError: If there is no such cloud, or a number is out of range.
        """
        clouds = [cloud.name for cloud in CLOUDS]
        if self.cloud not in clouds:
            raise ConfigurationError(
                f"There is no cloud {self.cloud!r}.",
                cause="It is not an Azure cloud that Keyless knows.",
                remedy=f"Use one of {', '.join(clouds)}.",
            )
        if self.soft_delete_days != 0 and self.soft_delete_days not in RETENTION_DAYS:
            raise ConfigurationError(
                f"The vault {name} cannot keep what is deleted for soft_delete_days={self.soft_delete_days}.",
                cause="Key Vault keeps it for 7 to 90 days.",
                remedy="Give 7 to 90, or 0 for a vault without soft delete.",
            )
        if self.purge_protection and not self.soft_delete_days:
            raise ConfigurationError(
                f"The vault {name} cannot have purge_protection.",
                cause="Its soft_delete_days are 0, so that there is nothing to protect.",
                remedy="Give it 7 to 90 soft_delete_days.",
            )
        if not all(
            0 <= delay < math.inf for delay in (self.deletion_seconds, self.recovery_seconds, self.issuance_seconds)
        ):
            raise ConfigurationError(
                f"The vault {name} cannot have deletion_seconds={self.deletion_seconds}, "
                f"recovery_seconds={self.recovery_seconds} and issuance_seconds={self.issuance_seconds}.",
                cause="A delay is a number of seconds that is not negative.",
                remedy="Give 0 for a change that is done at once.",
            )
