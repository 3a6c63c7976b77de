"""What of Azure a local Azure can leave alone."""

from __future__ import annotations

from typing import Literal

Real = Literal["arm"]
"""``arm`` is the management plane: Azure Resource Manager, with Microsoft Entra ID and Microsoft Graph."""
