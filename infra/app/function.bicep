// The function app, on Flex Consumption, with a system-assigned and a user-assigned identity.

@description('Suffix that makes names unique.')
param token string

@description('Location of all resources.')
param location string

@description('Tags of all resources.')
param tags { *: string }

@description('URL of the vault.')
param vaultUrl string

@description('Name of the secret.')
param secretName string

@description('Resource id of the user-assigned identity.')
param userIdentityResourceId string

@description('Client id of the user-assigned identity.')
param userIdentityClientId string

@description('URL of the blobs of the storage account, with a slash at the end.')
param blobEndpoint string

@description('Name of the container for the published package.')
param deploymentContainer string

@description('Connection string of Application Insights.')
param insightsConnectionString string

@description('Resource id of the subnet that the app sends from. If null, it sends from none.')
param subnetResourceId string?

@description('Python version.')
param pythonVersion string

@description('Memory of each instance, in MB.')
param instanceMemory int

@description('Maximum number of instances of each function group.')
param mostInstances int

@description('Number of instances that always run.')
param alwaysReady int

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'app'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: false
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  // azd publishes to the app with this tag: it is the name of the service in azure.yaml.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'SystemAssigned, UserAssigned'
    userAssignedIdentities: { '${userIdentityResourceId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: subnetResourceId
    // Every instance can answer every call, so callers get no cookie that ties them to one.
    clientAffinityEnabled: false
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: userIdentityResourceId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: mostInstances
        // Without this a Python app gets one call at a time, and each further caller waits for an instance of its own.
        triggers: {
          http: { perInstanceConcurrency: 100 }
        }
        alwaysReady: alwaysReady == 0 ? [] : [{ name: 'http', instanceCount: alwaysReady }]
      }
    }
  }
}

// All settings of the app: a deployment removes any other.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    KEY_VAULT_URL: vaultUrl
    SECRET_NAME: secretName
    // For functions without async: by default they share the number of processors and four threads.
    PYTHON_THREADPOOL_THREAD_COUNT: '32'
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: userIdentityClientId
    AzureWebJobsStorage__blobServiceUri: blobEndpoint
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${userIdentityClientId};Authorization=AAD'
  }
}

// No passwords for publishing.
resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scmPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

@description('Name of the function app.')
output name string = app.name

@description('URL of the function app, without a path.')
output url string = 'https://${app.properties.defaultHostName}'

@description('Object id of the system-assigned identity.')
output systemIdentityObjectId string = app.identity.principalId
