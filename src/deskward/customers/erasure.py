"""Erasing a customer: every row that is theirs, and every trace of them in the rows of others.

It goes by the tables that there are, so a new slice is covered without a word: what has a column
`customer_id`, `user_id`, `owner`, `principal` or `about` belongs to the customer named there, and
what refers to such a row, or has them among its `recipients`, does so too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, metadata
from deskward.customers.models import Customer, customers

KEPT = frozenset({"ledger", "ledger_heads", "subject_keys", "alembic_version"})
"""The ledger stays as it is: what it says of the customer is sealed under their key."""
ERASED = "[erased]"

_NAMED = ("customer_id", "user_id")
_LABELLED = ("owner", "principal")


async def erase(db: Connection, tenant: str, customer: Customer) -> int:
    """Delete all that is a customer's, and take them out of others' rows; returns the count."""
    await _blank_conversations(db, tenant, customer)
    count = 0
    for table in reversed(metadata.sorted_tables):
        if table.name not in KEPT and (theirs := _theirs(table, tenant, customer)):
            result = await db.execute(sa.delete(table).where(sa.or_(*theirs)))
            count += result.rowcount
    for table in metadata.sorted_tables:
        if table.name not in KEPT:
            await _redact(db, table, _needles(customer))
    return count


def _theirs(table: sa.Table, tenant: str, customer: Customer) -> list[Any]:
    """What tells the customer's rows of a table."""
    if "tenant_id" not in table.c:
        return []
    of_tenant = table.c.tenant_id == tenant
    customer_id, label = customer.customer_id, f"customer:{customer.customer_id}"
    named = [(name, customer_id) for name in (*_NAMED, "about")]
    named += [(name, label) for name in _LABELLED]
    if table is customers:
        named.append(("id", customer_id))
    found: list[Any] = [
        of_tenant & (table.c[name] == value)
        for name, value in named
        if name in table.c and isinstance(table.c[name].type, sa.String)
    ]
    if "recipients" in table.c:
        written_to = sa.cast(table.c.recipients, sa.Text).icontains(customer.email, autoescape=True)
        found.append(of_tenant & written_to)
    for key in table.foreign_key_constraints:
        parent = key.referred_table
        if parent is table or not (above := _theirs(parent, tenant, customer)):
            continue
        pairs = list(zip(key.columns, key.elements, strict=True))
        same = [column == element.column for column, element in pairs]
        found.append(sa.exists().where(*same, sa.or_(*above)))
    return found


async def _blank_conversations(db: Connection, tenant: str, customer: Customer) -> None:
    """Empty the turns of others (staff, services) in which the customer was spoken of."""
    messages, effects = metadata.tables["messages"], metadata.tables["effects"]
    mentions = sa.or_(*(messages.c.content.contains(n, autoescape=True) for n in _signs(customer)))
    spoken_of = sa.select(messages.c.turn_id).where(messages.c.tenant_id == tenant, mentions)
    turns = [row.turn_id for row in await db.all(spoken_of.distinct())]
    empty = sa.case((messages.c.role == "tool", json.dumps({"erased": True})), else_=ERASED)
    for turn in turns:
        await db.execute(
            sa.update(messages)
            .where(messages.c.turn_id == turn)
            .values(
                content=empty,
                # A message without its requests would leave their answers without a question.
                data=sa.case((messages.c.role == "user", sa.null()), else_=messages.c.data),
            )
        )
    answers = sa.or_(*(effects.c.answer.contains(n, autoescape=True) for n in _signs(customer)))
    await db.execute(sa.delete(effects).where(effects.c.tenant_id == tenant, answers))


async def _redact(db: Connection, table: sa.Table, needles: Iterable[str]) -> None:
    """Take the customer's name, addresses and id out of every text of a table."""
    for column in table.columns:
        if column.primary_key or not isinstance(column.type, sa.String | sa.JSON):
            continue
        text = sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column
        for needle in needles:
            changed: Any = sa.func.replace(text, needle, _instead(needle))
            if isinstance(column.type, sa.JSON) and db.dialect == "postgresql":
                changed = sa.cast(changed, sa.JSON)
            await db.execute(
                sa.update(table)
                .where(text.contains(needle, autoescape=True))
                .values({column.name: changed})
            )


def _needles(customer: Customer) -> list[str]:
    told = [customer.email, customer.name, customer.phone, customer.address]
    plain = [text for text in told if text]
    escaped = [json.dumps(text)[1:-1] for text in plain]
    return list(dict.fromkeys([*plain, *escaped, *_signs(customer)[:2]]))


def _signs(customer: Customer) -> list[str]:
    """By which a text of others is known to speak of the customer."""
    named = customer.customer_id
    return [f'"{named}"', f'"customer:{named}"', customer.email, customer.name]


def _instead(needle: str) -> str:
    return f'"{ERASED}"' if needle.startswith('"') else ERASED
