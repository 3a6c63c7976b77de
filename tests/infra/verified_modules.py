"""What the Azure Verified Modules take and give, at the versions used here, written by hand.

Source: https://github.com/Azure/bicep-registry-modules/tree/main/avm/res: the modules' sources and change logs, and templates
in public repositories that use these very versions. Only what a template of ours could sensibly use is listed, so a name
that is not here is looked up, in the README of its module, before it is added.
"""

from __future__ import annotations

from dataclasses import dataclass

_EVERYWHERE = frozenset({"name", "location", "tags", "lock", "roleAssignments", "enableTelemetry"})


@dataclass(frozen=True, slots=True)
class VerifiedModule:
    """One module.

    Attributes:
        version: The version that the lists were read for.
        required: The parameters that it cannot do without.
        optional: The others, beside those that every module has.
        outputs: What it gives.
    """

    version: str
    required: frozenset[str]
    optional: frozenset[str]
    outputs: frozenset[str]

    @property
    def parameters(self) -> frozenset[str]:
        """Every parameter that may be given."""
        return self.required | self.optional | _EVERYWHERE


def _module(version: str, *, required: str, optional: str = "", outputs: str) -> VerifiedModule:
    words = (frozenset(each.split()) for each in (required, optional, f"name resourceId {outputs}"))
    return VerifiedModule(version, *words)


VERIFIED_MODULES = {
    "web/site": _module(
        "0.24.0",
        required="name kind serverFarmResourceId",
        optional="managedIdentities keyVaultAccessIdentityResourceId httpsOnly publicNetworkAccess siteConfig functionAppConfig "
        "configs virtualNetworkSubnetResourceId outboundVnetRouting basicPublishingCredentialsPolicies diagnosticSettings "
        "privateEndpoints clientAffinityEnabled clientCertEnabled clientCertMode reserved enabled slots",
        outputs="defaultHostname systemAssignedMIPrincipalId location",
    ),
    "web/serverfarm": _module(
        "0.7.0",
        required="name",
        optional="skuName skuCapacity kind reserved zoneRedundant perSiteScaling diagnosticSettings",
        outputs="location",
    ),
    "key-vault/vault": _module(
        "0.14.0",
        required="name",
        optional="sku createMode accessPolicies secrets keys enableRbacAuthorization enablePurgeProtection enableSoftDelete "
        "softDeleteRetentionInDays enableVaultForDeployment enableVaultForDiskEncryption enableVaultForTemplateDeployment "
        "publicNetworkAccess networkAcls privateEndpoints diagnosticSettings",
        outputs="uri location secrets",
    ),
    "storage/storage-account": _module(
        "0.33.0",
        required="name",
        optional="kind skuName accessTier allowBlobPublicAccess allowSharedKeyAccess defaultToOAuthAuthentication "
        "minimumTlsVersion publicNetworkAccess networkAcls blobServices queueServices tableServices privateEndpoints "
        "supportsHttpsTrafficOnly diagnosticSettings",
        outputs="primaryBlobEndpoint location",
    ),
    "managed-identity/user-assigned-identity": _module(
        "0.6.0",
        required="name",
        optional="federatedIdentityCredentials isolationScope",
        outputs="principalId clientId location",
    ),
    "insights/component": _module(
        "0.8.0",
        required="name workspaceResourceId",
        optional="applicationType disableLocalAuth disableIpMasking kind retentionInDays samplingPercentage "
        "publicNetworkAccessForIngestion publicNetworkAccessForQuery diagnosticSettings flowType requestSource",
        outputs="connectionString instrumentationKey applicationId location",
    ),
    "operational-insights/workspace": _module(
        "0.16.1",
        required="name",
        optional="skuName dataRetention dailyQuotaGb features publicNetworkAccessForIngestion publicNetworkAccessForQuery",
        outputs="logAnalyticsWorkspaceId location",
    ),
    "network/virtual-network": _module(
        "0.9.0",
        required="name addressPrefixes",
        optional="subnets dnsServers peerings diagnosticSettings",
        outputs="subnetResourceIds subnetNames location",
    ),
    "network/private-dns-zone": _module(
        "0.8.1", required="name", optional="virtualNetworkLinks a cname", outputs="location"
    ),
}
