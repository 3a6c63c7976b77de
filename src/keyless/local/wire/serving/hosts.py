"""The names of this machine, and the hosts of Azure that the local Azure answers for beside the vaults, in every cloud."""

from __future__ import annotations

from typing import Final

from keyless.clouds import CLOUDS

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""The names of this machine for itself."""
LOGIN_HOSTS: Final = (
    *(cloud.authority for cloud in CLOUDS),
    *("login.windows.net", "login.microsoft.com", "sts.windows.net", "login-us.microsoftonline.com"),
    *("login.partner.microsoftonline.cn", "login.usgovcloudapi.net"),
)
"""Every host that clients know as Microsoft Entra ID.

Source: https://github.com/AzureAD/microsoft-authentication-library-for-python/blob/dev/msal/authority.py
"""
ARM_HOSTS: Final = ("management.azure.com", "management.chinacloudapi.cn", "management.usgovcloudapi.net")
"""Azure Resource Manager, in the order of the clouds.

Source: https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/core/azure-mgmt-core/azure/mgmt/core/tools.py
"""
GRAPH_HOSTS: Final = ("graph.microsoft.com", "microsoftgraph.chinacloudapi.cn", "graph.microsoft.us")
"""Microsoft Graph, in the order of the clouds.

Source: https://learn.microsoft.com/en-us/graph/deployments#microsoft-graph-and-graph-explorer-service-root-endpoints
"""
SERVICE_HOSTS: Final = (*LOGIN_HOSTS, *ARM_HOSTS, *GRAPH_HOSTS)
