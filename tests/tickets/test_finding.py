"""Whichever way leads to tickets, they are the same: each against a plain look at all of them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks import many_tickets
from benchmarks.many_tickets import STAFF as WORKERS
from benchmarks.many_tickets import TENANT
from deskward.app import Desk
from deskward.customers.models import customers
from deskward.tickets import finding
from deskward.tickets.finding import COSTS
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import ticket_numbers, tickets
from deskward.tickets.query import Item, parse
from deskward.tickets.search import count, search
from deskward.tickets.ways import Order, Ways
from deskward.tickets.words import ticket_words

COUNT = 300
ORDERS: tuple[Order, ...] = ("newest", "oldest", "updated")


async def fill(desk: Desk, tenant: str = TENANT) -> list[dict[str, Any]]:
    """Write tickets of some customers; gives them with what their messages say."""
    rows = next(many_tickets.tickets(COUNT, owners=30))
    one = {"tier": "standard", "created_at": many_tickets.END, "tenant_id": tenant}
    owners = [{"id": f"C{number}", "name": "x", **one} for number in range(30)]
    written = [dict(zip(many_tickets.TICKET, row, strict=True)) for row in rows.tickets]
    for ticket in written:
        ticket |= {"tags": json.loads(ticket["tags"]) if ticket["tags"] else None}
        ticket |= {"tenant_id": tenant}
    async with desk.database.transaction() as db:
        await db.execute(sa.delete(ticket_messages))
        await db.execute(sa.delete(tickets))
        await db.execute(customers.insert(), owners)
        await db.execute(tickets.insert(), written)
        for table, names, part in (
            (ticket_messages, many_tickets.MESSAGE, rows.messages),
            (ticket_words, many_tickets.WORDED, rows.words),
        ):
            values = [{**dict(zip(names, row, strict=True)), "tenant_id": tenant} for row in part]
            await db.execute(table.insert(), values)
        await db.execute(sa.delete(ticket_numbers.table))
        await db.execute(ticket_numbers.table.insert(), {"tenant_id": tenant, "last": COUNT})
    said: dict[int, list[set[str]]] = {}
    for _, number, _, words in rows.words:
        said.setdefault(number, []).append(set(words.split()))
    return [{**ticket, "said": said[ticket["number"]]} for ticket in written]


def fits(ticket: dict[str, Any], item: Item) -> bool:
    if item.field == "text":
        wanted = item.values[0].split()
        found = any(
            all(
                any(
                    one.startswith(word[:-1]) if word.endswith("*") else one == word for one in said
                )
                for word in wanted
            )
            for said in ticket["said"]
        )
    elif item.field == "tag":
        found = bool(set(item.values) & set(ticket["tags"] or ()))
    elif item.field in ("created", "updated"):
        moment = ticket[f"{item.field}_at"]
        found = item.since is None or moment >= item.since
        found = found and (item.before is None or moment < item.before)
    else:
        column = {"channel": "source", "customer": "customer_id"}.get(item.field, item.field)
        value = ticket[column]
        found = ("none" if value is None else value) in item.values
    return found is not item.negated


def wanted(chance: random.Random) -> str:
    """Some conditions, of which each is rare or frequent."""
    days = ["2023-05-01..2023-06-30", ">2025-12-01", "<2024-01-01", "2024-03-01..2024-03-31"]
    pool = [
        *(f"word{number}" for number in (1, 2, 3, 10, 40, 200, 3000)),
        *('"word1 word2"', "word1*", "incident4", "incident40", "nothing"),
        *("status:open", "status:closed", "status:open,pending", "status:resolved"),
        *("priority:urgent", "priority:low,high", "channel:mcp", "channel:mail,cli"),
        *("team:team1", "team:team1,none", "team:team-that-was", "tag:tag1", "tag:tag1,tag7"),
        *("tag:outage3", "tag:outage45", "customer:C3", "customer:C1,C2,C4"),
        *(f"assignee:{WORKERS[n]}" for n in (0, 12, 39)),
        *("assignee:none", f"assignee:none,{WORKERS[12]}"),
        *(f"{name}:{day}" for name in ("created", "updated") for day in days),
    ]
    chosen = chance.sample(pool, chance.choice((1, 1, 2, 2, 3, 4)))
    return " ".join(f"-{one}" if chance.random() < 0.2 else one for one in chosen)


WAYS = ("walked", "all_that_say", "all_of_marks", "all_of_a_time", "all")
AMONG_FEW = ("walked_among", "all_of_few", "all_of_span")


@pytest.mark.parametrize(
    ("first", "few", "costs", "ways"),
    [
        (7, 0, {}, {"walked", "all_that_say", "all_of_a_time", "all"}),
        (60, 0, {}, {"walked", "all_that_say"}),
        (60, 8_000, {"number": 0.001}, {"all_of_few"}),
        (25, 8_000, {"number": 50.0, "walk": 0.01, "says": 100.0}, {"walked_among"}),
        (7, 8_000, {"number": 2.0, "walk": 0.02}, {"all_of_span"}),
    ],
)
async def test_every_way_leads_to_the_same(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    first: int,
    few: int,
    costs: dict[str, float],
    ways: set[str],
) -> None:
    every = await fill(desk)
    monkeypatch.setattr(finding, "FIRST", first)
    monkeypatch.setattr(finding, "SHORT", 30)
    monkeypatch.setattr(finding, "LONG", 200)
    monkeypatch.setattr(finding, "FEW", few)
    changed = {name: replace(usual, **costs) for name, usual in COSTS.items()}
    monkeypatch.setattr(finding, "COSTS", changed)
    gone: set[str] = set()
    for name in (*WAYS, *AMONG_FEW):
        _note(monkeypatch, name, gone)
    chance = random.Random(first)
    for _ in range(40):
        text, order = wanted(chance), chance.choice(ORDERS)
        query = parse(text)
        fit = [one for one in every if all(fits(one, item) for item in query.items)]
        moment = "updated_at" if order == "updated" else "created_at"
        fit.sort(key=lambda one: (one[moment], one["number"]), reverse=order != "oldest")
        seen: list[str] = []
        cursor = None
        while True:
            page, cursor = await search(
                desk.database.reader, TENANT, query, me="x", order=order, after=cursor, limit=20
            )
            seen += [one.id for one in page]
            if cursor is None or len(seen) > 200:
                break
        assert seen == [f"T{one['number']}" for one in fit][: len(seen)], (text, order)
        assert cursor is not None or len(seen) == len(fit), (text, order)
        counted = await count(desk.database.reader, TENANT, query, me="x", most=50)
        assert counted == min(len(fit), 50), text
    assert ways <= gone
    assert desk.database.is_sqlite or few or "all_of_marks" in gone


def _note(monkeypatch: pytest.MonkeyPatch, name: str, gone: set[str]) -> None:
    way = getattr(Ways, name)

    async def noted(self: Ways, *arguments: Any) -> Any:
        gone.add(name)
        return await way(self, *arguments)

    monkeypatch.setattr(Ways, name, noted)


async def test_another_tenants_tickets_are_in_no_way(desk: Desk) -> None:
    every = await fill(desk, "acme")
    assert every
    for text in ("", "word1", "status:closed word2", "tag:tag1", "customer:C1"):
        page = await search(
            desk.database.reader, TENANT, parse(text), me="x", order="newest", after=None, limit=20
        )
        assert page == ([], None), text
