//! A certificate that is imported, ordered again, changed, deleted and restored.

use azure_core::Result;
use azure_security_keyvault_certificates::{
    CertificateClient, ResourceExt,
    models::{
        CertificatePolicy, Contact, Contacts, CreateCertificateParameters, ImportCertificateParameters, KeyProperties,
        MergeCertificateParameters, RestoreCertificateParameters, SetIssuerParameters,
        UpdateCertificateOperationParameter, UpdateCertificatePropertiesParameters, X509CertificateProperties,
    },
};
use futures::TryStreamExt;
use serde_json::{Value, json};

pub async fn manage(client: &CertificateClient, name: &str, pfx: &str) -> Result<Value> {
    Ok(json!({ "values": [
        bring(client, name, pfx).await?,
        merge(client, name).await?,
        change_policy(client, name).await?,
        tag(client, name).await?,
        cancel(client, name).await?,
        issuer(client).await?,
        contacts(client).await?,
        recovery(client, name).await?,
        restoration(client, name).await?,
    ] }))
}

async fn bring(client: &CertificateClient, name: &str, pfx: &str) -> Result<Option<String>> {
    let policy = CertificatePolicy {
        key_properties: Some(KeyProperties { reuse_key: Some(true), ..Default::default() }),
        ..Default::default()
    };
    let asked = ImportCertificateParameters {
        base64_encoded_certificate: Some(pfx.into()),
        certificate_policy: Some(policy),
        ..Default::default()
    };
    let imported = client.import_certificate(name, asked.try_into()?, None).await?.into_model()?;
    Ok(imported.policy.and_then(|policy| policy.x509_certificate_properties).and_then(|x509| x509.subject))
}

async fn order_again(client: &CertificateClient, name: &str) -> Result<()> {
    let policy = client.get_certificate_policy(name, None).await?.into_model()?;
    let asked = CreateCertificateParameters { certificate_policy: Some(policy), ..Default::default() };
    // Its first answer is enough: what is to be merged is issued by nobody else.
    client.begin_create_certificate(name, asked.try_into()?, None)?.try_next().await?;
    Ok(())
}

/// Its key is used again, so its certificate fits the order.
async fn merge(client: &CertificateClient, name: &str) -> Result<String> {
    let issued = client.get_certificate(name, None).await?.into_model()?.cer.unwrap_or_default();
    order_again(client, name).await?;
    let asked = MergeCertificateParameters { x509_certificates: Some(vec![issued]), ..Default::default() };
    client.merge_certificate(name, asked.try_into()?, None).await?;
    let versions: Vec<_> = client.list_certificate_properties_versions(name, None)?.try_collect().await?;
    Ok(format!("{} versions", versions.len()))
}

async fn change_policy(client: &CertificateClient, name: &str) -> Result<String> {
    let x509 = X509CertificateProperties { validity_in_months: Some(6), ..Default::default() };
    let change = CertificatePolicy { x509_certificate_properties: Some(x509), ..Default::default() };
    client.update_certificate_policy(name, change.try_into()?, None).await?;
    let policy = client.get_certificate_policy(name, None).await?.into_model()?;
    let months = policy.x509_certificate_properties.and_then(|x509| x509.validity_in_months);
    Ok(format!("{} months", months.unwrap_or_default()))
}

async fn tag(client: &CertificateClient, name: &str) -> Result<Option<String>> {
    let tags = Some([("team".to_string(), "web".to_string())].into());
    let change = UpdateCertificatePropertiesParameters { tags, ..Default::default() };
    client.update_certificate_properties(name, change.try_into()?, None).await?;
    let found = client.get_certificate(name, None).await?.into_model()?;
    Ok(found.tags.and_then(|tags| tags.get("team").cloned()))
}

async fn cancel(client: &CertificateClient, name: &str) -> Result<String> {
    order_again(client, name).await?;
    let asked = UpdateCertificateOperationParameter { cancellation_requested: Some(true) };
    let operation = client.update_certificate_operation(name, asked.try_into()?, None).await?.into_model()?;
    client.delete_certificate_operation(name, None).await?;
    Ok(format!("cancelled: {}", operation.cancellation_requested == Some(true)))
}

async fn issuer(client: &CertificateClient) -> Result<Option<String>> {
    let asked = SetIssuerParameters { provider: Some("Test".into()), ..Default::default() };
    client.set_issuer("public-ca", asked.try_into()?, None).await?;
    let found = client.get_issuer("public-ca", None).await?.into_model()?;
    client.delete_issuer("public-ca", None).await?;
    Ok(found.provider)
}

async fn contacts(client: &CertificateClient) -> Result<Option<String>> {
    let ada = Contact { email: Some("ada@contoso.com".into()), ..Default::default() };
    let asked = Contacts { contact_list: Some(vec![ada]), ..Default::default() };
    client.set_contacts(asked.try_into()?, None).await?;
    let found = client.get_contacts(None).await?.into_model()?;
    client.delete_contacts(None).await?;
    Ok(found.contact_list.and_then(|people| people.first().and_then(|person| person.email.clone())))
}

async fn recovery(client: &CertificateClient, name: &str) -> Result<String> {
    client.delete_certificate(name, None).await?;
    client.get_deleted_certificate(name, None).await?;
    let recovered = client.recover_deleted_certificate(name, None).await?.into_model()?;
    Ok(format!("recovered {}", recovered.resource_id()?.name))
}

async fn restoration(client: &CertificateClient, name: &str) -> Result<String> {
    let certificate_backup = client.backup_certificate(name, None).await?.into_model()?.value;
    client.delete_certificate(name, None).await?;
    client.purge_deleted_certificate(name, None).await?;
    let asked = RestoreCertificateParameters { certificate_backup };
    let restored = client.restore_certificate(asked.try_into()?, None).await?.into_model()?;
    Ok(format!("restored {}", restored.resource_id()?.name))
}
