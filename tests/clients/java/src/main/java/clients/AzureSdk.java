package clients;

import com.azure.core.credential.TokenCredential;
import com.azure.core.exception.HttpResponseException;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads secrets with azure-identity and azure-security-keyvault-secrets. */
public final class AzureSdk {
    private static TokenCredential credential() {
        if ("default".equals(System.getenv("CREDENTIAL"))) {
            return new DefaultAzureCredentialBuilder().build();
        }
        var builder = new ManagedIdentityCredentialBuilder();
        if (System.getenv("CLIENT_ID") != null) {
            builder.clientId(System.getenv("CLIENT_ID"));
        } else if (System.getenv("OBJECT_ID") != null) {
            builder.objectId(System.getenv("OBJECT_ID"));
        } else if (System.getenv("RESOURCE_ID") != null) {
            builder.resourceId(System.getenv("RESOURCE_ID"));
        }
        return builder.build();
    }

    private static Map<String, Object> run(String action, String vaultUrl, String name, String version) throws Exception {
        SecretClient client = new SecretClientBuilder().vaultUrl(vaultUrl).credential(credential()).buildClient();
        if (action.equals("list")) {
            List<String> names = new ArrayList<>();
            client.listPropertiesOfSecrets().forEach(found -> names.add(found.getName()));
            return Map.of("names", names);
        }
        List<String> values = new ArrayList<>();
        values.add(client.getSecret(name, version).getValue());
        if (action.equals("read-twice")) {
            System.in.read();
            values.add(client.getSecret(name, version).getValue());
        }
        return Map.of("values", values);
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> answer;
        try {
            String name = arguments.length > 2 ? arguments[2] : null;
            answer = run(arguments[0], arguments[1], name, arguments.length > 3 ? arguments[3] : null);
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
