import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** Opens a PFX without a password, and prints what it holds and whether it is accepted where ROOT, or nobody else, is trusted. */
public final class OpenCertificate {
    private static String validated(CertPath path, X509Certificate root) throws Exception {
        PKIXParameters trusting = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        trusting.setRevocationEnabled(false);
        try {
            CertPathValidator.getInstance("PKIX").validate(path, trusting);
            return "valid";
        } catch (CertPathValidatorException refused) {
            return "refused";
        }
    }

    private static String trusted(X509Certificate[] chain, X509Certificate root) throws Exception {
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        roots.setCertificateEntry("root", root);
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(roots);
        try {
            ((X509TrustManager) factory.getTrustManagers()[0]).checkServerTrusted(chain, "ECDHE_ECDSA");
            return "trusted";
        } catch (CertificateException refused) {
            return "refused";
        }
    }

    private static boolean signs(PrivateKey key, Certificate leaf) throws Exception {
        Signature signing = Signature.getInstance("SHA256withECDSA");
        signing.initSign(key);
        signing.update("message".getBytes());
        byte[] signature = signing.sign();
        signing.initVerify(leaf);
        signing.update("message".getBytes());
        return signing.verify(signature);
    }

    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (var file = new FileInputStream(arguments[0])) {
            store.load(file, new char[0]);
        }
        String alias = store.aliases().nextElement();
        List<Certificate> found = List.of(store.getCertificateChain(alias));
        X509Certificate[] chain = found.toArray(X509Certificate[]::new);
        System.out.println(chain[0].getSubjectX500Principal());
        System.out.println(chain.length);
        System.out.println(signs((PrivateKey) store.getKey(alias, new char[0]), chain[0]));
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        X509Certificate root;
        try (var file = new FileInputStream(arguments[1])) {
            root = (X509Certificate) certificates.generateCertificate(file);
        }
        System.out.println(validated(certificates.generateCertPath(found.subList(0, 1)), root));
        System.out.println(trusted(chain, root));
    }
}
