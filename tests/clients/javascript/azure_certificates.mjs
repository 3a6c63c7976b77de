// Orders and downloads certificates with @azure/identity, @azure/keyvault-certificates and @azure/keyvault-secrets.
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

import { ManagedIdentityCredential } from "@azure/identity";
import { CertificateClient } from "@azure/keyvault-certificates";
import { SecretClient } from "@azure/keyvault-secrets";

const { CLIENT_ID: clientId } = process.env;
const identity = clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();

async function run(action, vaultUrl, name) {
  const client = new CertificateClient(vaultUrl, identity);
  if (action === "order") {
    const poller = await client.beginCreateCertificate(name, { issuerName: "Self", subject: "CN=contoso.com" });
    await poller.pollUntilDone();
    const names = [];
    for await (const found of client.listPropertiesOfCertificates()) names.push(found.name);
    return { names };
  }
  const found = await client.getCertificate(name);
  const { value, properties } = await new SecretClient(vaultUrl, identity).getSecret(name);
  // Node reads the file, and fails where the key and the certificate in it do not belong together.
  createSecureContext({ pfx: Buffer.from(value, "base64"), passphrase: "" });
  return { values: [new X509Certificate(found.cer).subject, properties.contentType, "True"] };
}

const answer = await run(...process.argv.slice(2)).catch((error) => ({ error: String(error), status: error.statusCode }));
console.log(JSON.stringify(answer));
process.exit();
