// Where the function's package and the host's own records lie. It has no keys.

@description('What makes names unique.')
param token string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags object

var container = 'app-package'

module account 'br/public:avm/res/storage/storage-account:0.33.0' = {
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    kind: 'StorageV2'
    skuName: 'Standard_LRS'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    // The module denies by default; here a token is what opens the account.
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
    blobServices: {
      containers: [{ name: container }]
    }
    enableTelemetry: false
  }
}

@description('The name of the storage account.')
output name string = account.outputs.name

@description('The address of its blobs.')
output blobEndpoint string = account.outputs.primaryBlobEndpoint

@description('The container for the package of the function.')
output deploymentContainer string = container
