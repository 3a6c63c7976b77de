// From an empty subscription to a secret: a group, a vault, an identity and a role, as an application that signs in with a secret.

import { randomUUID } from "node:crypto";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ResourceManagementClient } from "@azure/arm-resources";
import { WebSiteManagementClient } from "@azure/arm-appservice";
import { ClientSecretCredential, ManagedIdentityCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const { TENANT, CLIENT, SECRET, SUBSCRIPTION } = process.env;
const credential = new ClientSecretCredential(TENANT, CLIENT, SECRET);
const location = "westus2";

const groups = new ResourceManagementClient(credential, SUBSCRIPTION).resourceGroups;
console.log("group", (await groups.createOrUpdate("rg-walk", { location })).name);

const vaults = new KeyVaultManagementClient(credential, SUBSCRIPTION).vaults;
const properties = { tenantId: TENANT, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true };
const vault = await vaults.createOrUpdate("rg-walk", "walk-kv", { location, properties });
console.log("vault", vault.properties.vaultUri);

const identities = new ManagedServiceIdentityClient(credential, SUBSCRIPTION).userAssignedIdentities;
const identity = await identities.createOrUpdate("rg-walk", "walker", { location });
const apps = new WebSiteManagementClient(credential, SUBSCRIPTION).webApps;
const site = await apps.get("keyless", "keyless");
const assigned = { type: "UserAssigned", userAssignedIdentities: { [identity.id]: {} } };
console.log("app", (await apps.createOrUpdate("keyless", "keyless", { ...site, identity: assigned })).identity.type);

const roles = new AuthorizationManagementClient(credential, SUBSCRIPTION);
async function assign(roleName, principalId) {
  for await (const role of roles.roleDefinitions.list(vault.id, { filter: `roleName eq '${roleName}'` })) {
    const parameters = { roleDefinitionId: role.id, principalId, principalType: "ServicePrincipal" };
    return await roles.roleAssignments.create(vault.id, randomUUID(), parameters);
  }
}

await assign("Key Vault Secrets Officer", process.env.OBJECT);
await new SecretClient(vault.properties.vaultUri, credential).setSecret("db-password", "s3cr3t");

const reader = new ManagedIdentityCredential({ clientId: identity.clientId });
const secrets = new SecretClient(vault.properties.vaultUri, reader);
try {
  await secrets.getSecret("db-password");
} catch (error) {
  console.log("read", error.statusCode);
}
const made = await assign("Key Vault Secrets User", identity.principalId);
console.log("read", (await secrets.getSecret("db-password")).value);
await roles.roleAssignments.delete(vault.id, made.name);
try {
  await secrets.getSecret("db-password");
} catch (error) {
  console.log("read", error.statusCode);
}
