"""The port to Kafka, and what of it each tenant may use."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from deskward.core.allowed import Allowed
from deskward.core.errors import DeskwardError, InvalidInput
from deskward.kafka.models import BrokerNode, ConsumerGroup, Partition, Topic


class Place(NamedTuple):
    """Where a message stands in its topic."""

    partition: int
    offset: int


@dataclass(frozen=True)
class Found:
    """A message as it stands in a topic."""

    place: Place
    published_at: datetime | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Outgoing:
    """A message to be published."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class Broker(Protocol):
    """Speaks to Kafka's brokers. All of it ends within the operator's time.

    Its errors are `core.errors`: `OutcomeUnknown` where an effect may have happened, `Unavailable`
    where nobody answered and surely none did, `NotFound` of a topic, `Forbidden` where the brokers
    refuse.
    """

    async def publish(
        self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes]
    ) -> Place:
        """Have a message kept by all in-sync replicas, once."""
        ...

    async def publish_all(self, messages: Sequence[Outgoing]) -> list[DeskwardError | None]:
        """Have messages kept by all in-sync replicas, each at least once.

        Returns:
            For each of them None, or why nobody has said that it is kept: it may be all the same.
        """
        ...

    async def read(
        self, topic: str, group_id: str, *, most: int, most_bytes: int, wait: float
    ) -> tuple[list[Found], int]:
        """The first messages that a group has not acknowledged, and how many more there are.

        The group's place stays as it is.

        Args:
            most: How many messages at the most.
            most_bytes: How many bytes they have together, at the most; one there is in any case.
            wait: Seconds to wait for a first message where there is none.
        """
        ...

    async def acknowledge(
        self, topic: str, group_id: str, read: Mapping[int, int]
    ) -> dict[int, int]:
        """Move a group on behind the last message that it has read, and never back.

        Args:
            read: Partition → offset of that message.

        Returns:
            Partition → offset of what it reads next.
        """
        ...

    async def topics(self) -> list[Topic]:
        """All topics."""
        ...

    async def topic(self, name: str) -> list[Partition]:
        """A topic's partitions."""
        ...

    async def create(self, name: str, partitions: int, replicas: int | None) -> None:
        """Make a topic."""
        ...

    async def groups(self) -> list[str]:
        """The ids of all consumer groups."""
        ...

    async def group(self, ids: Sequence[str]) -> list[ConsumerGroup]:
        """Consumer groups as they stand."""
        ...

    async def nodes(self) -> list[BrokerNode]:
        """The brokers."""
        ...


@dataclass(frozen=True)
class Kafka:
    """Kafka, as far as the operator lets tenants use it.

    Attributes:
        most_bytes: How many a message may have.
        key: What receipts are made with.
    """

    broker: Broker
    topics: Allowed
    groups: Allowed
    most_bytes: int
    key: bytes

    def check_topic(self, tenant: str, topic: str) -> None:
        """See that a tenant may use a topic.

        Raises:
            Forbidden: It may not.
        """
        self.topics.check(tenant, "topic", topic)

    def check_group(self, tenant: str, group_id: str) -> None:
        """See that a tenant may use a consumer group.

        Raises:
            Forbidden: It may not.
        """
        self.groups.check(tenant, "consumer group", group_id)

    def receipt(self, tenant: str, topic: str, group_id: str, place: Place) -> str:
        """What acknowledges a message that a group was given; nobody can make one up."""
        said = "\0".join((tenant, topic, group_id, *map(str, place))).encode()
        mark = hmac.new(self.key, said, hashlib.sha256).hexdigest()[:32]
        return f"{place.partition}-{place.offset}-{mark}"

    def place_of(self, tenant: str, topic: str, group_id: str, receipt: str) -> Place:
        """The place of the message that a receipt is of.

        Raises:
            InvalidInput: It is no receipt of this topic and group.
        """
        partition, offset, _mark = receipt.split("-")
        place = Place(int(partition), int(offset))
        if not hmac.compare_digest(receipt, self.receipt(tenant, topic, group_id, place)):
            raise InvalidInput(
                "This is no receipt of a message of this topic for this group. Give those that "
                "`consume_messages` gave, as they are."
            )
        return place
