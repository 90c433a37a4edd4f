"""What Kafka brings to the desk, where the operator has named its brokers."""

from __future__ import annotations

from pathlib import Path

from deskward.gate.slice import Slice
from deskward.kafka.tools import tools

SLICE = Slice(
    setting="kafka_bootstrap_servers",
    tools=tools,
    policies=Path(__file__).with_name("policies"),
)
