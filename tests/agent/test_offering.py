"""Of many tools a model is told some; the others it finds."""

import json
from dataclasses import replace

import pytest

from deskward.agent.events import MessageAdded, ToolAnswered
from deskward.agent.loop import Agent
from deskward.agent.model import Message, ToolRequest
from deskward.agent.models.fallback import FallbackModel
from deskward.agent.offering import MOST, Offering
from deskward.agent.turn import spec_of
from deskward.app import Desk
from deskward.core.settings import Settings
from deskward.gate.catalogue import Catalogue
from deskward.gate.context import Context
from deskward.gate.tool import Tool
from deskward.integrations.embeddings.choose import choose_embedder, for_sentences
from deskward.security.vault import Vault
from tests.agent.catalogue import catalogue, wishes
from tests.agent.providers import Offline
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, STAFF
from tests.everything import CLAIMS

FINDER = "search_tools"


def all_of(desk: Desk) -> list[Tool]:
    return [desk.gate.tools[FINDER], *catalogue()]


def size(tools: list[Tool]) -> int:
    specs = [spec_of(one, Context(CUSTOMER, "agent")) for one in tools]
    return sum(len(json.dumps([s.name, s.description, s.input_schema])) for s in specs)


async def test_of_many_tools_25_are_told_and_the_same_ones_each_time(sqlite_desk: Desk) -> None:
    tools, said = all_of(sqlite_desk), [Message("user", "track the parcel 1Z9, please")]
    found = await Offering(Catalogue()).chosen(tools, said)
    assert found is not None
    assert len(found) == MOST
    assert {FINDER, "shipping__track_parcel"} <= set(found)
    assert [one.name for one in tools if one.name in found] == list(found)
    assert await Offering(Catalogue()).chosen(tools, said) == found
    told = size([one for one in tools if one.name in found])
    assert told < 1.2 * size(tools[:MOST])
    assert told < size(tools) / 8


async def test_of_few_tools_all_are_told(sqlite_desk: Desk) -> None:
    tools = all_of(sqlite_desk)[:MOST]
    assert await Offering(Catalogue()).chosen(tools, [Message("user", "hi")]) is None


async def test_what_was_found_and_what_was_used_is_told_next(sqlite_desk: Desk) -> None:
    said = [
        Message("user", "zzz"),
        Message("assistant", "", (ToolRequest("1", "hr__get_payslip", {}),)),
        Message("tool", "{}", tool_request_id="1"),
        Message("assistant", "", (ToolRequest("2", FINDER, {"query": "x"}),)),
        Message(
            "tool",
            json.dumps({"names": ["web__fetch", "gone__away"]}),
            tool_request_id="2",
        ),
        Message("assistant", "", (ToolRequest("3", FINDER, {"query": "y"}),)),
        Message("tool", '{"success": false, "error": {}}', tool_request_id="3"),
    ]
    found = await Offering(Catalogue()).chosen(all_of(sqlite_desk), said)
    assert found is not None
    assert {FINDER, "hr__get_payslip", "web__fetch"} <= set(found)
    assert "gone__away" not in found


async def test_a_model_is_told_some_finds_another_and_calls_it(sqlite_desk: Desk) -> None:
    model = ScriptedModel(
        [tool(FINDER, "a", query="balance of an account")],
        [tool("get_account_balance", "b")],
        ["Hello."],
    )
    agent = Agent(sqlite_desk.gate, model, claims=CLAIMS)
    context = Context(CUSTOMER, "agent", session_id="s", turn_id="t")
    history = [Message("user", "the weather is fine")]
    events = [event async for event in agent.run(context, Vault(), history)]
    assert len(sqlite_desk.gate.tools_for(CUSTOMER)) > MOST
    answers = [event for event in events if isinstance(event, ToolAnswered)]
    assert [answer.status for answer in answers] == ["ok", "ok"]
    steps = [e.call for e in events if isinstance(e, MessageAdded) and e.call is not None]
    told = [step.settings["offered"] for step in steps]
    assert [len(one) for one in told] == [MOST] * 3
    assert "get_account_balance" in told[1]
    assert FINDER in model.requests[0].instructions


@pytest.mark.parametrize("query", ["refund an order", "archive complaint", "read the ledger"])
async def test_nobody_finds_what_they_may_not_use(sqlite_desk: Desk, query: str) -> None:
    found = {}
    for who in (CUSTOMER, STAFF):
        outcome = await sqlite_desk.gate.call(FINDER, {"query": query}, Context(who, "rest"))
        found[who] = set(outcome.value["names"])
        assert found[who] <= {one.name for one in sqlite_desk.gate.tools_for(who)}
    other = replace(CUSTOMER, tenant="elsewhere")
    sqlite_desk.gate.mount("crm", catalogue()[:9])
    try:
        for who, names in ((CUSTOMER, True), (other, False)):
            outcome = await sqlite_desk.gate.call(
                FINDER,
                {"query": "merge two duplicate contacts"},
                Context(who, "rest", session_id="s"),
            )
            there = set(outcome.value["names"])
            assert ("crm__merge_contacts" in there) is names
            assert bool(outcome.sources) is names  # an outside server has described it
    finally:
        sqlite_desk.gate.mount("crm", [])


@pytest.mark.parametrize("query", ["", " ", "x" * 501, "\u0000", 5])
async def test_odd_queries_end_in_order(sqlite_desk: Desk, query: object) -> None:
    outcome = await sqlite_desk.gate.call(FINDER, {"query": query}, Context(CUSTOMER, "rest"))
    assert outcome.status == "ok" or outcome.error is not None
    assert outcome.error is None or outcome.error.status == 400


def test_a_model_that_names_tools_by_itself_is_told_all() -> None:
    class Whole(Offline):
        reads_all_tools = True

    assert FallbackModel([Whole()]).reads_all_tools
    assert not FallbackModel([ScriptedModel(), Whole()]).reads_all_tools


@pytest.mark.slow
async def test_the_tool_that_is_meant_is_told_or_found(sqlite_desk: Desk) -> None:
    """`-s` prints the figures of the decision."""
    embedder = for_sentences(Settings(), choose_embedder(Settings()))
    assert embedder is not None
    tools = all_of(sqlite_desk)
    others = tools[1:]
    for name, ranking in (("words", Catalogue()), ("words and vectors", Catalogue(embedder))):
        await ranking.prepare(tools)
        told = found = either = 0
        for wished in wishes():
            offered = await Offering(ranking).chosen(tools, [Message("user", wished.wish)])
            first = [one.name for one in (await ranking.ranked([wished.query], others))[:8]]
            told += wished.tool in (offered or ())
            found += wished.tool in first
            either += wished.tool in (offered or ()) or wished.tool in first
        print(f"{name}: told {told}, found {found}, either {either} of {len(wishes())}")
    assert told >= 0.75 * len(wishes())
    assert either >= 0.97 * len(wishes())
