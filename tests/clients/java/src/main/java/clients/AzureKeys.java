package clients;

import com.azure.core.exception.HttpResponseException;
import com.azure.identity.ManagedIdentityCredential;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.security.keyvault.keys.KeyClient;
import com.azure.security.keyvault.keys.KeyClientBuilder;
import com.azure.security.keyvault.keys.cryptography.CryptographyClient;
import com.azure.security.keyvault.keys.cryptography.CryptographyClientBuilder;
import com.azure.security.keyvault.keys.cryptography.models.EncryptionAlgorithm;
import com.azure.security.keyvault.keys.cryptography.models.KeyWrapAlgorithm;
import com.azure.security.keyvault.keys.cryptography.models.SignatureAlgorithm;
import com.azure.security.keyvault.keys.models.CreateEcKeyOptions;
import com.azure.security.keyvault.keys.models.CreateRsaKeyOptions;
import com.azure.security.keyvault.keys.models.KeyCurveName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes and uses keys with azure-identity and azure-security-keyvault-keys. */
public final class AzureKeys {
    private static ManagedIdentityCredential credential() {
        return new ManagedIdentityCredentialBuilder().clientId(System.getenv("CLIENT_ID")).build();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String signed(CryptographyClient crypto, SignatureAlgorithm algorithm) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes("message"));
        byte[] signature = crypto.sign(algorithm, digest).getSignature();
        return algorithm + " " + crypto.verify(algorithm, digest, signature).isValid();
    }

    private static Map<String, Object> make(KeyClient client, String name) {
        client.createRsaKey(new CreateRsaKeyOptions(name).setKeySize(2048));
        client.createEcKey(new CreateEcKeyOptions(name + "-ec").setCurveName(KeyCurveName.P_256));
        client.rotateKey(name + "-ec");
        List<String> names = new ArrayList<>();
        client.listPropertiesOfKeys().forEach(found -> names.add(found.getName()));
        return Map.of("names", names);
    }

    private static CryptographyClient crypto(KeyClient client, String name) {
        String id = client.getKey(name).getId();
        return new CryptographyClientBuilder().keyIdentifier(id).credential(credential()).buildClient();
    }

    private static Map<String, Object> use(KeyClient client, String name) throws Exception {
        CryptographyClient rsa = crypto(client, name);
        CryptographyClient ec = crypto(client, name + "-ec");
        List<String> values = new ArrayList<>();
        values.add(signed(rsa, SignatureAlgorithm.RS256));
        values.add(signed(ec, SignatureAlgorithm.ES256));
        byte[] sealed = rsa.encrypt(EncryptionAlgorithm.RSA_OAEP, bytes("plain")).getCipherText();
        values.add(new String(rsa.decrypt(EncryptionAlgorithm.RSA_OAEP, sealed).getPlainText(), StandardCharsets.UTF_8));
        byte[] wrapped = rsa.wrapKey(KeyWrapAlgorithm.RSA_OAEP_256, bytes("a key of 16 byte")).getEncryptedKey();
        values.add(new String(rsa.unwrapKey(KeyWrapAlgorithm.RSA_OAEP_256, wrapped).getKey(), StandardCharsets.UTF_8));
        return Map.of("values", values);
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> answer;
        try {
            KeyClient client = new KeyClientBuilder().vaultUrl(arguments[1]).credential(credential()).buildClient();
            answer = arguments[0].equals("make") ? make(client, arguments[2]) : use(client, arguments[2]);
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
