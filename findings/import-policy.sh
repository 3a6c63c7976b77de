#!/usr/bin/env bash
# importCertificate of @azure/keyvault-certificates does not send the policy that it is given.
#
# Seen with @azure/keyvault-certificates 4.10.3 on Node.js: `policy` is an option of importCertificate in its types and its documentation, and the
# body of the request has the certificate and the tags, and no policy. The vault then makes a policy of its own from the certificate:
# a content type, a renewal or a reuse of the key that you asked for is lost in silence. createCertificate does send it.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @azure/keyvault-certificates@4.10.3
cat > seen.mjs <<'JAVASCRIPT'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CertificateClient } from "@azure/keyvault-certificates";
import { createHttpHeaders } from "@azure/core-rest-pipeline";

const sent = {};
const httpClient = {
  // A vault that asks for a token, and then answers.
  async sendRequest(request) {
    if (!request.headers.get("authorization")) {
      const challenge = 'Bearer authorization="https://login.microsoftonline.com/made-up", resource="https://vault.azure.net"';
      return { request, status: 401, headers: createHttpHeaders({ "www-authenticate": challenge }), bodyAsText: "" };
    }
    if (request.body) sent[new URL(request.url).pathname.split("/").pop()] = JSON.parse(request.body);
    const id = "https://made-up.vault.azure.net/certificates/site";
    const status = request.url.includes("/create") ? 202 : 200;
    const body = status === 202 ? { id: `${id}/pending`, status: "completed" } : { id: `${id}/1`, attributes: {} };
    const headers = createHttpHeaders({ "content-type": "application/json" });
    return { request, status, headers, bodyAsText: JSON.stringify(body) };
  },
};
const credential = { getToken: async () => ({ token: "made-up", expiresOnTimestamp: Date.now() + 3600_000 }) };
const client = new CertificateClient("https://made-up.vault.azure.net", credential, { httpClient, retryOptions: { maxRetries: 0 } });
const policy = { contentType: "application/x-pem-file", issuerName: "Self", subject: "CN=site", reuseKey: true };
await client.importCertificate("site", new Uint8Array([1, 2, 3]), { policy, tags: { made: "up" } });
await client.beginCreateCertificate("site", policy);
const { version } = JSON.parse(readFileSync("node_modules/@azure/keyvault-certificates/package.json", "utf8"));
console.log("@azure/keyvault-certificates", version);
console.log("import sends", Object.keys(sent.import).sort(), "and create sends", Object.keys(sent.create).sort());
assert.ok(!("policy" in sent.import));
assert.equal(sent.create.policy.issuer.name, "Self");
JAVASCRIPT
node seen.mjs
