// A function that reads one secret as a managed identity, with everything that it stands on and no key anywhere.
//
// Deploy with `azd up`, or: az deployment group create -g GROUP -f infra/main.bicep -p environmentName=NAME
targetScope = 'resourceGroup'

@description('Names this deployment: it is part of what every resource name is derived from.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('The region of everything. Flex Consumption is not in all: az functionapp list-flexconsumption-locations')
param location string = resourceGroup().location

@description('The name of the secret that the function answers with.')
@minLength(1)
@maxLength(127)
param secretName string = 'db-password'

@description('The value of that secret. Empty means a random one, made anew by every deployment.')
@secure()
param secretValue string = ''

@description('True leaves the secret as it is: without it, a deployment sets the value above, or a random one, as a new version.')
param keepSecret bool = false

@description('Where the random value comes from. Leave it alone.')
@secure()
param randomValue string = newGuid()

@description('True shuts the vault to the internet: the function reaches it over a private endpoint in its own network.')
param privateNetwork bool = false

@description('How many days a deleted vault, or secret, can be recovered. Purge protection is on, so its name is taken for as long.')
@minValue(7)
@maxValue(90)
param recoveryDays int = 7

@description('True recovers the vault that an earlier deployment of this name left in the soft-deleted state.')
param recoverVault bool = false

@description('Who is told of throttled and of denied reads by mail. Empty means that the alerts show in the portal alone.')
param alertEmail string = ''

@description('The Python that runs the function.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.13'

@description('The memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemory int = 2048

@description('How many instances there may be at most. Each reads the vault once in five minutes.')
@minValue(40)
@maxValue(1000)
param mostInstances int = 40

@description('How many instances wait for calls at all times, and are paid for. None means that the first call after a pause is slow.')
@minValue(0)
param alwaysReady int = 0

var token = uniqueString(resourceGroup().id, environmentName)
var tags = { 'azd-env-name': environmentName }

module monitoring 'app/monitoring.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
  }
}

module network 'app/network.bicep' = if (privateNetwork) {
  params: {
    token: token
    location: location
    tags: tags
  }
}

module userIdentity 'br/public:avm/res/managed-identity/user-assigned-identity:0.6.0' = {
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
    enableTelemetry: false
  }
}

module vault 'app/vault.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
    secretName: secretName
    secretValue: empty(secretValue) ? randomValue : secretValue
    keepSecret: keepSecret
    recoveryDays: recoveryDays
    recoverVault: recoverVault
    workspaceResourceId: monitoring.outputs.workspaceResourceId
    privateNetwork: privateNetwork
    subnetResourceId: privateNetwork ? network!.outputs.endpointSubnetResourceId : ''
    dnsZoneResourceId: privateNetwork ? network!.outputs.dnsZoneResourceId : ''
  }
}

module storage 'app/storage.bicep' = {
  params: {
    token: token
    location: location
    tags: tags
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
    subnetResourceId: privateNetwork ? network!.outputs.functionSubnetResourceId : ''
    pythonVersion: pythonVersion
    instanceMemory: instanceMemory
    mostInstances: mostInstances
    alwaysReady: alwaysReady
  }
}

module roles 'app/roles.bicep' = {
  params: {
    vaultName: vault.outputs.name
    secretName: secretName
    storageName: storage.outputs.name
    insightsName: monitoring.outputs.insightsName
    systemIdentityObjectId: function.outputs.systemIdentityObjectId
    userIdentityObjectId: userIdentity.outputs.principalId
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

@description('The region of everything.')
output AZURE_LOCATION string = location

@description('Where the function is called. It wants a function key.')
output FUNCTION_URL string = '${function.outputs.url}/api/AcquireTokenMsi'

@description('The name of the function app.')
output FUNCTION_APP_NAME string = function.outputs.name

@description('The address of the vault.')
output KEY_VAULT_URL string = vault.outputs.url

@description('The name of the vault.')
output KEY_VAULT_NAME string = vault.outputs.name

@description('The name of the secret. Its value is no output.')
output SECRET_NAME string = secretName

@description('The object id of the system-assigned identity.')
output SYSTEM_IDENTITY_OBJECT_ID string = function.outputs.systemIdentityObjectId

@description('The client id of the user-assigned identity.')
output USER_IDENTITY_CLIENT_ID string = userIdentity.outputs.clientId

@description('The object id of the user-assigned identity.')
output USER_IDENTITY_OBJECT_ID string = userIdentity.outputs.principalId

@description('The resource id of the user-assigned identity.')
output USER_IDENTITY_RESOURCE_ID string = userIdentity.outputs.resourceId
