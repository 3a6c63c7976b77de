"""The inputs of a deployment from outside its template: where it goes, what is new each time, and the secrets of vaults."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keyless.errors import KeylessError
from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.management import groups, vaults
from keyless.local.azure.management.groups import group_name
from keyless.local.azure.management.refusals import ArmError
from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.scope import Place

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body
    from keyless.local.azure.management.deployments.masking import Secrets
    from keyless.local.azure.management.deployments.requests import Requests

_DEPLOY: Final = "Microsoft.KeyVault/vaults/deploy/action"
_PARTS: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "T": "T", "Z": "Z"}
_STANDARD: Final = {"u": "yyyy-MM-dd HH:mm:ssZ", "d": "MM/dd/yyyy", "s": "yyyy-MM-ddTHH:mm:ss"}


def place_of(azure: Azure, group: str, requests: Requests) -> Place:
    """Return where a deployment goes.

    Raises:
        ArmError: If there is no such resource group.
    """
    subscription: Body = {
        "id": f"/subscriptions/{azure.subscription_id}",
        "subscriptionId": azure.subscription_id,
        "tenantId": azure.tenant_id,
        "displayName": "Keyless",
    }
    suffixes = {
        "acrLoginServer": ".azurecr.io",
        "keyvaultDns": ".vault.azure.net",
        "sqlServerHostname": ".database.windows.net",
        "storage": "core.windows.net",
    }
    environment: Body = {
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "portal": "https://portal.azure.com",
        "graph": "https://graph.windows.net/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": suffixes,
    }
    return Place(
        group=groups.get_group(azure, group),
        subscription=subscription,
        tenant={"tenantId": azure.tenant_id, "displayName": "Keyless"},
        environment=environment,
        deployer={"objectId": requests.object_id, "tenantId": azure.tenant_id},
    )


class FromOutside:
    """Gives new GUIDs, the time, and the secrets that the caller may use in a deployment.

    Args:
        azure: The local Azure.
        requests: Who deploys.
        secrets: Where each secret of a vault is noted.
    """

    def __init__(self, azure: Azure, requests: Requests, secrets: Secrets) -> None:
        self._azure = azure
        self._requests = requests
        self._secrets = secrets

    def new_guid(self) -> str:
        """Return a new GUID."""
        return str(uuid.uuid4())

    def utc_now(self, form: str) -> str:
        """Return the time in a form of .NET.

        Raises:
            TemplateError: If the form has a part that is not known here.
        """
        now = datetime.fromtimestamp(self._azure.clock.now(), UTC)

        def part(found: re.Match[str]) -> str:
            if found[0] not in _PARTS:
                raise TemplateError(f"The local Azure does not know the format '{form}' of utcNow.")
            return now.strftime(_PARTS[found[0]])

        return re.sub(r"([A-Za-z])\1*", part, _STANDARD.get(form, form))

    def secret(self, parameter: str, reference: Any) -> str:
        """Return the secret of a vault that is open for deployments, and that the caller may deploy from.

        Source: https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/key-vault-parameter

        Raises:
            ArmError: If there is none, or it may not be used so.
        """
        said = reference if isinstance(reference, dict) else {}
        holder = said.get("keyVault")
        vault_id = str(holder.get("id", "")) if isinstance(holder, dict) else ""
        name = str(said.get("secretName", ""))
        vault_name = vault_id.rstrip("/").rpartition("/")[2]
        found = vaults.get_vault(self._azure, group_name(vault_id), vault_name)
        if not found["properties"].get("enabledForTemplateDeployment"):
            raise _refused(parameter, "Forbidden", f"The vault '{vault_name}' is not enabled for template deployment.")
        caller = self._requests.object_id
        if not self._azure.role_assignments.allows_management(caller, _DEPLOY, ResourceScope(found["id"].lower())):
            problem = f"The client '{self._requests.client_id}' does not have permission to perform action '{_DEPLOY}'."
            raise _refused(parameter, "Forbidden", problem)
        version = said.get("secretVersion")
        try:
            secret = self._azure.vault(vault_name).get_secret(name, None if version is None else str(version))
        except KeylessError as error:
            raise _refused(parameter, "NotFound", error.what) from None
        if not secret.attributes.enabled:
            raise _refused(parameter, "Forbidden", "Operation get is not allowed on a disabled secret.")
        self._secrets.note(secret.value)
        return secret.value


def _refused(parameter: str, status: str, problem: str) -> ArmError:
    return ArmError(
        400,
        "KeyVaultParameterReferenceSecretRetrieveFailed",
        f"The secret of KeyVault parameter '{parameter}' cannot be retrieved. Http status code: '{status}'. Error message: "
        f"'{problem}'. Please see https://aka.ms/arm-keyvault for usage details.",
    )
