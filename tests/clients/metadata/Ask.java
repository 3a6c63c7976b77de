import java.net.HttpURLConnection;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Asks for a URL with both HTTP clients of Java, and prints what each was answered. */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        var url = URI.create(arguments[0]);
        var older = (HttpURLConnection) url.toURL().openConnection();
        older.setRequestProperty("Metadata", "true");
        var stream = older.getResponseCode() < 400 ? older.getInputStream() : older.getErrorStream();
        System.out.println(older.getResponseCode() + " " + new String(stream.readAllBytes()));
        var client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
        var request = HttpRequest.newBuilder(url).header("Metadata", "true").build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
