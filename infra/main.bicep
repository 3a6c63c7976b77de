// A Python function that reads one Key Vault secret as a managed identity, and all that it needs. There is no key anywhere.
//
// Deploy with `azd up`, or: az deployment group create -g GROUP -f infra/main.bicep -p environmentName=NAME
targetScope = 'resourceGroup'

@description('Name of the environment. The names of all resources are derived from it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Location of all resources. Not every region has Flex Consumption: az functionapp list-flexconsumption-locations')
param location string = resourceGroup().location

@description('Name of the secret that the function reads.')
@minLength(1)
@maxLength(127)
param secretName string = 'db-password'

@description('Value of the secret. If empty, each deployment sets a new random value.')
@secure()
param secretValue string = ''

// The three switches are words, not booleans: azd drops a boolean that it cannot read, and az takes any word but "true" for
// false. A typing error would then open the vault, or overwrite the secret, without an error. Azure refuses a wrong word here.

@description('Set to "true" to leave the secret as it is. Otherwise each deployment sets a new version of it.')
@allowed(['true', 'false'])
#disable-next-line secure-secrets-in-params // A switch, not a secret.
param keepSecret string = 'false'

@description('Source of the random value. Do not set it.')
@secure()
param randomValue string = newGuid()

@description('Set to "true" to close the vault and the storage account to the internet. The function uses private endpoints.')
@allowed(['true', 'false'])
param privateNetwork string = 'false'

@description('Days for which a deleted vault or secret can be recovered. Its name stays taken for as long. Fixed once set.')
@minValue(7)
@maxValue(90)
param recoveryDays int = 7

@description('Set to "true" to recover the deleted vault of an earlier deployment with the same names.')
@allowed(['true', 'false'])
param recoverVault string = 'false'

@description('Email address for alerts. If empty, alerts only show in the portal.')
param alertEmail string = ''

@description('Python version of the function app.')
@allowed(['3.11', '3.12', '3.13', '3.14'])
param pythonVersion string = '3.13'

@description('Memory of each instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemory int = 2048

@description('Maximum number of instances of each function group. There are two groups: HTTP, and the rotation event.')
@minValue(1)
@maxValue(1000)
param mostInstances int = 40

@description('Number of instances that always run, and are always paid for. With 0, the first call after a pause is slow.')
@minValue(0)
param alwaysReady int = 0

var token = uniqueString(resourceGroup().id, environmentName)
var tags = { 'azd-env-name': environmentName }
// bool() fails for any other word, should one ever get this far.
var isPrivate = bool(privateNetwork)

module monitoring 'app/monitoring.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
  }
}

module userIdentity 'app/identity.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
  }
}

module vault 'app/vault.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
    secretName: secretName
    secretValue: empty(secretValue) ? randomValue : secretValue
    keepSecret: bool(keepSecret)
    recoveryDays: recoveryDays
    recoverVault: bool(recoverVault)
    workspaceResourceId: monitoring.outputs.workspaceResourceId
    privateNetwork: isPrivate
  }
}

module storage 'app/storage.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
    privateNetwork: isPrivate
  }
}

module network 'app/network.bicep' = if (isPrivate) {
  params: {
    token: token
    location: location
    tags: tags
    vaultResourceId: vault.outputs.resourceId
    storageResourceId: storage.outputs.resourceId
  }
}

// Given beside the function app, not after it: its host needs them as soon as it starts, and a role takes minutes to work.
module userRoles 'app/user-roles.bicep' = {
  params: {
    principalId: userIdentity.outputs.principalId
    vaultName: vault.outputs.name
    secretName: secretName
    storageName: storage.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module function 'app/function.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
    vaultUrl: vault.outputs.url
    secretName: secretName
    userIdentityResourceId: userIdentity.outputs.resourceId
    userIdentityClientId: userIdentity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    deploymentContainer: storage.outputs.deploymentContainer
    insightsConnectionString: monitoring.outputs.connectionString
    subnetResourceId: isPrivate ? network!.outputs.functionSubnetResourceId : null
    pythonVersion: pythonVersion
    instanceMemory: instanceMemory
    mostInstances: mostInstances
    alwaysReady: alwaysReady
  }
}

// This identity exists only once the function app does.
module systemRole 'app/system-role.bicep' = {
  params: {
    principalId: function.outputs.systemIdentityObjectId
    vaultName: vault.outputs.name
    secretName: secretName
  }
}

module alerts 'app/alerts.bicep' = {
  params: {
    token: token
    tags: tags
    vaultResourceId: vault.outputs.resourceId
    email: alertEmail
  }
}

@description('Location of all resources.')
output AZURE_LOCATION string = location

@description('URL of the function. Callers need a function key.')
output FUNCTION_URL string = '${function.outputs.url}/api/AcquireTokenMsi'

@description('Name of the function app.')
output FUNCTION_APP_NAME string = function.outputs.name

@description('URL of the vault.')
output KEY_VAULT_URL string = vault.outputs.url

@description('Name of the vault.')
output KEY_VAULT_NAME string = vault.outputs.name

@description('Name of the secret. Its value is never an output.')
output SECRET_NAME string = secretName

@description('Object id of the system-assigned identity.')
output SYSTEM_IDENTITY_OBJECT_ID string = function.outputs.systemIdentityObjectId

@description('Client id of the user-assigned identity.')
output USER_IDENTITY_CLIENT_ID string = userIdentity.outputs.clientId

@description('Object id of the user-assigned identity.')
output USER_IDENTITY_OBJECT_ID string = userIdentity.outputs.principalId

@description('Resource id of the user-assigned identity.')
output USER_IDENTITY_RESOURCE_ID string = userIdentity.outputs.resourceId
