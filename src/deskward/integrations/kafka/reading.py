"""Reading a topic from a group's place on, without being one of the group's members.

So nothing is given to one member and withheld from another, no rebalance waits for a caller who
went away, and nothing is committed that nobody has acknowledged.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as Kept

from deskward.kafka.broker import Found, Place
from deskward.kafka.models import Partition

FETCHED = 2_000_000
"""Bytes that a broker is asked for at once."""
PASSING = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError._WAIT_COORD,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
"""What brokers say while a leader or a coordinator is only being chosen: asked again, they tell."""
STEP = 0.1
"""Seconds that are waited for more before looking whether it was enough."""


def read(
    config: Mapping[str, Any],
    topic: str,
    partitions: Sequence[Partition],
    *,
    most: int,
    most_bytes: int,
    seconds: float,
    wait: float,
) -> tuple[list[Found], dict[int, int]]:
    """Messages of a topic from a group's place on, of its partitions in turn. Blocks.

    Args:
        config: How to reach the brokers, and the group's id.
        most: How many messages at the most.
        most_bytes: Bytes that they have together, unless there is only one.
        seconds: What the brokers may take.
        wait: Seconds to wait for a message where there is none.

    Returns:
        The messages, and for each partition the offset where the group stands.

    Raises:
        KafkaException: The brokers refuse, or did not answer in time.
    """
    until = time.monotonic() + seconds
    with _consumer(config) as consumer:
        start = _committed(consumer, topic, partitions, seconds)
        consumer.assign([TopicPartition(topic, one, offset) for one, offset in start.items()])
        waits = time.monotonic() + wait
        return _read(consumer, set(start), most, most_bytes, max(until, waits), waits), start


def move_on(
    config: Mapping[str, Any],
    topic: str,
    partitions: Sequence[Partition],
    read: Mapping[int, int],
    seconds: float,
) -> dict[int, int]:
    """Commit that a group has read these offsets, where it is not further on. Blocks.

    Returns:
        Partition → the offset that the group reads next.

    Raises:
        KafkaException: The brokers refuse, or did not answer in time.
    """
    with _consumer(config) as consumer:
        start = _committed(consumer, topic, partitions, seconds)
        moved = {each: max(offset + 1, start[each]) for each, offset in read.items()}
        ahead = [TopicPartition(topic, each, to) for each, to in moved.items() if to > start[each]]
        if ahead:
            _insisting(lambda: consumer.commit(offsets=ahead, asynchronous=False) or [], seconds)
    return moved


def _consumer(config: Mapping[str, Any]) -> contextlib.closing[Consumer]:
    consumer = Consumer(
        {
            **config,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "fetch.max.bytes": FETCHED,
            "fetch.message.max.bytes": FETCHED,
            "queued.max.messages.kbytes": FETCHED // 1_000,
            "fetch.wait.max.ms": 100,
        }
    )
    return contextlib.closing(consumer)


def _committed(
    consumer: Consumer, topic: str, partitions: Sequence[Partition], seconds: float
) -> dict[int, int]:
    """Partition → the offset that the group reads next.

    One that has acknowledged nothing, or whose place was deleted since, reads the first message
    that there is. The administration client could tell, too, but takes the process down with it
    where a coordinator is only just made (librdkafka 2.16).
    """
    ends = {one.partition: one for one in partitions}
    asked = [TopicPartition(topic, one) for one in ends]
    found = {}
    for place in _insisting(lambda: consumer.committed(asked, timeout=seconds), seconds):
        end = ends[place.partition]
        known = end.earliest <= place.offset <= end.latest
        found[place.partition] = place.offset if known else end.earliest
    return found


def _insisting(ask: Callable[[], list[TopicPartition]], seconds: float) -> list[TopicPartition]:
    """Ask the brokers, again while one of them is only being chosen."""
    until = time.monotonic() + seconds
    while True:
        try:
            told = ask()
            wrong = next((place.error for place in told if place.error is not None), None)
            if wrong is None:
                return told
            raise KafkaException(wrong)
        except KafkaException as error:
            if error.args[0].code() not in PASSING or time.monotonic() >= until:
                raise
        time.sleep(STEP)


def _read(
    consumer: Consumer, open_ones: set[int], most: int, most_bytes: int, until: float, waits: float
) -> list[Found]:
    found: list[Found] = []
    size = 0
    ended: set[int] = set()
    while len(found) < most:
        message = consumer.poll(STEP)
        if message is None:
            if ended == open_ones and (found or time.monotonic() >= waits):
                break
            if ended != open_ones and time.monotonic() >= until:
                if found:
                    break
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            continue
        error = message.error()
        if error is None:
            size += len(message.value() or b"") + len(message.key() or b"")
            if found and size > most_bytes:
                break
            found.append(found_in(message))
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition() or 0)
            if ended == open_ones and (found or time.monotonic() >= waits):
                break
        elif error.code() not in PASSING and error.code() != KafkaError._TRANSPORT:
            raise KafkaException(error)
    return found


def found_in(message: Kept) -> Found:
    """A message as the slice has it."""
    kind, at = message.timestamp()
    headers = message.headers() or []
    known = kind != TIMESTAMP_NOT_AVAILABLE and 0 <= at < 253_402_300_800_000
    return Found(
        place=Place(message.partition() or 0, message.offset() or 0),
        published_at=datetime.fromtimestamp(at / 1_000, UTC) if known else None,
        key=message.key(),
        value=message.value(),
        headers=[
            (name, value.encode() if isinstance(value, str) else value)
            for name, value in (headers.items() if isinstance(headers, dict) else headers)
        ],
    )
