// A network for the function app, with private endpoints of the vault and of the storage account.

@description('Suffix that makes names unique.')
param token string

@description('Location of all resources.')
param location string

@description('Tags of all resources.')
param tags { *: string }

@description('Resource id of the vault.')
param vaultResourceId string

@description('Resource id of the storage account.')
param storageResourceId string

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [
      {
        name: 'function'
        properties: {
          addressPrefix: '10.0.0.0/24'
          delegations: [
            {
              name: 'Microsoft.App/environments'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
          // Telemetry goes to the internet. From version 2025-07-01 on, Azure closes new subnets unless told otherwise.
          defaultOutboundAccess: true
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.0.1.0/24'
          defaultOutboundAccess: false
        }
      }
    ]
  }
}

resource functionSubnet 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'function'
}

resource endpointSubnet 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'endpoints'
}

module vaultEndpoint 'private-endpoint.bicep' = {
  params: {
    name: 'kv-${token}-vault-0'
    location: location
    tags: tags
    networkName: network.name
    subnetName: endpointSubnet.name
    targetResourceId: vaultResourceId
    service: 'vault'
    // privatelink.vaultcore.azure.net, or its name in another cloud.
    zoneName: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
  }
}

module blobEndpoint 'private-endpoint.bicep' = {
  params: {
    name: 'st${token}-blob-0'
    location: location
    tags: tags
    networkName: network.name
    subnetName: endpointSubnet.name
    targetResourceId: storageResourceId
    service: 'blob'
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
  }
}

@description('Resource id of the subnet of the function app.')
output functionSubnetResourceId string = functionSubnet.id
