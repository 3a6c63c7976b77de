//! Orders, downloads and manages certificates with azure_identity and azure_security_keyvault_certificates.

mod manage;

use std::{env, error::Error, sync::Arc};

use azure_core::{Error as AzureError, base64, error::ErrorKind};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use azure_security_keyvault_certificates::{
    CertificateClient, ResourceExt,
    models::{CertificatePolicy, CreateCertificateParameters, IssuerParameters, X509CertificateProperties},
};
use azure_security_keyvault_secrets::{SecretClient, models::SecretClientGetSecretOptions};
use futures::TryStreamExt;
use serde_json::{Value, json};

async fn order(client: &CertificateClient, name: &str) -> azure_core::Result<Value> {
    let policy = CertificatePolicy {
        issuer_parameters: Some(IssuerParameters { name: Some("Self".into()), ..Default::default() }),
        x509_certificate_properties: Some(X509CertificateProperties {
            subject: Some("CN=contoso.com".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let asked = CreateCertificateParameters { certificate_policy: Some(policy), ..Default::default() };
    client.begin_create_certificate(name, asked.try_into()?, None)?.await?;
    let mut names = Vec::new();
    let mut pager = client.list_certificate_properties(None)?;
    while let Some(found) = pager.try_next().await? {
        names.push(found.resource_id()?.name);
    }
    Ok(json!({ "names": names }))
}

fn unreadable(what: &'static str) -> AzureError {
    AzureError::with_message(ErrorKind::DataConversion, what)
}

async fn download(client: &CertificateClient, secrets: &SecretClient, name: &str) -> azure_core::Result<Value> {
    let found = client.get_certificate(name, None).await?.into_model()?;
    let options =
        SecretClientGetSecretOptions { secret_version: found.resource_id()?.version, ..Default::default() };
    let secret = secrets.get_secret(name, Some(options)).await?.into_model()?;
    let content = base64::decode(secret.value.unwrap_or_default())?;
    let pfx = p12::PFX::parse(&content).map_err(|_| unreadable("no PFX"))?;
    let keys = pfx.key_bags("").map_err(|_| unreadable("no key in the PFX"))?;
    let certificates = pfx.cert_x509_bags("").map_err(|_| unreadable("no certificate in the PFX"))?;
    let belongs = pfx.verify_mac("") && keys.len() == 1 && certificates.first() == found.cer.as_ref();
    let subject = found.policy.and_then(|policy| policy.x509_certificate_properties).and_then(|x509| x509.subject);
    Ok(json!({ "values": [subject, secret.content_type, if belongs { "True" } else { "False" }] }))
}

async fn run(arguments: &[String]) -> azure_core::Result<Value> {
    let user_assigned_id = env::var("CLIENT_ID").ok().map(UserAssignedId::ClientId);
    let options = ManagedIdentityCredentialOptions { user_assigned_id, ..Default::default() };
    let identity: Arc<ManagedIdentityCredential> = ManagedIdentityCredential::new(Some(options))?;
    let client = CertificateClient::new(&arguments[1], identity.clone(), None)?;
    match arguments[0].as_str() {
        "order" => order(&client, &arguments[2]).await,
        "manage" => manage::manage(&client, &arguments[2], &arguments[3]).await,
        _ => download(&client, &SecretClient::new(&arguments[1], identity, None)?, &arguments[2]).await,
    }
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
