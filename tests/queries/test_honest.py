"""Queries that people ask, which work and give right figures."""
# ruff: noqa: E501 a statement is one line

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import metadata
from tests.queries.conftest import AUDITOR, TIER_1, TIER_2, ask

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
STATES = ("open", "pending", "resolved")
"""Of ticket n: its status is that of n modulo 3, its priority and customer go by n as well."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A query, by database where they are not spelled alike, and the rows that it gives."""

    sqlite: str
    rows: list[list[Any]]
    postgresql: str = ""


def _case(sql: str, *rows: list[Any], pg: str = "") -> Case:
    return Case(sql, list(rows), pg or sql)


CASES = [
    # Thirty tickets 5001 to 5030, one a day from 1 January; 12 orders of 1 to 3 lines.
    _case("SELECT count(*) FROM tickets", [30]),
    _case("SELECT COUNT(*) AS n FROM Tickets AS T", [30]),
    _case("SELECT min(number), max(number) FROM tickets", [5001, 5030]),
    _case("SELECT sum(number - 5000) FROM tickets", [465]),
    _case("SELECT avg(number) FROM tickets", [5015.5]),
    _case("SELECT count(DISTINCT customer_id) FROM tickets", [3]),
    _case("SELECT DISTINCT status FROM tickets ORDER BY status", ["open"], ["pending"], ["resolved"]),
    _case("SELECT status, count(*) FROM tickets GROUP BY status ORDER BY 1", ["open", 10], ["pending", 10], ["resolved", 10]),
    _case("SELECT status, count(*) AS n FROM tickets GROUP BY status HAVING count(*) > 9 ORDER BY n DESC, status LIMIT 1", ["open", 10]),
    _case("SELECT number FROM tickets WHERE status = 'open' AND priority = 'high' ORDER BY number LIMIT 2", [5006], [5012]),
    _case("SELECT number FROM tickets WHERE NOT (number < 5029) ORDER BY number", [5029], [5030]),
    _case("SELECT number FROM tickets WHERE number BETWEEN 5003 AND 5004 ORDER BY 1", [5003], [5004]),
    _case("SELECT number FROM tickets WHERE number IN (5001, 5002) ORDER BY number DESC", [5002], [5001]),
    _case("SELECT number FROM tickets WHERE number NOT IN (SELECT number FROM tickets WHERE number > 5001)", [5001]),
    _case("SELECT subject FROM tickets WHERE subject LIKE 'Ticket 1_' ORDER BY number LIMIT 1", ["Ticket 10"]),
    _case("SELECT subject FROM tickets WHERE subject NOT LIKE 'Ticket%'"),
    _case("SELECT count(*) FROM tickets WHERE subject LIKE '%!%%' ESCAPE '!'", [0]),
    _case("SELECT count(*) FROM tickets WHERE lower(subject) = 'ticket 7'", [1]),
    _case("SELECT count(*) FROM tickets WHERE team IS NULL", [15]),
    _case("SELECT count(team), count(*) FROM tickets", [15, 30]),
    _case("SELECT count(*) FROM tickets WHERE team IS NOT NULL OR number = 5001", [16]),
    _case("SELECT coalesce(team, 'none') AS team, count(*) FROM tickets GROUP BY coalesce(team, 'none') ORDER BY 1", ["none", 15], ["north", 15]),
    _case("SELECT nullif(status, 'open') FROM tickets WHERE number = 5003", [None]),
    _case("SELECT CASE WHEN status = 'open' THEN 'a' ELSE 'b' END AS k, count(*) FROM tickets GROUP BY 1 ORDER BY 1", ["a", 10], ["b", 20]),
    _case("SELECT CASE status WHEN 'open' THEN 1 END FROM tickets WHERE number = 5003", [1]),
    _case("SELECT sum(CASE WHEN priority = 'high' THEN 1 ELSE 0 END) FROM tickets", [15]),
    _case("SELECT count(*) FILTER (WHERE priority = 'high') FROM tickets", [15]),
    _case("SELECT 7 / 2, 7 % 2, 7 * 2, 7 - 2, 7 + 2, -7", [3, 1, 14, 5, 9, -7]),
    _case("SELECT 2 + 3 * 4, (2 + 3) * 4, 10 - 4 - 3", [14, 20, 3]),
    _case("SELECT 'it''s' || ' ' || 'fine'", ["it's fine"]),
    _case("SELECT 'back\\slash', '; -- no comment'", ["back\\slash", "; -- no comment"]),
    _case("SELECT abs(-3), length('four'), upper('a'), replace('abc', 'b', 'x'), trim(' a ')", [3, 4, "A", "axc", "a"]),
    _case("SELECT substr('abcdef', 2, 3), round(2.4)", ["bcd", 2]),
    _case("SELECT CAST('12' AS INTEGER) + 1, CAST(3 AS TEXT)", [13, "3"]),
    _case("SELECT count(*) FROM tickets AS t JOIN customers AS c ON c.id = t.customer_id", [30]),
    _case("SELECT c.id, count(t.number) FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id GROUP BY c.id ORDER BY c.id LIMIT 3", ["user_001", 10], ["user_002", 10], ["user_003", 10]),
    _case("SELECT count(*) FROM tickets a, tickets b WHERE a.number = b.number", [30]),
    _case("SELECT count(*) FROM tickets a CROSS JOIN orders b", [360]),
    _case("SELECT count(*) FROM orders JOIN order_lines ON order_number = number", [24]),
    _case("SELECT o.number, sum(l.quantity * l.unit_price) FROM orders o JOIN order_lines l ON l.order_number = o.number GROUP BY o.number ORDER BY 2 DESC, 1 LIMIT 2", [9003, 600], [9006, 600]),
    _case("SELECT count(*) FROM tickets JOIN ticket_messages USING (number)", [60]),
    _case("SELECT count(*) FROM tickets AS t WHERE EXISTS (SELECT 1 FROM ticket_messages m WHERE m.number = t.number AND m.kind = 'reply')", [30]),
    _case("SELECT number, (SELECT count(*) FROM ticket_messages m WHERE m.number = t.number) FROM tickets t ORDER BY 1 LIMIT 1", [5001, 2]),
    _case("SELECT avg(n) FROM (SELECT customer_id, count(*) AS n FROM tickets GROUP BY customer_id) AS x", [10]),
    _case("WITH open AS (SELECT * FROM tickets WHERE status = 'open') SELECT count(*) FROM open", [10]),
    _case("WITH a AS (SELECT number FROM tickets), b AS (SELECT number FROM a WHERE number > 5028) SELECT * FROM b ORDER BY 1", [5029], [5030]),
    _case("WITH a(x) AS (SELECT number FROM tickets) SELECT max(x) FROM a", [5030]),
    _case("WITH tickets AS (SELECT 1 AS number) SELECT number FROM tickets", [1]),
    _case("SELECT number FROM tickets WHERE number < 5002 UNION ALL SELECT number FROM orders WHERE number < 9002 ORDER BY 1", [5001], [9001]),
    _case("SELECT customer_id FROM tickets UNION SELECT customer_id FROM orders ORDER BY 1", ["user_001"], ["user_002"], ["user_003"]),
    _case("SELECT number FROM tickets EXCEPT SELECT number FROM tickets WHERE number > 5001", [5001]),
    _case("SELECT number FROM tickets INTERSECT SELECT number FROM tickets WHERE number = 5002", [5002]),
    _case("SELECT number, row_number() OVER (ORDER BY number DESC) AS r FROM tickets ORDER BY r LIMIT 2", [5030, 1], [5029, 2]),
    _case("SELECT number, rank() OVER (PARTITION BY status ORDER BY number) AS r FROM tickets ORDER BY number LIMIT 1", [5001, 1]),
    _case("SELECT number, lag(number) OVER (ORDER BY number) FROM tickets ORDER BY 1 LIMIT 2", [5001, None], [5002, 5001]),
    _case("SELECT number, sum(1) OVER (ORDER BY number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM tickets ORDER BY 1 LIMIT 2", [5001, 1], [5002, 2]),
    _case("SELECT number, sum(1) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) FROM tickets ORDER BY 1 DESC LIMIT 1", [5030, 30]),
    _case("SELECT status, avg(count(*)) OVER () FROM tickets GROUP BY status ORDER BY 1 LIMIT 1", ["open", 10]),
    _case("SELECT number FROM tickets ORDER BY team NULLS LAST, number LIMIT 1", [5002]),
    _case("SELECT number FROM tickets ORDER BY team DESC NULLS FIRST, number LIMIT 1", [5001]),
    _case("SELECT number FROM tickets ORDER BY number LIMIT 1 OFFSET 4", [5005]),
    _case("SELECT date(created_at), count(*) FROM tickets GROUP BY 1 ORDER BY 1 LIMIT 1", ["2026-01-01", 1], pg="SELECT created_at::date, count(*) FROM tickets GROUP BY 1 ORDER BY 1 LIMIT 1"),
    _case("SELECT strftime('%Y-%m', created_at) AS month, count(*) FROM tickets GROUP BY month", ["2026-01", 30], pg="SELECT to_char(created_at, 'YYYY-MM') AS month, count(*) FROM tickets GROUP BY month"),
    _case("SELECT count(*) FROM tickets WHERE created_at >= '2026-01-11' AND created_at < '2026-01-21'", [10]),
    _case("SELECT count(*) FROM tickets WHERE created_at < date('2026-01-11', '-3 days')", [7], pg="SELECT count(*) FROM tickets WHERE created_at < DATE '2026-01-11' - INTERVAL '3 days'"),
    _case("SELECT current_date > '2000-01-01', current_timestamp > '2000-01-01'", [1, 1]),
    _case("SELECT round(avg(julianday(updated_at) - julianday(created_at)) * 24) FROM tickets", [2], pg="SELECT round(avg(EXTRACT(epoch FROM updated_at - created_at) / 3600)) FROM tickets"),
    _case("SELECT strftime('%w', created_at), count(*) FROM tickets GROUP BY 1 ORDER BY 1 LIMIT 1", ["0", 4], pg="SELECT CAST(EXTRACT(dow FROM created_at) AS text), count(*) FROM tickets GROUP BY 1 ORDER BY 1 LIMIT 1"),
    _case("SELECT group_concat(number, '+') FROM (SELECT number FROM tickets WHERE number < 5003 ORDER BY number) AS x", ["5001+5002"], pg="SELECT string_agg(number::text, '+' ORDER BY number) FROM tickets WHERE number < 5003"),
    _case("SELECT count(*) FROM tickets WHERE subject LIKE 'TICKET 1%'", [11], pg="SELECT count(*) FROM tickets WHERE subject ILIKE 'TICKET 1%'"),
    _case("SELECT total(number) > 0 FROM tickets", [1], pg="SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY number) = 5015.5 FROM tickets"),
    _case("SELECT t.number, m.seq FROM tickets t JOIN ticket_messages m ON m.number = t.number AND m.seq = 2 ORDER BY 1 LIMIT 1", [5001, 2], pg="SELECT t.number, m.seq FROM tickets t LEFT JOIN LATERAL (SELECT seq FROM ticket_messages x WHERE x.number = t.number ORDER BY seq DESC LIMIT 1) m ON true ORDER BY 1 LIMIT 1"),
]  # fmt: skip


