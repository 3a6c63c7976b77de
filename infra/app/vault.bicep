// The vault and the one secret in it. Roles alone open it: see roles.bicep.

@description('What makes names unique.')
param token string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags object

@description('The name of the secret.')
param secretName string

@description('The value of the secret.')
@secure()
param secretValue string

@description('Whether the secret is there and stays as it is.')
param keepSecret bool

@description('How many days a deleted vault or secret can be recovered.')
param recoveryDays int

@description('Whether to recover the vault from the soft-deleted state.')
param recoverVault bool

@description('The Log Analytics workspace that hears of every request to the vault.')
param workspaceResourceId string

@description('Whether the vault is reached over a private endpoint alone.')
param privateNetwork bool

@description('The subnet of the private endpoint; unused without one.')
param subnetResourceId string

@description('The private DNS zone of the private endpoint; unused without one.')
param dnsZoneResourceId string

module vault 'br/public:avm/res/key-vault/vault:0.14.0' = {
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    sku: 'standard'
    createMode: recoverVault ? 'recover' : 'default'
    enableRbacAuthorization: true
    enablePurgeProtection: true
    enableSoftDelete: true
    softDeleteRetentionInDays: recoveryDays
    enableVaultForDeployment: false
    enableVaultForDiskEncryption: false
    enableVaultForTemplateDeployment: false
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
    privateEndpoints: privateNetwork
      ? [
          {
            subnetResourceId: subnetResourceId
            privateDnsZoneGroup: {
              privateDnsZoneGroupConfigs: [{ privateDnsZoneResourceId: dnsZoneResourceId }]
            }
          }
        ]
      : []
    secrets: keepSecret
      ? []
      : [
          {
            name: secretName
            value: secretValue
          }
        ]
    diagnosticSettings: [
      {
        workspaceResourceId: workspaceResourceId
        logAnalyticsDestinationType: 'Dedicated'
        logCategoriesAndGroups: [{ categoryGroup: 'audit' }]
        metricCategories: [{ category: 'AllMetrics' }]
      }
    ]
    enableTelemetry: false
  }
}

@description('The address of the vault, without the slash at its end.')
output url string = 'https://${vault.outputs.name}${environment().suffixes.keyvaultDns}'

@description('The name of the vault.')
output name string = vault.outputs.name

@description('The resource id of the vault.')
output resourceId string = vault.outputs.resourceId
