"""Prints each change of a workspace's companies: op, key, name, and the fields that
changed with their new values."""

import json
import os
import signal
import sys
from datetime import datetime

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

BROKERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092")
REGISTRY = os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:18081")
WORKSPACE = os.environ.get("WORKSPACE", "demo")
TOPIC = f"planhat.changes.{WORKSPACE}.company"


def main():
    consumer = Consumer({
        "bootstrap.servers": BROKERS,
        "log_level": 2,  # trouble comes as exceptions
        "group.id": "example-python",
        "auto.offset.reset": "earliest",
        # The bridge writes in transactions: see only what was committed.
        "isolation.level": "read_committed",
        # Only what is stored below, after it was handled, is committed: a crash repeats
        # changes, and skips none.
        "enable.auto.offset.store": False,
    })
    registry = SchemaRegistryClient({"url": REGISTRY})
    check_reachable(consumer, registry)
    decode = AvroDeserializer(registry)
    context = SerializationContext(TOPIC, MessageField.VALUE)
    consumer.subscribe([TOPIC])
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            # A tombstone has no value: it lets compaction forget the key, and the delete
            # came before it.
            if message.value() is not None:
                show(message.key().decode(), decode(message.value(), context))
            consumer.store_offsets(message)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()  # commits what was stored


def check_reachable(consumer, registry):
    """Turns a wrong address or name into an error; a consumer would wait for ever."""
    try:
        registry.get_subjects()
    except Exception as error:
        sys.exit(f"no schema registry at {REGISTRY}, check SCHEMA_REGISTRY_URL: {error}")
    try:
        topics = consumer.list_topics(timeout=10).topics
    except KafkaException as error:
        sys.exit(f"no Kafka at {BROKERS}, check KAFKA_BOOTSTRAP_SERVERS: {error}")
    if TOPIC not in topics:
        sys.exit(f"no topic {TOPIC} at {BROKERS}, check WORKSPACE")


def show(key, change):
    # Of a delete, "before" has at least the _id.
    row = change["before"] if change["op"] == "d" else change["after"]
    fields = [f"{name}={as_json(value_of(row, name))}" for name in change["changed"]]
    print(change["op"], key, row["name"], ", ".join(fields), flush=True)


def as_json(value):
    return json.dumps(value, ensure_ascii=False, default=datetime.isoformat)


def value_of(row, name):
    """Looks a field up: custom.<name> in custom, which is JSON text; anything else in its
    typed field or, where its value does not fit the type, in extra, JSON text as well."""
    if name.startswith("custom."):
        return json.loads(row["custom"] or "{}").get(name.removeprefix("custom."))
    if row.get(name) is not None:
        return row[name]
    return json.loads(row["extra"] or "{}").get(name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