async def _fill(desk: Desk) -> None:
    """Records of a known shape, in the place of the demo's."""
    tables = metadata.tables
    async with desk.database.transaction() as db:
        for name in ("ticket_messages", "ticket_states", "ticket_words", "tickets"):
            table = tables[name]
            await db.execute(sa.delete(table).where(table.c.tenant_id == "default"))
        for name in ("refunds", "payments", "order_lines", "orders"):
            table = tables[name]
            await db.execute(sa.delete(table).where(table.c.tenant_id == "default"))
        await db.execute(tables["tickets"].insert(), [_ticket(n) for n in range(1, 31)])
        messages = [_message(n, seq) for n in range(1, 31) for seq in (1, 2)]
        await db.execute(tables["ticket_messages"].insert(), messages)
        await db.execute(tables["orders"].insert(), [_order(n) for n in range(1, 13)])
        lines = [_line(n, at) for n in range(1, 13) for at in range(1, n % 3 + 2)]
        await db.execute(tables["order_lines"].insert(), lines)


def _at(day: int, hour: int = 9) -> datetime:
    return START.replace(day=day, hour=hour)


def _ticket(n: int) -> dict[str, Any]:
    return {
        "tenant_id": "default",
        "number": 5000 + n,
        "customer_id": f"user_00{n % 3 + 1}",
        "subject": f"Ticket {n}",
        "body": f"Body {n}",
        "status": STATES[n % 3],
        "priority": "low" if n % 2 else "high",
        "team": None if n % 2 else "north",
        "tags": [],
        "fields": {},
        "source": "web",
        "spam": False,
        "messages": 2,
        "heard": 1,
        "revision": 1,
        "created_at": _at(n),
        "updated_at": _at(n, 11),
    }


