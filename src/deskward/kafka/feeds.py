"""Topics whose messages the desk answers, and the table that such a message goes through.

A message of a customer is kept before its offset is committed, answered in its customer's turn, and
its answer stays in the same row until the brokers have it. So neither a process that dies nor a
broker that is away loses one, and nothing that is done twice is told twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, OWNER, TEXT, VALUE
from deskward.core.setting_values import by_tenant

EFFECT_HEADER = "deskward-effect-id"
"""The header by which whoever consumes a message knows one that was published once more."""
DEAD = ".dead-letters"
"""What is behind a topic's name in that of the topic of those that could not be read."""

topic_messages = sa.Table(
    "topic_messages",
    metadata,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("key", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("lane", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), info=OWNER),
    sa.Column("topic", sa.String(249), nullable=False, info=IMPERSONAL),
    sa.Column("reply_topic", sa.String(249), nullable=False, info=IMPERSONAL),
    sa.Column("place", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("message_id", sa.String(400), info=TEXT),
    sa.Column("session_id", sa.String(128), info=VALUE),
    sa.Column("text", sa.Text, info=TEXT),
    sa.Column("raw_key", sa.LargeBinary, info=VALUE),
    sa.Column("raw", sa.LargeBinary, info=VALUE),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("reason", sa.Text, info=TEXT),
    sa.Column("answer", sa.JSON(none_as_null=True), info=DOCUMENT),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("uq_topic_messages_key", "tenant_id", "key", unique=True),
    sa.Index("ix_topic_messages_status", "status", "seq"),
    sa.Index("ix_topic_messages_lane", "lane", "status", "seq"),
    sa.Index("ix_topic_messages_customer_id", "tenant_id", "customer_id"),
)
"""`waiting` for its answer, `answered` or `refused` and to be published, or `sent`: then only what
tells a double is left. One is `failed` that the brokers never take. `key` is what copies of a
message have in common, and `place` where it stood in its topic. Those of one `lane`, a customer's,
come one after the other in the order of `seq`. `raw` is the message as it came, for the topic of
dead letters."""


@dataclass(frozen=True)
class Feed:
    """A topic in which the customers of a tenant speak, and where they are answered."""

    tenant: str
    topic: str
    reply_topic: str


@dataclass(frozen=True)
class Feeds:
    """The topics that the desk answers, as the operator has listed them: topic → feed."""

    by_topic: Mapping[str, Feed]

    @classmethod
    def parse(cls, queries: str, answers: str, default_tenant: str) -> Feeds:
        """Read `customer-queries, shop=shop-queries` and `agent-responses, shop=shop-responses`.

        Raises:
            ValueError: A topic stands for two things, or a tenant has no topic for answers.
        """
        replies: dict[str, str] = {}
        for tenant, topic in by_tenant(answers):
            if replies.setdefault(tenant or default_tenant, topic) != topic:
                raise ValueError(
                    f"KAFKA_ANSWER_TOPICS: tenant {tenant or default_tenant!r} has two topics"
                )
        feeds: dict[str, Feed] = {}
        for tenant, topic in by_tenant(queries):
            owner = tenant or default_tenant
            if owner not in replies:
                raise ValueError(
                    f"KAFKA_ANSWER_TOPICS: tenant {owner!r} has none for the answers to {topic!r}. "
                    f"List `{owner}=` and the topic's name."
                )
            if topic in feeds:
                raise ValueError(f"KAFKA_QUERY_TOPICS: {topic!r} is listed twice")
            feeds[topic] = Feed(owner, topic, replies[owner])
        written = {*replies.values(), *(topic + DEAD for topic in feeds)}
        if both := sorted(written & feeds.keys()):
            raise ValueError(
                f"KAFKA_QUERY_TOPICS: the desk itself writes to {both[0]!r}, and would answer "
                "itself for ever"
            )
        return cls(feeds)


def digest(*parts: str) -> str:
    """A name for what these parts together name."""
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def lane_of(tenant: str, customer_id: str) -> str:
    """The lane of a customer's messages."""
    return digest("kafka lane", tenant, customer_id)[:32]
