"""Replay: identical where nothing changed, and the first difference named where something did."""

from dataclasses import replace
from typing import Any

import pytest

from deskward.agent.models.fallback import FallbackModel
from deskward.app import Desk
from deskward.conversations.cursors import Answered
from deskward.conversations.replay import _decided, replay
from deskward.conversations.transcript import ToolStep, TurnRecord, recording
from deskward.core.errors import Forbidden, ModelUnavailable, NotFound, SessionNotFound
from deskward.gate.context import Context
from deskward.gate.policy.engine import Decision, Policy, Verdict
from tests.agent.scripted import ScriptedModel, tool
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER
from tests.everything import CLAIMS
from tests.policies import FILES

SAID = [
    "Hello",
    "What is my balance?",
    "How long does a transfer take?",
    "change my address to 5 Elm Street, Boston, MA 02101",
    "change my password to Blue-Horse-77",
    "block my card 4242 and show my last 3 transactions",
    "what is the weather on mars",
    "thanks",
]


async def talked(desk: Desk) -> list[TurnRecord]:
    talk = Talk(desk)
    for text in SAID:
        await talk.say(text)
    return await of(desk)


async def of(desk: Desk) -> list[TurnRecord]:
    return await recording(
        desk.database.reader, desk.gate.ledger, "default", "customer:user_001", "s"
    )


async def test_a_replay_is_identical(desk: Desk) -> None:
    turns = await talked(desk)
    found = await replay(desk.gate, turns, claims=CLAIMS)
    assert found.identical, found.divergence
    assert len(found.replayed) >= 6
    assert "\n".join(found.replayed) == "\n".join(found.recorded)
    assert "Blue-Horse-77" not in str(turns)


async def test_the_offline_model_says_the_same_again(desk: Desk, offline: Any) -> None:
    found = await replay(desk.gate, await talked(desk), claims=CLAIMS, model=offline)
    assert found.identical, found.divergence


async def test_a_replay_touches_nothing(desk: Desk) -> None:
    turns = await talked(desk)
    before = await desk.database.reader.all(ledger_count())
    await replay(desk.gate, turns, claims=CLAIMS)
    assert await desk.database.reader.all(ledger_count()) == before


def ledger_count():
    import sqlalchemy as sa

    from deskward.gate.ledger.chain import ledger_rows

    return sa.select(sa.func.count()).select_from(ledger_rows)


async def test_a_changed_answer_is_named(desk: Desk) -> None:
    changed = {"user_id": "user_001", "balance": {"formatted": "$1.00"}}
    found = await replay(
        desk.gate, await talked(desk), claims=CLAIMS, changed={"get_account_balance": changed}
    )
    assert not found.identical
    assert found.divergence is not None
    assert found.divergence.startswith("turn 2, step 2: the model is given another text of the")
    assert "$5,420.50" in found.divergence
    assert "$1.00" in found.divergence


async def test_a_changed_model_is_named(desk: Desk, offline: Any) -> None:
    turns = await talked(desk)
    answer = turns[1].models[0].answer
    assert answer is not None
    answer.tool_requests[0].arguments["limit"] = 5
    found = await replay(desk.gate, turns, claims=CLAIMS, model=offline)
    assert found.divergence is not None
    assert found.divergence.startswith("turn 2, step 1: get_account_balance {} is called")


async def test_other_policies_are_named(desk: Desk) -> None:
    more = '@id("no-addresses") forbid (principal, action == Action::"update_address", resource);'
    policy = Policy({**FILES, "more.cedar": more}, desk.gate.tools.values())
    found = await replay(desk.gate, await talked(desk), claims=CLAIMS, policy=policy)
    assert found.divergence is not None
    assert found.divergence.startswith("turn 4, step 1: update_address was allow, and is deny")
    assert "no-addresses" in found.divergence


async def test_failed_models_are_on_record_too(desk: Desk) -> None:
    class Broken:
        name = "broken"

        async def stream(self, request: Any):
            raise ModelUnavailable("The model is away.")
            yield

        async def close(self) -> None: ...

    desk.conversations.agent.model = Broken()
    reader = await desk.conversations.send(Context(CUSTOMER, "agent"), "s", "hello")
    _ = [event async for event in reader]
    (turn,) = await of(desk)
    assert [step.error for step in turn.models] == ["The model is away."]
    found = await replay(desk.gate, [turn], claims=CLAIMS)
    assert found.divergence is None


async def test_an_unknown_conversation_is_not_found(desk: Desk) -> None:
    with pytest.raises(SessionNotFound):
        await of(desk)


async def test_what_was_withheld_is_withheld_again(desk: Desk) -> None:
    claim = ["One moment. ", "I have cancelled your order O1003."]
    desk.conversations.agent.model = ScriptedModel(claim, ["Shall I cancel O1003?"])
    reader = await desk.conversations.send(Context(CUSTOMER, "agent"), "s", "what about O1003?")
    events = [placed.event async for placed in reader]
    assert events[-1].text == "One moment. Shall I cancel O1003?"  # type: ignore[union-attr]  # Answered
    (turn,) = await of(desk)
    assert [step.withheld for step in turn.models] == [True, False]
    found = await replay(desk.gate, [turn], claims=CLAIMS)
    assert found.identical, found.divergence
    assert found.answers == ["One moment. Shall I cancel O1003?"]


async def test_a_model_that_broke_off_breaks_off_again(desk: Desk) -> None:
    broken = ScriptedModel(["One moment. ", "Your ", ModelUnavailable("It broke off.")])
    next_one = ScriptedModel(["Let me look.", tool("get_account_balance")], ["There it is."])
    desk.conversations.agent.model = FallbackModel([broken, next_one])
    reader = await desk.conversations.send(Context(CUSTOMER, "agent"), "s", "my balance?")
    events = [placed.event async for placed in reader]
    said = "One moment. Let me look.\n\nThere it is."
    assert isinstance(events[-1], Answered)
    assert events[-1].text == said
    (turn,) = await of(desk)
    assert [step.interrupted for step in turn.models] == [True, False, False]
    found = await replay(desk.gate, [turn], claims=CLAIMS)
    assert found.identical, found.divergence
    assert found.answers == [said]


def test_a_replay_tells_no_more_of_others_records_than_a_call() -> None:
    facts = {"record": {"id": "O1002", "owner": "user_002"}, "args": {"order_id": "O1002"}}
    made = ToolStep("get_order", "ok", "allow", [], CUSTOMER, facts, {}, None)
    context = Context(CUSTOMER, "agent")
    refused = _decided(Decision(Verdict.DENY), made, context)
    assert isinstance(refused.error, NotFound)
    own = {**facts, "record": {"id": "O1002", "owner": "user_001"}}
    refused = _decided(Decision(Verdict.DENY), replace(made, facts=own), context)
    assert isinstance(refused.error, Forbidden)
