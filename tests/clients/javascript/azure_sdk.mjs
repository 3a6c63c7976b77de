// Reads secrets with @azure/identity and @azure/keyvault-secrets.
import { once } from "node:events";

import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

function credential() {
  if (process.env.CREDENTIAL === "default") return new DefaultAzureCredential();
  const { CLIENT_ID: clientId, OBJECT_ID: objectId, RESOURCE_ID: resourceId } = process.env;
  if (clientId) return new ManagedIdentityCredential({ clientId });
  if (objectId) return new ManagedIdentityCredential({ objectId });
  if (resourceId) return new ManagedIdentityCredential({ resourceId });
  return new ManagedIdentityCredential();
}

async function run(action, vaultUrl, name, version) {
  const client = new SecretClient(vaultUrl, credential());
  if (action === "list") {
    const names = [];
    for await (const found of client.listPropertiesOfSecrets()) names.push(found.name);
    return { names };
  }
  const values = [(await client.getSecret(name, { version })).value];
  if (action === "read-twice") {
    await once(process.stdin, "data");
    process.stdin.unref();
    values.push((await client.getSecret(name, { version })).value);
  }
  return { values };
}

const answer = await run(...process.argv.slice(2)).catch((error) => ({ error: String(error), status: error.statusCode }));
console.log(JSON.stringify(answer));
process.exit();
