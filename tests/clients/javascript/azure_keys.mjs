// Makes and uses keys with @azure/identity and @azure/keyvault-keys.
import { createHash } from "node:crypto";

import { ManagedIdentityCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

const { CLIENT_ID: clientId } = process.env;
const identity = clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();
const digest = createHash("sha256").update("message").digest();

async function signed(crypto, algorithm) {
  const { result: signature } = await crypto.sign(algorithm, digest);
  return `${algorithm} ${(await crypto.verify(algorithm, digest, signature)).result}`;
}

async function run(action, vaultUrl, name) {
  const client = new KeyClient(vaultUrl, identity);
  if (action === "make") {
    await client.createRsaKey(name, { keySize: 2048 });
    await client.createEcKey(`${name}-ec`, { curve: "P-256" });
    await client.rotateKey(`${name}-ec`);
    const names = [];
    for await (const found of client.listPropertiesOfKeys()) names.push(found.name);
    return { names };
  }
  const rsa = new CryptographyClient(await client.getKey(name), identity);
  const ec = new CryptographyClient(await client.getKey(`${name}-ec`), identity);
  const values = [await signed(rsa, "RS256"), await signed(ec, "ES256")];
  const sealed = await rsa.encrypt({ algorithm: "RSA-OAEP", plaintext: Buffer.from("plain") });
  const opened = await rsa.decrypt({ algorithm: "RSA-OAEP", ciphertext: sealed.result });
  values.push(Buffer.from(opened.result).toString());
  const wrapped = await rsa.wrapKey("RSA-OAEP-256", Buffer.from("a key of 16 byte"));
  values.push(Buffer.from((await rsa.unwrapKey("RSA-OAEP-256", wrapped.result)).result).toString());
  return { values };
}

const answer = await run(...process.argv.slice(2)).catch((error) => ({ error: String(error), status: error.statusCode }));
console.log(JSON.stringify(answer));
process.exit();
