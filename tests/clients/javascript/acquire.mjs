// Asks for a token as each client and identity that the first argument lists, and prints what came of it.
// One process knows one source: MSAL keeps the one that it found first.

import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { ManagedIdentityApplication } from "@azure/msal-node";

const RESOURCE = "https://vault.azure.net";

const clients = {
  async "js-identity"({ client_id, object_id, resource_id }) {
    const named = client_id ? { clientId: client_id } : object_id ? { objectId: object_id } : { resourceId: resource_id };
    const credential = client_id || object_id || resource_id ? new ManagedIdentityCredential(named) : new ManagedIdentityCredential();
    return (await credential.getToken(`${RESOURCE}/.default`)).token;
  },
  async "js-default"({ client_id }) {
    const credential = new DefaultAzureCredential(client_id ? { managedIdentityClientId: client_id } : {});
    return (await credential.getToken(`${RESOURCE}/.default`)).token;
  },
  async "js-msal"({ client_id, object_id, resource_id }) {
    const named = client_id
      ? { userAssignedClientId: client_id }
      : object_id
        ? { userAssignedObjectId: object_id }
        : { userAssignedResourceId: resource_id };
    const application = new ManagedIdentityApplication(
      client_id || object_id || resource_id ? { managedIdentityIdParams: named } : {},
    );
    return (await application.acquireToken({ resource: RESOURCE })).accessToken;
  },
};

const cells = JSON.parse(process.argv[2]);
const outcomes = await Promise.all(
  cells.map(async ({ client, ids }) => {
    try {
      return { token: await clients[client](ids) };
    } catch (error) {
      return { error: `${error.name}: ${error.message}` };
    }
  }),
);
console.log(JSON.stringify(outcomes));
process.exit(0);
