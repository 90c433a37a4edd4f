"""A customer's caller sees no trace of what is for staff: every tool, resource and door.

Every request is sent twice: to a desk without the staff's documents and drafts, and to the same
desk with them. What a customer is answered must not differ, so that no text, id, count, completion
or error says that they exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from deskward.app import Desk
from deskward.gate.context import Context
from deskward.gate.tool import Risk, Tool
from deskward.knowledge import filing
from deskward.knowledge.documents import documents, passages
from deskward.knowledge.models import article_versions, articles
from deskward.knowledge.tools import tools
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, FOREIGN, SERVICE, STAFF, Call
from tests.entrypoints.conftest import client_of
from tests.knowledge.test_search_tools import filed
from tests.whole.test_isolation import DOORS, VALUES, Caller, Values, arguments

WORD = "zibeline"
"""It stands only in what is for staff."""
CALLERS = [CUSTOMER, FOREIGN, SERVICE]
ANEW = re.compile(r'"(?:request_id|timestamp|requestId)": ?"[^"]*"')
QUESTIONS = (f"What is {WORD}?", f"Refund of a {WORD}", "How long does a transfer take?")


async def staffs_own(desk: Desk, call: Call) -> Values:
    """Documents and drafts that are for staff alone; parameter → an id of one of them."""
    hidden = await filed(desk, "hidden.md", f"Refund of a {WORD}.", audience="staff", title=WORD)
    draft = {"question": f"What is {WORD}?", "answer": f"A {WORD}.", "article_id": f"faq-{WORD}"}
    made = await call("create_article", STAFF, **draft)
    assert made.status == "ok", made.error
    # A published article whose newer version is not.
    newer = {"article_id": "faq-transfer-time", "answer": f"A transfer takes a {WORD}."}
    assert (await call("change_article", STAFF, **newer)).status == "ok"
    mine = passages.c.document_id == hidden
    rows = await desk.database.reader.all(passages.select().where(mine))
    return {
        "document_id": hidden,
        "article_id": f"faq-{WORD}",
        "passage_id": rows[0].id,
        "solution_id": rows[0].id,
        "source_id": "manual",
        "prefix": f"faq-{WORD[:3]}",
        "version": 2,
    }


def calls_of(desk: Desk, caller: Principal, ids: Values) -> Iterator[tuple[Tool, Values]]:
    """Calls of every tool of the knowledge base that reads, about these ids."""
    for tool in (desk.gate.tools[one.name] for one in tools.tools):
        if tool.risk is not Risk.READ or not tool.offered:
            continue
        known = {name: value for name, value in ids.items() if name in tool.parameters}
        if "version" in known and tool.name == "search_product_documentation":
            known["version"] = ""
        asks = [
            name for name in ("q", "query", "question", "search_query") if name in tool.parameters
        ]
        for question in QUESTIONS if asks else ("",):
            more = dict.fromkeys(asks, question)
            yield tool, arguments(tool, {**VALUES, "user_id": caller.id, **known}) | more
        if "prefix" in tool.parameters:
            for prefix in ("", "faq-"):
                yield tool, {"prefix": prefix, "limit": 100}


def asked_over_mcp(ids: Values) -> Iterator[tuple[str, Values]]:
    """Requests about resources: method and parameters."""
    for method in ("resources/list", "resources/templates/list"):
        yield method, {}
    for address in (f"kb://articles/{ids['article_id']}", f"kb://documents/{ids['document_id']}"):
        yield "resources/read", {"uri": address}
    yield "resources/read", {"uri": "kb://articles/faq-transfer-time"}
    for kind, name in (("articles", "article_id"), ("documents", "document_id")):
        for begun in ("", "faq-", ids[name][:6], ids[name]):
            reference = {"type": "ref/resource", "uri": f"kb://{kind}/{{{name}}}"}
            argument = {"name": name, "value": begun}
            yield "completion/complete", {"ref": reference, "argument": argument}


async def resource_over_mcp(caller: Caller, method: str, params: Values, version: str) -> str:
    headers = {
        "X-API-Key": caller.key,
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
    }
    if version == "2026-07-28":
        prefix = "io.modelcontextprotocol/"
        meta = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": {}}
        params = {**params, "_meta": meta}
        headers |= {"Mcp-Method": method, "Mcp-Name": params.get("uri", "")}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return (await caller.client.post("/mcp", json=message, headers=headers)).text


async def said_in_chat(caller: Caller, question: str, at: str) -> str:
    body = {"session_id": f"{at[-4:]}-{abs(hash((caller.key, question)))}", "message": question}
    if caller.principal.kind is Kind.SERVICE:
        body["user_id"] = "user_001"
    return (await caller.client.post(at, json=body, headers={"X-API-Key": caller.key})).text


async def everything(caller: Caller, ids: Values) -> dict[str, str]:
    """What every request is answered with."""
    told: dict[str, str] = {}
    for tool, given in calls_of(caller.desk, caller.principal, ids):
        for name, door in DOORS.items():
            told[f"{name} {tool.name} {given}"] = await door(caller, tool, given)
    for version in ("2026-07-28", "2025-11-25"):
        for method, params in asked_over_mcp(ids):
            answer = await resource_over_mcp(caller, method, params, version)
            told[f"{version} {method} {params}"] = answer
    for question in QUESTIONS:
        for at in ("/api/v1/chat", "/api/v1/chat/stream"):
            told[f"{at} {question}"] = await said_in_chat(caller, question, at)
    return told


def plain(answers: dict[str, str]) -> dict[str, str]:
    """Answers without what no two answers have in common."""
    once = re.compile(
        r"\b(?:req|sess|msg|turn)_?[0-9a-f]{8,}\b|\b[0-9a-f]{32}\b|\d{4}-\d\d-\d\dT\S+"
    )
    return {
        asked: ANEW.sub("", once.sub("", answer.replace('\\"', '"')))
        for asked, answer in answers.items()
        if not asked.startswith("/api")  # whose turns have numbers and times of their own
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("principal", CALLERS, ids=lambda one: f"{one.kind}-{one.tenant}")
async def test_what_is_for_staff_leaves_no_trace(
    sqlite_desk: Desk, sqlite_call: Call, principal: Principal
) -> None:
    desk = sqlite_desk
    ids = await staffs_own(desk, sqlite_call)
    async with client_of(desk) as client:
        key, _ = await desk.keys.create(
            tenant_id=principal.tenant,
            kind=principal.kind,
            subject_id=principal.id,
            roles=principal.roles,
        )
        caller = Caller(desk, principal, client, key)
        there = await everything(caller, ids)
        for asked, answer in there.items():
            without = answer
            for echo in (asked, *QUESTIONS, ids["article_id"], ids["prefix"]):
                without = without.replace(echo, "")
            assert WORD not in without, asked
            assert "hidden.md" not in answer, asked
        await forgotten(desk, sqlite_call)
        gone = await everything(caller, ids)
    assert there.keys() == gone.keys()
    before, after = plain(there), plain(gone)
    for asked in before:
        assert before[asked] == after[asked], asked
    assert len(there) > 100


async def forgotten(desk: Desk, call: Call) -> None:
    """Have the desk as it was before."""
    async with desk.database.transaction() as db:
        mine = documents.c.audience == "staff"
        rows = await db.all(documents.select().where(mine))
        await filing.remove(db, "default", [row.id for row in rows])
        for table in (article_versions, articles):
            key = table.c.article_id if table is article_versions else table.c.id
            await db.execute(table.delete().where(key == f"faq-{WORD}"))


async def test_staff_see_it_by_the_same_requests(sqlite_desk: Desk, sqlite_call: Call) -> None:
    desk = sqlite_desk
    ids = await staffs_own(desk, sqlite_call)
    async with client_of(desk) as client:
        key, _ = await desk.keys.create(
            tenant_id="default", kind=Kind.STAFF, subject_id="anna", roles=("support",), new=True
        )
        caller = Caller(desk, STAFF, client, key)
        shows = [
            await resource_over_mcp(caller, method, params, "2026-07-28")
            for method, params in asked_over_mcp(ids)
        ]
    assert sum(ids["document_id"] in answer for answer in shows) >= 4
    assert any(
        WORD in json.loads(answer).get("result", {}).get("contents", [{}])[0].get("text", "")
        for answer in shows
    )
    context = Context(STAFF, "cli")
    found = await desk.gate.call("search_knowledge_base", {"query": f"refund {WORD}"}, context)
    assert WORD in str(found.value["results"])
