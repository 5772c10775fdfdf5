import java.io.FileWriter;
import java.util.Map;
import java.util.Properties;
import java.util.Set;

/**
 * Starts a broker as the entry point of the image apache/kafka does: each
 * KAFKA_... variable is a setting ("_" is a dot, "__" an underscore, "___" a
 * hyphen), the log directory is formatted for CLUSTER_ID if it is not yet.
 */
public class Start {
    /** Variables that are not settings of the broker. */
    private static final Set<String> OTHERS = Set.of("KAFKA_VERSION", "KAFKA_HEAP_OPTS", "KAFKA_OPTS",
            "KAFKA_LOG4J_OPTS", "KAFKA_JMX_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_GC_LOG_OPTS");

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.setProperty("log.dirs", "/tmp/kraft-combined-logs");
        for (Map.Entry<String, String> e : System.getenv().entrySet()) {
            String name = e.getKey();
            if (name.startsWith("KAFKA_") && !OTHERS.contains(name)) {
                settings.setProperty(setting(name.substring("KAFKA_".length())), e.getValue());
            }
        }
        String file = "/tmp/server.properties";
        try (FileWriter w = new FileWriter(file)) {
            settings.store(w, null);
        }
        String cluster = System.getenv().getOrDefault("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw");
        int code = kafka.tools.StorageTool.execute(new String[] {"format", "--ignore-formatted", "-t", cluster, "-c", file}, System.out);
        if (code != 0) {
            System.exit(code);
        }
        kafka.Kafka.main(new String[] {file});
    }

    private static String setting(String variable) {
        return variable.toLowerCase().replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_");
    }
}
