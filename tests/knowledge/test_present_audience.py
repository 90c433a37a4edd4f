"""Every door asks the database who may read a passage now, whatever an index still says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from deskward.app import Desk, open_desk
from deskward.integrations.search.opensearch import PREFIX
from deskward.integrations.search.postgresql import SCHEMA
from deskward.knowledge.documents import passages
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.passages import Wanted
from deskward.security.principals import Principal
from tests.conftest import CUSTOMER, SERVICE, STAFF, Call, caller, settings_in
from tests.knowledge.test_index import SERVERS
from tests.knowledge.test_search_tools import SECRET, filed

TEXT = f"A refund of toner goes through the {SECRET} vault."
ASKED = "refund of toner vault"
DOORS: dict[str, dict[str, Any]] = {
    "search_product_documentation": {"product_name": "", "version": "", "search_query": ASKED},
    "search_knowledge_base": {"query": ASKED, "limit": 50},
    "answer_from_knowledge": {"question": ASKED},
    "get_faq": {"q": ASKED},
    "list_knowledge": {},
}
"""What customers and services find passages with."""
BY_ID = {"read_document", "read_article"}
"""What they read whole whose id they know; the latter are published articles alone."""


@pytest.fixture(
    params=[
        "embedded",
        *(
            pytest.param(name, marks=[pytest.mark.slow, pytest.mark.xdist_group(f"search-{name}")])
            for name in SERVERS
        ),
    ]
)
async def desk(request: pytest.FixtureRequest, tmp_path: Path, offline: Any) -> AsyncIterator[Desk]:
    """A demo desk on each engine."""
    named = {"knowledge_index": request.param}
    if request.param == "postgresql":
        named["knowledge_index_url"] = url = request.getfixturevalue("vectors_url")
        database = await asyncpg.connect(url)
        await database.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await database.close()
    elif request.param == "opensearch":
        named["knowledge_index_url"] = url = request.getfixturevalue("opensearch_url")
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            (await client.delete(f"/{PREFIX}-*")).raise_for_status()
    async with open_desk(settings_in(tmp_path, **named), demo=True, model=offline) as opened:
        yield opened


async def _told(call: Call, who: Principal) -> str:
    """All that a reader is told through all doors."""
    told = []
    for tool, arguments in DOORS.items():
        outcome = await call(tool, who, **arguments)
        assert outcome.status == "ok", outcome.value
        told.append(str(outcome.value))
    return "\n".join(told)


async def _id_of(desk: Desk, document_id: str) -> str:
    mine = passages.c.document_id == document_id
    (row,) = await desk.database.reader.all(passages.select().where(mine))
    return str(row.id)


def _falls_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is told nothing from now on."""

    async def nothing(*_: object, **__: object) -> None:
        pass

    for name in ("catch_up", "feed", "look"):
        monkeypatch.setattr(Feeder, name, nothing)
    desk.gate.port(Feeder).begins_at = float("inf")


async def test_what_becomes_internal_is_told_to_no_customer_though_the_index_has_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(desk)
    document_id = await filed(desk, "toner.md", TEXT)
    passage_id = await _id_of(desk, document_id)
    for who in (CUSTOMER, SERVICE, STAFF):
        told = await _told(call, who)
        assert SECRET in told
        assert passage_id in told
        assert document_id in told
        whole = await call("read_document", who, document_id=document_id)
        assert SECRET in str(whole.value)
    _falls_behind(desk, monkeypatch)
    assert await filed(desk, "toner.md", TEXT, audience="staff") == document_id
    assert await _id_of(desk, document_id) == passage_id
    index = desk.gate.port(Feeder).index
    hits = await index.search("default", Wanted(ASKED, ("customer",)))
    assert passage_id in {hit.passage_id for hit in hits}, "the index is not behind"
    for who in (CUSTOMER, SERVICE):
        told = await _told(call, who)
        assert SECRET not in told
        assert passage_id not in told
        assert document_id not in told
        refused = await call("read_document", who, document_id=document_id)
        assert refused.value["error"]["code"] == "DOCUMENT_NOT_FOUND"
        found = (await call("search_knowledge_base", who, query=SECRET)).value
        assert (found["found"], found["results"]) == (False, [])
    assert SECRET in (await _told(call, STAFF))


async def test_what_is_taken_back_is_told_to_nobody_though_the_index_has_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(desk)
    document_id = await filed(desk, "toner.md", TEXT)
    passage_id = await _id_of(desk, document_id)
    assert passage_id in await _told(call, CUSTOMER)
    _falls_behind(desk, monkeypatch)
    assert await filed(desk, "toner.md", "Something else.") == document_id
    for who in (CUSTOMER, SERVICE, STAFF):
        told = await _told(call, who)
        assert SECRET not in told
        assert passage_id not in told


async def test_what_becomes_public_is_found_by_its_old_id(desk: Desk) -> None:
    call = caller(desk)
    document_id = await filed(desk, "toner.md", TEXT, audience="staff")
    passage_id = await _id_of(desk, document_id)
    assert passage_id not in await _told(call, CUSTOMER)
    await filed(desk, "toner.md", TEXT)
    assert passage_id in await _told(call, CUSTOMER)


def test_no_door_is_left_out(sqlite_desk: Desk) -> None:
    """Whatever customers may read of the knowledge base is a door here."""
    read = {tool.name for tool in sqlite_desk.gate.tools.values() if tool.scope == "knowledge:read"}
    assert read == DOORS.keys() | BY_ID
