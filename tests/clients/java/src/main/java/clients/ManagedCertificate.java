package clients;

import com.azure.security.keyvault.certificates.CertificateClient;
import com.azure.security.keyvault.certificates.models.CertificateContact;
import com.azure.security.keyvault.certificates.models.CertificateIssuer;
import com.azure.security.keyvault.certificates.models.CertificatePolicy;
import com.azure.security.keyvault.certificates.models.CertificateProperties;
import com.azure.security.keyvault.certificates.models.ImportCertificateOptions;
import com.azure.security.keyvault.certificates.models.MergeCertificateOptions;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** A certificate that is imported, ordered again, changed, deleted and restored. */
final class ManagedCertificate {
    private final CertificateClient client;
    private final String name;

    ManagedCertificate(CertificateClient client, String name) {
        this.client = client;
        this.name = name;
    }

    List<String> manage(String pfx) {
        return List.of(
            bring(pfx), merge(), changePolicy(), tag(), cancel(), issuer(), contacts(), recovery(), restoration());
    }

    private String bring(String pfx) {
        CertificatePolicy reusing = new CertificatePolicy("Unknown", "CN=contoso.com").setKeyReusable(true);
        var options = new ImportCertificateOptions(name, Base64.getDecoder().decode(pfx)).setPolicy(reusing);
        return client.importCertificate(options).getPolicy().getSubject();
    }

    /** Its key is used again, so its certificate fits the order. */
    private String merge() {
        byte[] issued = client.getCertificate(name).getCer();
        client.beginCreateCertificate(name, client.getCertificatePolicy(name)).poll();
        client.mergeCertificate(new MergeCertificateOptions(name, List.of(issued)));
        return client.listPropertiesOfCertificateVersions(name).stream().count() + " versions";
    }

    private String changePolicy() {
        client.updateCertificatePolicy(name, client.getCertificatePolicy(name).setValidityInMonths(6));
        return client.getCertificatePolicy(name).getValidityInMonths() + " months";
    }

    private String tag() {
        CertificateProperties properties = client.getCertificate(name).getProperties();
        client.updateCertificateProperties(properties.setTags(Map.of("team", "web")));
        return client.getCertificate(name).getProperties().getTags().get("team");
    }

    private String cancel() {
        client.beginCreateCertificate(name, client.getCertificatePolicy(name)).poll();
        boolean cancelled = client.cancelCertificateOperation(name).getCancellationRequested();
        client.deleteCertificateOperation(name);
        return "cancelled: " + cancelled;
    }

    private String issuer() {
        client.createIssuer(new CertificateIssuer("public-ca", "Test"));
        String provider = client.getIssuer("public-ca").getProvider();
        client.deleteIssuer("public-ca");
        return provider;
    }

    private String contacts() {
        client.setContacts(List.of(new CertificateContact().setEmail("ada@contoso.com"))).stream().count();
        String email = client.listContacts().iterator().next().getEmail();
        client.deleteContacts().stream().count();
        return email;
    }

    private String recovery() {
        client.beginDeleteCertificate(name).waitForCompletion();
        return "recovered " + client.beginRecoverDeletedCertificate(name).waitForCompletion().getValue().getName();
    }

    private String restoration() {
        byte[] backup = client.backupCertificate(name);
        client.beginDeleteCertificate(name).waitForCompletion();
        client.purgeDeletedCertificate(name);
        return "restored " + client.restoreCertificateBackup(backup).getName();
    }
}
