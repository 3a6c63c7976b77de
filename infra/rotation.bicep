// Tells the function app of a new version of a secret. The event reaches one instance; on Flex Consumption functions scale apart,
// so that it is none of those that answer HTTP, which see the new version within six minutes all the same.
//
// A deployment of its own: Event Grid looks for the function when it makes the subscription, so it comes after publishing.
targetScope = 'resourceGroup'

@description('Name of the vault.')
param vaultName string

@description('Name of the function app.')
param functionAppName string

@description('Name of the secret whose new versions are reported.')
param secretName string

@description('Location of the vault. The topic has to be there, too.')
param location string = resourceGroup().location

@description('Name of the system topic of the vault. A vault can have only one: if yours has one already, give its name.')
param topicName string = 'evgt-${vaultName}'

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: topicName
  location: location
  properties: {
    source: vault.id
    topicType: 'Microsoft.KeyVault.vaults'
  }
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'secret-rotated'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${app.id}/functions/SecretRotated'
        maxEventsPerBatch: 1
      }
    }
    filter: {
      includedEventTypes: ['Microsoft.KeyVault.SecretNewVersionCreated']
      // The subject of the event is the name of the secret.
      advancedFilters: [{ operatorType: 'StringIn', key: 'subject', values: [secretName] }]
    }
    eventDeliverySchema: 'EventGridSchema'
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 60
    }
  }
}
