package com.example.planhat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;

/**
 * Reads values in the Confluent wire format: a zero byte, the id of a schema as four bytes, and
 * Avro data written with that schema. It asks the registry for each schema once.
 */
final class AvroDecoder {
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<Integer, Schema> schemas = new HashMap<>();

  GenericRecord decode(byte[] value) throws IOException, InterruptedException {
    var bytes = ByteBuffer.wrap(value);
    if (value.length < 5 || bytes.get() != 0) {
      throw new IOException("the value is not in the Confluent wire format");
    }
    var schema = schema(bytes.getInt());
    var data = DecoderFactory.get().binaryDecoder(value, bytes.position(), bytes.remaining(), null);
    return new GenericDatumReader<GenericRecord>(schema).read(null, data);
  }

  private Schema schema(int id) throws IOException, InterruptedException {
    if (!schemas.containsKey(id)) {
      schemas.put(id, fetch(id));
    }
    return schemas.get(id);
  }

  private Schema fetch(int id) throws IOException, InterruptedException {
    var url = URI.create(Settings.REGISTRY + "/schemas/ids/" + id);
    try {
      var answer = http.send(HttpRequest.newBuilder(url).build(), BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw new IOException("status " + answer.statusCode() + ": " + answer.body());
      }
      return new Schema.Parser().parse(json.readTree(answer.body()).get("schema").asText());
    } catch (IOException e) {
      throw new IOException("no schema from " + url + ", check SCHEMA_REGISTRY_URL: " + e, e);
    }
  }
}
