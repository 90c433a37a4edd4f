"""What of the knowledge base is to be looked at, and what it lacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core import database
from deskward.customers.erasure import erase
from deskward.customers.service import get
from deskward.knowledge.documents import documents
from tests.conftest import CUSTOMER, FOREIGN, OTHER, STAFF, Call
from tests.knowledge.test_search_tools import filed
from tests.knowledge.test_validating import ARTICLE, FAILED, TOOL


async def issues(call: Call, kind: str) -> list[dict[str, Any]]:
    found = await call("list_content_issues", STAFF, kind=kind, limit=100)
    assert found.status == "ok", found.value
    assert found.value["total"] == len(found.value["issues"])
    return list(found.value["issues"])


async def aged(desk: Desk, **days: int) -> None:
    """Have every document be older: column → days."""
    older = {name: database.now() - timedelta(days=many) for name, many in days.items()}
    async with desk.database.transaction() as db:
        await db.execute(documents.update().values(**older))


async def test_old_documents_and_those_that_nobody_finds(desk: Desk, call: Call) -> None:
    assert await issues(call, "stale") == []
    assert await issues(call, "never_used") == []
    await aged(desk, changed_at=400, added_at=100)
    await call("search_knowledge_base", query="how long does a transfer take")
    stale = {one["article_id"]: one for one in await issues(call, "stale")}
    assert stale[ARTICLE]["kind"] == "stale"
    unused = {one["article_id"] for one in await issues(call, "never_used")}
    assert ARTICLE not in unused
    assert unused


async def test_what_surely_seldom_helps(desk: Desk, call: Call) -> None:
    await call(TOOL, solution_id=ARTICLE, **FAILED)
    assert await issues(call, "low_rated") == [], "one word is too little to know"
    for number in range(3, 9):
        await call("create_customer", STAFF, new_id=f"user_{number}", name="Somebody")
        told = {"solution_id": ARTICLE, "customer_id": f"user_{number}", **FAILED}
        assert (await call(TOOL, STAFF, **told)).status == "ok"
    (one,) = await issues(call, "low_rated")
    assert (one["article_id"], one["count"]) == (ARTICLE, 7)
    assert one["accuracy"]["high"] < 0.7


async def test_documents_that_contradict_each_other(desk: Desk, call: Call) -> None:
    ids = [
        await filed(desk, path, f"The warranty of the Zorbatron lasts {years} years.")
        for path, years in (("a.md", 2), ("b.md", 5))
    ]
    asked = {"question": "How long does the warranty of the Zorbatron last?"}
    shown = (await call("answer_from_knowledge", **asked)).value
    assert shown["contradictions"]
    (one,) = await issues(call, "contradicted")
    assert {one["document_id"], one["other_id"]} == set(ids)
    assert one["count"] == 1
    # What was said of an older text is none any more.
    await filed(desk, "a.md", "The warranty of the Zorbatron lasts 5 years.")
    assert await issues(call, "contradicted") == []


async def test_gaps_are_grouped_without_who_asked(desk: Desk, call: Call) -> None:
    for who, query in (
        (CUSTOMER, "Do you repair a zorbatron?"),
        (OTHER, "do you repair zorbatrons"),
        (OTHER, "Do you repair a zorbatron? I am Sam Rivera, blake@example.com, T1001"),
        (STAFF, "unicorn grooming"),
        (FOREIGN, "Do you repair a zorbatron?"),
    ):
        found = (await call("search_knowledge_base", who, query=query)).value
        assert not found["found"]
    gaps = (await call("list_knowledge_gaps", STAFF)).value
    assert gaps["total"] == 2
    first, second = gaps["gaps"]
    assert (first["count"], first["askers"]) == (3, 2)
    assert second["question"] == "unicorn grooming"
    assert not first["answered_now"]
    told = str(gaps)
    for secret in ("blake@example.com", "T1001", "Sam ", "Rivera"):
        assert secret not in told
    assert "[email]" in told
    missed = await issues(call, "not_found")
    assert [one["count"] for one in missed] == [3, 1]
    await filed(desk, "a.md", "Yes, we repair every zorbatron in our yard.")
    closed = (await call("list_knowledge_gaps", STAFF)).value["gaps"]
    assert [one["answered_now"] for one in closed] == [True, False]
    assert [one["title"] for one in await issues(call, "not_found")] == ["unicorn grooming"]


async def test_an_answer_without_a_sentence_is_a_gap(desk: Desk, call: Call) -> None:
    value = (await call("answer_from_knowledge", question="unicorn grooming")).value
    assert not value["answered"]
    assert (await call("list_knowledge_gaps", STAFF)).value["total"] == 1


async def test_what_customers_ask_goes_with_them(desk: Desk, call: Call) -> None:
    await call("search_knowledge_base", CUSTOMER, query="unicorn grooming")
    customer = await get(desk.database.reader, "default", "user_001")
    async with desk.database.transaction() as db:
        await erase(db, desk.gate.ledger.keys, "default", customer)
    assert (await call("list_knowledge_gaps", STAFF)).value["total"] == 0


@pytest.mark.parametrize("tool", ["list_content_issues", "list_knowledge_gaps"])
async def test_customers_see_none_of_it(desk: Desk, call: Call, tool: str) -> None:
    assert (await call(tool, CUSTOMER)).value["error"]["code"] == "FORBIDDEN"
