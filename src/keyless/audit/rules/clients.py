"""The API version that a client calls, from its own name in its requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.rules.packages import faults_of

if TYPE_CHECKING:
    from keyless.audit.rules.packages import Ecosystem, Fault

# How programs name themselves in User-Agent, and which package that is.
_NAMES: Final[tuple[tuple[str, Ecosystem, str], ...]] = (
    (r"\bAZURECLI/(?P<version>[\d.]+)", "az", "azure-cli"),
    (r"\bazsdk-python-mgmt-keyvault/(?P<version>[\d.]+)", "pypi", "azure-mgmt-keyvault"),
    (r"\bazure-mgmt-keyvault/(?P<version>[\d.]+)", "pypi", "azure-mgmt-keyvault"),
    (r"\bazsdk-python-identity/(?P<version>[\d.]+)", "pypi", "azure-identity"),
    (r"\bazsdk-js-arm-keyvault/(?P<version>[\d.]+)", "npm", "@azure/arm-keyvault"),
    (r"\bAz\.KeyVault/(?P<version>[\d.]+)", "powershell", "az.keyvault"),
    (r"\bterraform-provider-azurerm/(?P<version>[\d.]+)", "terraform", "hashicorp/azurerm"),
)


def called_by(user_agent: str) -> tuple[Fault, ...]:
    """Return what is known against the program that sent a request, by its User-Agent.

    What only lacks something (rule KA-302) is left out: the request itself shows whether it was missed.

    Example::

        >>> [fault.remedy for fault in called_by("AZURECLI/2.75.0 (DEB) azsdk-python-core/1.31.0")]
        ['azure-cli 2.90.0 or newer']
    """
    return tuple(
        fault
        for pattern, ecosystem, name in _NAMES
        if (found := re.search(pattern, user_agent))
        for fault in faults_of(ecosystem, name)
        if fault.covers(found["version"]) and fault.rule != "KA-302"
    )
