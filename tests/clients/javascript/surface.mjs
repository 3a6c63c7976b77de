// Does all that @azure/keyvault-secrets can do, as code in production would: nothing here knows of a local Azure.
// VAULT_URL deletes and recovers at once, SLOW_VAULT_URL as Azure does. Prints the name of each part that went well.

import assert from "node:assert/strict";
import { ManagedIdentityCredential } from "@azure/identity";
import { SecretClient, parseKeyVaultSecretIdentifier } from "@azure/keyvault-secrets";

const { VAULT_URL, SLOW_VAULT_URL } = process.env;
const client = new SecretClient(VAULT_URL, new ManagedIdentityCredential());

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

async function sizes(pages) {
  return (await all(pages)).map((page) => page.length);
}

async function refused(promise, statusCode, code, innerCode) {
  const error = await promise.then(
    () => assert.fail(`expected ${statusCode}`),
    (reason) => reason,
  );
  assert.equal(error.statusCode, statusCode, error.message);
  assert.equal(error.code, code);
  assert.equal(error.details?.error?.innerError?.code, innerCode);
}

const parts = {
  async "secrets are created, read and updated"() {
    const expiresOn = new Date("2030-01-01T00:00:00Z");
    const notBefore = new Date("2020-01-01T00:00:00Z");
    const options = { contentType: "password", tags: { owner: "contoso" }, enabled: true, expiresOn, notBefore };
    const created = await client.setSecret("crud", "it's +1 ☂", options);
    const read = await client.getSecret("crud");
    assert.equal(read.value, "it's +1 ☂");
    assert.equal(read.properties.vaultUrl, VAULT_URL);
    assert.equal(read.properties.version, created.properties.version);
    assert.deepEqual(read.properties.expiresOn, expiresOn);
    assert.deepEqual(read.properties.notBefore, notBefore);
    assert.deepEqual(read.properties.tags, { owner: "contoso" });
    assert.equal(read.properties.recoveryLevel, "CustomizedRecoverable+Purgeable");
    assert.equal(read.properties.recoverableDays, 7);
    assert.equal(parseKeyVaultSecretIdentifier(read.properties.id).name, "crud");
    await client.setSecret("crud", "");
    assert.equal((await client.getSecret("crud")).value, "");
    const { version } = created.properties;
    assert.equal((await client.getSecret("crud", { version })).value, "it's +1 ☂");
    const changed = await client.updateSecretProperties("crud", version, { contentType: "text/plain" });
    assert.equal(changed.contentType, "text/plain");
    assert.deepEqual(changed.tags, { owner: "contoso" });
  },

  async "dates beyond 2038 are taken as they come"() {
    const { properties } = await client.setSecret("late", "x", { expiresOn: new Date("2050-01-01T00:00:00Z") });
    assert.ok(properties.expiresOn instanceof Date);
  },

  async "lists come in pages of any size"() {
    for (let number = 0; number < 7; number++) {
      await client.setSecret(`many-${number}`, "x");
      await client.setSecret("versioned", String(number));
    }
    const names = (await all(client.listPropertiesOfSecrets())).map((item) => item.name);
    assert.deepEqual(names, [...names].sort());
    assert.ok(names.includes("many-0") && names.includes("versioned"));
    const pages = await sizes(client.listPropertiesOfSecrets().byPage({ maxPageSize: 2 }));
    assert.equal(pages.reduce((sum, size) => sum + size), names.length);
    assert.ok(pages.slice(0, -1).every((size) => size === 2));
    const versions = client.listPropertiesOfSecretVersions("versioned");
    assert.deepEqual(await sizes(versions.byPage({ maxPageSize: 3 })), [3, 3, 1]);
    assert.deepEqual(await all(client.listPropertiesOfSecretVersions("nothing")), []);
  },

  async "deleted secrets are listed, recovered and purged"() {
    for (const name of ["a", "b", "c"]) {
      await client.setSecret(name, `value of ${name}`);
      const poller = await client.beginDeleteSecret(name);
      const deleted = await poller.pollUntilDone();
      assert.equal(deleted.recoveryId, `${VAULT_URL}/deletedsecrets/${name}`);
      assert.equal(deleted.properties.scheduledPurgeDate - deleted.properties.deletedOn, 7 * 86_400_000);
    }
    assert.deepEqual(await sizes(client.listDeletedSecrets().byPage({ maxPageSize: 2 })), [2, 1]);
    assert.equal((await client.getDeletedSecret("b")).name, "b");
    await refused(client.setSecret("b", "again"), 409, "Conflict", "ObjectIsDeletedButRecoverable");
    const recovery = await client.beginRecoverDeletedSecret("b");
    assert.equal((await recovery.pollUntilDone()).name, "b");
    assert.equal((await client.getSecret("b")).value, "value of b");
    await client.purgeDeletedSecret("a");
    await refused(client.getDeletedSecret("a"), 404, "SecretNotFound");
    assert.equal((await client.setSecret("a", "new")).value, "new");
  },

  async "a backup is restored after a purge"() {
    const first = await client.setSecret("kept", "first");
    await client.setSecret("kept", "second", { tags: { a: "b" } });
    const backup = await client.backupSecret("kept");
    await refused(client.restoreSecretBackup(backup), 409, "Conflict");
    await (await client.beginDeleteSecret("kept")).pollUntilDone();
    await client.purgeDeletedSecret("kept");
    const restored = await client.restoreSecretBackup(backup);
    assert.equal(restored.name, "kept");
    const { version } = first.properties;
    assert.equal((await client.getSecret("kept", { version })).value, "first");
    await refused(client.restoreSecretBackup(backup.slice(0, -9)), 400, "Malformed backup blob");
  },

  async "what is missing or disabled is refused"() {
    await client.setSecret("off", "x", { enabled: false });
    await refused(client.getSecret("off"), 403, "Forbidden", "SecretDisabled");
    await client.updateSecretProperties("off", "", { enabled: true });
    assert.equal((await client.getSecret("off")).value, "x");
    await refused(client.getSecret("nothing"), 404, "SecretNotFound");
    await refused(client.getSecret("off", { version: "0".repeat(32) }), 404, "SecretNotFound");
    await refused(client.beginDeleteSecret("nothing"), 404, "SecretNotFound");
    await refused(client.beginRecoverDeletedSecret("nothing"), 404, "SecretNotFound");
    await refused(client.purgeDeletedSecret("nothing"), 404, "SecretNotFound");
    await refused(client.backupSecret("nothing"), 404, "SecretNotFound");
    await refused(client.setSecret("under_score", "x"), 400, "BadParameter");
  },

  async "pollers wait for a deletion and a recovery that take their time"() {
    const slow = new SecretClient(SLOW_VAULT_URL, new ManagedIdentityCredential());
    const deletion = await slow.beginDeleteSecret("api-key", { intervalInMs: 200 });
    await refused(slow.setSecret("api-key", "too early"), 409, "Conflict", "ObjectIsBeingDeleted");
    await deletion.pollUntilDone();
    assert.equal((await slow.getDeletedSecret("api-key")).name, "api-key");
    const recovery = await slow.beginRecoverDeletedSecret("api-key", { intervalInMs: 200 });
    await refused(slow.getSecret("api-key"), 404, "SecretNotFound");
    await recovery.pollUntilDone();
    assert.equal((await slow.getSecret("api-key")).value, "local-api-key");
  },

  async "every version of the API is spoken"() {
    for (const serviceVersion of ["7.0", "7.1", "7.6", "2025-07-01", "2026-04-01"]) {
      const other = new SecretClient(VAULT_URL, new ManagedIdentityCredential(), { serviceVersion });
      assert.equal((await other.getSecret("b")).value, "value of b", serviceVersion);
    }
  },
};

for (const [name, part] of Object.entries(parts)) {
  await part();
  console.log(name);
}
