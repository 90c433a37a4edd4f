"""Searching documents through the gate: who finds what, how it is cited, and what is not found."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskward.app import Desk
from deskward.knowledge import filing
from deskward.knowledge.documents import document_id as document_id_of
from deskward.knowledge.documents import documents, passages
from deskward.knowledge.facts import Facts
from deskward.knowledge.filing import Filed
from deskward.knowledge.formats.chunks import Chunk
from deskward.knowledge.passages import Audience
from tests.conftest import CUSTOMER, FOREIGN, SERVICE, STAFF, Call

SECRET = "zibeline"
"""A word that stands only in what is for staff."""


async def filed(desk: Desk, path: str, *texts: str, tenant: str = "default", **more: Any) -> str:
    """Have a document in the database, as a sync writes it; gives its id."""
    facts: dict[str, Any] = {
        "title": path,
        "product": "",
        "versions": "",
        "category": "",
        "tags": (),
        "language": "en",
        "audience": "customer",
        **more,
    }
    one = Filed(
        path=path,
        address=f"https://docs.example.com/{path}",
        stamp="1",
        size=1,
        form="markdown",
        facts=Facts(**facts),
        chunks=[Chunk(("Chapter",), text) for text in texts],
    )
    async with desk.database.transaction() as transaction:
        await filing.put(transaction, tenant, "manual", [one])
    return document_id_of("manual", path)


async def test_documents_and_articles_are_found_with_what_cites_them(
    desk: Desk, call: Call
) -> None:
    text = "To reset the printer, hold the power button for ten seconds. " + "Then wait. " * 60
    document_id = await filed(
        desk, "reset.md", text, title="Resetting", product="Printer X", versions="==2.*"
    )
    asked = {"product_name": "printer x", "version": "2.3", "search_query": "resetting a printer"}
    value = (await call("search_product_documentation", **asked)).value
    assert value["found"]
    (one,) = value["results"]
    assert (one["document_id"], one["title"], one["headings"]) == (
        document_id,
        "Resetting",
        ["Chapter"],
    )
    assert one["address"] == "https://docs.example.com/reset.md"
    marked = [one["excerpt"][mark["start"] : mark["end"]] for mark in one["highlights"]]
    assert marked == ["reset", "printer"]
    assert one["parts"]["words_rank"] == 1
    assert one["parts"]["share"] == 1
    assert one["parts"]["meaning"] is None
    other = (await call("search_product_documentation", **{**asked, "version": "3.0"})).value
    assert (other["found"], other["results"]) == (False, [])
    assert other["message"] == "Nothing in the knowledge base answers this."
    found = (await call("search_knowledge_base", query="how long does a transfer take")).value
    first = found["results"][0]
    assert (first["article_id"], first["revision"]) == ("faq-transfer-time", "1")
    assert first["address"] == "kb://articles/faq-transfer-time"


async def test_no_good_answer_is_an_answer(desk: Desk, call: Call) -> None:
    await filed(desk, "a.md", "The printer has two trays.")
    for query in ("unicorn grooming in the arctic printer", "???", "the of and", "qqq"):
        value = (await call("search_knowledge_base", query=query)).value
        assert (value["found"], value["results"]) == (False, []), query


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # The gate refuses NUL whatever the tool (tests/gate).
    query=st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40
    ).map(lambda text: f"{SECRET} refund {text}"),
    filters=st.fixed_dictionaries(
        {},
        optional={
            "product": st.sampled_from(["Printer X", "printer x", "", "*"]),
            "version": st.sampled_from(["2.3", "3", "", "x"]),
            "category": st.sampled_from(["setup", ""]),
            "tags": st.sampled_from(["usb", "usb, vip", "", ", ,"]),
            "language": st.sampled_from(["en", "de", "xx"]),
            "limit": st.integers(1, 50),
        },
    ),
    who=st.sampled_from([CUSTOMER, SERVICE, FOREIGN]),
)
async def test_customers_never_see_what_is_for_staff(
    sqlite_desk: Desk, sqlite_call: Call, query: str, filters: dict[str, Any], who: Any
) -> None:
    more = {"product": "Printer X", "versions": "==2.*", "category": "setup"}
    for path, audience in (("hidden.md", "staff"), ("shown.md", "customer")):
        text = f"Refund of a {SECRET if audience == 'staff' else 'toner'}."
        await filed(sqlite_desk, path, text, audience=audience, tags=("usb", "vip"), **more)
    value = (await sqlite_call("search_knowledge_base", who, query=query, **filters)).value
    text = str(value["results"])
    assert SECRET not in text
    assert "hidden.md" not in text
    assert all(one["audience"] == "customer" for one in value["results"])
    asked = {"product_name": "Printer X", "version": "2.1", "search_query": query[:1_000]}
    value = (await sqlite_call("search_product_documentation", who, **asked)).value
    assert SECRET not in str(value["results"])
    mine = await sqlite_call("search_knowledge_base", STAFF, query=f"{SECRET} refund")
    assert SECRET in str(mine.value["results"])


async def test_what_customers_may_be_told_is_for_staff_to_ask(desk: Desk, call: Call) -> None:
    await filed(desk, "a.md", "Refund of a zibeline.", audience="staff")
    await filed(desk, "b.md", "Refund of a toner.")
    asked = {"query": "refund of a zibeline or toner"}
    whole = (await call("search_knowledge_base", STAFF, **asked)).value["results"]
    told = (await call("search_knowledge_base", STAFF, **asked, audience="customer")).value
    assert {one["title"] for one in whole} >= {"a.md", "b.md"}
    assert "a.md" not in {one["title"] for one in told["results"]}
    refused = await call("search_knowledge_base", CUSTOMER, **asked, audience="staff")
    assert refused.value["error"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("audience", ["customer", "staff"])
async def test_the_database_decides_who_may_read(
    desk: Desk, call: Call, audience: Audience
) -> None:
    document_id = await filed(desk, "a.md", "Refund of a zibeline.")
    asked = {"query": "zibeline"}
    assert (await call("search_knowledge_base", **asked)).value["found"]
    # Behind the index's back: it is told nothing.
    async with desk.database.transaction() as transaction:
        mine = documents.c.id == document_id
        await transaction.execute(documents.update().where(mine).values(audience=audience))
    assert (await call("search_knowledge_base", **asked)).value["found"] is (audience == "customer")
    async with desk.database.transaction() as transaction:
        await transaction.execute(passages.delete().where(passages.c.document_id == document_id))
    gone = (await call("search_knowledge_base", STAFF, **asked)).value["results"]
    assert document_id not in {one["document_id"] for one in gone}


async def test_an_index_that_is_lost_is_filled_again(desk: Desk, call: Call) -> None:
    asked = {"query": "how long does a transfer take"}
    assert (await call("search_knowledge_base", **asked)).value["found"]
    for home in (desk.settings.data_dir / "search").glob("*/"):
        home.rename(home.with_name(f"{home.name}.away"))
    async with asyncio.timeout(60):
        while not (await call("search_knowledge_base", **asked)).value["found"]:
            await asyncio.sleep(0.2)
