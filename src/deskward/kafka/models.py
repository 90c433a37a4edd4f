"""What is asked and answered about Kafka's topics and messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from deskward.core.written import Ours, Written

NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,248}$"
"""A topic's or a group's, as Kafka has topics' names."""

TopicName = Annotated[
    str, Field(pattern=NAME, description="Name of a topic.", examples=["customer-queries"])
]
GroupId = Annotated[
    str,
    Field(pattern=NAME, description="Id of a consumer group.", examples=["response-processors"]),
]
Receipt = Annotated[
    str,
    Field(
        pattern=r"^\d{1,10}-\d{1,19}-[0-9a-f]{32}$",
        description="Receipt of a message, as `consume_messages` gave it.",
        examples=["0-41-8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
Theirs = Written(by="outside")
"""Whoever writes to a topic."""


class Published(BaseModel):
    """Where a message stands now."""

    topic: TopicName
    partition: int
    offset: int
    effect_id: Ours = Field(description="Stands in the message's header `deskward-effect-id`.")
    message: Ours


class Message(BaseModel):
    """A message of a topic."""

    partition: int
    offset: int
    published_at: datetime | None
    key: Annotated[str | None, Theirs]
    headers: Annotated[dict[str, str], Theirs]
    message: Annotated[Any, Theirs] = Field(
        description="A value of JSON, or a text; null of a message that deletes its key's others."
    )
    encoding: Literal["json", "text", "base64"] = Field(description="What `message` is.")
    truncated: bool = Field(description="Whether it is the beginning of a longer message.")
    receipt: Receipt


class Consumed(BaseModel):
    """What a group has not acknowledged yet."""

    topic: TopicName
    group_id: GroupId
    messages: list[Message]
    remaining: int = Field(description="About how many more the group has not acknowledged.")


class PartitionPlace(BaseModel):
    """A group's place in a partition."""

    partition: int
    next_offset: int = Field(description="Offset of the message that the group reads next.")


class Acknowledged(BaseModel):
    """What a group has read, by now."""

    topic: TopicName
    group_id: GroupId
    partitions: list[PartitionPlace]


class Topic(BaseModel):
    """A topic."""

    topic: TopicName
    partitions: int


class Topics(BaseModel):
    """The topics that there are, of those that the tenant may use."""

    topics: list[Topic]
    allowed: list[Ours] = Field(description="What KAFKA_TOPICS lists for the tenant.")


class Partition(BaseModel):
    """A partition of a topic."""

    partition: int
    leader: int | None = Field(description="Id of the broker that leads it; null: none does.")
    replicas: list[int]
    in_sync: list[int]
    earliest: int = Field(description="Offset of the first message that is kept.")
    latest: int = Field(description="Offset that the next message gets.")


class TopicMetadata(BaseModel):
    """A topic as it stands."""

    topic: TopicName
    partitions: list[Partition]


class TopicReceipt(BaseModel):
    """The receipt of a new topic."""

    topic: TopicName
    partitions: int
    message: Ours


class ConsumerGroup(BaseModel):
    """A consumer group."""

    group_id: GroupId
    state: Literal["unknown", "rebalancing", "stable", "dead", "empty"]
    members: int


class ConsumerGroups(BaseModel):
    """The consumer groups that there are, of those that the tenant may use."""

    groups: list[ConsumerGroup]


class BrokerNode(BaseModel):
    """A broker."""

    id: int
    address: Annotated[str, Theirs]
    rack: Annotated[str | None, Theirs]
    controller: bool


class Brokers(BaseModel):
    """The brokers of the cluster."""

    brokers: list[BrokerNode]
