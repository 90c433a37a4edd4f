"""What the brokers, or the library that speaks to them, say is wrong, in our words."""

from __future__ import annotations

import logging

from confluent_kafka import KafkaError

from deskward.core.errors import (
    Conflict,
    DeskwardError,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    TooLarge,
    Unavailable,
)

log = logging.getLogger(__name__)

_NOWHERE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})
_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_SIGN_IN = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError._SSL,
    }
)
_SIZE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
_INVALID = frozenset(
    {
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_REQUEST,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.INVALID_RECORD,
    }
)
_IN_USE = frozenset({KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP})
AWAY = "Kafka does not answer within {seconds} seconds. Nothing was done; try again later."


def fault(error: KafkaError, topic: str, seconds: int) -> DeskwardError:
    """What is told of an error of which it is sure that nothing was done.

    Args:
        topic: The topic that was meant, or an empty text.
        seconds: How long the brokers were waited for.
    """
    code = error.code()
    log.warning("Kafka: %s", error)
    if code in _NOWHERE:
        return NotFound("topic", topic, f"There is no topic {topic!r}. It has to be created first.")
    if code == KafkaError.TOPIC_ALREADY_EXISTS:
        return Conflict(f"There is a topic {topic!r} already.")
    if code in _SIZE:
        return TooLarge("The brokers take no message of this size on this topic.")
    if code in _REFUSED:
        return Forbidden("The brokers do not let the desk do this. An operator has to allow it.")
    if code in _SIGN_IN:
        return Unavailable(
            "The desk cannot sign in to Kafka's brokers. An operator has to look at KAFKA_SASL_… "
            "and KAFKA_SSL_…; the log says more.",
            escalation_required=True,
        )
    if code in _IN_USE:
        return Conflict(
            "Another program is reading for this consumer group right now. Use a group of its own "
            "here, or stop that program."
        )
    if code in _INVALID:
        return InvalidInput(f"The brokers refuse this: {error.str()[:300]}")
    return Unavailable(AWAY.format(seconds=seconds), retry_after=seconds)


def undelivered(error: KafkaError, topic: str, seconds: int) -> DeskwardError:
    """What is told of a message of which no broker has said that it is kept."""
    surely_not = _NOWHERE | _REFUSED | _SIZE | _INVALID | {KafkaError._QUEUE_FULL}
    if error.code() in surely_not:
        return fault(error, topic, seconds)
    log.warning("Kafka: a message for %s: %s", topic, error)
    return unclear("The message was sent to Kafka, and no broker has said that it is kept")


def unclear(what: str) -> OutcomeUnknown:
    """What is told where the brokers were cut off at the worst moment."""
    return OutcomeUnknown(
        f"{what}. Whether it took effect is not known. A person has to look before it is tried "
        "again."
    )
