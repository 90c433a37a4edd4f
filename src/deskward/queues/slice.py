"""What queues bring to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.gate.slice import Slice
from deskward.queues.models import queue_items, queue_numbers, specialists
from deskward.queues.tools import tools
from deskward.queues.working import look

SLICE = Slice(
    tools=tools,
    tables=(specialists, queue_items, queue_numbers.table),
    looks=lambda gate: [partial(look, gate)],
    policies=Path(__file__).with_name("policies"),
)
