#!/bin/sh
# From an empty subscription to a secret: the identity, the role, the call. In the folder of Keyless:
#
#     keyless run --config examples/walk/keyless.toml --functions function_app -- sh examples/walk/walk.sh
#
# Every command is one of the Azure CLI, unmodified. Without `keyless run`, the same lines set up a function app of yours in
# Azure: sign in as yourself, and set URL to its address.
set -eu
# The value is made here, so that none is in this file.
VALUE=$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')
export AZURE_CORE_ONLY_SHOW_ERRORS=1 AZURE_CORE_OUTPUT=none

TENANT=8f9e3b1c-4d52-4c0a-9a64-5a1d2f7e6b30
OPERATOR=5d0c1a6e-2f43-4f0b-8e0d-7b9f4c2a1e58
PASSWORD=this-opens-the-local-azure-alone
GROUP=rg-walk VAULT=kv-walk SECRET=db-password
URL=${KEYLESS_FUNCTIONS_URL:?"Start it with keyless run --functions DIR"}/api/AcquireTokenMsi

say() { printf '%s\n' "$*"; }

# Call the function until it answers with a status: it starts again when its identity or its settings change.
call() {
    say "Call the function: $2"
    for _ in $(seq 60); do
        status=$(curl --silent --output /dev/null --write-out '%{http_code}' -H "x-functions-key: $KEY" "$URL$3") || true
        if [ "$status" = "$1" ]; then say "  $status"; return; fi
        sleep 0.5
    done
    say "  $status, and not $1"
    exit 1
}

say "Sign in"
az login --service-principal --username $OPERATOR --password $PASSWORD --tenant $TENANT
set -- $(az functionapp list --query '[0].[resourceGroup, name]' --output tsv)
APP_GROUP=$1 APP=$2
KEY=$(az functionapp keys list -g "$APP_GROUP" -n "$APP" --query functionKeys.default --output tsv)

say "Make a group and a vault, and tell the function of them"
az group create --name $GROUP --location westeurope
az keyvault create --resource-group $GROUP --name $VAULT
az functionapp config appsettings set -g "$APP_GROUP" -n "$APP" \
    --settings KEY_VAULT_URL=https://$VAULT.vault.azure.net SECRET_NAME=$SECRET
call 503 "it has no identity" ""

say "Enable its identity, and give it a user-assigned one"
READER=$(az identity create --resource-group $GROUP --name id-walk --query id --output tsv)
PRINCIPAL=$(az functionapp identity assign -g "$APP_GROUP" -n "$APP" --identities '[system]' "$READER" \
    --query principalId --output tsv)
CLIENT=$(az identity show --ids "$READER" --query clientId --output tsv)
call 403 "it has an identity and no role" ""
call 403 "the user-assigned one has no role" "?userAssignedClientId=$CLIENT"

say "Set the secret, which needs a role, too: an Owner has no right to it"
SCOPE=$(az keyvault show --name $VAULT --query id --output tsv)
if az keyvault secret set --vault-name $VAULT --name $SECRET --value "$VALUE" 2>/dev/null; then say "  not refused"; exit 1; fi
az role assignment create --role 'Key Vault Secrets Officer' --scope "$SCOPE" \
    --assignee-object-id "$(az ad sp show --id $OPERATOR --query id --output tsv)" --assignee-principal-type ServicePrincipal
az keyvault secret set --vault-name $VAULT --name $SECRET --value "$VALUE"

say "Assign the role, on the one secret"
az role assignment create --role 'Key Vault Secrets User' --scope "$SCOPE/secrets/$SECRET" \
    --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal
call 200 "it reads the secret" ""
call 403 "the user-assigned one still has no role" "?userAssignedClientId=$CLIENT"
az role assignment create --role 'Key Vault Secrets User' --scope "$SCOPE/secrets/$SECRET" \
    --assignee-object-id "$(az identity show --ids "$READER" --query principalId --output tsv)" \
    --assignee-principal-type ServicePrincipal
call 200 "it reads the secret, too" "?userAssignedClientId=$CLIENT"

say "Take the role away, and restart the app, which keeps a value for some minutes"
az role assignment delete --assignee "$PRINCIPAL" --scope "$SCOPE/secrets/$SECRET"
az functionapp restart -g "$APP_GROUP" -n "$APP"
call 403 "the role is gone" ""
