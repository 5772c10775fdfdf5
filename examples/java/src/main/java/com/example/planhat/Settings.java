package com.example.planhat;

import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;

/** What the programs connect to, from the environment or as the sandbox has it. */
final class Settings {
  static final String BROKERS = env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092");
  static final String REGISTRY = env("SCHEMA_REGISTRY_URL", "http://127.0.0.1:18081");
  static final String WORKSPACE = env("WORKSPACE", "demo");

  private Settings() {}

  /** What every Kafka client here is told. */
  static Properties client() {
    var properties = new Properties();
    properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, BROKERS);
    properties.put(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG, "10000");
    properties.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, "10000");
    return properties;
  }

  private static String env(String name, String otherwise) {
    var value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }
}
