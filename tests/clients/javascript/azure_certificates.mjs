// Orders, downloads and manages certificates with @azure/identity, @azure/keyvault-certificates and @azure/keyvault-secrets.
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

import { ManagedIdentityCredential } from "@azure/identity";
import { CertificateClient } from "@azure/keyvault-certificates";
import { SecretClient } from "@azure/keyvault-secrets";

const { CLIENT_ID: clientId } = process.env;
const identity = clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();

async function all(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

async function order(client, name) {
  const poller = await client.beginCreateCertificate(name, { issuerName: "Self", subject: "CN=contoso.com" });
  await poller.pollUntilDone();
  return { names: (await all(client.listPropertiesOfCertificates())).map((found) => found.name) };
}

async function download(client, vaultUrl, name) {
  const found = await client.getCertificate(name);
  const { value, properties } = await new SecretClient(vaultUrl, identity).getSecret(name);
  // Node reads the file, and fails where the key and the certificate in it do not belong together.
  createSecureContext({ pfx: Buffer.from(value, "base64"), passphrase: "" });
  return { values: [new X509Certificate(found.cer).subject, properties.contentType, "True"] };
}

async function manage(client, name, pfx) {
  const imported = await client.importCertificate(name, Buffer.from(pfx, "base64"));
  const values = [imported.policy.subject];
  // The import of 4.10.3 does not send a policy.
  await client.updateCertificatePolicy(name, { issuerName: "Unknown", reuseKey: true });
  // Its key is used again, so its certificate fits the order.
  const { cer } = await client.getCertificate(name);
  await client.beginCreateCertificate(name, await client.getCertificatePolicy(name));
  await client.mergeCertificate(name, [cer]);
  values.push(`${(await all(client.listPropertiesOfCertificateVersions(name))).length} versions`);
  await client.updateCertificatePolicy(name, { issuerName: "Unknown", validityInMonths: 6 });
  values.push(`${(await client.getCertificatePolicy(name)).validityInMonths} months`);
  await client.updateCertificateProperties(name, "", { tags: { team: "web" } });
  values.push((await client.getCertificate(name)).properties.tags.team);
  const ordered = await client.beginCreateCertificate(name, await client.getCertificatePolicy(name));
  await ordered.cancelOperation();
  values.push(`cancelled: ${ordered.getOperationState().isCancelled}`);
  await client.deleteCertificateOperation(name);
  return [...values, ...(await manageVault(client)), ...(await remove(client, name))];
}

async function manageVault(client) {
  await client.createIssuer("public-ca", "Test");
  const { provider } = await client.getIssuer("public-ca");
  await client.deleteIssuer("public-ca");
  await client.setContacts([{ email: "ada@contoso.com" }]);
  const [contact] = await client.getContacts();
  await client.deleteContacts();
  return [provider, contact.email];
}

async function remove(client, name) {
  await (await client.beginDeleteCertificate(name)).pollUntilDone();
  await client.getDeletedCertificate(name);
  const recovered = await (await client.beginRecoverDeletedCertificate(name)).pollUntilDone();
  const backup = await client.backupCertificate(name);
  await (await client.beginDeleteCertificate(name)).pollUntilDone();
  await client.purgeDeletedCertificate(name);
  const restored = await client.restoreCertificateBackup(backup);
  return [`recovered ${recovered.name}`, `restored ${restored.name}`];
}

async function run(action, vaultUrl, name, pfx) {
  const client = new CertificateClient(vaultUrl, identity);
  if (action === "order") return order(client, name);
  if (action === "manage") return { values: await manage(client, name, pfx) };
  return download(client, vaultUrl, name);
}

const answer = await run(...process.argv.slice(2)).catch((error) => ({ error: String(error), status: error.statusCode }));
console.log(JSON.stringify(answer));
process.exit();
