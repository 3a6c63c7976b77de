"""Azure Resource Manager on the wire: ``management.azure.com``."""

from typing import Final

LARGEST_BODY: Final = 4 * 1024 * 1024
"""The most bytes that a body may have, as in Azure."""
