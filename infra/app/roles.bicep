// Every role that the function's identities have, each at the smallest scope that will do.

@description('The name of the vault.')
param vaultName string

@description('The name of the one secret that may be read.')
param secretName string

@description('The name of the storage account.')
param storageName string

@description('The name of the Application Insights component.')
param insightsName string

@description('The object id of the system-assigned identity.')
param systemIdentityObjectId string

@description('The object id of the user-assigned identity.')
param userIdentityObjectId string

// https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' existing = {
  parent: vault
  name: secretName
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource systemReadsSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(secret.id, systemIdentityObjectId, keyVaultSecretsUser)
  scope: secret
  properties: {
    principalId: systemIdentityObjectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    description: 'The function reads the secret as its system-assigned identity.'
  }
}

resource userReadsSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(secret.id, userIdentityObjectId, keyVaultSecretsUser)
  scope: secret
  properties: {
    principalId: userIdentityObjectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    description: 'The function reads the secret as its user-assigned identity.'
  }
}

resource userOwnsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, userIdentityObjectId, storageBlobDataOwner)
  scope: storage
  properties: {
    principalId: userIdentityObjectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
    description: 'The Functions host keeps its records, and finds the published package, in the storage account.'
  }
}

resource userSendsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, userIdentityObjectId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: userIdentityObjectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
    description: 'The Functions host sends telemetry to Application Insights.'
  }
}
