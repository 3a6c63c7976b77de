// Reads a secret with older clients, which know App Service by MSI_ENDPOINT and MSI_SECRET alone: node read.mjs CLIENT ...
import https from "node:https";

const RESOURCE = "https://vault.azure.net";
const CLIENTS = {
  "1.1": async () => new (await import("azure-identity-1.1")).ManagedIdentityCredential().getToken(`${RESOURCE}/.default`),
  "1.5": async () => new (await import("azure-identity-1.5")).ManagedIdentityCredential().getToken(`${RESOURCE}/.default`),
  nodeauth: async () => {
    const { loginWithAppServiceMSI } = await import("@azure/ms-rest-nodeauth");
    return (await loginWithAppServiceMSI({ resource: RESOURCE })).getToken();
  },
};

async function run(client, action, vaultUrl, name) {
  const found = await CLIENTS[client]();
  const headers = { Authorization: `Bearer ${found.token ?? found.accessToken}` };
  const answer = await new Promise((done, failed) => {
    https.get(`${vaultUrl}/secrets/${name}?api-version=7.4`, { headers }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      done({ status: response.statusCode, text });
    }).on("error", failed);
  });
  return answer.status === 200 ? { values: [JSON.parse(answer.text).value] } : { error: answer.text, status: answer.status };
}

const answer = await run(...process.argv.slice(2)).catch((error) => ({ error: String(error) }));
console.log(JSON.stringify(answer));
process.exit();
