"""What follows from a diagnostic session's new state, and what its reader is shown of it."""

from __future__ import annotations

from deskward.core.errors import Conflict
from deskward.core.text import shorten
from deskward.diagnostics import service, telling
from deskward.diagnostics.incidents import joining, noticing
from deskward.diagnostics.models import Diagnosis
from deskward.diagnostics.service import Session
from deskward.diagnostics.session_facts import language_of
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.timers import QuietRules, follow
from deskward.gate.context import Context
from deskward.tickets import service as tickets
from deskward.tickets import thread
from deskward.tickets.links import link
from deskward.tickets.messages import DESK
from deskward.tickets.models import MAX_BODY
from deskward.tickets.tools import opener_of, source_of

MOST_LINKED = 3
"""Tickets of others with which one that a session becomes is linked, the newest."""


async def gone_on(ctx: Context, session: Session, revision: int) -> Diagnosis:
    """Have a session go on by its own answers: the incident that it had joined was not the matter.

    Raises:
        Conflict: It is in no incident, or has changed since.
    """
    left = session.incident_id
    if left is None:
        raise Conflict(f"Session {session.id} has joined no incident.")
    goes_on = await service.set_status(
        ctx.db,
        ctx.tenant,
        session.id,
        revision,
        service.state_of(session),
        allowed=("joined_incident", "to_confirm"),
        incident=None,
        declined=[*session.declined, left],
    )
    return await followed(ctx, goes_on)


async def followed(ctx: Context, session: Session, because: str = "") -> Diagnosis:
    """What follows from a session's new state.

    It joins a known incident that it is one of, or becomes a ticket where it is handed over, and
    its timer is set.

    Args:
        because: Why somebody had it handed over; it joins nothing then.
    """
    new = session.status in ("open", "to_confirm", "handed_over") and session.ticket_id is None
    if new and not because and session.incident_id is None:
        session = await joining.look(ctx.db, ctx.tenant, session)
        await noticing.seen(ctx.db, ctx.tenant, session, ctx.port(noticing.SeenRules))
    if session.status == "handed_over" and session.ticket_id is None:
        session = await _handed_over(ctx, session, because)
    await follow(ctx.db, ctx.tenant, session, ctx.port(QuietRules))
    return await shown(ctx, session)


async def shown(ctx: Context, session: Session) -> Diagnosis:
    """All there is to know of a session, with the incidents that its reader may know of."""
    staff = ctx.principal.kind == "staff"
    known = await joining.known(ctx.db, ctx.tenant, session, staff=staff)
    spoken = ctx.port(Shelf).texts.spoken(language_of(ctx, session.plan.language))
    return telling.shown(session, known, spoken)


async def _handed_over(ctx: Context, session: Session, because: str) -> Session:
    """Make a ticket of a session, with all that it has gathered, linked with others like it.

    What was gathered is a note of the desk: its words are the workflow's, by which nobody judges
    what the customer wants.
    """
    end = session.walk.end
    reason = because or (end.reason if end is not None else "")
    alike = await joining.alike(ctx.db, ctx.tenant, session)
    ticket = await tickets.create(
        ctx.db,
        ctx.tenant,
        session.customer_id,
        subject=shorten(f"{session.product}: {session.issue}"),
        body="\n\n".join([session.issue, *telling.own_words(session)])[:MAX_BODY],
        source=source_of(ctx),
        author=opener_of(ctx, session.customer_id),
    )
    text, channel = telling.gathered(session, reason, alike), source_of(ctx)
    await thread.note(ctx.db, ctx.tenant, ticket.id, text, author=DESK, channel=channel)
    others = [one.ticket_id for one in alike if one.ticket_id is not None]
    for other in others[:MOST_LINKED]:
        await link(ctx.db, ctx.tenant, ticket.id, other, "linked")
    await ctx.tell("ticket.created", ticket.id, {"status": "open"}, customer_id=session.customer_id)
    return await service.handed_over(ctx.db, ctx.tenant, session, ticket.id)
