#!/bin/sh
# Run by azd once the function is published: connects the rotation event, shows three calls, and asks the doctor in the app.
# azd puts the subscription, the resource group and the outputs of infra/main.bicep into the environment.
set -eu

for name in AZURE_SUBSCRIPTION_ID AZURE_RESOURCE_GROUP AZURE_LOCATION FUNCTION_APP_NAME FUNCTION_URL KEY_VAULT_NAME SECRET_NAME \
    USER_IDENTITY_CLIENT_ID USER_IDENTITY_RESOURCE_ID; do
    if [ -z "$(printenv "$name")" ]; then
        echo "$name is not set. azd sets it: run azd provision, then azd hooks run postdeploy" >&2
        exit 1
    fi
done

connect_rotation() {
    # The subscription is named each time: az may be set to another than azd deploys to.
    az deployment group create --only-show-errors --output none --subscription "$AZURE_SUBSCRIPTION_ID" \
        --resource-group "$AZURE_RESOURCE_GROUP" --name keyless-rotation --template-file infra/rotation.json \
        --parameters "vaultName=$KEY_VAULT_NAME" "functionAppName=$FUNCTION_APP_NAME" "secretName=$SECRET_NAME" \
        "location=$AZURE_LOCATION"
}

if connect_rotation; then
    echo "SecretRotated is told of every new version of $SECRET_NAME; HTTP instances see it within six minutes (docs/deploy.md)."
else
    echo "The rotation event is not connected: a new version of $SECRET_NAME is seen within six minutes all the same."
    echo "To connect it: az login, then azd hooks run postdeploy"
fi

# The key is asked for by the reader's own shell: it is not printed, and stays out of logs.
cat <<CALLS

Three calls to paste:

  KEY=\$(az functionapp keys list --subscription $AZURE_SUBSCRIPTION_ID -g '$AZURE_RESOURCE_GROUP' -n '$FUNCTION_APP_NAME' \\
    --query functionKeys.default -o tsv)
  curl -H "x-functions-key: \$KEY" '$FUNCTION_URL'
  curl -H "x-functions-key: \$KEY" '$FUNCTION_URL?userAssignedClientId=$USER_IDENTITY_CLIENT_ID'
  curl -H "x-functions-key: \$KEY" '$FUNCTION_URL?userAssignedResourceId=$USER_IDENTITY_RESOURCE_ID'

CALLS

# The doctor looks from where the identity is: inside the app. The key reaches curl by a pipe, so no list of processes shows it.
look() {
    key=$(az functionapp keys list --only-show-errors --subscription "$AZURE_SUBSCRIPTION_ID" \
        --resource-group "$AZURE_RESOURCE_GROUP" --name "$FUNCTION_APP_NAME" --query functionKeys.default --output tsv) || return 1
    # Right after publishing the app may not answer yet: that is no report.
    printf 'header = "x-functions-key: %s"\n' "$key" | curl -fsS --max-time 60 --config - "${FUNCTION_URL%/*}/doctor"
}

echo "What the doctor finds in the app (docs/doctor.md):"
look || echo "It cannot be asked now. Later: curl -H \"x-functions-key: \$KEY\" '${FUNCTION_URL%/*}/doctor'"
