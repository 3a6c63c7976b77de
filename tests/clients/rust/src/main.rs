//! Reads secrets with azure_identity and azure_security_keyvault_secrets.

use std::{env, error::Error, sync::Arc};

use azure_core::Error as AzureError;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use azure_security_keyvault_secrets::{ResourceExt, SecretClient, models::SecretClientGetSecretOptions};
use futures::TryStreamExt;
use serde_json::{Value, json};

fn credential() -> azure_core::Result<Arc<ManagedIdentityCredential>> {
    let user_assigned_id = if let Ok(id) = env::var("CLIENT_ID") {
        Some(UserAssignedId::ClientId(id))
    } else if let Ok(id) = env::var("OBJECT_ID") {
        Some(UserAssignedId::ObjectId(id))
    } else {
        env::var("RESOURCE_ID").ok().map(UserAssignedId::ResourceId)
    };
    let options = ManagedIdentityCredentialOptions { user_assigned_id, ..Default::default() };
    ManagedIdentityCredential::new(Some(options))
}

async fn read(client: &SecretClient, name: &str, version: Option<String>) -> azure_core::Result<Option<String>> {
    let options = SecretClientGetSecretOptions { secret_version: version, ..Default::default() };
    Ok(client.get_secret(name, Some(options)).await?.into_model()?.value)
}

async fn list(client: &SecretClient) -> azure_core::Result<Value> {
    let mut names = Vec::new();
    let mut pager = client.list_secret_properties(None)?;
    while let Some(found) = pager.try_next().await? {
        names.push(found.resource_id()?.name);
    }
    Ok(json!({ "names": names }))
}

async fn run(arguments: &[String]) -> azure_core::Result<Value> {
    let client = SecretClient::new(&arguments[1], credential()?, None)?;
    if arguments[0] == "list" {
        return list(&client).await;
    }
    let version = arguments.get(3).cloned();
    let mut values = vec![read(&client, &arguments[2], version.clone()).await?];
    if arguments[0] == "read-twice" {
        std::io::stdin().read_line(&mut String::new())?;
        values.push(read(&client, &arguments[2], version).await?);
    }
    Ok(json!({ "values": values }))
}

/// An error's text tells little of what is below it.
fn whole(error: &AzureError) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text = format!("{text}: {cause}");
        below = cause.source();
    }
    text
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let answer = run(&arguments).await.unwrap_or_else(|error| {
        let status = error.http_status().map(u16::from);
        json!({ "error": whole(&error), "status": status })
    });
    println!("{answer}");
}
