"""What policies may know of a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from deskward.gate.context import Context
from deskward.text.risk import risks_in_time
from deskward.tickets import service, store
from deskward.tickets.models import Ticket

MOMENT = 1.0
"""Seconds for which others' writes may wait until a ticket's words have been looked at."""


class TicketFacts(TypedDict):
    """What policies may know of the ticket that a call is about."""

    id: str
    owner: str
    status: str
    priority: str
    revision: int


class ChangeFacts(TicketFacts):
    """What policies may know of a change of a ticket.

    Attributes:
        reversible: Whether it can be undone: a closed ticket stays closed.
        risks: Which grave risks its customer's words show, in all their messages: `anger`,
            `legal`, `security`, `vulnerable`, `person`, `injection`.
    """

    reversible: bool
    risks: list[str]


async def ticket_facts(ctx: Context, arguments: Mapping[str, Any]) -> TicketFacts:
    """The facts of a call about a ticket."""
    return _facts(await service.get(ctx.db, ctx.tenant, arguments["ticket_id"]))


async def change_facts(ctx: Context, arguments: Mapping[str, Any]) -> ChangeFacts:
    """The facts of a change of a ticket."""
    ticket = await service.get(ctx.db, ctx.tenant, arguments["ticket_id"])
    words = await store.heard(ctx.db, ctx.tenant, ticket)
    return {
        **_facts(ticket),
        "reversible": arguments["update"].status != "closed",
        "risks": await risks_in_time(ticket.subject, words, limit=MOMENT),
    }


def _facts(ticket: Ticket) -> TicketFacts:
    return {
        "id": ticket.id,
        "owner": ticket.customer_id,
        "status": ticket.status,
        "priority": ticket.priority,
        "revision": ticket.revision,
    }
