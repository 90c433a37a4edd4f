"""Saying in a customer's conversation what a notice says: in the language that they write there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from deskward.conversations import takeover
from deskward.conversations.archive import heard
from deskward.conversations.models import news
from deskward.conversations.store import Where
from deskward.core.database import Connection
from deskward.core.errors import SessionEnded
from deskward.gate.context import new_id
from deskward.notices import wording
from deskward.text.language import language_of
from deskward.tickets.chats import Chats


async def tell(
    db: Connection, tenant: str, chat: tuple[str, str], name: str, values: Mapping[str, Any]
) -> str | None:
    """See `Chats.tell`."""
    customer_id, session_id = chat
    where = Where(tenant, f"customer:{customer_id}", session_id)
    said = await heard(db, tenant, where.owner, session_id)
    text = wording.line(wording.language_for([language_of(said)]), name, values)
    key = new_id()
    try:
        await takeover.say(db, where, text, by="desk", message_id=key)
    except SessionEnded:
        return None
    return key


async def has(db: Connection, tenant: str, key: str) -> bool:
    """See `Chats.has`."""
    same = (news.c.tenant_id == tenant) & (news.c.message_id == key)
    row = await db.first(sa.select(news.c.id).where(same, news.c.received_at.is_not(None)))
    return row is not None


CHATS = Chats(tell, has)
