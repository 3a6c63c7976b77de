// Two alerts: the vault is asked too often, and somebody is denied a secret.

@description('Suffix that makes names unique.')
param token string

@description('Tags of all resources.')
param tags { *: string }

@description('Resource id of the vault to watch.')
param vaultResourceId string

@description('Email address to notify. If empty, nobody is notified.')
param email string

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'keyless'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

// The metric and its dimensions: https://learn.microsoft.com/en-us/azure/key-vault/general/monitor-key-vault-reference
resource throttled 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'vault-throttled-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The vault answered 429: more requests in ten seconds than it allows. Read through one SecretReader a process.'
    severity: 2
    enabled: true
    scopes: [vaultResourceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricNamespace: 'Microsoft.KeyVault/vaults'
          metricName: 'ServiceApiResult'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['429'] }]
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: people.id }]
  }
}

resource denied 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'vault-denied-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The vault denied a request with 403. The log AZKVAuditLogs says to whom; docs/errors.md says what to do.'
    severity: 2
    enabled: true
    scopes: [vaultResourceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'denied'
          metricNamespace: 'Microsoft.KeyVault/vaults'
          metricName: 'ServiceApiResult'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['403'] }]
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: people.id }]
  }
}
