"""The turn loop: events, limits, and a model that is not trusted."""

import json
from collections.abc import AsyncIterator

import pytest

from deskward.agent.events import (
    ApprovalNeeded,
    Done,
    Event,
    HandedOver,
    MessageAdded,
    Text,
    ToolAnswered,
    ToolCalled,
    Withheld,
)
from deskward.agent.loop import Agent
from deskward.agent.model import Message
from deskward.agent.models.fallback import FallbackModel
from deskward.agent.turn import Limits
from deskward.app import Desk
from deskward.core.errors import ModelUnavailable
from deskward.gate.context import Context
from deskward.security.masking import mask
from deskward.security.principals import Principal
from deskward.security.vault import Vault
from tests.agent.providers import Offline
from tests.agent.scripted import ScriptedModel, Step, tool
from tests.conftest import CUSTOMER, STAFF, recorded
from tests.everything import CLAIMS


class Turn:
    """One turn of a scripted model over the real gate."""

    def __init__(
        self, desk: Desk, *steps: Step, limits: Limits | None = None, **model: int
    ) -> None:
        self.model = ScriptedModel(*steps, **model)
        self.agent = Agent(desk.gate, self.model, limits, claims=CLAIMS)
        self.vault = Vault()

    async def run(self, text: str = "hi", principal: Principal = CUSTOMER) -> list[Event]:
        history = [Message("user", mask(text, self.vault))]
        context = Context(principal, "agent", session_id="s", turn_id="t")
        return [event async for event in self.agent.run(context, self.vault, history)]


def texts(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


async def test_a_turn_calls_tools_and_answers(sqlite_desk: Desk) -> None:
    turn = Turn(sqlite_desk, ["Let me look.", tool("get_account_balance")], ["You have ", "much."])
    events = await turn.run()
    kinds = [type(event) for event in events if not isinstance(event, MessageAdded)]
    assert kinds == [Text, ToolCalled, ToolAnswered, Text, Text, Done]
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.text, done.model, done.tokens) == (
        "Let me look.\n\nYou have much.",
        "scripted",
        20,
    )
    said = [event.message for event in events if isinstance(event, MessageAdded)]
    assert [message.role for message in said] == ["assistant", "tool", "assistant"]
    assert said[0].state == {"step": 1}
    assert json.loads(said[1].text)["balance"]["amount"] == 542050
    assert turn.model.requests[1].messages[-1] == said[1]


async def test_texts_around_calls_stand_apart(sqlite_desk: Desk) -> None:
    balance = tool("get_account_balance")
    turn = Turn(
        sqlite_desk,
        ["One.", balance],
        [balance],
        ["Two.", balance],
        ["Three. ", balance],
        ["Four."],
    )
    events = await turn.run()
    assert texts(events) == "One.\n\nTwo.\n\nThree. Four."
    said = [event for event in events if isinstance(event, MessageAdded)]
    assert "".join(e.message.text for e in said if e.message.role == "assistant") == texts(events)
    assert all(event.call.raw is None for event in said if event.call)
    # A turn that another process goes on with parts its texts too; a new turn begins anew.
    for history, expected in (
        ([said[0].message, said[1].message], "\n\nFive."),
        ([Message("assistant", "Before."), Message("user", "And?")], "Five."),
        ([Message("assistant", "Before."), said[2].message, said[3].message], "Five."),
    ):
        agent = Agent(sqlite_desk.gate, ScriptedModel(["Five."]), claims=CLAIMS)
        context = Context(CUSTOMER, "agent", session_id="s", turn_id="t")
        run = agent.run(context, Vault(), [Message("user", "hi"), *history])
        assert texts([event async for event in run]) == expected


async def test_a_fragment_stands_apart_from_what_follows(sqlite_desk: Desk) -> None:
    balance = tool("get_account_balance")
    turn = Turn(sqlite_desk, ["Let me look at that, ", balance], [" Just a", balance], ["Here."])
    assert texts(await turn.run()) == "Let me look at that, \n\n Just a\n\nHere."


