// One service of one resource, reached from a network: a private endpoint, and the DNS zone in which its name leads there.

@description('Name of the connection, which the name of the private endpoint is made from.')
param name string

@description('Location of the private endpoint, which is that of the network.')
param location string

@description('Tags of all resources.')
param tags { *: string }

@description('Name of the network.')
param networkName string

@description('Name of the subnet for the private endpoint.')
param subnetName string

@description('Resource id of the resource to reach.')
param targetResourceId string

@description('Service of that resource to reach, such as vault or blob.')
param service string

@description('Name of the private DNS zone of that service.')
param zoneName string

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' existing = {
  name: networkName
}

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: subnetName
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: zoneName
  location: 'global'
  tags: tags
}

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: '${networkName}-vnetlink'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: 'pep-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnet.id }
    privateLinkServiceConnections: [
      {
        name: name
        properties: {
          privateLinkServiceId: targetResourceId
          groupIds: [service]
        }
      }
    ]
  }
}

resource dnsRecord 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: zoneName
        properties: { privateDnsZoneId: zone.id }
      }
    ]
  }
}
