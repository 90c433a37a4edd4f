"""What came of answers: who says so, how it is counted, and how it moves what is found."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.app import Desk
from deskward.gate.context import Context
from deskward.knowledge.asked import Forgets, searches
from deskward.knowledge.documents import ARTICLES, document_id, documents
from deskward.knowledge.outcomes import outcomes
from deskward.knowledge.weighing import Interval, Weighed, Weighing, wilson
from tests.conftest import CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call
from tests.knowledge.test_search_tools import filed

TOOL = "validate_solution_accuracy"
ARTICLE = "faq-transfer-time"
WORKED: dict[str, Any] = {"customer_feedback": {}, "resolution_success": True}
FAILED: dict[str, Any] = {"customer_feedback": {}, "resolution_success": False}


@given(st.integers(0, 300), st.integers(1, 300), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_wilsons(good: int, more: int, confidence: float) -> None:
    many = good + more
    weighing = Weighing(confidence=confidence)
    found = [Weighed(good, True, 0, True), Weighed(more, False, 0, True)]
    share, interval = weighing.accuracy(found)
    assert share == pytest.approx(good / many)
    assert share is not None
    # Its ends are the shares from which what was seen is just so many deviations away.
    deviations = NormalDist().inv_cdf((1 + confidence) / 2)
    for end in interval:
        if end > 1e-9:
            away = abs(share - end) / (end * (1 - end) / many) ** 0.5
            assert away == pytest.approx(deviations, rel=1e-6)
    assert interval.low <= share <= interval.high


def test_old_outcomes_and_those_of_other_versions_count_less() -> None:
    weighing = Weighing(half_life=timedelta(days=10), other_version=0.25)
    assert weighing.weight(Weighed(4, True, 0, True)) == 4
    assert weighing.weight(Weighed(4, True, 20, True)) == 1
    assert weighing.weight(Weighed(4, True, 10, False)) == 0.5
    new, old = (wilson(1.0, weighing.weight(Weighed(9, True, d, True)), 1.96) for d in (0, 90))
    assert old.high - old.low > new.high - new.low, "the older, the less sure"
    assert weighing.factor(Interval(0.0, 1.0)) == 1.0
    assert Weighing(ranking=0).factor(new) == 1.0
    assert weighing.accuracy([]) == (None, Interval(0.0, 1.0))


async def test_confirmed_and_assumed_are_counted_apart(desk: Desk, call: Call) -> None:
    mine = await call(TOOL, solution_id=ARTICLE, **WORKED)
    assert mine.value["confirmed"]["successes"] == 1, mine.value
    assert mine.value["assumed"]["successes"] == 0
    assert mine.value["article_id"] == ARTICLE
    assert mine.value["ranking"] > 1
    # Staff on a customer's word, staff by themselves, and a program that names nobody.
    theirs = await call(TOOL, STAFF, solution_id=ARTICLE, customer_id="user_002", **FAILED)
    assert theirs.value["confirmed"]["failures"] == 1
    await call(TOOL, STAFF, solution_id=ARTICLE, **WORKED)
    last = (await call(TOOL, SERVICE, solution_id=ARTICLE, **WORKED)).value
    assert (last["assumed"]["successes"], last["assumed"]["failures"]) == (2, 0)
    assert (last["confirmed"]["successes"], last["confirmed"]["failures"]) == (1, 1)
    assert last["confirmed"]["accuracy"] == 0.5
    assert last["confirmed"]["low"] < 0.5 < last["confirmed"]["high"]


async def test_one_customer_has_one_word(desk: Desk, call: Call) -> None:
    for _ in range(3):
        await call(TOOL, solution_id=ARTICLE, **WORKED)
    again = (await call(TOOL, solution_id=ARTICLE, **FAILED)).value
    assert (again["confirmed"]["successes"], again["confirmed"]["failures"]) == (0, 1)


async def test_two_words_at_once_are_one(desk: Desk, call: Call) -> None:
    told = [call(TOOL, solution_id=ARTICLE, **said) for said in (WORKED, FAILED) * 4]
    answers = await asyncio.gather(*told)
    assert {answer.status for answer in answers} == {"ok"}
    rows = await desk.database.reader.all(outcomes.select())
    assert [(row.voter, row.confirmed) for row in rows] == [("customer:user_001", True)]


async def test_a_model_confirms_nothing_and_overrides_nobody(sqlite_desk: Desk) -> None:
    gate = sqlite_desk.gate
    arguments = {"solution_id": ARTICLE, **FAILED}
    await gate.call(TOOL, arguments, Context(CUSTOMER, "rest"))
    for context in (
        Context(CUSTOMER.with_agent("assistant"), "agent", session_id="s"),
        Context(CUSTOMER, "mcp", client="c"),
    ):
        outcome = await gate.call(TOOL, {**arguments, **WORKED}, context)
        if outcome.status == "ok":
            assert outcome.value["confirmed"] | {"low": 0, "high": 0} == {
                "successes": 0,
                "failures": 1,
                "accuracy": 0.0,
                "low": 0,
                "high": 0,
            }
    rows = await sqlite_desk.database.reader.all(outcomes.select())
    assert [row.success for row in rows if row.confirmed] == [False]


async def test_nobody_speaks_for_others_or_of_what_they_may_not_read(
    desk: Desk, call: Call
) -> None:
    hidden = await filed(desk, "a.md", "Refund of a zibeline.", audience="staff")
    for solution_id in (hidden, "nothing", "0" * 32):
        refused = await call(TOOL, solution_id=solution_id, **WORKED)
        assert refused.value["error"]["code"] == "SOLUTION_NOT_FOUND"
    other = await call(TOOL, solution_id=ARTICLE, customer_id="user_002", **WORKED)
    assert other.value["error"]["code"] == "FORBIDDEN"
    nobody = await call(TOOL, STAFF, solution_id=ARTICLE, customer_id="nobody", **WORKED)
    assert nobody.value["error"]["code"] == "CUSTOMER_NOT_FOUND"
    assert (await call(TOOL, STAFF, solution_id=hidden, **WORKED)).status == "ok"
    wrong = await call(TOOL, solution_id=ARTICLE, **{**WORKED, "customer_feedback": {"rating": 6}})
    assert wrong.value["error"]["code"] == "INVALID_INPUT"
    await call(TOOL, FOREIGN, solution_id=ARTICLE, **FAILED)
    assert (await call(TOOL, solution_id=ARTICLE, **WORKED)).value["confirmed"]["failures"] == 0


async def test_what_customers_confirm_moves_what_is_found(desk: Desk, call: Call) -> None:
    for path in ("a.md", "b.md"):
        await filed(desk, path, "Hold the power button to reset the printer.", title=path)
    asked = {"query": "reset the printer"}
    first, second = (await call("search_knowledge_base", **asked)).value["results"][:2]
    assert first["parts"]["outcomes"] is None
    for who in (CUSTOMER, OTHER):
        await call(TOOL, who, solution_id=second["passage_id"], **WORKED)
        await call(TOOL, who, solution_id=first["document_id"], **FAILED)
    both = {first["document_id"], second["document_id"]}
    moved = (await call("search_knowledge_base", **asked)).value["results"]
    moved = [one for one in moved if one["document_id"] in both]
    assert [one["document_id"] for one in moved] == [second["document_id"], first["document_id"]]
    assert moved[0]["parts"]["accuracy"] == 1.0
    assert moved[1]["parts"]["accuracy"] == 0.0
    assert moved[0]["parts"]["outcomes"] > 1 > moved[1]["parts"]["outcomes"]
    assert moved[0]["score"] > moved[1]["score"]


async def test_what_was_said_of_an_older_text_counts_less(desk: Desk, call: Call) -> None:
    await call(TOOL, solution_id=ARTICLE, **FAILED)
    before = (await call(TOOL, OTHER, solution_id=ARTICLE, **FAILED)).value["confirmed"]
    moment = datetime.now(UTC)
    async with desk.database.transaction() as db:
        mine = documents.c.id == document_id(ARTICLES, ARTICLE)
        await db.execute(documents.update().where(mine).values(changed_at=moment))
    now = (await call(TOOL, STAFF, solution_id=ARTICLE, **WORKED)).value["confirmed"]
    assert now["high"] > before["high"]
    assert now["failures"] == 2


async def test_searches_are_noted_with_their_record_and_forgotten(desk: Desk, call: Call) -> None:
    await call("search_knowledge_base", query="my password is Hunter2-hunter, a transfer?")
    await call("answer_from_knowledge", STAFF, question="unicorn grooming in the arctic")
    await call("get_faq", q="how long does a transfer take")
    by = {row.asker: row for row in await desk.database.reader.all(searches.select())}
    assert by["staff:anna"].documents == []
    assert by["staff:anna"].audience == "staff"
    rows = await desk.database.reader.all(searches.select())
    assert len(rows) == 3
    assert not any("Hunter2" in row.question for row in rows)
    article = document_id(ARTICLES, ARTICLE)
    assert sum(article in row.documents for row in rows) >= 1
    refused = await call("get_faq", q="")
    assert refused.error is not None
    assert len(await desk.database.reader.all(searches.select())) == 3
    await Forgets(desk.database, timedelta(days=1)).look()
    assert len(await desk.database.reader.all(searches.select())) == 3
    await Forgets(desk.database, timedelta(days=-1)).look()
    assert await desk.database.reader.all(searches.select()) == []
