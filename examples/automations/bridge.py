"""What the automations share: changes are read, commands are sent, results awaited.

The offset of a change is stored when the loop comes back for the next one: when all that the
change caused was answered. A crash before that repeats the change. The id of its command
comes from its place in the topic, so it is the same then, and each automation sends commands
that leave the record as it is when they are done again.
"""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

BROKERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092")
REGISTRY = os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:18081")
WORKSPACE = os.environ.get("WORKSPACE", "demo")


@dataclass
class Change:
    id: str  # of automation and change: the same each time the change is read
    op: str  # r first read, c created, u updated, d deleted
    key: str  # the record's _id
    before: dict | None
    after: dict | None
    changed: list[str]  # names that differ, such as "phase" or "custom.Region"


class Bridge:
    def __init__(self, name):
        """The name is the consumer group's: what goes on where it left off."""
        self.name = name
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, lambda *_: sys.exit())
        registry = SchemaRegistryClient({"url": REGISTRY})
        try:
            registry.get_subjects()
        except Exception as error:
            sys.exit(f"no schema registry at {REGISTRY}, check SCHEMA_REGISTRY_URL: {error}")
        self.avro = AvroDeserializer(registry)
        self.producer = Producer({
            "bootstrap.servers": BROKERS,
            "enable.idempotence": True,
            "log_level": 2,
            "partitioner": "murmur2_random",  # as others' clients: one key, one partition
        })
        # Results are read from where they end now: what answers our commands comes later.
        self.results = self.consumer()
        partitions = self.partitions(f"planhat.results.{WORKSPACE}")
        for p in partitions:
            p.offset = self.results.get_watermark_offsets(p, timeout=10)[1]
        self.results.assign(partitions)

    def changes(self, obj):
        """Yields the changes of an object, as they come, until the program is stopped."""
        topic = f"planhat.changes.{WORKSPACE}.{obj}"
        self.partitions(topic)
        consumer = self.consumer()
        consumer.subscribe([topic])
        try:
            while True:
                if (message := self.poll(consumer)) is None:
                    continue
                if message.value() is not None:  # a tombstone only repeats the delete before it
                    place = f"{self.name}/{topic}/{message.partition()}/{message.offset()}"
                    value = self.decode(message)
                    yield Change(place, value["op"], message.key().decode(),
                                 value["before"], value["after"], value["changed"])
                consumer.store_offsets(message)
        finally:
            consumer.close()  # commits what was stored

    def execute(self, command_id, key, **command):
        """Sends a command and waits for its result, which is printed. A command that was
        refused is among the dead letters. Commands with one key are done in order."""
        failed = []
        self.producer.produce(
            f"planhat.commands.{WORKSPACE}", key=key, value=json.dumps({"id": command_id, **command}),
            on_delivery=lambda error, _: error and failed.append(error))
        if self.producer.flush(30) or failed:
            sys.exit(f"command {command_id} was not sent: {failed or 'no answer after 30 s'}")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message = self.poll(self.results)
            if message and message.key().decode() == command_id:
                result = self.decode(message)
                error = result["error"]
                what = f"{error['code']}: {error['message']}" if error else result["effect"]
                print(result["status"], what, key, command_id, flush=True)
                return result
        sys.exit(f"no result of command {command_id} after 60 s: is the bridge's sink running?")

    def consumer(self):
        return Consumer({
            "bootstrap.servers": BROKERS,
            "group.id": self.name,
            "session.timeout.ms": 10000,  # after a crash, its next start goes on after 10 s
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.auto.offset.store": False,
            "log_level": 2,
        })

    def partitions(self, topic):
        try:
            found = self.results.list_topics(timeout=10).topics.get(topic)
        except KafkaException as error:
            sys.exit(f"no Kafka at {BROKERS}, check KAFKA_BOOTSTRAP_SERVERS: {error}")
        if found is None:
            sys.exit(f"no topic {topic} at {BROKERS}, check WORKSPACE")
        return [TopicPartition(topic, p) for p in found.partitions]

    def poll(self, consumer):
        message = consumer.poll(0.5)
        if message and message.error():
            raise KafkaException(message.error())
        return message

    def decode(self, message):
        return self.avro(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
