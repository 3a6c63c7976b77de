// The function app, on Flex Consumption, with a system-assigned and a user-assigned identity.

@description('What makes names unique.')
param token string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags object

@description('The address of the vault that the function reads.')
param vaultUrl string

@description('The name of the secret that the function reads.')
param secretName string

@description('The resource id of the user-assigned identity.')
param userIdentityResourceId string

@description('The client id of the user-assigned identity.')
param userIdentityClientId string

@description('The address of the storage account that the host uses.')
param blobEndpoint string

@description('The container that the package is published to.')
param deploymentContainer string

@description('Where telemetry is sent.')
param insightsConnectionString string

@description('The subnet to send from; empty means none.')
param subnetResourceId string

@description('The version of Python.')
param pythonVersion string

@description('The memory of an instance, in MB.')
param instanceMemory int

@description('How many instances there may be at most.')
param mostInstances int

@description('How many instances wait at all times.')
param alwaysReady int

module plan 'br/public:avm/res/web/serverfarm:0.7.0' = {
  params: {
    name: 'plan-${token}'
    location: location
    tags: tags
    skuName: 'FC1'
    reserved: true
    zoneRedundant: false
    enableTelemetry: false
  }
}

module app 'br/public:avm/res/web/site:0.24.0' = {
  params: {
    name: 'func-${token}'
    location: location
    // azd finds by this tag where to publish: it equals the service's name in azure.yaml.
    tags: union(tags, { 'azd-service-name': 'api' })
    kind: 'functionapp,linux'
    serverFarmResourceId: plan.outputs.resourceId
    managedIdentities: {
      systemAssigned: true
      userAssignedResourceIds: [userIdentityResourceId]
    }
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetResourceId: empty(subnetResourceId) ? null : subnetResourceId
    // Passwords for publishing: nobody needs them.
    basicPublishingCredentialsPolicies: [
      { name: 'ftp', allow: false }
      { name: 'scm', allow: false }
    ]
    siteConfig: {
      alwaysOn: false
      minTlsVersion: '1.2'
    }
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
    configs: [
      {
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
    ]
    enableTelemetry: false
  }
}

@description('The name of the function app.')
output name string = app.outputs.name

@description('The address of the function app, without a path.')
output url string = 'https://${app.outputs.defaultHostname}'

@description('The object id of the system-assigned identity.')
output systemIdentityObjectId string = app.outputs.?systemAssignedMIPrincipalId ?? ''
