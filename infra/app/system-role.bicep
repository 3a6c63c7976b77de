// The one role of the system-assigned identity.

import { keyVaultSecretsUser } from 'built-in-roles.bicep'

@description('Object id of the system-assigned identity.')
param principalId string

@description('Name of the vault.')
param vaultName string

@description('Name of the secret that may be read.')
param secretName string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' existing = {
  parent: vault
  name: secretName
}

resource systemReadsSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(secret.id, principalId, keyVaultSecretsUser)
  scope: secret
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    description: 'The function reads the secret as its system-assigned identity.'
  }
}
