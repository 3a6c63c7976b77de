"""Workload identity of AKS: a pod's service account token is exchanged at the authority for an identity's token.

https://learn.microsoft.com/en-us/azure/aks/workload-identity-overview
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.azure.identities.application import Application
from keyless.local.azure.identities.federated_credential import AUDIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.azure.azure import Azure, Identity

_YEAR = 365 * 86_400  # Seconds: a cluster renews the file every hour, here one lasts for as long as anything runs.


class Workload:
    """The cluster, which writes service account tokens into files.

    Args:
        azure: The local Azure whose identities get tokens.
        url: The authority's address, which must be https.
        folder: Where to put the files of service account tokens.
    """

    def __init__(self, azure: Azure, *, url: str, folder: Path) -> None:
        self._azure = azure
        self._url = url
        self._folder = folder

    def variables(self, identity: Identity | Application) -> dict[str, str]:
        """Return what the workload identity webhook puts into a pod whose service account is one of an identity.

        Args:
            identity: A user-assigned identity or an application, since only those can trust a cluster.
        """
        return {
            "AZURE_AUTHORITY_HOST": f"{self._url}/",
            "AZURE_TENANT_ID": self._azure.tenant_id,
            "AZURE_CLIENT_ID": identity.client_id,
            "AZURE_FEDERATED_TOKEN_FILE": str(self._file(identity)),
        }

    def _file(self, identity: Identity | Application) -> Path:
        if not isinstance(identity, Application) and identity.kind != "user":
            raise LocalAzureError(
                f"The identity {identity.name!r} cannot be a pod's.",
                cause="Only a user-assigned identity can trust a cluster's service accounts.",
                remedy="Name a user-assigned identity, or an application.",
            )
        file = self._folder / f"{identity.name}.token"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(self.service_account_token(identity))
        return file

    def service_account_token(self, identity: Identity | Application) -> str:
        """Return what a cluster's service account token says, for the account that an identity trusts."""
        now = int(self._azure.clock.now())
        return self._azure.tokens.sign(
            {
                "aud": [AUDIENCE],
                "iss": cluster_issuer(self._url),
                "sub": subject_of(identity.name),
                "iat": now,
                "nbf": now,
                "exp": now + _YEAR,
                "kubernetes.io": {"namespace": "default", "serviceaccount": {"name": identity.name}},
            }
        )


def cluster_issuer(url: str) -> str:
    """Return who gives out the tokens of the cluster that trusts an authority."""
    return f"{url}/cluster/"


def subject_of(name: str) -> str:
    """Return the service account that an identity or an application of a name trusts."""
    return f"system:serviceaccount:default:{name}"
