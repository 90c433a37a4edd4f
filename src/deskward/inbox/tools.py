"""The tools with which staff look at mail that came in, and have it read again."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.errors import Conflict, NotFound
from deskward.core.paging import Limit, Offset
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk, ToolGroup
from deskward.inbox.intake import JOB
from deskward.inbox.models import (
    Incoming,
    IncomingId,
    IncomingList,
    IncomingMail,
    IncomingRetried,
    LetterFile,
    LetterPart,
    State,
    incoming_mails,
)
from deskward.inbox.reading import quoting
from deskward.inbox.reading.mail import Mail, read
from deskward.inbox.reading.markup import safe

tools = ToolGroup("inbox")

LONGEST_TEXT = 200_000
"""How many characters of a mail are shown."""


@tools.tool(scope="inbox:read", risk=Risk.READ, rest="GET /incoming-mails")
async def list_incoming_mails(
    ctx: Context, status: State | None = None, limit: Limit = 20, offset: Offset = 0
) -> IncomingList:
    """List mails that came in, the latest first, with what became of each.

    Args:
        status: Only those in this state; `broken` ones wait for a person.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    where = [incoming_mails.c.tenant_id == ctx.tenant]
    if status is not None:
        where.append(incoming_mails.c.status == status)
    counted = await ctx.db.first(
        sa.select(sa.func.count()).select_from(incoming_mails).where(*where)
    )
    rows = await ctx.db.all(
        sa.select(*(each for each in incoming_mails.c if each.name != "raw"))
        .where(*where)
        .order_by(incoming_mails.c.received_at.desc(), incoming_mails.c.id)
        .limit(limit)
        .offset(offset)
    )
    total = counted[0] if counted else 0
    mails = [Incoming(**_shown(row)) for row in rows]
    return IncomingList(total=total, limit=limit, offset=offset, mails=mails)


@tools.tool(scope="inbox:read", risk=Risk.READ, rest="GET /incoming-mails/{incoming_id}")
async def get_incoming_mail(ctx: Context, incoming_id: IncomingId) -> IncomingMail:
    """Show a mail that came in, with all that it says: also what was folded, and left out.

    Args:
        incoming_id: The mail.
    """
    row = await _row(ctx, incoming_id)
    mail, html = await asyncio.to_thread(_looked_at, row.raw)
    left_out = row.left_out or {}
    return IncomingMail(
        **_shown(row),
        sender_name=mail.sender.name if mail.sender else "",
        to=[each.address for each in mail.recipients],
        sent_at=mail.sent_at,
        parts=[
            LetterPart(kind=part.kind, text=part.text)
            for part in quoting.parts(mail.text[:LONGEST_TEXT])
        ],
        html=html,
        files=[
            LetterFile(
                name=file.name,
                content_type=file.kind,
                size=len(file.data),
                left_out=left_out.get(file.name),
            )
            for file in mail.files
        ],
        remarks=list(mail.remarks),
    )


@tools.tool(scope="inbox:write", risk=Risk.WRITE, rest="POST /incoming-mails/{incoming_id}/retry")
async def retry_incoming_mail(ctx: Context, incoming_id: IncomingId) -> IncomingRetried:
    """Have a mail read again that is broken, or filed that was taken for spam.

    Args:
        incoming_id: The mail.
    """
    changed = await ctx.db.execute(
        sa.update(incoming_mails)
        .where(
            incoming_mails.c.tenant_id == ctx.tenant,
            incoming_mails.c.id == incoming_id,
            incoming_mails.c.status.in_(("broken", "spam")),
        )
        .values(status="received", reason=None)
    )
    if changed.rowcount == 0:
        row = await _row(ctx, incoming_id)
        raise Conflict(f"The mail is {row.status}; only one that is broken or spam is read again.")
    payload = {"tenant": ctx.tenant, "mail_id": incoming_id, "accepted": True}
    await jobs.add(ctx.db, new_id(), JOB, payload)
    return IncomingRetried(incoming_id=incoming_id, message="The mail is read again.")


async def _row(ctx: Context, incoming_id: str) -> Any:
    row = await ctx.db.first(
        sa.select(incoming_mails).where(
            incoming_mails.c.tenant_id == ctx.tenant, incoming_mails.c.id == incoming_id
        )
    )
    if row is None:
        raise NotFound("incoming_mail", incoming_id)
    return row


def _looked_at(raw: bytes) -> tuple[Mail, str | None]:
    mail = read(raw)
    return mail, safe(mail.html) if mail.html else None


def _shown(row: Any) -> dict[str, Any]:
    return {
        "incoming_id": row.id,
        "status": row.status,
        "reason": row.reason,
        "sender": row.sender,
        "subject": row.subject,
        "received_at": row.received_at,
        "size": row.size,
        "source": row.source,
        "automatic": row.automatic,
        "ticket_id": f"T{row.number}" if row.number else None,
        "customer_id": row.customer_id,
    }
