// Log Analytics and Application Insights. Keys are off: a writer needs a role.

@description('Suffix that makes names unique.')
param token string

@description('Location of all resources.')
param location string

@description('Tags of all resources.')
param tags { *: string }

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    features: {
      disableLocalAuth: true
      // Whoever may read the vault may read the vault's logs, and no others.
      enableLogAccessUsingOnlyResourcePermissions: true
    }
    // No limit on what a day's logs cost: a limit would stop the audit log of the vault as well.
    workspaceCapping: { dailyQuotaGb: -1 }
    publicNetworkAccessForIngestion: 'Enabled'
    publicNetworkAccessForQuery: 'Enabled'
    // Saved queries need no storage account of their own.
    forceCmkForQuery: false
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
    // The last part of a caller's IP address is not stored.
    DisableIpMasking: false
    publicNetworkAccessForIngestion: 'Enabled'
    publicNetworkAccessForQuery: 'Enabled'
  }
}

@description('Resource id of the Log Analytics workspace.')
output workspaceResourceId string = workspace.id

@description('Name of the Application Insights component.')
output insightsName string = insights.name

@description('Connection string of Application Insights. It names a place and opens nothing: senders need a role.')
output connectionString string = insights.properties.ConnectionString
