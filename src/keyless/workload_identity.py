"""The identity of a pod: its service account's token is exchanged for a token of Microsoft Entra.

Source: https://learn.microsoft.com/en-us/azure/aks/workload-identity-overview
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyless._remedies.host import GUID
from keyless._remedies.sources import WORKLOAD, offered_source
from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TENANT = rf"{GUID}|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_AUTHORITY = r"https://[A-Za-z0-9.-]+(:\d{1,5})?/?"
_PUBLIC_CLOUD = "https://login.microsoftonline.com/"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadIdentity:
    """Workload identity, in AKS or in any cluster whose service accounts an identity in Azure trusts.

    The webhook of workload identity sets four variables in a pod. What is not given here is read from them when the reader
    is made. The file is read again for each token, since the cluster replaces it every hour.

    Example:
        >>> from keyless import SecretReader, WorkloadIdentity
        >>> identity = WorkloadIdentity(
        ...     client_id="11111111-1111-1111-1111-111111111111",
        ...     tenant_id="22222222-2222-2222-2222-222222222222",
        ...     token_file="/var/run/secrets/azure/tokens/azure-identity-token",
        ... )
        >>> SecretReader("https://contoso-kv.vault.azure.net", identity=identity).close()

    Attributes:
        client_id: The client id of the identity; else ``AZURE_CLIENT_ID``.
        tenant_id: Its tenant; else ``AZURE_TENANT_ID``.
        token_file: The path of the file with the service account's token; else ``AZURE_FEDERATED_TOKEN_FILE``.
        authority_host: The address of Microsoft Entra; else ``AZURE_AUTHORITY_HOST``, else that of the public cloud.
    """

    client_id: str | None = None
    tenant_id: str | None = None
    token_file: str | os.PathLike[str] | None = None
    authority_host: str | None = None

    @staticmethod
    def is_offered(environment: Mapping[str, str] | None = None) -> bool:
        """Return whether a reader that is given no identity takes this one: a pod's variables are there, and none before them.

        Args:
            environment: The variables; None means those of this process.
        """
        variables = os.environ if environment is None else environment
        return offered_source(variables, agent=None) is WORKLOAD

    def resolved(self, environment: Mapping[str, str] | None = None) -> WorkloadIdentity:
        """Return it with everything filled in.

        Args:
            environment: The variables; None means those of this process.

        Raises:
            ConfigurationError: If something is given nowhere, or cannot be what it should be.
        """
        variables = os.environ if environment is None else environment

        def read(given: object, variable: str) -> str:
            return (variables.get(variable, "") if given is None else str(given)).strip()

        found = {
            "client_id": read(self.client_id, "AZURE_CLIENT_ID"),
            "tenant_id": read(self.tenant_id, "AZURE_TENANT_ID"),
            "token_file": read(self.token_file, "AZURE_FEDERATED_TOKEN_FILE"),
            "authority_host": read(self.authority_host, "AZURE_AUTHORITY_HOST") or _PUBLIC_CLOUD,
        }
        _check(found)
        return WorkloadIdentity(**found)


def _check(found: Mapping[str, str]) -> None:
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ConfigurationError(
            f"The workload identity has no {' and no '.join(missing)}.",
            cause=f"What is not given to WorkloadIdentity is read from {', '.join(WORKLOAD.variables)}, which a pod "
            'has whose label azure.workload.identity/use is "true". Not all of them are set here.',
            remedy="On a laptop, give the program CMD a local Azure that is a pod: `keyless run --source workload -- CMD`. In a "
            "cluster, give the pod the label and its service account the annotation azure.workload.identity/client-id, and start "
            "it again. https://learn.microsoft.com/en-us/azure/aks/workload-identity-deploy-cluster",
        )
    forms = {"client_id": GUID, "tenant_id": _TENANT, "authority_host": _AUTHORITY}
    for name, form in forms.items():
        if not re.fullmatch(form, found[name]):
            raise ConfigurationError(
                f"The {name} {found[name][:200]!r} of the workload identity is not valid.",
                cause=f"A {name} is {_FORMS[name]}.",
                remedy=f"Give WorkloadIdentity another {name}, or correct the variable AZURE_{name.upper()}.",
            )


_FORMS = {
    "client_id": "a GUID",
    "tenant_id": "a GUID or a domain",
    "authority_host": f"an https address, such as {_PUBLIC_CLOUD}",
}
