// The vault, with one secret in it. Only roles open it: see user-roles.bicep and system-role.bicep.

@description('Suffix that makes names unique.')
param token string

@description('Location of the vault.')
param location string

@description('Tags of all resources.')
param tags { *: string }

@description('Name of the secret.')
param secretName string

@description('Value of the secret.')
@secure()
param secretValue string

@description('Leave the secret as it is, and do not set its value.')
param keepSecret bool

@description('Days for which a deleted vault or secret can be recovered.')
param recoveryDays int

@description('Recover the vault from the soft-deleted state.')
param recoverVault bool

@description('Resource id of the Log Analytics workspace for the audit log.')
param workspaceResourceId string

@description('Close the vault to the internet.')
param privateNetwork bool

// Versions before 2026-02-01 stop working on 2027-02-27.
resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    createMode: recoverVault ? 'recover' : 'default'
    // The default depends on the version above: it is always written down.
    enableRbacAuthorization: true
    accessPolicies: []
    enableSoftDelete: true
    softDeleteRetentionInDays: recoveryDays
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
      ipRules: []
      virtualNetworkRules: []
    }
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = if (!keepSecret) {
  parent: vault
  name: secretName
  tags: tags
  properties: {
    value: secretValue
    attributes: { enabled: true }
  }
}

#disable-next-line use-recent-api-versions // No stable version knows groups of categories.
resource auditLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: '${vault.name}-diagnosticSettings'
  properties: {
    workspaceId: workspaceResourceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ categoryGroup: 'audit', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('URL of the vault, without a slash at the end.')
output url string = 'https://${vault.name}${environment().suffixes.keyvaultDns}'

@description('Name of the vault.')
output name string = vault.name

@description('Resource id of the vault.')
output resourceId string = vault.id
