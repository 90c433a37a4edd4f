"""Effects whose outcome is unknown, settled by asking: done, not done, or left to a person."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.errors import NotFound, OutcomeUnknown, RemoteFailed, Unavailable
from deskward.core.written import Ours
from deskward.features import SLICES
from deskward.gate import approvals
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import OURS, effects
from deskward.gate.reconcile import Reconcile
from deskward.gate.reconciling import Settled, reconcile
from deskward.gate.tool import Risk, ToolGroup
from tests.conftest import CUSTOMER, STAFF, Call, caller, recorded
from tests.everything import GROUPS
from tests.policies import policy_of

PERMIT = '@id("all") permit (principal, action, resource);'
HOW: dict[str, Any] = {
    "tool": "find",
    "ask": {"what": "call.arguments.what"},
    "done": "has(answer.state) && answer.state == 'made'",
    "not_done": "error.code == 'THING_NOT_FOUND' || error.message.contains('nothing')",
    "after": 0,
}


class Found(BaseModel):
    state: Ours


@dataclass
class World:
    """What is there outside, and how asking for it goes."""

    made: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    raises: Exception | None = None


def gate_of(desk: Desk, world: World, key: bytes = b"k", **how: Any) -> Gate:
    tools = ToolGroup("probe")

    @tools.tool(
        scope="knowledge:read",
        risk=Risk.OUTSIDE,
        rest="POST /probe/make",
        reconcile=Reconcile(**{**HOW, **how}) if how.get("done", "") is not None else None,
    )
    async def make(_ctx: Context, what: str) -> Found:
        """Make a thing.

        Args:
            what: Its name.
        """
        if what.startswith("made"):
            world.made[what] = "made"
        raise OutcomeUnknown("The connection broke.")

    @tools.tool(scope="knowledge:read", risk=Risk.READ, rest="GET /probe/thing")
    async def find(_ctx: Context, what: str) -> Found:
        """Find a thing.

        Args:
            what: Its name.
        """
        world.asked.append(what)
        if world.raises is not None:
            raise world.raises
        if what not in world.made:
            raise NotFound("thing", what)
        return Found(state=world.made[what])

    policy = policy_of(PERMIT, tools.tools)
    return Gate(tools.tools, database=desk.database, policy=policy, key=key)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def probe(desk: Desk, world: World) -> Call:
    desk.gate = gate_of(desk, world)
    return caller(desk)


async def settled(desk: Desk, *only: str) -> list[Settled]:
    return [one async for one in reconcile(desk.gate, STAFF, most=100, only=only)]


async def outcomes(desk: Desk) -> list[str]:
    return [one.outcome for one in await settled(desk)]


async def code(probe: Call, what: str, key: str = "k") -> str:
    outcome = await probe("make", what=what, key=key)
    return outcome.error.error_code if outcome.error else outcome.status


async def test_what_the_counterpart_shows_is_settled(desk: Desk, probe: Call, world: World) -> None:
    assert await code(probe, "made-1", "a") == "OUTCOME_UNKNOWN"
    # Whoever repeats it is told so at once: its process has said that it will know no more.
    assert await code(probe, "made-1", "a") == "OUTCOME_UNKNOWN"
    assert await code(probe, "lost-1", "b") == "OUTCOME_UNKNOWN"
    done, not_done = await settled(desk)
    assert (done.tool, done.outcome, not_done.outcome) == ("make", "done", "not-done")
    assert world.asked == ["made-1", "lost-1"]
    assert await settled(desk) == []
    again = await probe("make", what="made-1", key="a")
    assert again.value["settled"] == "done"
    assert "find has shown" in again.value["message"]
    # What did not take effect is free to be done, and nothing was done by asking.
    assert world.made == {"made-1": "made"}
    world.made["lost-1"] = "made"
    assert await code(probe, "lost-1", "b") == "OUTCOME_UNKNOWN"
    rows = [row for row in await recorded(desk) if row["tool"] == "reconcile_effect"]
    assert [row["arguments"]["outcome"] for row in rows] == ["done", "not-done"]
    assert [row["effect_id"] for row in rows] == [done.effect_id, not_done.effect_id]
    asked = [row for row in await recorded(desk) if row["tool"] == "find"]
    assert {row["arguments"]["request_id"] for row in rows} == {r["request_id"] for r in asked}
    assert {row["by"] for row in (*rows, *asked)} == {"staff:anna"}


@pytest.mark.parametrize(
    ("how", "state", "why"),
    [
        ({"done": "answer.state == 'other'"}, "made", "does not show it"),
        ({"not_done": "answer.state == 'made'"}, "made", "does not show it"),  # both
        ({"done": "answer.state"}, "made", "neither true nor false"),
        ({"done": "answer.state > 3"}, "made", "find: "),
        ({"done": "true", "ask": {"what": "call.arguments.nothing"}}, "made", "is not there"),
        ({"done": "true", "ask": {"what": "call.arguments"}}, "made", "gave no answer"),
        ({"done": "true", "tool": "gone"}, "made", "cannot be asked"),
        ({"done": "true", "tool": "make"}, "made", "cannot be asked"),  # it acts
        ({"not_done": None}, None, "does not show it"),
        ({"after": 600}, None, "it may still come: ask in 6"),
        ({"done": None}, "made", "names no counterpart"),
    ],
)
async def test_what_it_does_not_show_stays_a_persons(
    desk: Desk, world: World, how: dict[str, Any], state: str | None, why: str
) -> None:
    desk.gate = gate_of(desk, world, **how)
    what = "made-1" if state else "lost-1"
    assert await code(caller(desk), what) == "OUTCOME_UNKNOWN"
    for _ in range(2):
        (one,) = await settled(desk)
        assert (one.outcome, why in one.why) == ("unknown", True), one
    assert await code(caller(desk), what) == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("raises", "outcome"),
    [
        (RemoteFailed("There is nothing of that name."), "not-done"),
        (RemoteFailed("I am too busy."), "unknown"),
        (Unavailable("nothing answers there"), "unknown"),
        (RuntimeError("nothing"), "unknown"),
    ],
)
async def test_only_its_own_word_is_an_answer(
    desk: Desk, probe: Call, world: World, raises: Exception, outcome: str
) -> None:
    await code(probe, "lost-1")
    world.raises = raises
    assert await outcomes(desk) == [outcome]


async def test_several_who_settle_at_once_settle_once(
    desk: Desk, probe: Call, world: World
) -> None:
    for number in range(4):
        await code(probe, f"{'made' if number % 2 else 'lost'}-{number}", f"k{number}")
    every = await asyncio.gather(*(outcomes(desk) for _ in range(3)))
    # Each effect is settled by one of them; the others find nothing, or that it is settled.
    assert sum(each.count("done") for each in every) == 2
    assert sum(each.count("not-done") for each in every) == 2
    rows = [row for row in await recorded(desk) if row["tool"] == "reconcile_effect"]
    assert len(rows) == 4


async def test_who_may_not_ask_settles_nothing(desk: Desk, probe: Call, world: World) -> None:
    await code(probe, "made-1")
    text = '@id("none") forbid (principal is Staff, action, resource);'
    desk.gate.policy = policy_of(PERMIT + text, list(desk.gate.tools.values()))
    (one,) = await settled(desk)
    assert one.outcome == "unknown"
    assert not world.asked


async def test_a_call_that_still_runs_and_others_effects_are_let_alone(
    desk: Desk, probe: Call
) -> None:
    await code(probe, "made-1")
    (one,) = await settled(desk)
    with pytest.raises(NotFound):
        await settled(desk, one.effect_id)
    async with desk.database.transaction() as db:
        await db.change(
            sa.update(effects).values(answer=None, deadline=now().replace(year=2099)), {}
        )
    assert await settled(desk) == []
    async with desk.database.transaction() as db:
        await db.change(sa.update(effects).values(deadline=now(), tenant_id="elsewhere"), {})
    assert await settled(desk) == []


async def test_arguments_that_are_not_the_calls_are_not_asked_with(
    desk: Desk, probe: Call, world: World
) -> None:
    await code(probe, "made-1")
    async with desk.database.transaction() as db:
        await db.change(sa.update(effects).values(digest="0" * 64), {})
    assert [one.why[:13] for one in await settled(desk)] == ["its arguments"]
    async with desk.database.transaction() as db:  # the customer is erased, and their data with it
        await desk.gate.ledger.keys.erase(db, "default", "user_001")
    assert [one.why[:13] for one in await settled(desk)] == ["its arguments"]
    assert not world.asked


async def test_a_call_that_was_approved_learns_of_it(desk: Desk, probe: Call) -> None:
    table, call_id = approvals.approvals, "c" * 32
    await code(probe, "made-1", "asked")
    (one,) = [row async for row in _rows(desk)]
    async with desk.database.transaction() as db:
        await db.change(sa.update(effects).values(key=f"{OURS}approval:{call_id}"), {})
        await db.execute(
            table.insert(),
            {
                **{"id": call_id, "tenant_id": "default", "principal": CUSTOMER.label},
                **{"tool": "make", "digest": "d", "arguments": "{}", "policies": []},
                **{"policy_version": "v", "status": "unknown", "created_at": now()},
                **{"expires_at": now(), "origin": json.dumps({"key": "theirs"})},
            },
        )
        await db.execute(
            effects.insert(),
            {
                **one._mapping,
                "key": "theirs",
                "effect_id": "e" * 32,
                "answer": '{"status":"pending"}',
            },
        )
    assert await outcomes(desk) == ["done"]
    row = await desk.database.reader.first(sa.select(table).where(table.c.id == call_id))
    assert row is not None
    assert (row.status, json.loads(row.answer)["settled"]) == ("done", "done")
    # Whoever asked for it and repeats that is told, too.
    assert (await probe("make", what="made-1", key="theirs")).value["settled"] == "done"


async def _rows(desk: Desk) -> Any:
    for row in await desk.database.reader.all(sa.select(effects)):
        yield row


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"done": "answer."}, "done"),
        ({"done": "order.state == 'x'"}, "it reads order"),
        ({"ask": {"what": "answer.x"}}, "it reads answer"),
        ({"done": "answer.state.matches('x')"}, "matches"),
        ({"after": -1}, "after"),
        ({"tool": ""}, "tool"),
        ({"more": 1}, "more"),
    ],
)
def test_a_declaration_that_is_none_is_refused(how: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Reconcile(**{**HOW, **how})


def test_the_counterparts_of_our_own_tools_are_there() -> None:
    named = {tool.name: tool for group in GROUPS for tool in group.tools}
    found = [tool for tool in named.values() if tool.reconcile is not None]
    assert {"create_topic", "s3_delete_object"} <= {tool.name for tool in found}
    for tool in found:
        assert tool.reconcile is not None
        counterpart = named[tool.reconcile.tool]
        assert (tool.risk, counterpart.risk) == (Risk.OUTSIDE, Risk.READ)
        assert tool.reconcile.ask.keys() <= counterpart.parameters


@pytest.mark.parametrize(
    ("tool", "arguments", "answer", "verdict"),
    [
        ("create_topic", {"topic": "a", "partitions": 2}, {"topics": []}, False),
        (
            *("create_topic", {"topic": "a", "partitions": 2}),
            *({"topics": [{"topic": "b"}, {"topic": "a", "partitions": 2}]}, True),
        ),
        (
            *("create_topic", {"topic": "a", "partitions": 2}),
            *({"topics": [{"topic": "a", "partitions": 1}]}, None),  # somebody else's
        ),
        ("s3_delete_object", {"key": "a"}, {"objects": [{"key": "ab"}]}, True),
        ("s3_delete_object", {"key": "a"}, {"objects": [{"key": "a"}]}, False),
    ],
)
def test_what_their_answers_mean(
    tool: str, arguments: dict[str, Any], answer: dict[str, Any], verdict: bool | None
) -> None:
    (how,) = [one.reconcile for group in GROUPS for one in group.tools if one.name == tool]
    assert how is not None
    assert how.verdict({"call": {"arguments": arguments}, "answer": answer}) is verdict


def test_what_our_own_tools_declare_can_be_asked() -> None:
    """A start does not look: the compiler of conditions would cost each of them some megabytes."""
    tools = {tool.name: tool for part in SLICES if part.tools for tool in part.tools.tools}
    naming = {name: tool.reconcile for name, tool in tools.items() if tool.reconcile is not None}
    assert {"create_topic", "s3_delete_object"} <= naming.keys()
    for name, how in naming.items():
        assert Reconcile.model_validate(how.model_dump()) == how, name
        counterpart = tools[how.tool]
        assert counterpart.risk is Risk.READ, name
        assert how.ask.keys() <= counterpart.parameters, name
