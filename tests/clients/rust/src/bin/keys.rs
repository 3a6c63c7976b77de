//! Makes and uses keys with azure_identity and azure_security_keyvault_keys, which leaves all cryptography to the vault.

use std::{env, error::Error, sync::Arc};

use azure_core::Error as AzureError;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use azure_security_keyvault_keys::{
    KeyClient, ResourceExt,
    models::{
        CreateKeyParameters, CurveName, EncryptionAlgorithm, KeyOperationParameters, KeyType, SignParameters,
        SignatureAlgorithm, VerifyParameters,
    },
};
use futures::TryStreamExt;
use serde_json::{Value, json};

const DIGEST: [u8; 32] = [7; 32];

async fn make(client: &KeyClient, name: &str) -> azure_core::Result<Value> {
    let rsa = CreateKeyParameters { kty: Some(KeyType::Rsa), key_size: Some(2048), ..Default::default() };
    client.create_key(name, rsa.try_into()?, None).await?;
    let ec = CreateKeyParameters { kty: Some(KeyType::Ec), curve: Some(CurveName::P256), ..Default::default() };
    client.create_key(&format!("{name}-ec"), ec.try_into()?, None).await?;
    client.rotate_key(&format!("{name}-ec"), None).await?;
    let mut names = Vec::new();
    let mut pager = client.list_key_properties(None)?;
    while let Some(found) = pager.try_next().await? {
        names.push(found.resource_id()?.name);
    }
    Ok(json!({ "names": names }))
}

async fn version_of(client: &KeyClient, name: &str) -> azure_core::Result<String> {
    let key = client.get_key(name, None).await?.into_model()?;
    Ok(key.resource_id()?.version.unwrap_or_default())
}

async fn signed(client: &KeyClient, name: &str, algorithm: SignatureAlgorithm) -> azure_core::Result<String> {
    let asked =
        SignParameters { algorithm: Some(algorithm.clone()), value: Some(DIGEST.to_vec()) };
    let signature = client.sign(name, asked.try_into()?, None).await?.into_model()?.result;
    let asked = VerifyParameters { algorithm: Some(algorithm.clone()), digest: Some(DIGEST.to_vec()), signature };
    let version = version_of(client, name).await?;
    let verified = client.verify(name, &version, asked.try_into()?, None).await?.into_model()?.value;
    Ok(format!("{algorithm} {}", verified == Some(true)))
}

fn with(algorithm: EncryptionAlgorithm, value: Vec<u8>) -> KeyOperationParameters {
    KeyOperationParameters { algorithm: Some(algorithm), value: Some(value), ..Default::default() }
}

async fn using(client: &KeyClient, name: &str) -> azure_core::Result<Value> {
    let mut values = vec![
        signed(client, name, SignatureAlgorithm::Rs256).await?,
        signed(client, &format!("{name}-ec"), SignatureAlgorithm::Es256).await?,
    ];
    let version = version_of(client, name).await?;
    let asked = with(EncryptionAlgorithm::RsaOaep, b"plain".to_vec());
    let sealed = client.encrypt(name, asked.try_into()?, None).await?.into_model()?.result;
    let asked = with(EncryptionAlgorithm::RsaOaep, sealed.unwrap_or_default());
    let opened = client.decrypt(name, &version, asked.try_into()?, None).await?.into_model()?.result;
    values.push(String::from_utf8_lossy(&opened.unwrap_or_default()).into_owned());
    let asked = with(EncryptionAlgorithm::RsaOaep256, b"a key of 16 byte".to_vec());
    let sealed = client.wrap_key(name, asked.try_into()?, None).await?.into_model()?.result;
    let asked = with(EncryptionAlgorithm::RsaOaep256, sealed.unwrap_or_default());
    let opened = client.unwrap_key(name, &version, asked.try_into()?, None).await?.into_model()?.result;
    values.push(String::from_utf8_lossy(&opened.unwrap_or_default()).into_owned());
    Ok(json!({ "values": values }))
}

async fn run(arguments: &[String]) -> azure_core::Result<Value> {
    let user_assigned_id = env::var("CLIENT_ID").ok().map(UserAssignedId::ClientId);
    let options = ManagedIdentityCredentialOptions { user_assigned_id, ..Default::default() };
    let identity: Arc<ManagedIdentityCredential> = ManagedIdentityCredential::new(Some(options))?;
    let client = KeyClient::new(&arguments[1], identity, None)?;
    if arguments[0] == "make" { make(&client, &arguments[2]).await } else { using(&client, &arguments[2]).await }
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
