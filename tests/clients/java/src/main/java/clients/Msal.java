package clients;

import com.azure.json.JsonProviders;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/** Reads secrets with a token of MSAL and Java's own HTTP client. */
public final class Msal {
    private static final class Refused extends Exception {
        private final int status;

        private Refused(int status, String body) {
            super(body);
            this.status = status;
        }
    }

    private final ManagedIdentityApplication application = ManagedIdentityApplication.builder(identity()).build();
    private final HttpClient http = HttpClient.newHttpClient();

    private static ManagedIdentityId identity() {
        if (System.getenv("CLIENT_ID") != null) {
            return ManagedIdentityId.userAssignedClientId(System.getenv("CLIENT_ID"));
        } else if (System.getenv("OBJECT_ID") != null) {
            return ManagedIdentityId.userAssignedObjectId(System.getenv("OBJECT_ID"));
        } else if (System.getenv("RESOURCE_ID") != null) {
            return ManagedIdentityId.userAssignedResourceId(System.getenv("RESOURCE_ID"));
        }
        return ManagedIdentityId.systemAssigned();
    }

    private Map<?, ?> get(String url) throws Exception {
        var wanted = ManagedIdentityParameters.builder("https://vault.azure.net").build();
        String token = application.acquireTokenForManagedIdentity(wanted).get().accessToken();
        var request = HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + token).build();
        var answer = http.send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new Refused(answer.statusCode(), answer.body());
        }
        try (var reader = JsonProviders.createReader(answer.body())) {
            return (Map<?, ?>) reader.readUntyped();
        }
    }

    private Map<String, Object> list(String url) throws Exception {
        List<String> names = new ArrayList<>();
        while (url != null) {
            Map<?, ?> page = get(url);
            for (Object found : (List<?>) page.get("value")) {
                String id = (String) ((Map<?, ?>) found).get("id");
                names.add(id.substring(id.lastIndexOf('/') + 1));
            }
            url = (String) page.get("nextLink");
        }
        return Map.of("names", names);
    }

    private Map<String, Object> run(String action, String vaultUrl, String name, String version) throws Exception {
        if (action.equals("list")) {
            return list(vaultUrl + "/secrets?api-version=7.4");
        }
        String url = vaultUrl + "/secrets/" + name + "/" + version + "?api-version=7.4";
        List<Object> values = new ArrayList<>();
        values.add(get(url).get("value"));
        if (action.equals("read-twice")) {
            System.in.read();
            values.add(get(url).get("value"));
        }
        return Map.of("values", values);
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> answer;
        try {
            String name = arguments.length > 2 ? arguments[2] : "";
            answer = new Msal().run(arguments[0], arguments[1], name, arguments.length > 3 ? arguments[3] : "");
        } catch (Refused | IOException | ExecutionException error) {
            answer = new LinkedHashMap<>();
            answer.put("error", String.valueOf(error));
            answer.put("status", error instanceof Refused refused ? refused.status : null);
        }
        try (var writer = JsonProviders.createWriter(System.out)) {
            writer.writeUntyped(answer);
        }
        System.exit(0);
    }
}
