"""Topics that a desk answers, and what programs beside it do there."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its types hide the latter
    AdminClient,
    NewTopic,
)

from tests.services.kafka import Kafka

_numbers = itertools.count()


class Topics(NamedTuple):
    """Topics of a test's own, and what programs beside the desk do there."""

    servers: str
    queries: str
    answers: str
    group: str

    @classmethod
    def made(cls, broker: Kafka, partitions: int = 3) -> Topics:
        """Have the topics."""
        number = next(_numbers)
        self = cls(broker.servers, f"queries-{number}", f"answers-{number}", f"desk-{number}")
        admin = AdminClient({"bootstrap.servers": broker.servers})
        names = (self.queries, self.answers, self.dead)
        wanted = [NewTopic(name, partitions, 1) for name in names]
        for made in admin.create_topics(wanted).values():
            made.result(30)
        return self

    @property
    def dead(self) -> str:
        """The topic of dead letters."""
        return f"{self.queries}.dead-letters"

    @property
    def settings(self) -> dict[str, Any]:
        """What a desk is set to that answers them."""
        return {
            "kafka_bootstrap_servers": self.servers,
            "kafka_query_topics": self.queries,
            "kafka_answer_topics": self.answers,
            "kafka_query_group": self.group,
            "kafka_timeout": 5,
        }

    def say(self, *messages: dict[str, Any] | bytes | None) -> None:
        """Publish messages, as agents do."""
        producer = Producer({"bootstrap.servers": self.servers, "enable.idempotence": True})
        for told in messages:
            value = json.dumps(told).encode() if isinstance(told, dict) else told
            key = f"customer-{told.get('customer_id')}" if isinstance(told, dict) else "odd"
            producer.produce(self.queries, value, key)
        assert producer.flush(60) == 0

    def read(self, topic: str, count: int, seconds: float = 60) -> list[Any]:
        """The messages of a topic, once there are so many and no more come for a moment."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": f"reader-{next(_numbers)}",
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe([topic])
        found: list[Any] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            message = consumer.poll(0.5)
            if message is None and len(found) >= count:
                break
            if message is not None and message.error() is None:
                found.append(message)
        consumer.close()
        return found
