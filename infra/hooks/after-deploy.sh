#!/bin/sh
# Run by azd once the function is published: connects the rotation event, shows three calls, and asks the doctor in the app.
# azd puts the outputs of infra/main.bicep into the environment.
set -eu

connect_rotation() {
    az deployment group create --only-show-errors --output none \
        --resource-group "$AZURE_RESOURCE_GROUP" --name keyless-rotation --template-file infra/rotation.bicep \
        --parameters "vaultName=$KEY_VAULT_NAME" "functionAppName=$FUNCTION_APP_NAME" "secretName=$SECRET_NAME"
}

if connect_rotation; then
    echo "The function is told of every new version of $SECRET_NAME."
else
    echo "The rotation event is not connected: a new version of $SECRET_NAME is seen within six minutes all the same."
    echo "To connect it: az login, then sh infra/hooks/after-deploy.sh"
fi

# The key is asked for by the reader's own shell: it is not printed, and stays out of logs.
cat <<CALLS

Three calls to paste:

  KEY=\$(az functionapp keys list -g $AZURE_RESOURCE_GROUP -n $FUNCTION_APP_NAME --query functionKeys.default -o tsv)
  curl -H "x-functions-key: \$KEY" '$FUNCTION_URL'
  curl -H "x-functions-key: \$KEY" '$FUNCTION_URL?userAssignedClientId=$USER_IDENTITY_CLIENT_ID'
  curl -H "x-functions-key: \$KEY" '$FUNCTION_URL?userAssignedResourceId=$USER_IDENTITY_RESOURCE_ID'

CALLS

# The doctor looks from where the identity is: inside the app. The key reaches curl by a pipe, so no list of processes shows it.
look() {
    key=$(az functionapp keys list --only-show-errors --resource-group "$AZURE_RESOURCE_GROUP" --name "$FUNCTION_APP_NAME" \
        --query functionKeys.default --output tsv) || return 1
    printf 'header = "x-functions-key: %s"\n' "$key" | curl -sS --max-time 60 --config - "${FUNCTION_URL%/*}/doctor"
}

echo "What the doctor finds in the app (docs/doctor.md):"
look || echo "It cannot be asked now. Later: curl -H \"x-functions-key: \$KEY\" '${FUNCTION_URL%/*}/doctor'"
