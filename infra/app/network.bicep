// A network of the function's own, with the vault's private endpoint in it and the name that leads there.

@description('What makes names unique.')
param token string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags object

module network 'br/public:avm/res/network/virtual-network:0.9.0' = {
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addressPrefixes: ['10.0.0.0/16']
    subnets: [
      {
        name: 'function'
        addressPrefix: '10.0.0.0/24'
        delegation: 'Microsoft.App/environments'
      }
      {
        name: 'endpoints'
        addressPrefix: '10.0.1.0/24'
      }
    ]
    enableTelemetry: false
  }
}

module dnsZone 'br/public:avm/res/network/private-dns-zone:0.8.1' = {
  params: {
    name: 'privatelink.vaultcore.azure.net'
    tags: tags
    virtualNetworkLinks: [{ virtualNetworkResourceId: network.outputs.resourceId }]
    enableTelemetry: false
  }
}

@description('The subnet that the function sends from.')
output functionSubnetResourceId string = network.outputs.subnetResourceIds[0]

@description('The subnet that private endpoints stand in.')
output endpointSubnetResourceId string = network.outputs.subnetResourceIds[1]

@description('The private DNS zone of Key Vault.')
output dnsZoneResourceId string = dnsZone.outputs.resourceId
