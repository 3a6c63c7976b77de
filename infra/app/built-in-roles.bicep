// Built-in roles by id: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles

@export()
@description('Key Vault Secrets User: read the values of secrets.')
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

@export()
@description('Storage Blob Data Owner: read, write and delete blobs, and set who may.')
var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'

@export()
@description('Monitoring Metrics Publisher: send telemetry.')
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
