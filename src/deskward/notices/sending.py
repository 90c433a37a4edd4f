"""Sending notices: one mail to one person, at most so often, with all that is due for them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import NotFound
from deskward.customers import service as customers
from deskward.diagnostics.incidents import service as incidents
from deskward.email.bounced import comes_back
from deskward.email.models import Letter
from deskward.email.outbox import Outbox
from deskward.gate.call import Gate
from deskward.gate.context import new_id
from deskward.notices import hearing, service, wording
from deskward.notices.models import mailed, notices
from deskward.notices.service import NoticeRules
from deskward.security import members, tenants
from deskward.security.principals import Kind
from deskward.tickets import store as tickets
from deskward.tickets.chats import Chats

_DUE = (
    sa.select(notices.c.tenant_id, notices.c.person)
    .where(notices.c.due_at <= sa.bindparam("moment"))
    .distinct()
    .limit(50)
)


ROUNDS = 20
"""How many pages of what has happened one look goes through."""
_AUTOMATIC = {"Auto-Submitted": "auto-generated"}
"""So that no program answers it (RFC 3834)."""


async def look(gate: Gate) -> None:
    """See what has happened, and send what is due; each in one transaction, so whole and once."""
    database = gate.database
    for _ in range(ROUNDS):
        found = await hearing.heard(database.reader)
        for event in found:
            async with database.transaction() as transaction:
                await hearing.note(transaction, gate, event)
        if len(found) < hearing.AT_ONCE:
            break
    for row in await database.reader.all(_DUE, moment=now()):
        async with database.transaction() as transaction:
            await _send(transaction, gate, row.tenant_id, row.person)


async def _send(db: Connection, gate: Gate, tenant: str, person: str) -> None:
    """Put one mail with all of a person's notices into the outbox, where they can have one."""
    due = notices.c.due_at <= now()
    of_person = (notices.c.tenant_id == tenant, notices.c.person == person, due)
    taken = await db.execute(sa.delete(notices).where(*of_person).returning(notices))
    rows = sorted(taken.all(), key=lambda row: (row.seq, row.name))
    wanted = await service.wanted(db, tenant, person, gate.port(NoticeRules))
    told = [
        (row.name, values)
        for row in rows
        if row.name in wanted
        and not await _is_read(db, gate, row)
        and (values := await _values(db, row)) is not None
    ]
    recipient = await _recipient(db, tenant, person)
    if not told or recipient is None:
        return
    address, language = recipient
    if await comes_back(db, tenant, address):
        return
    subject, text = wording.letter(language, told)
    mail = Letter(to=[address], subject=subject, text=text, headers=_AUTOMATIC)
    await gate.port(Outbox).queue(db, tenant, person, new_id(), mail)
    same = (mailed.c.tenant_id == tenant) & (mailed.c.person == person)
    await db.execute(sa.delete(mailed).where(same))
    await db.execute(mailed.insert(), {"tenant_id": tenant, "person": person, "at": now()})


async def _values(db: Connection, row: sa.Row[Any]) -> dict[str, Any] | None:
    """What a notice says; None where what it tells of is gone."""
    values: dict[str, Any] = row.data
    if row.name not in hearing.IN_INCIDENTS:
        return values
    try:
        incident = await incidents.row_of(db, row.tenant_id, values["incident_id"])
    except NotFound:
        return None
    return {**values, **incidents.said_of(incident)}


async def _is_read(db: Connection, gate: Gate, row: sa.Row[Any]) -> bool:
    """Whether a customer has what a notice tells of: they read it where it was said."""
    tenant, message_id = row.tenant_id, row.data.get("message_id")
    if message_id is None:
        return False
    if row.name in hearing.IN_INCIDENTS:
        return await gate.port(Chats).has(db, tenant, message_id)
    if row.name != "answered":
        return False
    message = await tickets.by_name(db, tenant, message_id)
    return message is not None and message.delivery == "delivered"


async def _recipient(db: Connection, tenant: str, person: str) -> tuple[str, str] | None:
    """A person's mail address and language.

    A customer of whom no language is known is written to in that of their newest ticket, or else
    in the tenant's usual one.

    None for a customer who is erased, or another one by now, a member who is disabled, and whoever
    has no address.
    """
    kind, _, name = person.partition(":")
    if kind == "customer":
        customer = await customers.find(db, tenant, name)
        if customer is None or not customer.email:
            return None
        if customer.language:
            return customer.email, wording.language_for([customer.language])
        owner = await tenants.find(db, tenant)
        told = [
            await tickets.language_of_customer(db, tenant, name),
            *(owner.languages if owner else ()),
        ]
        return customer.email, wording.language_for(told)
    member = await members.find(db, tenant, Kind.STAFF, name) if kind == "staff" else None
    if member is None or member.disabled_at is not None or not member.email:
        return None
    return member.email, wording.language_for(member.languages)
