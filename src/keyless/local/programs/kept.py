"""The variables of an identity that a program keeps: those that are about the local Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure

_OF_APPLICATIONS: Final = (
    *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
)


def kept_variables(environment: Mapping[str, str], azure: Azure, *, local_login: bool) -> dict[str, str]:
    """Return the variables that stay.

    Args:
        environment: The variables before.
        azure: The local Azure that the program is to use.
        local_login: Whether Microsoft Entra ID is local; where it is not, nothing is shown to it.
    """
    client_id, tenant_id = (environment.get(name, "").lower() for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"))
    applications = (
        {found.client_id.lower() for found in azure.directory.applications.values()} if local_login else set()
    )
    identities = {found.client_id.lower() for found in azure.identities.values()}
    names: list[str] = []
    if client_id in identities | applications:
        names.append("AZURE_CLIENT_ID")
    if tenant_id == azure.tenant_id:
        names.append("AZURE_TENANT_ID")
    if client_id in applications and tenant_id == azure.tenant_id:
        names += _OF_APPLICATIONS
    return {name: environment[name] for name in names if name in environment}
