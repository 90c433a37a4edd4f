"""What Kafka brings to the desk, where the operator has named its brokers."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.kafka.feeds import topic_messages
from deskward.kafka.sending import ANSWER, LANE, SEND, Sending
from deskward.kafka.tools import tools

SLICE = Slice(
    setting="kafka_bootstrap_servers",
    tools=tools,
    tables=(topic_messages,),
    jobs=lambda gate: {SEND: lambda job: gate.port(Sending).publish(job)},
    records={ANSWER: LANE},
    looks=lambda gate: [lambda: gate.port(Sending).look()],
    policies=Path(__file__).with_name("policies"),
)
"""The tools of Kafka, and the topics that the desk answers."""
