"""A desk with very many tickets, written in bulk: what `search` looks for things in.

The tickets are made as a desk's are that has been used for three years: most of the old ones are
closed and most of the new ones open, some words and tags stand in one time only, a team is gone,
and words are as frequent as those of a language (one in 1/n, Zipf).
"""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TENANT = "default"
STAFF = [f"staff{number}" for number in range(40)]
TEAMS = [f"team{number}" for number in range(8)]
GONE = "team-that-was"
WORDS = [f"word{number}" for number in range(1, 20_001)]
TAGS = [f"tag{number}" for number in range(1, 201)]
YEARS = timedelta(days=3 * 365)
END = datetime(2026, 1, 1, tzinfo=UTC)
IN_A_TEXT = 25
"""Words of a text, which may be there twice."""
PARTS = 50
"""Into how many times of one length the years are divided: each has a word and a tag to itself."""


@dataclass(frozen=True)
class Rows:
    """The rows of some tables that belong together.

    Attributes:
        customers: id, name, tier, created_at.
        tickets: See `TICKET`.
        messages: See `MESSAGE`.
        words: tenant_id, number, seq, words.
    """

    tickets: list[tuple[Any, ...]]
    messages: list[tuple[Any, ...]]
    words: list[tuple[Any, ...]]


TICKET = (
    *("tenant_id", "number", "customer_id", "subject", "body", "status", "priority", "assignee"),
    *("revision", "created_at", "updated_at", "team", "tags", "source", "spam", "messages"),
    "heard",
)
MESSAGE = (
    *("tenant_id", "number", "seq", "id", "kind", "author", "channel", "text", "delivery"),
    "created_at",
)
WORDED = ("tenant_id", "number", "seq", "words")
_CUSTOMER = ("tenant_id", "id", "name", "tier", "tags", "fields", "created_at", "revision")


def customers(count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of customers."""
    for number in range(count):
        yield (TENANT, f"C{number}", f"Customer {number}", "standard", "[]", "{}", END - YEARS, 1)


def tickets(count: int, *, owners: int, size: int = 5_000) -> Iterator[Rows]:
    """Rows of tickets with their messages, so many tickets at a time.

    Args:
        owners: How many customers there are.
    """
    chance = random.Random(1)
    each = YEARS / count
    frequent = list(itertools.accumulate(1 / n for n in range(1, len(WORDS) + 1)))
    tagged = list(itertools.accumulate(1 / n for n in range(1, len(TAGS) + 1)))
    for start in range(1, count + 1, size):
        rows = Rows([], [], [])
        for number in range(start, min(start + size, count + 1)):
            age = 1 - number / count
            part = min(int((1 - age) * PARTS), PARTS - 1)
            created = END - YEARS + each * number
            tags = chance.choices(TAGS, cum_weights=tagged, k=chance.choice((0, 0, 1, 1, 2)))
            if chance.random() < 0.3:
                tags.append(f"outage{part}")
            heard = 1 + (chance.random() < 0.3)
            for seq in range(1, heard + 1):
                said = chance.choices(WORDS, cum_weights=frequent, k=IN_A_TEXT)
                if chance.random() < 0.3:
                    said.append(f"incident{part}")
                text = " ".join(said)
                name = f"{number:024x}{seq:08x}"
                author, channel = "customer:x", "mail"
                rows.messages.append(
                    (TENANT, number, seq, name, "message", author, channel, text, "none", created)
                )
                rows.words.append((TENANT, number, seq, " ".join(dict.fromkeys(said))))
            rows.tickets.append(
                (
                    TENANT,
                    number,
                    f"C{min(int(chance.expovariate(6 / owners)), owners - 1)}",
                    f"Ticket {number}",
                    text,
                    _status(chance, age),
                    chance.choices(("normal", "low", "high", "urgent"), (70, 15, 12, 3))[0],
                    None
                    if chance.random() < (0.5 if age < 0.02 else 0.1)
                    else _worker(chance, age),
                    1,
                    created,
                    min(created + timedelta(days=chance.expovariate(1 / 5)), END),
                    _team(chance, age),
                    json.dumps(tags) if tags else None,
                    chance.choices(("mail", "chat", "api", "mcp", "cli"), (60, 20, 15, 3, 2))[0],
                    False,
                    heard,
                    heard,
                )
            )
        yield rows


def _status(chance: random.Random, age: float) -> str:
    weights = (60, 25, 13, 2) if age < 0.02 else (0.3, 0.7, 19, 80)
    return chance.choices(("open", "pending", "resolved", "closed"), weights)[0]


def _worker(chance: random.Random, age: float) -> str:
    """Who works on it: a half of them came, a half left in the middle of the time."""
    half = len(STAFF) // 2
    return chance.choice(STAFF[half // 2 :] if age < 0.5 else STAFF[: half + half // 2])


def _team(chance: random.Random, age: float) -> str | None:
    if chance.random() < 0.1:
        return None
    return chance.choice([*TEAMS, GONE] if age > 0.6 else TEAMS)


def fill_sqlite(path: Path, count: int) -> None:
    """Write tickets into a desk's file."""
    file = sqlite3.connect(path)
    owners = max(count // 5, 1)
    with file:
        file.executemany(_insert("customers", _CUSTOMER), _texts(customers(owners)))
    for rows in tickets(count, owners=owners):
        with file:
            file.executemany(_insert("tickets", TICKET), _texts(rows.tickets))
            file.executemany(_insert("ticket_messages", MESSAGE), _texts(rows.messages))
            file.executemany(_insert("ticket_words", WORDED), _texts(rows.words))
    with file:
        file.execute("INSERT INTO ticket_numbers VALUES (?, ?)", (TENANT, count))
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()


def _texts(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(map(_sqlite, row)) for row in rows]


def _insert(table: str, names: Sequence[str]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"


def _sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return value


async def fill_postgresql(url: str, count: int) -> None:
    """Write tickets into a desk's database; indexes are made after that, which is quicker."""
    import asyncpg

    db = await asyncpg.connect(url)
    owners = max(count // 5, 1)
    await _copy(db, "customers", _CUSTOMER, customers(owners))
    indexes = await db.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef NOT LIKE '%UNIQUE%'"
        " AND tablename IN ('tickets', 'ticket_messages', 'ticket_words')"
    )
    for index in indexes:
        await db.execute(f"DROP INDEX {index['indexname']}")
    await db.execute("SET session_replication_role = replica")  # foreign keys are right as it is
    for rows in tickets(count, owners=owners):
        await _copy(db, "tickets", TICKET, rows.tickets)
        await _copy(db, "ticket_messages", MESSAGE, rows.messages)
        await _copy(db, "ticket_words", WORDED, rows.words)
    await db.execute("INSERT INTO ticket_numbers VALUES ($1, $2)", TENANT, count)
    await db.execute("SET maintenance_work_mem = '512MB'")
    for index in indexes:
        await db.execute(index["indexdef"], timeout=1200)
    await db.execute("VACUUM ANALYZE", timeout=1200)
    await db.close()


async def _copy(db: Any, table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    await db.copy_records_to_table(table, records=rows, columns=list(names), timeout=600)
