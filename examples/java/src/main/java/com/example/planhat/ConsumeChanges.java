package com.example.planhat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints each change of a workspace's companies: op, key, name, and the fields that changed with
 * their new values.
 */
public final class ConsumeChanges {
  private static final String TOPIC = "planhat.changes." + Settings.WORKSPACE + ".company";
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    var decoder = new AvroDecoder();
    try (var consumer = consumer()) {
      stopOnSignal(consumer, Thread.currentThread());
      checkReachable(consumer);
      consumer.subscribe(List.of(TOPIC));
      while (true) {
        for (var message : consumer.poll(Duration.ofSeconds(1))) {
          // A tombstone has no value: it lets compaction forget the key, and the delete came
          // before it.
          if (message.value() != null) {
            System.out.println(line(message.key(), decoder.decode(message.value())));
          }
        }
        // Committed only after it was handled: a crash repeats changes, and skips none.
        consumer.commitSync();
      }
    } catch (WakeupException e) {
      // Asked to stop.
    } catch (IOException | IllegalStateException e) {
      System.err.println("ConsumeChanges: " + e.getMessage());
      Runtime.getRuntime().halt(1); // exit would wait for the hook, which waits for us
    }
  }

  private static KafkaConsumer<String, byte[]> consumer() {
    var properties = Settings.client();
    properties.put(ConsumerConfig.GROUP_ID_CONFIG, "example-java");
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    // The bridge writes in transactions: see only what was committed.
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    return new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
  }

  /** Turns a wrong address or name into an error; a consumer would wait for ever. */
  private static void checkReachable(KafkaConsumer<?, ?> consumer) {
    try {
      if (!consumer.listTopics().containsKey(TOPIC)) {
        throw new IllegalStateException(
            "no topic " + TOPIC + " at " + Settings.BROKERS + ", check WORKSPACE");
      }
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          "no Kafka at " + Settings.BROKERS + ", check KAFKA_BOOTSTRAP_SERVERS: " + e.getMessage());
    }
  }

  private static String line(String key, GenericRecord change) throws IOException {
    var op = change.get("op").toString();
    // Of a delete, "before" has at least the _id.
    var row = (GenericRecord) change.get(op.equals("d") ? "before" : "after");
    var fields = new ArrayList<String>();
    for (var name : (List<?>) change.get("changed")) {
      fields.add(name + "=" + value(row, name.toString()));
    }
    return String.join(" ", op, key, String.valueOf(row.get("name")), String.join(", ", fields));
  }

  /**
   * Looks a field up: custom.NAME in custom, which is JSON text; anything else in its typed field
   * or, where its value does not fit the type, in extra, JSON text as well.
   */
  private static JsonNode value(GenericRecord row, String name) throws IOException {
    if (name.startsWith("custom.")) {
      return member(row.get("custom"), name.substring("custom.".length()));
    }
    var value = row.hasField(name) ? row.get(name) : null;
    return value == null ? member(row.get("extra"), name) : JSON.readTree(avroJson(value));
  }

  private static String avroJson(Object value) throws IOException {
    return value instanceof CharSequence
        ? JSON.writeValueAsString(value.toString())
        : GenericData.get().toString(value);
  }

  private static JsonNode member(Object text, String name) throws IOException {
    return text == null ? JSON.nullNode() : JSON.readTree(text.toString()).path(name);
  }

  private static void stopOnSignal(KafkaConsumer<?, ?> consumer, Thread main) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  consumer.wakeup();
                  try {
                    main.join(5000);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
  }
}
