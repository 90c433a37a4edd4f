"""A desk with canaries: values that no query of its staff may bring out."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.database import metadata
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.queries.running import Queries
from deskward.security.principals import Kind, Principal

TIER_1 = Principal(Kind.STAFF, "anna", "default", ("support",))
TIER_2 = Principal(Kind.STAFF, "berta", "default", ("support-2",))
TIER_3 = Principal(Kind.STAFF, "carla", "default", ("support-3",))
AUDITOR = Principal(Kind.STAFF, "otto", "default", ("auditor",))

FOREIGN = "canaryforeign"
"""Stands in every text of the other tenant's records."""
HIDDEN = "canaryhidden"
"""Stands in columns of our own records that no query sees."""
PERSONAL = "canarypersonal"
"""Stands in columns of our own records that are masked for an auditor."""

_UNTOUCHED = {"ledger", "ledger_heads", "subject_keys", "knowledge_changes", "sla_watch", "jobs"}
"""Tables that every call, or the desk's own work, writes to."""


async def plant(desk: Desk) -> None:
    """Put the canaries in."""
    seen = {t: set(r.columns) for t, r in desk.gate.port(Queries).readable.items()}
    async with desk.database.transaction() as db:
        for name, columns in seen.items():
            table = metadata.tables[name]
            theirs = table.c.tenant_id == "acme"
            for column in table.columns:
                free = _is_free(column)
                if free and column.name != "tenant_id":
                    await db.execute(sa.update(table).where(theirs).values({column: FOREIGN}))
                if free and column.name not in (*columns, "tenant_id"):
                    await db.execute(sa.update(table).where(~theirs).values({column: HIDDEN}))
                readable = desk.gate.port(Queries).readable[name]
                if free and column.name in columns and readable.is_personal(column.name):
                    text = sa.literal(PERSONAL) + sa.cast(column, sa.Text)
                    cut = sa.func.substr(text, 1, 40)
                    await db.execute(sa.update(table).where(~theirs).values({column: cut}))
        accounts = metadata.tables["accounts"]
        await db.execute(sa.update(accounts).values(password_hash=HIDDEN))


def _is_free(column: sa.Column[Any]) -> bool:
    return (
        isinstance(column.type, sa.String)
        and not column.primary_key
        and not column.foreign_keys
        and column.name not in ("status", "kind", "customer_id", "language")
        and not any(column.name in _names(each) for each in column.table.constraints)
        and (column.type.length or 100) >= 40
    )


def _names(constraint: Any) -> list[str]:
    return [column.name for column in getattr(constraint, "columns", ())]


async def digests(desk: Desk) -> dict[str, str]:
    """What the desk's records come to, by table."""
    found = {}
    for table in metadata.sorted_tables:
        if table.name not in _UNTOUCHED:
            columns = sorted(column.name for column in table.columns)
            wanted = sa.select(*(table.c[name] for name in columns))
            rows = await desk.database.reader.all(wanted)
            found[table.name] = hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()
    return found


async def ask(desk: Desk, sql: str, principal: Principal = TIER_2, **more: Any) -> Outcome:
    """A statement of somebody's own, through the gate."""
    return await desk.gate.call("query_database", {"sql": sql, **more}, Context(principal, "cli"))


def hurry(desk: Desk, seconds: float) -> None:
    """Give each statement so long."""
    port = desk.gate.port(Queries)
    port.limits = dataclasses.replace(port.limits, seconds=seconds)


@pytest.fixture
async def desk(settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """The desk, with the canaries in."""
    async with open_desk(settings.changed(domains="shop"), model=offline) as opened:
        await plant(opened)
        yield opened


@pytest.fixture
async def sqlite_desk(sqlite_settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """The same, on SQLite."""
    async with open_desk(sqlite_settings.changed(domains="shop"), model=offline) as opened:
        await plant(opened)
        yield opened
