"""Levels of autonomy: chosen per tenant, queue and product, and never looser than without."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core.database import Connection
from deskward.gate.autonomy import LEVELS, LevelName, choose, chosen
from deskward.gate.context import Context
from deskward.gate.policy.truth_table import HARMLESS
from deskward.gate.tool import Risk
from deskward.security.principals import AGENT, Kind, Principal
from tests.conftest import CUSTOMER, SERVICE, STAFF, Call, recorded
from tests.diagnostics.test_incident_races import interleaved
from tests.everything import EVERYTHING
from tests.policies import FILES, policy_of

LEAD = replace(STAFF, roles=("support-3",))
STRICTNESS = ("allow", "confirm", "ask", "deny")
CHANGING = [tool for tool in EVERYTHING.tools if tool.risk is not Risk.READ]


async def set_level(
    desk: Desk, level: LevelName | None, tenant: str = "default", **of: str
) -> None:
    async with desk.database.transaction() as db:
        where = {"queue": "", "product": "", **of}
        await choose(db, tenant, level, by="staff:otto", **where)


async def as_agent(desk: Desk, tool: str, **arguments: Any) -> Any:
    """What becomes of a call of staff's own assistant."""
    context = Context(LEAD.with_agent(AGENT), "agent", session_id="a session")
    return await desk.gate.call(tool, arguments, context)


@pytest.mark.parametrize(
    ("level", "note", "handled"),
    [
        (None, "ok", {"resolved"}),
        ("routine", "ok", {"resolved"}),
        ("safe", "ok", {"asked"}),
        ("suggest", "pending", {"asked"}),
    ],
)
async def test_a_level_says_what_the_agent_does_alone(
    desk: Desk, call: Call, level: LevelName | None, note: str, handled: set[str]
) -> None:
    await set_level(desk, level)
    left = await as_agent(desk, "add_ticket_note", ticket_id="T906", text="Looked at it.")
    assert left.status == note, left.value
    by_person = await call("add_ticket_note", STAFF, ticket_id="T906", text="So did I.")
    assert by_person.status == "ok"
    surely = await call("handle_ticket", SERVICE, ticket_id="T901")
    assert {surely.value["decision"]} == handled, surely.value
    person = await as_agent(desk, "report_issue", user_id="user_001", description="It is broken.")
    assert person.status == "ok"  # who wants a person comes to one at every level
    facts = [row["facts"] for row in await recorded(desk) if row["tool"] == "add_ticket_note"]
    assert facts[0].get("autonomy") == (LEVELS[level] if level else None)
    assert "autonomy" not in facts[1]


async def test_of_several_levels_the_strictest_counts(desk: Desk, call: Call) -> None:
    async def note(ticket_id: str) -> str:
        done = await as_agent(desk, "add_ticket_note", ticket_id=ticket_id, text="Looked at it.")
        return str(done.status)

    await set_level(desk, "routine")
    await set_level(desk, "suggest", queue="network")
    await set_level(desk, "suggest", tenant="acme")
    assert await note("T906") == "ok"
    routed = {"ticket_id": "T906", "specialist_type": "network", "priority_level": 1}
    assert (await call("route_to_specialist", STAFF, **routed)).status == "ok"
    assert await note("T906") == "pending"
    assert await note("T903") == "ok"
    rows = [row["facts"] for row in await recorded(desk) if row["tool"] == "add_ticket_note"]
    assert [one.get("queue") for one in rows] == [None, "network", None]
    # A looser level for the queue does not undo the tenant's.
    await set_level(desk, "routine", queue="network")
    await set_level(desk, "suggest")
    assert await note("T906") == "pending"
    await set_level(desk, None)
    assert await note("T906") == "ok"


@pytest.mark.parametrize("second", ["suggest", None])
async def test_of_two_who_choose_at_once_the_later_one_counts(
    desk: Desk, second: LevelName | None
) -> None:
    async def first(db: Connection) -> None:
        await choose(db, "default", "safe", queue="", product="", by="staff:anna")

    await interleaved(desk, first, lambda: set_level(desk, second))
    found = await chosen(desk.database.reader, "default")
    assert [one.level for one in found] == ([LEVELS[second]] if second else [])


async def test_a_products_level_counts_for_its_diagnoses_and_tickets(
    desk: Desk, call: Call
) -> None:
    from deskward.queues.whereabouts import whereabouts

    async def of(**record: Any) -> tuple[str, str]:
        return await whereabouts(desk.database.reader, "default", record)

    assert await of(id="T906") == ("", "")
    await call("update_ticket", STAFF, ticket_id="T906", update={"team": "billing"})
    assert await of(id="T906") == ("billing", "")
    assert await of(id="T9999") == ("", "")
    assert await of(id="O1001", product="Acme API") == ("", "Acme API")
    await set_level(desk, "suggest", product=" acme  API")
    rows = await desk.gate.call(
        "start_diagnostic_session",
        {"product_name": "Acme API", "issue_description": "The API answers 503."},
        Context(CUSTOMER, "rest"),
    )
    named = {"session_id": rows.value["id"], "revision": 1}
    context = Context(CUSTOMER.with_agent(AGENT), "agent", session_id="a session")
    assert (await desk.gate.call("pause_diagnostic_session", named, context)).status == "ok"
    (row,) = [r for r in await recorded(desk) if r["tool"] == "pause_diagnostic_session"]
    assert (row["facts"]["autonomy"], row["facts"]["product"]) == (1, "Acme API")


@pytest.mark.parametrize("tool", CHANGING, ids=lambda tool: tool.name)
def test_no_level_is_looser_than_the_next(tool: Any) -> None:
    """Whoever calls whatever changes something, each level is at least as strict as the next."""
    policy = policy_of(FILES, EVERYTHING.tools)
    roles = ("customer",), ("support-3", "operator"), ("service",)
    for kind, held in zip(Kind, roles, strict=True):
        for agent in (AGENT, None):
            principal = Principal(kind, "user_001", "default", held, agent=agent)
            facts = {**HARMLESS, "own_words": True, "about": "user_001"}
            said = [
                STRICTNESS.index(policy.judge(tool, principal, {**facts, "autonomy": n}).verdict)
                for n in (1, 2, 3)
            ]
            assert said == sorted(said, reverse=True), (principal, said)
            usual = policy.judge(tool, principal, facts)
            assert STRICTNESS.index(usual.verdict) == said[2]
            if agent is None:
                assert len(set(said)) == 1
