"""Kafka: from settings to its port. Nothing is connected before a tool asks."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from typing import Any

from deskward.core.allowed import Allowed
from deskward.core.database import Database
from deskward.core.extras import extra
from deskward.core.kafka_settings import Kafka as KafkaSettings
from deskward.core.settings import Settings
from deskward.gate.call import Gate
from deskward.gate.ledger.subject_keys import derived
from deskward.kafka.broker import Kafka
from deskward.kafka.feeds import Feeds
from deskward.kafka.intake import Intake
from deskward.kafka.sending import Sending

PURPOSE = "kafka receipts"


def open_kafka(
    settings: Settings,
    key: bytes,
    database: Database,
    wake: Callable[[], None],
    stack: AsyncExitStack,
) -> dict[type, Any]:
    """Kafka as a port of tools, and what the topics that the desk answers need.

    Nothing where it has no brokers.

    Args:
        key: The desk's secret key.
        wake: Called when jobs are due.
        stack: Closes what a tool has opened.

    Raises:
        MissingExtra: The library is not installed.
        ValueError: KAFKA_QUERY_TOPICS and KAFKA_ANSWER_TOPICS do not fit each other.
    """
    told = settings.kafka
    if told.bootstrap_servers is None:
        return {}
    with extra("kafka", "KAFKA_BOOTSTRAP_SERVERS"):
        from deskward.integrations.kafka.broker import LibrdkafkaBroker

    broker = LibrdkafkaBroker(client_config(told), told.timeout)
    stack.push_async_callback(broker.aclose)
    tenant = settings.default.tenant_id
    kafka = Kafka(
        broker,
        Allowed.parse("KAFKA_TOPICS", told.topics, tenant),
        Allowed.parse("KAFKA_GROUPS", told.groups, tenant),
        told.max_message_kb * 1_000,
        derived(key, PURPOSE),
    )
    feeds = Feeds.parse(told.query_topics, told.answer_topics, tenant)
    return {
        Kafka: kafka,
        Intake: Intake(database, feeds, kafka.most_bytes, wake),
        Sending: Sending(database, broker),
    }


def topics_come_in(
    settings: Settings, gate: Gate, worker: int
) -> AbstractAsyncContextManager[object]:
    """Messages of the topics that the desk answers, while the block runs.

    Args:
        worker: This process's number among those that serve together.
    """
    told = settings.kafka
    if not told.query_topics:
        return nullcontext()
    from deskward.integrations.kafka.feeding import Feeder

    port = settings.server.port
    name = f"{socket.gethostname()}-{port}-{worker}" if port else ""
    feeder = Feeder(client_config(told), told.query_group, name, gate.port(Intake))
    return feeder.keep()


def client_config(told: KafkaSettings) -> dict[str, str | int | bool]:
    """What every client of librdkafka is set to (its CONFIGURATION.md)."""
    config: dict[str, str | int | bool] = {
        "bootstrap.servers": told.bootstrap_servers or "",
        "client.id": "deskward",
        "security.protocol": told.security,
        "socket.timeout.ms": told.timeout * 1_000,
        "socket.connection.setup.timeout.ms": told.timeout * 1_000,
        "reconnect.backoff.max.ms": 1_000,
        "enable.metrics.push": False,
        "log_level": 0,  # what goes wrong is told by each call
    }
    if told.sasl_username is not None and told.sasl_password is not None:
        config |= {
            "sasl.mechanism": told.sasl_mechanism,
            "sasl.username": told.sasl_username,
            "sasl.password": told.sasl_password.get_secret_value(),
        }
    if told.ssl_ca_file is not None:
        config["ssl.ca.location"] = str(told.ssl_ca_file)
    if told.ssl_cert_file is not None:
        config["ssl.certificate.location"] = str(told.ssl_cert_file)
        config["ssl.key.location"] = str(told.ssl_key_file)
    return config
