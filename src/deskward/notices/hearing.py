"""From what has happened to notices: whom it concerns, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.events import events
from deskward.gate.call import Gate
from deskward.gate.context import new_id
from deskward.notices import service
from deskward.notices.models import LISTENER, Name, mailed, notices
from deskward.notices.service import NoticeRules
from deskward.security import members
from deskward.security.members import Member
from deskward.security.principals import Kind, Principal

AT_ONCE = 100
PAUSE = timedelta(minutes=10)
"""How long nobody gets another mail after one: what happens meanwhile goes into the next."""
READING = timedelta(minutes=1)
"""How long a customer has to read an answer where it was given, before a mail tells of it."""

_CHANGES: dict[str, Name] = {
    "password": "password_changed",
    "address": "address_changed",
    "card_frozen": "card_blocked",
    "card_deactivated": "card_blocked",
}
_OURS = ("staff", "agent", "desk", "service")
_INCIDENTS: dict[str, Name] = {
    "diagnosis.incident_updated": "incident_updated",
    "diagnosis.incident_over": "incident_over",
}
IN_INCIDENTS: frozenset[Name] = frozenset(_INCIDENTS.values())
"""What those are told who have joined an incident."""
Told = tuple[str, Name]
"""A person's label, and the name of the notice that they are to get."""


async def heard(db: Connection) -> Sequence[sa.Row[Any]]:
    """The events that notices come of and that nobody has looked at yet, the oldest first."""
    waiting = (events.c.listener == LISTENER) & (events.c.status == "waiting")
    return await db.all(sa.select(events).where(waiting).order_by(events.c.seq).limit(AT_ONCE))


async def note(db: Connection, gate: Gate, event: sa.Row[Any]) -> None:
    """Note down whom an event concerns. Of several processes one does, and the others nothing."""
    same = (events.c.seq == event.seq) & (events.c.status == "waiting")
    done = {"status": "done", "due_at": now(), "attempts": 1}
    if (await db.execute(sa.update(events).where(same).values(**done))).rowcount != 1:
        return
    tenant, rules = event.tenant_id, gate.port(NoticeRules)
    for person, name in await _concerned(db, gate, event):
        own = person == event.by and person.startswith("staff:")
        if own or name not in await service.wanted(db, tenant, person, rules):
            continue
        due = await _due(db, tenant, person)
        if name == "answered" or (name in IN_INCIDENTS and event.data.get("message_id")):
            due = max(due, now() + READING)
        row = {
            "tenant_id": tenant,
            "id": new_id(),
            "person": person,
            "name": name,
            "record": event.record,
            "data": {
                "id": event.record,
                "message_id": event.data.get("message_id"),
                **({"incident_id": event.data["incident_id"]} if name in IN_INCIDENTS else {}),
            },
            "seq": event.seq,
            "due_at": due,
        }
        await db.execute(notices.insert(), row)


async def _due(db: Connection, tenant: str, person: str) -> datetime:
    """When a person can get their next mail."""
    same = (mailed.c.tenant_id == tenant) & (mailed.c.person == person)
    last = await db.first(sa.select(mailed.c.at).where(same))
    return max(now(), last.at + PAUSE) if last is not None else now()


async def _concerned(db: Connection, gate: Gate, event: sa.Row[Any]) -> list[Told]:
    named = _staff(event.kind, event.data)
    told: list[Told] = [(f"staff:{member}", name) for member, name in named]
    if event.customer_id is not None:
        owner = f"customer:{event.customer_id}"
        told += [(owner, name) for name in _customer(event.kind, event.data)]
    if event.kind == "webhook.disabled":
        told.append((event.data["added_by"], "webhook_disabled"))
    if event.kind == "approval.waiting":
        deciding = await _who_may(db, gate, event.tenant_id, "approve_call")
        told += [(f"staff:{member.id}", "approval_waits") for member in deciding]
    if event.kind in ("conversation.handed_over", "conversation.waiting_long"):
        told += [(one, "handover_waits") for one in await _workers(db, gate, event)]
    if event.kind == "ticket.due_soon":
        told += [(one, "due_soon") for one in await _workers(db, gate, event)]
    if event.kind in ("incident.proposed", "incident.opened") and event.by == "desk":
        able = await _who_may(db, gate, event.tenant_id, "report_incident")
        told += [(f"staff:{member.id}", "incident_seen") for member in able]
    if event.kind == "ticket.escalated":
        worker = event.data.get("assignee")
        told += [(f"staff:{worker}", "escalated")] if worker else []
        told += [(one, "escalated") for one in await _leads(db, gate, event.tenant_id)]
    return list(dict.fromkeys(told))


async def _workers(db: Connection, gate: Gate, event: sa.Row[Any]) -> list[str]:
    """Whose work a ticket is: its assignee's; its team's; or, of no team, everybody's who may.

    Where those who lead are to be told (`to`), those of the highest tier that there is.
    """
    if assignee := event.data.get("assignee"):
        return [f"staff:{assignee}"]
    if event.data.get("to") == "leads":
        return await _leads(db, gate, event.tenant_id)
    able = await _who_may(db, gate, event.tenant_id, "update_ticket")
    team = event.data.get("team")
    theirs = [member for member in able if team in member.teams] if team else able
    return [f"staff:{member.id}" for member in theirs or able]


async def _leads(db: Connection, gate: Gate, tenant: str) -> list[str]:
    """Those of the highest tier that there is among who may work on tickets."""
    able = await _who_may(db, gate, tenant, "update_ticket")
    tiers = {member.id: gate.policy.roles.tier(member.roles) for member in able}
    return [f"staff:{one}" for one, tier in tiers.items() if tier == max(tiers.values())]


def _staff(kind: str, data: Mapping[str, Any]) -> list[tuple[str, Name]]:
    """Which members of staff an event names, and what they are told."""
    assignee = data.get("assignee")
    if kind in ("ticket.created", "ticket.updated") and assignee:
        return [(assignee, "assigned")]
    if kind == "message.created":
        return [(member, "mentioned") for member in data.get("mentions", ())]
    return []


def _customer(kind: str, data: Mapping[str, Any]) -> list[Name]:
    """What the customer is told whose record an event is about."""
    # What a program wrote by itself is not answered: two programs would never end (RFC 3834).
    if kind == "ticket.created" and not data.get("automatic") and not data.get("split_from"):
        return ["received"]
    if kind == "message.created" and data.get("by") in _OURS and not data.get("note"):
        # A mail is on its way already; another one would tell of the same.
        return [] if data.get("delivery") == "queued" else ["answered"]
    if kind in _INCIDENTS:  # of several sessions of theirs one tells it
        return [_INCIDENTS[kind]] if data.get("first") else []
    if kind == "customer.updated":
        return [_CHANGES[what] for what in data.get("changed", ()) if what in _CHANGES]
    return []


async def _who_may(db: Connection, gate: Gate, tenant: str, tool: str) -> list[Member]:
    """The members of staff who work here and whose roles allow a tool."""
    return [
        member
        for member in await members.listed(db)
        if (member.tenant_id, member.kind, member.disabled_at) == (tenant, Kind.STAFF, None)
        and gate.policy.may_use(
            gate.tools[tool], Principal(Kind.STAFF, member.id, tenant, member.roles)
        )
    ]
