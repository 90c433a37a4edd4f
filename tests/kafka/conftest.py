"""A broker for the tests of a process, and a desk that may use some of it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.security.principals import Kind, Principal
from tests.conftest import Call, caller
from tests.services.kafka import Kafka, kafka

KEEPER = Principal(Kind.STAFF, "anna", "default", ("support-3", "support-2", "support"))
PROGRAM = Principal(Kind.SERVICE, "website", "default", ("service",))
STRANGER = Principal(Kind.SERVICE, "website", "acme", ("service",))
ON_KAFKA: dict[str, Any] = {
    "kafka_topics": "customer-queries, orders-*, acme=acme-*",
    "kafka_groups": "readers-*, acme=acme",
    "kafka_timeout": 20,
}

_numbers = itertools.count()


@pytest.fixture(scope="session")
def broker() -> Iterator[Kafka]:
    """A broker, whose topics outlive each test."""
    with kafka() as running:
        yield running


class OnKafka(NamedTuple):
    """A desk with Kafka.

    Attributes:
        topic: A topic of the test's own, which is not there yet.
        group: A group of the test's own.
    """

    desk: Desk
    call: Call
    topic: str
    group: str


@pytest.fixture
async def on_kafka(
    broker: Kafka, sqlite_settings: Settings, offline: Model
) -> AsyncIterator[OnKafka]:
    """A desk on the broker."""
    told = sqlite_settings.changed(kafka_bootstrap_servers=broker.servers, **ON_KAFKA)
    number = next(_numbers)
    async with open_desk(told, model=offline) as desk:
        yield OnKafka(desk, caller(desk), f"orders-{number}", f"readers-{number}")


def at_nobody(settings: Settings, folder: Path, **more: Any) -> Settings:
    """Settings with a broker that is not there."""
    return settings.changed(kafka_bootstrap_servers="127.0.0.1:9", **{**ON_KAFKA, **more})
