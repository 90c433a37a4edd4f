"""Reading the topics that the desk answers, as a member of a consumer group.

A batch is kept in the database first, and only then is its place committed. Whoever dies in between
is given it again, and keeps nothing twice. librdkafka blocks, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from deskward.core.tasks import background
from deskward.integrations.kafka.reading import FETCHED, PASSING, found_in
from deskward.kafka.broker import Found
from deskward.kafka.intake import Intake

BATCH = 100
"""Messages that are kept in one transaction."""
WAIT = 0.5
"""Seconds that are waited for a message, and that the desk's end waits for this at the most."""
PAUSE = 2.0
"""Seconds before what failed is tried again."""
_AWAY = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT})
_NOT_OURS = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._NO_OFFSET,
        KafkaError._ASSIGNMENT_LOST,
    }
)
"""What a commit is told whose partition another member has by now: that one reads it again."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Feeder:
    """Brings messages of topics into the desk."""

    def __init__(
        self, config: Mapping[str, str | int | bool], group: str, instance: str, intake: Intake
    ) -> None:
        """Make one.

        Args:
            config: How to reach the brokers.
            group: The consumer group.
            instance: This process's name in the group, by which one that is started again goes on
                at once where it was (KIP-345); empty for none.
            intake: Keeps messages.
        """
        self._intake = intake
        self._instance = instance
        self._config = {
            **config,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 2_000,
            "max.poll.interval.ms": 30_000,
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": FETCHED // 1_000,
        }
        self._thread = ThreadPoolExecutor(1, "kafka feed")
        self._ending = False

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Read while the block runs."""
        try:
            async with background(self._run()) as task:
                yield
                self._ending = True
                await asyncio.wait([task], timeout=4 * WAIT)
        finally:
            self._ending = True
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        while not self._ending:
            consumer: Consumer | None = None
            try:
                consumer = await self._in_thread(self._open)
                await self._read(consumer)
            except KafkaException as error:
                self._tell(error.args[0])
                if error.args[0].code() == KafkaError.FENCED_INSTANCE_ID:
                    log.warning("another process has the name %s in the group", self._instance)
                    self._instance = ""
            except Exception:
                log.exception("messages of topics cannot be read")
                self._intake.problem = "Reading them failed; the log says why."
            finally:
                if consumer is not None:
                    with contextlib.suppress(Exception):
                        await self._in_thread(consumer.close)
            if not self._ending:
                await asyncio.sleep(PAUSE)

    def _open(self) -> Consumer:
        named = {"group.instance.id": self._instance} if self._instance else {}
        consumer = Consumer({**self._config, **named, "error_cb": self._tell})
        consumer.subscribe(sorted(self._intake.feeds.by_topic))
        return consumer

    async def _read(self, consumer: Consumer) -> None:
        while not self._ending:
            batch = await self._in_thread(lambda: consumer.consume(BATCH, WAIT))
            messages = self._whole(batch)
            if self._intake.problem is not None and not messages:
                await self._in_thread(lambda: self._look(consumer))
            if messages:
                await self._keep(messages)
                await self._in_thread(partial(self._commit, consumer, messages))

    def _look(self, consumer: Consumer) -> None:
        """See whether what was wrong is over, where no message tells it."""
        there = consumer.list_topics(timeout=WAIT).topics
        missing = self._intake.feeds.by_topic.keys() - there.keys()
        self._intake.problem = f"There is no topic {min(missing)!r}." if missing else None

    def _whole(self, batch: Sequence[Message]) -> list[Message]:
        """The messages among what was read; the rest is what the brokers say is wrong."""
        whole = []
        for message in batch:
            error = message.error()
            if error is None:
                whole.append(message)
            elif error.fatal():
                raise KafkaException(error)
            elif error.code() not in PASSING:
                self._tell(error)
        return whole

    async def _keep(self, messages: Sequence[Message]) -> None:
        """Keep messages, however long the database is away: nobody else can, either."""
        told: list[tuple[str, Found]] = [(one.topic() or "", found_in(one)) for one in messages]
        while True:
            try:
                kept = await self._intake.keep(told)
            except Exception as error:
                if self._ending:
                    raise
                log.warning("messages of topics cannot be kept, once more: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                log.info("%d of %d messages of topics are new", kept, len(told))
                return

    def _commit(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        ends: dict[tuple[str, int], int] = {}
        for one in messages:
            place = one.topic() or "", one.partition() or 0
            ends[place] = max(ends.get(place, 0), (one.offset() or 0) + 1)
        offsets = [TopicPartition(*place, end) for place, end in ends.items()]
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # They are kept. Whoever is given them again finds that.
            if error.args[0].fatal():
                raise
            if error.args[0].code() not in _NOT_OURS:
                self._tell(error.args[0])
                return
        # Messages may have come before the brokers went: only an answer shows that they are there.
        self._intake.problem = None

    def _tell(self, error: KafkaError) -> None:
        """Say what is wrong, once for as long as it lasts. Also called by librdkafka's thread."""
        away = error.code() in _AWAY
        problem = "The brokers cannot be reached." if away else error.str()[:200]
        if problem != self._intake.problem:
            log.warning("Kafka: %s", error)
        self._intake.problem = problem

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
