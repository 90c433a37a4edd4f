"""Handing messages to the brokers, and waiting until each is kept or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from deskward.kafka.broker import Outgoing

LARGEST = 32_000_000
"""Bytes of a message that librdkafka itself would take; the slice's own limit is far below."""

Sent = tuple[KafkaError | None, Message | None]
"""Why nobody has said that a message is kept, or None, and the message."""


def producer_of(config: Mapping[str, str | int | bool], seconds: int) -> Producer:
    """A producer that sends nothing twice while it lives.

    Args:
        seconds: After them librdkafka gives a message up, and sends it no more.
    """
    return Producer(
        {
            **config,
            "enable.idempotence": True,
            "message.timeout.ms": seconds * 1_000,
            "request.timeout.ms": seconds * 1_000,
            "message.max.bytes": LARGEST,
        }
    )


def send(producer: Producer, messages: Sequence[Outgoing]) -> list[Sent]:
    """Send messages, and wait for what came of each. Blocks."""
    told: dict[int, Sent] = {}
    for number, each in enumerate(messages):

        def note(error: KafkaError | None, message: Message, number: int = number) -> None:
            told[number] = (error, message)

        try:
            producer.produce(
                each.topic, each.value, each.key, headers=dict(each.headers), on_delivery=note
            )
        except KafkaException as error:
            told[number] = (error.args[0], None)
    while len(told) < len(messages):
        producer.poll(0.05)
    return [told[number] for number in range(len(messages))]
