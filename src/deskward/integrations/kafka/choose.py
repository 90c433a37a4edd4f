"""Kafka: from settings to its port. Nothing is connected before a tool asks."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from deskward.core.allowed import Allowed
from deskward.core.extras import extra
from deskward.core.kafka_settings import Kafka as KafkaSettings
from deskward.core.settings import Settings
from deskward.gate.ledger.subject_keys import derived
from deskward.kafka.broker import Kafka

PURPOSE = "kafka receipts"


def open_kafka(settings: Settings, key: bytes, stack: AsyncExitStack) -> dict[type, Any]:
    """Kafka as a port of tools; nothing where it has no brokers.

    Args:
        key: The desk's secret key.
        stack: Closes what a tool has opened.

    Raises:
        MissingExtra: The library is not installed.
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
    return {Kafka: kafka}


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
