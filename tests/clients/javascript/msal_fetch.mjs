// Reads secrets with @azure/msal-node's token and fetch.
import { once } from "node:events";

import { ManagedIdentityApplication } from "@azure/msal-node";

function application() {
  const { CLIENT_ID, OBJECT_ID, RESOURCE_ID } = process.env;
  const managedIdentityIdParams = {
    userAssignedClientId: CLIENT_ID,
    userAssignedObjectId: OBJECT_ID,
    userAssignedResourceId: RESOURCE_ID,
  };
  return new ManagedIdentityApplication({ managedIdentityIdParams });
}

const identity = application();

async function get(url) {
  const { accessToken } = await identity.acquireToken({ resource: "https://vault.azure.net" });
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${accessToken}` } });
  if (!answer.ok) throw Object.assign(new Error(await answer.text()), { statusCode: answer.status });
  return answer.json();
}

async function run(action, vaultUrl, name, version = "") {
  if (action === "list") {
    const names = [];
    for (let url = `${vaultUrl}/secrets?api-version=7.4`; url; ) {
      const page = await get(url);
      names.push(...page.value.map((found) => found.id.split("/").pop()));
      url = page.nextLink;
    }
    return { names };
  }
  const url = `${vaultUrl}/secrets/${name}/${version}?api-version=7.4`;
  const values = [(await get(url)).value];
  if (action === "read-twice") {
    await once(process.stdin, "data");
    values.push((await get(url)).value);
  }
  return { values };
}

const answer = await run(...process.argv.slice(2)).catch((error) => ({
  error: `${error} ${error.cause ?? ""}`,
  status: error.statusCode,
}));
console.log(JSON.stringify(answer));
process.exit();
