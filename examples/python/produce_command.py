"""Sets a company's custom field "Region 🌍" with a command, waits for the command's one
result and prints it. Exits 0 if the result is OK.

    produce_command.py [EXTERNAL_ID [REGION]]
"""

import json
import os
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

BROKERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092")
REGISTRY = os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:18081")
WORKSPACE = os.environ.get("WORKSPACE", "demo")
COMMANDS = f"planhat.commands.{WORKSPACE}"
RESULTS = f"planhat.results.{WORKSPACE}"


def main(external_id="c-1", region="EMEA"):
    registry = connect_registry()
    # Results are read from where they end now: what answers the command comes later.
    results = read_results_from_here()
    command = {
        "id": str(uuid.uuid4()),
        "op": "upsert",
        "object": "company",
        "target": {"externalId": external_id},
        # Present = set, null = clear, absent = leave.
        "fields": {"name": "Acme", "custom": {"Region 🌍": region}},
    }
    send(f"company/{external_id}", command)
    result = wait_for_result(results, registry, command["id"])
    results.close()
    if error := result["error"]:
        sys.exit(f"{result['status']} {error['code']}: {error['message']}. {error['remedy']}")
    print(result["status"], result["effect"], result["recordId"] or "-", command["id"])


def connect_registry():
    registry = SchemaRegistryClient({"url": REGISTRY})
    try:
        registry.get_subjects()
    except Exception as error:
        sys.exit(f"no schema registry at {REGISTRY}, check SCHEMA_REGISTRY_URL: {error}")
    return registry


def read_results_from_here():
    consumer = Consumer({
        "bootstrap.servers": BROKERS,
        "log_level": 2,  # trouble comes as exceptions
        "group.id": "unused",  # needed by the constructor; partitions are assigned by hand
        "enable.auto.commit": False,
        # The bridge writes in transactions: see only what was committed.
        "isolation.level": "read_committed",
    })
    try:
        topic = consumer.list_topics(timeout=10).topics.get(RESULTS)
        if topic is None:
            sys.exit(f"no topic {RESULTS} at {BROKERS}, check WORKSPACE")
        places = [TopicPartition(RESULTS, partition) for partition in topic.partitions]
        for place in places:
            place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    except KafkaException as error:
        sys.exit(f"no Kafka at {BROKERS}, check KAFKA_BOOTSTRAP_SERVERS: {error}")
    consumer.assign(places)
    return consumer


def send(key, command):
    producer = Producer({
        "bootstrap.servers": BROKERS,
        "log_level": 2,  # trouble comes as exceptions
        "enable.idempotence": True,
        # As Java's and most other clients: commands with one key go to one partition, and
        # are done in order, whoever sends them.
        "partitioner": "murmur2_random",
    })
    failed = []
    producer.produce(COMMANDS, key=key, value=json.dumps(command),
                     on_delivery=lambda error, _: error and failed.append(error))
    if producer.flush(30) or failed:
        sys.exit(f"the command was not sent to {COMMANDS}: {failed or 'no answer after 30 s'}")


def wait_for_result(results, registry, command_id):
    """Reads results until the one of the command comes: its key is the command's id."""
    decode = AvroDeserializer(registry)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = results.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        if message.key().decode() == command_id:
            return decode(message.value(), SerializationContext(RESULTS, MessageField.VALUE))
    sys.exit(f"no result of command {command_id} after 30 s: is the bridge's sink running?")


if __name__ == "__main__":
    main(*sys.argv[1:])
