package clients;

import com.azure.core.exception.HttpResponseException;
import com.azure.identity.ManagedIdentityCredential;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.security.keyvault.certificates.CertificateClient;
import com.azure.security.keyvault.certificates.CertificateClientBuilder;
import com.azure.security.keyvault.certificates.models.CertificatePolicy;
import com.azure.security.keyvault.certificates.models.KeyVaultCertificateWithPolicy;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.azure.security.keyvault.secrets.models.KeyVaultSecret;
import java.io.ByteArrayInputStream;
import java.security.KeyStore;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Orders, downloads and manages certificates with azure-identity and azure-security-keyvault-certificates. */
public final class AzureCertificates {
    private static ManagedIdentityCredential credential() {
        return new ManagedIdentityCredentialBuilder().clientId(System.getenv("CLIENT_ID")).build();
    }

    private static Map<String, Object> order(CertificateClient client, String name) {
        client.beginCreateCertificate(name, new CertificatePolicy("Self", "CN=contoso.com")).waitForCompletion();
        List<String> names = new ArrayList<>();
        client.listPropertiesOfCertificates().forEach(found -> names.add(found.getName()));
        return Map.of("names", names);
    }

    private static Map<String, Object> download(CertificateClient client, String url, String name) throws Exception {
        SecretClient secrets = new SecretClientBuilder().vaultUrl(url).credential(credential()).buildClient();
        KeyVaultCertificateWithPolicy found = client.getCertificate(name);
        KeyVaultSecret secret = secrets.getSecret(name, found.getProperties().getVersion());
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new ByteArrayInputStream(Base64.getDecoder().decode(secret.getValue())), new char[0]);
        String alias = store.aliases().nextElement();
        X509Certificate leaf = (X509Certificate) store.getCertificate(alias);
        Signature signing = Signature.getInstance("SHA256withECDSA");
        signing.initSign((java.security.PrivateKey) store.getKey(alias, new char[0]));
        signing.update(found.getCer());
        byte[] signature = signing.sign();
        signing.initVerify(leaf);
        signing.update(found.getCer());
        boolean belongs = signing.verify(signature) && Arrays.equals(leaf.getEncoded(), found.getCer());
        String subject = leaf.getSubjectX500Principal().getName();
        return Map.of("values", List.of(subject, secret.getProperties().getContentType(), belongs ? "True" : "False"));
    }

    private static Map<String, Object> run(String[] arguments) throws Exception {
        CertificateClient client = new CertificateClientBuilder()
            .vaultUrl(arguments[1]).credential(credential()).buildClient();
        return switch (arguments[0]) {
            case "order" -> order(client, arguments[2]);
            case "manage" -> Map.of("values", new ManagedCertificate(client, arguments[2]).manage(arguments[3]));
            default -> download(client, arguments[1], arguments[2]);
        };
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> answer;
        try {
            answer = run(arguments);
        } catch (RuntimeException error) {
            answer = new LinkedHashMap<>();
            answer.put("error", String.valueOf(error));
            answer.put("status", error instanceof HttpResponseException refused && refused.getResponse() != null
                ? refused.getResponse().getStatusCode() : null);
        }
        try (var writer = JsonProviders.createWriter(System.out)) {
            writer.writeUntyped(answer);
        }
        System.exit(0);
    }
}