def _message(n: int, seq: int) -> dict[str, Any]:
    return {
        "tenant_id": "default",
        "number": 5000 + n,
        "seq": seq,
        "id": f"{n:016d}{seq:016d}",
        "kind": "message" if seq == 1 else "reply",
        "author": "customer:user_001" if seq == 1 else "staff:anna",
        "channel": "web",
        "text": f"Text {n}.{seq}",
        "files": [],
        "delivery": "none",
        "by_moment": False,
        "created_at": _at(n, 9 + seq),
    }


def _order(n: int) -> dict[str, Any]:
    return {
        "tenant_id": "default",
        "number": 9000 + n,
        "customer_id": f"user_00{n % 3 + 1}",
        "currency": "EUR",
        "shipping_address": "12 Garden Street",
        "status": "placed",
        "revision": 1,
        "created_at": _at(n),
        "updated_at": _at(n),
    }


def _line(n: int, position: int) -> dict[str, Any]:
    place = {"tenant_id": "default", "order_number": 9000 + n, "position": position}
    price = 100 if n % 3 else 600
    return {**place, "sku": "A-1", "description": "A", "quantity": 1, "unit_price": price}


async def test_honest_queries_give_right_figures(desk: Desk) -> None:
    await _fill(desk)
    assert len(CASES) >= 60
    wrong = list[str]()
    for case in CASES:
        sql = case.sqlite if desk.database.is_sqlite else case.postgresql
        outcome = await ask(desk, sql)
        rows = outcome.error.message if outcome.error else outcome.value["rows"]
        if rows != case.rows:
            wrong.append(f"{sql}: {rows}, not {case.rows}")
    assert not wrong, "\n".join(wrong)


