"""Looking for tickets: the language, what is found in which alphabet, pages, and other tenants."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from deskward.app import Desk
from deskward.core.errors import InvalidInput
from deskward.security.principals import Kind, Principal
from deskward.text.indexing import words_to_find, words_to_keep
from deskward.tickets.models import tickets
from deskward.tickets.query import DATES, FIELDS, NAMES, WORDS, Item, parse
from deskward.tickets.words import ticket_words
from tests.conftest import STAFF, Call
from tests.customers.test_erasure import erased

THEIRS = Principal(Kind.STAFF, "anna", "acme", ("support",))

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
values = st.one_of(
    *(
        st.tuples(st.just(field), st.lists(st.sampled_from(words), min_size=1, unique=True))
        for field, words in WORDS.items()
    ),
    st.tuples(st.sampled_from(NAMES), st.lists(names, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("text"), st.lists(names, min_size=1, max_size=1)),
)


@hypothesis.given(st.lists(st.tuples(st.booleans(), st.booleans(), values), max_size=8))
def test_what_is_written_is_read(told: list[Any]) -> None:
    text, items = [], []
    for negated, quoted, (field, given) in told:
        shown = ",".join(f'"{one}"' if quoted and field in NAMES else one for one in given)
        if field == "text":
            shown = f'"{shown}"' if quoted else shown
            if not words_to_find(shown):
                continue
        text.append(f"{'-' if negated else ''}{'' if field == 'text' else field + ':'}{shown}")
        items.append(Item(field, tuple(given), negated=negated))
    assert parse("  ".join(text)).items == items


@hypothesis.given(st.text(max_size=60) | st.from_regex(r'[a-z:",<>.* -]{1,40}', fullmatch=True))
def test_any_text_is_a_query_or_says_where_it_is_not(text: str) -> None:
    at = 1
    try:
        parse(text)
    except InvalidInput as error:
        at = error.details["at"]
    assert 1 <= at <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "at", "problem"),
    [
        ("refund stauts:open", 8, "no field 'stauts'"),
        ("status:opened", 8, "one of open"),
        ("status:open,opened", 13, "one of open"),
        ('assignee:"anna', 10, "not closed"),
        ('refund "no', 8, "not closed"),
        ("created:yesterday", 9, "no day"),
        ("created:2026-02-30", 9, "no day"),
        ("updated:2026-01-01,2026-01-02", 20, "one value"),
        ("a - b", 3, "no word"),
        ("a !!", 3, "no word"),
        ("refund status: open", 8, "status has no value"),
        ("created:..", 9, "no day"),
    ],
)
def test_an_error_says_where(text: str, at: int, problem: str) -> None:
    with pytest.raises(InvalidInput, match=f"character {at}") as wrong:
        parse(text)
    assert problem in str(wrong.value)


def test_fields_and_their_words_are_in_any_case() -> None:
    assert parse("STATUS:Open,closed Assignee:Anna").items == [
        Item("status", ("open", "closed")),
        Item("assignee", ("Anna",)),
    ]


def test_days_are_whole() -> None:
    day, next_day = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    read = {
        "created:2026-01-31": (day, next_day),
        "created:>2026-01-31": (next_day, None),
        "created:<2026-01-31": (None, day),
        "created:2026-01-31..2026-01-31": (day, next_day),
        "created:2026-01-31..": (day, None),
        "Created:..2026-01-31": (None, next_day),
    }
    for text, (since, before) in read.items():
        assert parse(text).items == [Item("created", since=since, before=before)]
    assert set(FIELDS) == {*WORDS, *NAMES, *DATES}


@hypothesis.given(st.text(max_size=40))
def test_each_word_of_a_text_finds_it(text: str) -> None:
    kept = words_to_keep(text).split(" ")
    for word, begins in words_to_find(text):
        assert any(one == word or (begins and one.startswith(word)) for one in kept)


async def found(call: Call, query: str, who: Principal = STAFF, **more: Any) -> list[str]:
    outcome = await call("search_tickets", who, query=query, **more)
    assert outcome.status == "ok", outcome.value
    return [one["subject"] for one in outcome.value["tickets"]]


async def write(call: Call, *subjects: str, who: Principal = STAFF) -> list[str]:
    made = []
    for subject in subjects:
        arguments = {"customer_id": "user_001", "subject": subject, "body": "xyz"}
        made.append((await call("create_ticket", who, **arguments)).value["ticket_id"])
    return made


async def test_words_are_found_in_any_alphabet(call: Call) -> None:
    texts = {
        "Zürich hat geöffnet": ["ZÜRICH", "zür*", "Geöffnet zürich", "-refund zürich"],
        "İstanbul'da iade": ["istanbul*", "İADE"],
        "返金をお願いします": ["返金", "お願い", "金", "願いします"],
        "จัดส่งไปยังกรุงเทพ": ["กรุงเทพ", "จัดส่ง"],
        "Возврат денег": ["ВОЗВРАТ", '"денег возврат"'],
        "استرداد المبلغ": ["استرداد"],
        "ａｂｃ１２ snake_case O987": ["abc12", "snake_case", "o987"],
        "환불해 주세요": ["환불해"],
    }
    await write(call, *texts)
    await write(call, *texts, who=THEIRS)
    for subject, queries in texts.items():
        for query in queries:
            assert await found(call, query) == [subject], query
    assert await found(call, "zür") == []
    assert await found(call, "返金 -お願い") == []
    assert await found(call, "x' OR 1=1") == []


async def test_fields_narrow_and_deny(desk: Desk, call: Call) -> None:
    one, two, three = await write(call, "alpha", "beta", "gamma")
    changes: dict[str, dict[str, Any]] = {
        one: {"status": "pending", "priority": "high", "assignee": "anna", "tags": ["vip", "ü"]},
        two: {"status": "resolved", "assignee": "otto", "team": "billing"},
    }
    async with desk.database.transaction() as db:
        for ticket, change in changes.items():
            same = (tickets.c.tenant_id == "default") & (tickets.c.number == int(ticket[1:]))
            await db.execute(sa.update(tickets).where(same).values(**change))
    read = {
        "status:pending,resolved xyz": ["beta", "alpha"],
        "-status:pending,resolved xyz": ["gamma"],
        "assignee:me xyz": ["alpha"],
        "assignee:none xyz": ["gamma"],
        "-assignee:anna xyz": ["gamma", "beta"],
        "-assignee:none xyz": ["beta", "alpha"],
        "team:none,billing xyz": ["gamma", "beta", "alpha"],
        "tag:ü xyz": ["alpha"],
        "-tag:vip xyz": ["gamma", "beta"],
        "priority:high customer:user_001 xyz": ["alpha"],
        "customer:user_002 xyz": [],
        "created:>2020-01-01 channel:cli,api xyz": ["gamma", "beta", "alpha"],
        "updated:<2020-01-01": [],
    }
    for query, subjects in read.items():
        assert await found(call, query) == subjects, query
    await call("add_ticket_note", STAFF, ticket_id=three, text="the customer of Basel")
    assert await found(call, "basel") == ["gamma"]
    assert (await call("search_tickets", query="x")).error is not None  # a customer
    wrong = await call("search_tickets", STAFF, query="status:new")
    assert wrong.error is not None
    assert wrong.error.details["at"] == 8


@pytest.mark.parametrize("order", ["newest", "oldest", "updated"])
async def test_pages_hold_each_ticket_once(desk: Desk, call: Call, order: str) -> None:
    made = await write(call, *(f"page {number}" for number in range(11)))
    async with desk.database.transaction() as db:  # several of one moment
        for number, ticket in enumerate(made):
            same = (tickets.c.tenant_id == "default") & (tickets.c.number == int(ticket[1:]))
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number // 3)
            await db.execute(sa.update(tickets).where(same).values(updated_at=moment))
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = await call(
            "search_tickets", STAFF, query="page", order=order, limit=3, cursor=cursor
        )
        seen += [one["id"] for one in page.value["tickets"]]
        cursor = page.value["cursor"]
    assert cursor is None
    assert seen == (made if order == "oldest" else made[::-1])
    late = json.dumps([order, 5, "9999-12-31T23:59:59-12:00"]).encode()
    for bad in ("x", "bm8", "W10", base64.urlsafe_b64encode(late).decode().rstrip("=")):
        refused = (await call("search_tickets", STAFF, order=order, cursor=bad)).error
        assert (refused.status, refused.details["field"]) == (409, "cursor")


async def test_what_is_merged_or_erased_is_found_where_it_is(desk: Desk, call: Call) -> None:
    one, two = await write(call, "heliotrope", "mauve")
    assert (await call("merge_tickets", STAFF, ticket_id=one, into=two)).status == "ok"
    assert await found(call, "heliotrope") == ["mauve"]
    arguments = {"customer_id": "user_002", "subject": "carmine", "body": "Alex and Alex Morgan"}
    assert (await call("create_ticket", STAFF, **arguments)).status == "ok"
    await erased(desk, call)
    assert await found(call, "heliotrope") == []
    for word in ("heliotrope", "morgan"):
        rows = await desk.database.reader.all(
            sa.select(ticket_words.c.id).where(
                ticket_words.c.tenant_id == "default", ticket_words.c.words.contains(word)
            )
        )
        assert rows == []
    assert await found(call, "carmine and") == ["carmine"]  # others' words are found as before


async def test_what_the_index_does_not_have_yet_is_found_as_well(desk: Desk, call: Call) -> None:
    """SQLite's index takes rows by the batch (revision 0023); PostgreSQL's takes each at once."""
    batch = 64

    async def all_found(subjects: list[str]) -> None:
        for word in subjects:
            assert await found(call, word) == [word]
            assert await found(call, f"{word[:-1]}*") == [word]
        assert len(await found(call, "xyz", limit=100)) == len(subjects)

    words = [f"w{number:03}q" for number in range(batch + 6)]
    await write(call, *words[: batch - 1])
    await all_found(words[: batch - 1])
    await write(call, *words[batch - 1 :])
    await all_found(words)
    # The numbers of rows that go come again, also those that the index has.
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.delete(tickets).where(tickets.c.subject >= words[-10]))
    kept = [*words[:-10], *(f"z{number:03}q" for number in range(9))]
    await write(call, *kept[-9:])
    await all_found(kept)
    assert await found(call, words[-10]) == await found(call, words[-1]) == []
