"""What the help with tickets brings to the desk."""

from __future__ import annotations

from pathlib import Path

from deskward.assist import drafting_tools
from deskward.assist.handling import JOB, Handler
from deskward.assist.tools import tools
from deskward.gate.slice import Slice

assert drafting_tools
"""It declares its tool in the same group."""

SLICE = Slice(
    tools=tools,
    jobs=lambda gate: {JOB: Handler(gate).handle},
    denied=lambda gate: {"update_ticket": Handler(gate).denied},
    policies=Path(__file__).with_name("policies"),
)