async def test_when_a_model_breaks_off_the_next_one_answers(sqlite_desk: Desk) -> None:
    broken = ScriptedModel(["Hello. ", "Your ", ModelUnavailable("scripted broke off")])
    agent = Agent(sqlite_desk.gate, FallbackModel([broken, Offline()]), claims=CLAIMS)
    context = Context(CUSTOMER, "agent", session_id="s", turn_id="t")
    events = [event async for event in agent.run(context, Vault(), [Message("user", "hi")])]
    assert texts(events) == "Hello. I am here."
    (gone,) = [event for event in events if isinstance(event, Withheld)]
    assert (gone.why, gone.model) == ("interrupted", "scripted")
    assert (gone.call.raw, gone.call.error) == ("Hello. Your ", "scripted broke off")
    (added,) = [event for event in events if isinstance(event, MessageAdded)]
    assert (added.message.text, added.model) == ("Hello. I am here.", "offline")
    assert agent.outages


async def test_several_tools_in_one_step(sqlite_desk: Desk) -> None:
    turn = Turn(
        sqlite_desk, [tool("get_account_balance", "a"), tool("get_customer", "b")], ["All right."]
    )
    events = await turn.run()
    answered = [event.id for event in events if isinstance(event, ToolAnswered)]
    assert answered == ["a", "b"]


async def test_a_model_sees_only_tools_that_the_caller_may_use(sqlite_desk: Desk) -> None:
    for principal, expected in ((CUSTOMER, False), (STAFF, True)):
        turn = Turn(sqlite_desk, ["Hello."])
        await turn.run(principal=principal)
        (request,) = turn.model.requests
        assert ("update_ticket" in {spec.name for spec in request.tools}) is expected
        balance = next(spec for spec in request.tools if spec.name == "get_account_balance")
        assert ("user_id" in balance.input_schema["properties"]) is expected


async def test_the_ledger_says_that_an_agent_called(sqlite_desk: Desk) -> None:
    await Turn(sqlite_desk, [tool("get_account_balance")], ["All right."]).run()
    (body,) = [row for row in await recorded(sqlite_desk) if row["kind"] == "call"]
    assert (body["principal"]["id"], body["agent"], body["door"]) == (
        "user_001",
        "assistant",
        "agent",
    )
    assert (body["session_id"], body["turn_id"]) == ("s", "t")


HOSTILE = [
    tool("get_account_balance", user_id="user_002"),
    tool("get_ticket", ticket_id="T1"),
    tool("update_ticket", ticket_id="T1001", update={"status": "closed"}),
    tool("change_password", user_id="user_002", new_password="stolen12345"),
    tool("create_ticket", customer_id="user_002", subject="a", body="b"),
    tool("no_such_tool"),
    tool("get_account_balance", tenant="acme"),
    tool("get_account_balance", principal="staff:anna"),
]


@pytest.mark.parametrize("request_", HOSTILE, ids=lambda r: f"{r.name} {r.arguments}")
async def test_a_hostile_model_gets_nowhere(sqlite_desk: Desk, request_) -> None:
    events = await Turn(sqlite_desk, [request_], ["Oh."]).run()
    (answered,) = [event for event in events if isinstance(event, ToolAnswered)]
    assert answered.status == "error"
    assert answered.answer["success"] is False


async def test_secrets_pass_the_model_as_placeholders(sqlite_desk: Desk) -> None:
    turn = Turn(sqlite_desk, [tool("change_password", new_password="[[password:1]]")], ["Changed."])
    events = await turn.run("Change my password to newSecurePass123")
    assert "newSecurePass123" not in str(turn.model.requests)
    assert "newSecurePass123" not in str(events)
    (answered,) = [event for event in events if isinstance(event, ToolAnswered)]
    assert answered.status == "ok"


async def test_a_placeholder_elsewhere_stays_a_placeholder(sqlite_desk: Desk) -> None:
    arguments = {"subject": "[[password:1]]", "body": "my password is [[password:1]]"}
    turn = Turn(
        sqlite_desk,
        [tool("create_ticket", **arguments)],
        [tool("get_ticket", "c2", ticket_id="T1001")],
        ["Done."],
    )
    events = await turn.run("my password is newSecurePass123")
    assert "newSecurePass123" not in str(events)
    named = {"ticket_id": "T1001"}
    stored = await sqlite_desk.gate.call("get_ticket", named, Context(CUSTOMER, "rest"))
    assert stored.value["subject"] == "[[password:1]]"
    assert "newSecurePass123" not in str(stored.value)


async def test_what_tools_answer_is_masked_for_the_model(sqlite_desk: Desk) -> None:
    await sqlite_desk.gate.call(
        "report_issue",
        {"description": "My card 4242 4242 4242 4242 fails"},
        Context(CUSTOMER, "rest"),
    )
    turn = Turn(sqlite_desk, [tool("get_ticket", ticket_id="T1001")], ["All right."])
    await turn.run()
    assert "4242 4242" not in str(turn.model.requests)
    assert "[[card:1]]" in turn.model.requests[1].messages[-1].text


