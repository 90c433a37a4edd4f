"""What AWS brings to the desk, where the operator has given it a key."""

from __future__ import annotations

from pathlib import Path

from deskward.aws.tools import tools
from deskward.gate.slice import Slice

SLICE = Slice(
    setting="aws_access_key_id",
    tools=tools,
    policies=Path(__file__).with_name("policies"),
)
