"""Kafka by librdkafka (`confluent_kafka`): clients that are opened when a tool asks.

Requests of the administration protocol are futures. Publishing and reading block, in threads of
their own, so that brokers that hang keep nothing else waiting. What nobody has used for some
minutes is closed again: a client has a thread for each broker.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

from confluent_kafka import (
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its types hide the latter two
    AdminClient,
    NewTopic,
    OffsetSpec,
)

from deskward.core.errors import DeskwardError, InvalidInput, Unavailable
from deskward.integrations.kafka.faults import fault, unclear, undelivered
from deskward.integrations.kafka.producing import Sent, producer_of, send
from deskward.integrations.kafka.reading import PASSING, STEP, move_on, read
from deskward.kafka.broker import Found, Outgoing, Place
from deskward.kafka.models import BrokerNode, ConsumerGroup, Partition, Topic

T = TypeVar("T")
Config = Mapping[str, str | int | bool]

IDLE = 300.0
"""Seconds after which clients are closed that nobody uses."""
THREADS = 4
"""Messages that are published, and reads that are made, at the same time."""
_EARLIEST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # it has no types
_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # it has no types
_STATES = {
    "UNKNOWN": "unknown",
    "PREPARING_REBALANCING": "rebalancing",
    "COMPLETING_REBALANCING": "rebalancing",
    "STABLE": "stable",
    "DEAD": "dead",
    "EMPTY": "empty",
}


class LibrdkafkaBroker:
    """See `kafka.broker.Broker`."""

    def __init__(self, config: Config, seconds: int) -> None:
        """Make one; nothing is opened yet.

        Args:
            config: What every client is set to.
            seconds: What the brokers may take for one thing.
        """
        self._config = config
        self._seconds = seconds
        self._threads = concurrent.futures.ThreadPoolExecutor(THREADS, "kafka")
        self._admin: AdminClient | None = None
        self._producer: Producer | None = None
        self._reason: KafkaError | None = None
        self._moving = asyncio.Lock()
        self._busy = 0
        self._closing: asyncio.TimerHandle | None = None

    async def aclose(self) -> None:
        """Close what is open. What was to be sent is sent, or known not to be, by then."""
        if self._closing is not None:
            self._closing.cancel()
        self._close()
        await asyncio.to_thread(self._threads.shutdown)

    async def publish(
        self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes]
    ) -> Place:
        """See `Broker`."""
        async with self._using():
            # Whoever cannot be asked about the topic surely gets nothing.
            await self._described(topic)
        async with self._using(bounded=False):  # librdkafka itself is
            one = Outgoing(topic, key, value, headers)
            ((error, message),) = await self._in_thread(lambda: self._send([one]))
        if error is not None or message is None:
            raise self._told_of(error or KafkaError(KafkaError._FAIL), topic)
        partition, offset = message.partition(), message.offset()
        return Place(-1 if partition is None else partition, -1 if offset is None else offset)

    async def publish_all(self, messages: Sequence[Outgoing]) -> list[DeskwardError | None]:
        """See `Broker`."""
        async with self._using(bounded=False):
            sent = await self._in_thread(lambda: self._send(messages))
        return [
            self._told_of(error, each.topic) if error is not None else None
            for each, (error, _message) in zip(messages, sent, strict=True)
        ]

    async def read(
        self, topic: str, group_id: str, *, most: int, most_bytes: int, wait: float
    ) -> tuple[list[Found], int]:
        """See `Broker`."""
        async with self._using(wait):
            partitions = await self.topic(topic)
            work = functools.partial(
                read,
                {**self._config, "group.id": group_id},
                topic,
                partitions,
                most=most,
                most_bytes=most_bytes,
                seconds=self._seconds,
                wait=wait,
            )
            found, start = await self._reading(work, topic)
        begun = dict(start)
        for one in found:
            begun[one.place.partition] = one.place.offset + 1
        left = sum(max(0, one.latest - begun[one.partition]) for one in partitions)
        return found, left

    async def acknowledge(
        self, topic: str, group_id: str, read: Mapping[int, int]
    ) -> dict[int, int]:
        """See `Broker`."""
        async with self._using(), self._moving:
            partitions = await self.topic(topic)
            ends = {one.partition: one.latest for one in partitions}
            for partition, offset in read.items():
                if offset >= ends.get(partition, 0):
                    raise InvalidInput(
                        f"There is no message {partition}-{offset} any more: the topic was made "
                        "anew. Read it again."
                    )
            config = {**self._config, "group.id": group_id}
            # To do it once more does no harm, so that a fault is no unknown outcome.
            work = functools.partial(move_on, config, topic, partitions, read, self._seconds)
            return await self._reading(work, topic)

    async def topics(self) -> list[Topic]:
        """See `Broker`."""
        async with self._using():
            try:
                found = await self._in_thread(
                    lambda: self._client().list_topics(timeout=self._seconds)
                )
            except KafkaException as error:
                raise self._fault(error, "") from None
        return [
            Topic(topic=name, partitions=len(told.partitions))
            for name, told in found.topics.items()
            if told.error is None and not name.startswith("__")  # Kafka's own
        ]

    async def topic(self, name: str) -> list[Partition]:
        """See `Broker`."""
        async with self._using():
            described = await self._described(name)
            ids = [one.id for one in described.partitions]
            earliest = await self._ends(name, ids, _EARLIEST)
            latest = await self._ends(name, ids, _LATEST)
        return [
            Partition(
                partition=one.id,
                leader=one.leader.id if one.leader is not None else None,
                replicas=[node.id for node in one.replicas],
                in_sync=[node.id for node in one.isr],
                earliest=earliest[one.id],
                latest=latest[one.id],
            )
            for one in described.partitions
        ]

    async def create(self, name: str, partitions: int, replicas: int | None) -> None:
        """See `Broker`."""
        async with self._using():
            # Before this answers nothing is asked of the brokers, so that a fault is surely one.
            await self._asked(lambda admin: admin.describe_cluster(**self._within), "")
        new = NewTopic(name, partitions, -1 if replicas is None else replicas)
        async with self._using(bounded=False):
            try:
                await asyncio.wrap_future(self._client().create_topics([new], **self._within)[name])
            except KafkaException as error:
                if error.args[0].code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
                    raise unclear("The topic's creation was begun") from None
                raise self._fault(error, name) from None

    async def groups(self) -> list[str]:
        """See `Broker`."""
        async with self._using():
            found = await self._asked(lambda admin: admin.list_consumer_groups(**self._within), "")
        if found.errors and not found.valid:
            raise self._fault(found.errors[0], "")
        return [one.group_id for one in found.valid]

    async def group(self, ids: Sequence[str]) -> list[ConsumerGroup]:
        """See `Broker`."""
        async with self._using():
            asked = self._client().describe_consumer_groups(list(ids), **self._within)
            found = [await self._told(told, "") for told in asked.values()]
        return [
            ConsumerGroup.model_validate(
                {
                    "group_id": one.group_id,
                    "state": _STATES.get(one.state.name, "unknown"),
                    "members": len(one.members),
                }
            )
            for one in found
        ]

    async def nodes(self) -> list[BrokerNode]:
        """See `Broker`."""
        async with self._using():
            found = await self._asked(lambda admin: admin.describe_cluster(**self._within), "")
        leads = found.controller.id if found.controller is not None else None
        return [
            BrokerNode(
                id=one.id,
                address=f"{one.host}:{one.port}",
                rack=one.rack,
                controller=one.id == leads,
            )
            for one in found.nodes
        ]

    @property
    def _within(self) -> dict[str, float]:
        return {"request_timeout": float(self._seconds)}

    async def _described(self, topic: str) -> Any:
        asked = TopicCollection([topic])
        return await self._asked(
            lambda admin: admin.describe_topics(asked, **self._within)[topic], topic
        )

    async def _ends(self, topic: str, partitions: Sequence[int], end: OffsetSpec) -> dict[int, int]:
        """Partition → the offset of this end; asked again while a leader is being chosen."""
        until = time.monotonic() + self._seconds
        asked = {TopicPartition(topic, one): end for one in partitions}
        while True:
            found = self._client().list_offsets(asked, **self._within)
            try:
                return {
                    place.partition: (await asyncio.wrap_future(told)).offset
                    for place, told in found.items()
                }
            except KafkaException as error:
                if error.args[0].code() not in PASSING or time.monotonic() >= until:
                    raise self._fault(error, topic) from None
            await asyncio.sleep(STEP)

    async def _reading(self, work: Callable[[], T], topic: str) -> T:
        """Do what blocks, of which the brokers may say no."""
        try:
            return await self._in_thread(work)
        except KafkaException as error:
            raise fault(error.args[0], topic, self._seconds) from None

    async def _asked(
        self, begin: Callable[[AdminClient], concurrent.futures.Future[Any]], topic: str
    ) -> Any:
        return await self._told(begin(self._client()), topic)

    async def _told(self, future: concurrent.futures.Future[Any], topic: str) -> Any:
        try:
            return await asyncio.wrap_future(future)
        except KafkaException as error:
            raise self._fault(error, topic) from None

    def _fault(self, error: KafkaException, topic: str) -> Exception:
        """What is told of it; of one that took too long, why the brokers were not reached."""
        found: KafkaError = error.args[0]
        if self._admin is not None:
            self._reason = None
            self._admin.poll(0)  # which gives what was noticed meanwhile to `_noticed`
        timed_out = found.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT)
        return fault(self._reason if timed_out and self._reason else found, topic, self._seconds)

    def _noticed(self, error: KafkaError) -> None:
        known = self._reason
        if known is None or known.code() == KafkaError._ALL_BROKERS_DOWN:
            self._reason = error

    def _client(self) -> AdminClient:
        if self._admin is None:
            config: dict[str, Any] = {**self._config, "error_cb": self._noticed}
            self._admin = AdminClient(config)
        return self._admin

    def _send(self, messages: Sequence[Outgoing]) -> list[Sent]:
        if self._producer is None:
            self._producer = producer_of(self._config, self._seconds)
        return send(self._producer, messages)

    def _told_of(self, error: KafkaError, topic: str) -> DeskwardError:
        """What is told of a message that nobody has said to be kept."""
        if self._producer is not None and error.fatal():
            self._producer = None  # an idempotent producer that lost its sequence
        return undelivered(error, topic, self._seconds)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do what blocks.

        Raises:
            Unavailable: No thread was free in time; it was not begun.
        """
        future = self._threads.submit(work)
        started = asyncio.wrap_future(future)
        done, _ = await asyncio.wait([started], timeout=self._seconds)
        if not done and future.cancel():
            raise Unavailable(
                "Too much is waiting for Kafka. Nothing was done; try again later.",
                retry_after=self._seconds,
            )
        return await started

    @contextlib.asynccontextmanager
    async def _using(self, more: float = 0, *, bounded: bool = True) -> AsyncIterator[None]:
        """Leave the clients open in the block, and for a while after it.

        Args:
            more: Seconds that it may take besides.
            bounded: Whether its end is waited for only so long.

        Raises:
            Unavailable: It took too long.
        """
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self._busy += 1
        try:
            async with asyncio.timeout(self._seconds + 1 + more if bounded else None):
                yield
        except TimeoutError:
            error = KafkaException(KafkaError(KafkaError._TIMED_OUT))
            raise self._fault(error, "") from None
        finally:
            self._busy -= 1
            if not self._busy:
                self._closing = asyncio.get_running_loop().call_later(IDLE, self._close)

    def _close(self) -> None:
        """Let the clients go, which nobody uses."""
        gone = [self._admin, self._producer]
        self._admin = self._producer = None
        if any(gone):
            # Their end waits for their threads.
            self._threads.submit(gone.clear)
