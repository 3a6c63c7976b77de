// Where logs and metrics go. Nobody writes to it with a key.

@description('What makes names unique.')
param token string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags object

module workspace 'br/public:avm/res/operational-insights/workspace:0.16.1' = {
  params: {
    name: 'log-${token}'
    location: location
    tags: tags
    skuName: 'PerGB2018'
    dataRetention: 30
    features: { disableLocalAuth: true }
    enableTelemetry: false
  }
}

module insights 'br/public:avm/res/insights/component:0.8.0' = {
  params: {
    name: 'appi-${token}'
    location: location
    tags: tags
    workspaceResourceId: workspace.outputs.resourceId
    applicationType: 'web'
    disableLocalAuth: true
    enableTelemetry: false
  }
}

@description('The resource id of the Log Analytics workspace.')
output workspaceResourceId string = workspace.outputs.resourceId

@description('The name of the Application Insights component.')
output insightsName string = insights.outputs.name

@description('Where telemetry is sent. It names a place and opens nothing: senders need a token.')
output connectionString string = insights.outputs.connectionString
