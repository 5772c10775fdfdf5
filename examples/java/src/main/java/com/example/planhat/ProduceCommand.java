package com.example.planhat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sets a company's custom field "Region 🌍" with a command, waits for the command's one result and
 * prints it. Exits 0 if the result is OK. Arguments: [EXTERNAL_ID [REGION]].
 */
public final class ProduceCommand {
  private static final String COMMANDS = "planhat.commands." + Settings.WORKSPACE;
  private static final String RESULTS = "planhat.results." + Settings.WORKSPACE;

  public static void main(String[] args) throws Exception {
    var externalId = args.length > 0 ? args[0] : "c-1";
    var region = args.length > 1 ? args[1] : "EMEA";
    var id = UUID.randomUUID().toString();
    var command =
        Map.of(
            "id", id,
            "op", "upsert",
            "object", "company",
            "target", Map.of("externalId", externalId),
            // Present = set, null = clear, absent = leave.
            "fields", Map.of("name", "Acme", "custom", Map.of("Region 🌍", region)));
    try (var results = resultsFromHere()) {
      send("company/" + externalId, new ObjectMapper().writeValueAsBytes(command));
      print(await(results, id));
    } catch (IOException | IllegalStateException e) {
      System.err.println("ProduceCommand: " + e.getMessage());
      System.exit(1);
    }
  }

  /** Reads results from where they end now: what answers the command comes later. */
  private static KafkaConsumer<String, byte[]> resultsFromHere() {
    var properties = Settings.client();
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    // The bridge writes in transactions: see only what was committed.
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    var consumer =
        new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
    try {
      var topic = consumer.listTopics().get(RESULTS);
      if (topic == null) {
        throw new IllegalStateException(
            "no topic " + RESULTS + " at " + Settings.BROKERS + ", check WORKSPACE");
      }
      consumer.assign(topic.stream().map(p -> new TopicPartition(RESULTS, p.partition())).toList());
      consumer.endOffsets(consumer.assignment()).forEach(consumer::seek);
      return consumer;
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          "no Kafka at " + Settings.BROKERS + ", check KAFKA_BOOTSTRAP_SERVERS: " + e.getMessage());
    }
  }

  /** Commands with one key are done in order. */
  private static void send(String key, byte[] command) throws InterruptedException {
    try (var producer =
        new KafkaProducer<>(Settings.client(), new StringSerializer(), new ByteArraySerializer())) {
      producer.send(new ProducerRecord<>(COMMANDS, key, command)).get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("send to " + COMMANDS + ": " + e.getCause().getMessage());
    }
  }

  /** Reads results until the one of the command comes: its key is the command's id. */
  private static GenericRecord await(KafkaConsumer<String, byte[]> results, String id)
      throws Exception {
    var decoder = new AvroDecoder();
    var deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (System.nanoTime() < deadline) {
      for (var message : results.poll(Duration.ofSeconds(1))) {
        if (message.key().equals(id)) {
          return decoder.decode(message.value());
        }
      }
    }
    throw new IllegalStateException(
        "no result of command " + id + " after 30 s: is the bridge's sink running?");
  }

  private static void print(GenericRecord result) {
    if (result.get("error") instanceof GenericRecord error) {
      throw new IllegalStateException(
          "%s %s: %s. %s"
              .formatted(
                  result.get("status"), error.get("code"), error.get("message"), error.get("remedy")));
    }
    var recordId = result.get("recordId") == null ? "-" : result.get("recordId");
    System.out.printf(
        "%s %s %s %s%n",
        result.get("status"), result.get("effect"), recordId, result.get("commandId"));
  }
}
