"""The tools of escalation."""

from __future__ import annotations

from deskward.escalation import due
from deskward.escalation.due import ServiceLevels
from deskward.escalation.models import TicketDue
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.tickets.facts import ticket_facts
from deskward.tickets.models import TicketId

tools = ToolGroup("escalation")


@tools.tool(
    scope="escalation:read",
    risk=Risk.READ,
    rest="GET /tickets/{ticket_id}/due",
    facts=ticket_facts,
    keeps_secrets=False,
)
async def get_ticket_due(ctx: Context, ticket_id: TicketId) -> TicketDue:
    """Tell until when a ticket is to be answered and resolved, and how its clocks stand.

    Args:
        ticket_id: The ticket.
    """
    return await due.due(ctx.db, ctx.tenant, ticket_id, ctx.port(ServiceLevels))