async def test_an_approval_is_announced(sqlite_desk: Desk) -> None:
    request = tool("update_address", user_id="user_001", new_address="1 New Road, Boston")
    events = await Turn(sqlite_desk, [request], ["A colleague has to approve it."]).run(
        principal=STAFF
    )
    (needed,) = [event for event in events if isinstance(event, ApprovalNeeded)]
    assert needed.name == "update_address"
    assert len(needed.approval_id) == 32


async def test_a_handover_is_announced(sqlite_desk: Desk) -> None:
    events = await Turn(sqlite_desk, [tool("hand_over", reason="help")], ["T1001."]).run()
    assert HandedOver("T1001") in events


@pytest.mark.parametrize(
    ("steps", "limits"),
    [
        ([[ModelUnavailable("away")]], Limits()),
        ([["Half an ans", ModelUnavailable("gone")]], Limits()),
        ([[0.5, "late"]], Limits(timeout=0.05)),
        ([[]], Limits()),
        ([["x" * 200]], Limits(step_tokens=10)),
        ([[tool("get_account_balance")]] * 3, Limits(steps=2)),
        ([[tool("get_account_balance")]] * 3, Limits(tokens=15)),
    ],
    ids=["away", "gone in the middle", "slow", "empty", "endless", "steps", "tokens"],
)
async def test_when_no_model_can_end_the_turn_a_person_does(
    sqlite_desk: Desk, steps: list[Step], limits: Limits
) -> None:
    events = await Turn(sqlite_desk, *steps, limits=limits).run("please help me")
    assert HandedOver("T1001") in events
    assert "The ticket is T1001" in texts(events)
    assert isinstance(events[-1], Done)
    said = [event.message for event in events if isinstance(event, MessageAdded)]
    assert said[-1].role == "assistant"
    ticket = await sqlite_desk.gate.call(
        "get_ticket", {"ticket_id": "T1001"}, Context(STAFF, "rest")
    )
    assert "please help me" in ticket.value["note"]


async def test_a_stream_without_its_end_is_not_an_answer(sqlite_desk: Desk) -> None:
    class Cut(ScriptedModel):
        async def stream(self, request) -> AsyncIterator:
            async for event in super().stream(request):
                if isinstance(event, type(event)) and hasattr(event, "tokens"):
                    return
                yield event

    turn = Turn(sqlite_desk)
    turn.agent = Agent(sqlite_desk.gate, Cut([tool("deactivate_card", card="4242")]), claims=CLAIMS)
    events = await turn.run()
    called = [event.name for event in events if isinstance(event, ToolCalled)]
    assert called == ["hand_over"]


async def test_what_nothing_supports_is_said_again(sqlite_desk: Desk) -> None:
    turn = Turn(
        sqlite_desk,
        ["Let me see. ", "I have refunded you $20.00."],
        [tool("get_account_balance")],
        ["Your balance is $5,420.50."],
    )
    events = await turn.run("I want my money back")
    assert texts(events) == "Let me see. Your balance is $5,420.50."
    (withheld,) = [event for event in events if isinstance(event, Withheld)]
    assert withheld.call.raw == "Let me see. I have refunded you $20.00."
    note = turn.model.requests[1].instructions
    assert "I have refunded you $20.00." in note
    assert "Let me see. " in note
    said = [event.message for event in events if isinstance(event, MessageAdded)]
    assert said[0].text == "Let me see. "


async def test_who_says_it_again_is_taken_over(sqlite_desk: Desk) -> None:
    claims = ["I have cancelled your order O1003."], ["Your order O1003 was cancelled."]
    events = await Turn(sqlite_desk, *claims).run("cancel it")
    assert "cancelled" not in texts(events)
    assert "A person will take over" in texts(events)
    assert any(isinstance(event, HandedOver) for event in events)
    assert sum(isinstance(event, Withheld) for event in events) == 2


async def test_what_a_tool_of_this_turn_did_is_said(sqlite_desk: Desk) -> None:
    change = tool("update_address", new_address="5 Elm Street, Boston")
    said = "I have changed your address to 5 Elm Street, Boston."
    turn = Turn(sqlite_desk, [change], [said])
    assert texts(await turn.run("change my address to 5 Elm Street, Boston")) == said
