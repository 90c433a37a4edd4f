"""All tickets with their messages, one at a time, in the form that an import takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.errors import iso
from deskward.tickets.file_lines import OURS
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import tickets
from deskward.tickets.sources import ticket_sources
from deskward.tickets.store import message_of

PAGE = 200
"""Tickets that are read together."""
_PLAIN = ("subject", "status", "priority", "assignee", "team", "tags", "fields", "language")
_MOMENTS = ("created_at", "updated_at", "resolved_at")


async def count(db: Connection, tenant: str) -> int:
    """How many tickets there are that were merged into no other one."""
    whole = sa.select(sa.func.count()).select_from(tickets).where(*_of(tenant))
    row = await db.first(whole)
    return row[0] if row else 0


def _of(tenant: str) -> tuple[sa.ColumnElement[bool], ...]:
    return tickets.c.tenant_id == tenant, tickets.c.merged_into.is_(None)


async def every(db: Connection, tenant: str) -> AsyncIterator[dict[str, Any]]:
    """Each ticket with its messages, the oldest first; what is not known of it is left out."""
    after = 0
    while True:
        page = await db.all(
            sa.select(tickets)
            .where(*_of(tenant), tickets.c.number > after)
            .order_by(tickets.c.number)
            .limit(PAGE)
        )
        if not page:
            return
        after = page[-1].number
        numbers = [row.number for row in page]
        keys = {
            row.number: (row.system, row.external_id)
            for row in await db.all(
                sa.select(ticket_sources).where(
                    ticket_sources.c.tenant_id == tenant, ticket_sources.c.number.in_(numbers)
                )
            )
        }
        said: dict[int, list[dict[str, Any]]] = {}
        messages = sa.select(ticket_messages).where(
            ticket_messages.c.tenant_id == tenant, ticket_messages.c.number.in_(numbers)
        )
        for row in await db.all(messages.order_by(ticket_messages.c.number, ticket_messages.c.seq)):
            said.setdefault(row.number, []).append(_message(row))
        for row in page:
            yield _ticket(row, keys.get(row.number, (OURS, f"T{row.number}")), said)


def _ticket(
    row: sa.Row[Any], key: tuple[str, str], said: dict[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    found = {
        "system": key[0],
        "external_id": key[1],
        "customer": {"id": row.customer_id},
        "channel": row.source,
        **{name: getattr(row, name) for name in _PLAIN},
        **{name: iso(moment) for name in _MOMENTS if (moment := getattr(row, name)) is not None},
        "spam": row.spam or None,
        "messages": said.get(row.number, []),
    }
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def _message(row: sa.Row[Any]) -> dict[str, Any]:
    one = message_of(row)
    known = {"customer": "customer", "agent": "agent"}
    return {
        "external_id": one.id,
        "kind": one.kind,
        "by": known.get(one.by, "staff"),
        **({"author": one.author} if one.author else {}),
        "channel": one.channel,
        "text": one.text,
        "created_at": iso(one.created_at),
    }
