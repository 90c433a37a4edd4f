"""What tickets bring to the desk."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from deskward.gate.readable import Readable, Through
from deskward.gate.slice import Slice
from deskward.tickets.bulk import bulk_changes, bulk_tickets
from deskward.tickets.bulk_job import JOB as CHANGE
from deskward.tickets.bulk_job import RECORD, change
from deskward.tickets.demo import load
from deskward.tickets.kinds import KINDS
from deskward.tickets.messages import ticket_links, ticket_messages
from deskward.tickets.models import handover_notes, ticket_numbers, tickets
from deskward.tickets.sorting import wake
from deskward.tickets.sources import ticket_sources
from deskward.tickets.states import ticket_states
from deskward.tickets.timers import DUE_SOON, WAKE, due_soon
from deskward.tickets.view_tools import tools
from deskward.tickets.views import ticket_views
from deskward.tickets.words import ticket_words

_THEIRS = Through("number", tickets, "number", "customer_id")
READABLE = (
    Readable(
        table=tickets,
        scope="tickets:read",
        columns=(
            *("number", "customer_id", "subject", "body", "note", "status", "priority", "assignee"),
            *("reply", "created_at", "updated_at", "team", "tags", "language", "source"),
            *("answer_due_at", "resolve_due_at", "resolved_at", "snoozed_until", "spam"),
            *("merged_into", "messages"),
        ),
        owner="customer_id",
    ),
    Readable(
        table=ticket_messages,
        scope="tickets:read",
        columns=("number", "seq", "kind", "author", "channel", "text", "delivery", "created_at"),
        owner=_THEIRS,
    ),
    Readable(
        table=ticket_states,
        scope="tickets:read",
        columns=("number", "at", "status", "priority", "team", "spam", "messages"),
        owner=_THEIRS,
    ),
)

SLICE = Slice(
    tools=tools,
    tables=(
        tickets,
        ticket_numbers.table,
        ticket_messages,
        ticket_links,
        ticket_words,
        ticket_states,
        handover_notes,
        ticket_sources,
        bulk_changes,
        bulk_tickets,
        ticket_views,
    ),
    jobs=lambda gate: {
        WAKE: partial(wake, gate.database),
        DUE_SOON: partial(due_soon, gate.database),
        CHANGE: partial(change, gate),
    },
    records={CHANGE: RECORD},
    skills=Path(__file__).with_name("skills"),
    claims=Path(__file__).with_name("claims.yaml"),
    demo=load,
    kinds=KINDS,
    policies=Path(__file__).with_name("policies"),
    readable=READABLE,
)
