"""What publishing an article would change of the answers of the past."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deskward.app import Desk
from deskward.gate.context import new_id
from deskward.knowledge.asked import searches
from deskward.knowledge.documents import ARTICLES, document_id, passages
from tests.conftest import CUSTOMER, OTHER, STAFF, Call
from tests.knowledge.test_search_tools import filed

TOPIC = "How long does a transfer take?"
ARTICLE = "faq-transfer-time"
TIER_2 = replace(STAFF, roles=("support-2",))


async def impact(call: Call, article_id: str = ARTICLE) -> dict[str, Any]:
    found = await call("preview_article", STAFF, article_id=article_id)
    assert found.status == "ok", found.value
    return dict(found.value)


async def test_the_answers_that_would_differ_are_told(desk: Desk, call: Call) -> None:
    for who in (CUSTOMER, OTHER):
        await call("answer_from_knowledge", who, question=TOPIC)
    await call("get_faq", q="transfer time")
    await call("answer_from_knowledge", question="How do I freeze a card?")
    await call("answer_from_knowledge", question="unicorn grooming in the arctic")
    none = await impact(call)
    assert (none["looked_at"], none["answers"]) == (5, [])
    text = "A transfer takes exactly eleven minutes."
    await call("change_article", STAFF, article_id=ARTICLE, answer=text)
    told = await impact(call)
    assert (told["version"], told["published"]) == (2, 1)
    assert (told["changed"], told["gained"], told["lost"]) == (3, 0, 0)
    first = told["answers"][0]
    assert (first["question"], first["count"], first["change"]) == (TOPIC, 2, "changed")
    assert "eleven minutes" in first["after"]
    assert "eleven minutes" not in first["before"]
    # And so it is.
    published = await call("publish_article", TIER_2, article_id=ARTICLE)
    assert published.status == "ok", published.value
    now = (await call("answer_from_knowledge", question=TOPIC)).value
    assert "eleven minutes" in now["answer"]


async def test_what_nothing_answered_would_be(desk: Desk, call: Call) -> None:
    question = "Do you groom unicorns in the arctic?"
    await call("search_knowledge_base", query=f"{question} T1001")
    draft = {"question": question, "answer": "Yes, we groom unicorns.", "article_id": "unicorns"}
    assert (await call("create_article", STAFF, **draft)).status == "ok"
    told = await impact(call, "unicorns")
    assert (told["gained"], told["published"]) == (1, None)
    (one,) = told["answers"]
    assert one["before"] == ""
    assert "groom unicorns" in one["after"]
    assert "T1001" not in one["question"]


async def test_an_answer_may_be_lost(desk: Desk, call: Call) -> None:
    await call("answer_from_knowledge", question=TOPIC)
    other = {"question": "Opening hours", "answer": "We open at nine.", "keywords": ""}
    await call("change_article", STAFF, article_id=ARTICLE, **other)
    told = await impact(call)
    found = {document_id(ARTICLES, ARTICLE)}
    rows = await desk.database.reader.all(searches.select())
    if {key for row in rows for key in row.documents} == found:
        assert told["lost"] == 1
    else:
        assert told["lost"] + told["changed"] == 1


async def test_customers_see_nothing_of_it(desk: Desk, call: Call) -> None:
    refused = await call("preview_article", CUSTOMER, article_id=ARTICLE)
    assert refused.value["error"]["code"] == "FORBIDDEN"
    missing = await call("preview_article", STAFF, article_id="nothing")
    assert missing.value["error"]["code"] == "ARTICLE_NOT_FOUND"


@pytest.mark.slow
async def test_a_thousand_conversations_take_less_than_five_seconds(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    paragraph = "A transfer to another bank takes some days, and {} more where it is abroad. "
    ids = [
        await filed(
            sqlite_desk,
            f"{number}.md",
            *(paragraph.format(number * 10 + part) * 12 for part in range(3)),
        )
        for number in range(30)
    ]
    at = datetime.now(UTC)
    async with sqlite_desk.database.transaction() as db:
        rows = await db.all(passages.select().where(passages.c.document_id.in_(ids)))
        for number in range(1_000):
            some = [rows[(number + step) % len(rows)] for step in (0, 7, 31, 53)]
            found = {"passages": [one.id for one in some]}
            found["documents"] = [
                document_id(ARTICLES, ARTICLE),
                *(one.document_id for one in some),
            ]
            question = f"How long does transfer number {number} take to another bank, and abroad?"
            row = {"tenant_id": "default", "id": new_id(), "asker": "customer:user_001", "at": at}
            about = {"audience": "customer", "product": "", "version": "", "against": []}
            await db.execute(searches.insert(), {**row, **about, **found, "question": question})
    text = "A transfer to another bank takes eleven minutes."
    await sqlite_call("change_article", STAFF, article_id=ARTICLE, answer=text)
    begun = time.process_time()
    told = await impact(sqlite_call)
    took = time.process_time() - begun
    assert told["looked_at"] == 1_000
    assert told["changed"] == 1_000
    assert took < 5.0, took
    print(f"{took:.2f} s")