async def test_one_customer_sees_one_customer(desk: Desk) -> None:
    await _fill(desk)
    for table, many in (("tickets", 10), ("ticket_messages", 20), ("orders", 4), ("customers", 1)):
        sql = f"SELECT count(*) FROM {table}"
        outcome = await ask(desk, sql, TIER_1, customer_id="user_001")
        assert outcome.value["rows"] == [[many]], table
    faq = await ask(desk, "SELECT count(*) FROM faq", TIER_1, customer_id="user_001")
    assert faq.error is not None
    assert "no customer's" in faq.error.message
    refused = await ask(desk, "SELECT count(*) FROM tickets", TIER_1)
    assert refused.error is not None
    assert refused.error.code == "FORBIDDEN"


async def test_what_is_personal_is_masked_for_an_auditor(desk: Desk) -> None:
    outcome = await ask(desk, "SELECT DISTINCT name, email FROM customers", AUDITOR)
    assert outcome.value["rows"] == [["[masked]", "[masked]"]]
    assert outcome.value["masked"] is True
    open_ = await ask(desk, "SELECT count(*) FROM customers WHERE email <> '[masked]'", TIER_2)
    assert open_.value["rows"][0][0] > 0


async def test_rows_bytes_and_texts_have_limits(desk: Desk) -> None:
    await _fill(desk)
    few = await ask(desk, "SELECT number FROM tickets ORDER BY 1", limit=2)
    assert (few.value["row_count"], few.value["truncated"]) == (2, True)
    whole = await ask(desk, "SELECT number FROM tickets ORDER BY 1", limit=30)
    assert (whole.value["row_count"], whole.value["truncated"]) == (30, False)
    tickets = metadata.tables["tickets"]
    async with desk.database.transaction() as db:
        mine = tickets.c.tenant_id == "default"
        await db.execute(sa.update(tickets).where(mine).values(body="é" * 100_000))
    one = await ask(desk, "SELECT body FROM tickets LIMIT 1")
    assert one.value["rows"] == [["é" * 20_000]]
    long = await ask(desk, "SELECT body || body AS b FROM tickets LIMIT 1")
    assert (len(long.value["rows"][0][0]), long.value["truncated"]) == (20_000, True)
    many = await ask(desk, "SELECT body, body AS b FROM tickets")
    assert many.value["truncated"] is True
    assert 0 < many.value["row_count"] < 30


@pytest.mark.parametrize(
    "arguments",
    [{}, {"sql": "SELECT 1", "query": "x"}, {"sql": "SELECT 1", "parameters": {"a": 1}}],
)
async def test_what_is_asked_is_one_of_two(sqlite_desk: Desk, arguments: dict[str, Any]) -> None:
    from deskward.gate.context import Context

    outcome = await sqlite_desk.gate.call("query_database", arguments, Context(TIER_2, "rest"))
    assert outcome.error is not None
    assert outcome.error.code == "INVALID_INPUT"
