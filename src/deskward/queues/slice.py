"""What queues bring to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.gate.readable import Readable
from deskward.gate.slice import Slice
from deskward.queues.models import queue_items, queue_numbers, specialists
from deskward.queues.tools import tools
from deskward.queues.working import look

READABLE = (
    Readable(
        table=queue_items,
        scope="queues:read",
        columns=(
            *("number", "ticket", "customer_id", "kind", "level", "escalation_level", "status"),
            *("assignee", "reason", "queued_at", "begin_by", "assigned_at", "claimed_at"),
            *("ended_at",),
        ),
        owner="customer_id",
    ),
)

SLICE = Slice(
    tools=tools,
    tables=(specialists, queue_items, queue_numbers.table),
    looks=lambda gate: [partial(look, gate)],
    policies=Path(__file__).with_name("policies"),
    readable=READABLE,
)
