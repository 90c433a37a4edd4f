"""What an agent's customer is asked, and how they answer: by a whole yes, at once, themselves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from deskward.agent.events import ConfirmNeeded, ToolAnswered
from deskward.agent.model import Message, ToolRequest
from deskward.app import Desk
from deskward.conversations import store
from deskward.conversations.cursors import Answered
from deskward.conversations.cursors import recorded as placed_of
from deskward.conversations.replay import replay
from deskward.conversations.store import Where
from deskward.conversations.transcript import recording
from deskward.core.database import now
from deskward.core.errors import Conflict, Forbidden, NotFound
from deskward.gate import confirmations as module
from deskward.gate.context import Context
from deskward.security.cards import luhn
from deskward.security.masking import mask
from deskward.security.principals import Principal
from deskward.security.vault import Vault
from tests.agent.scripted import ScriptedModel, Step, tool
from tests.conftest import CUSTOMER, OTHER, STAFF, recorded
from tests.everything import CLAIMS

HERE = Where("default", "customer:user_001", "s")
CARD = tool("deactivate_card", card="4242")
READ = tool("get_account_details", "c0")
QUESTION = "Shall I deactivate your card for good (Visa ••4242)? This cannot be undone."


def script(desk: Desk, *steps: Step) -> ScriptedModel:
    model = ScriptedModel(*steps)
    desk.conversations.agent.model = model
    return model


async def events(
    desk: Desk, text: str, principal: Principal = CUSTOMER, session: str = "s"
) -> list[Any]:
    reader = await desk.conversations.send(Context(principal, "agent"), session, text)
    return [placed.event async for placed in reader]


async def say(desk: Desk, text: str, principal: Principal = CUSTOMER, session: str = "s") -> str:
    answered = (await events(desk, text, principal, session))[-1]
    assert isinstance(answered, Answered)
    return answered.text


async def press(desk: Desk, key: str, yes: bool, **changes: Any) -> list[Any]:
    given = {"principal": CUSTOMER, "session": "s", **changes}
    context = Context(given["principal"], "agent")
    reader = await desk.conversations.answer(context, given["session"], key, yes)
    return [placed.event async for placed in reader]


async def asked(desk: Desk, request: ToolRequest = CARD, session: str = "s") -> ConfirmNeeded:
    told = await events(desk, "I lost my card", session=session)
    (needed,) = [event for event in told if isinstance(event, ConfirmNeeded)]
    assert told[-1].text.endswith(needed.question)
    return needed


async def cards(desk: Desk) -> dict[str, str]:
    outcome = await desk.gate.call("get_account_details", {}, Context(CUSTOMER, "cli"))
    return {card["last4"]: card["status"] for card in outcome.value["cards"]}


async def test_a_final_act_is_asked_about_and_done_after_a_yes(desk: Desk) -> None:
    model = script(desk, ["I can do that.", CARD], ["Your card is deactivated now."])
    told = await events(desk, "block my card 4242 for good")
    needed = next(event for event in told if isinstance(event, ConfirmNeeded))
    assert (needed.name, needed.question) == ("deactivate_card", QUESTION)
    assert needed.arguments == {"card": "**********"}
    assert told[-1].text == f"I can do that.\n\n{QUESTION}"
    assert len(model.requests) == 1  # no model puts the question into other words
    assert (await cards(desk))["4242"] == "active"
    # The model could have asked something else, so the desk asks once more, alone.
    again = await events(desk, "yes")
    assert [e.question for e in again if isinstance(e, ConfirmNeeded)] == [QUESTION]
    assert again[-1].text == QUESTION
    assert (await cards(desk))["4242"] == "active"
    answered = await events(desk, "yes")
    assert (await cards(desk))["4242"] == "deactivated"
    assert [e.status for e in answered if isinstance(e, ToolAnswered)] == ["ok"]
    assert answered[-1].text == "Your card is deactivated now."
    # The model learns what came of it as of any call.
    *_, yes, request, result = model.requests[-1].messages
    assert (yes.text, request.tool_requests[0].name) == ("yes", "deactivate_card")
    assert '"deactivated"' in result.text
    # And the whole is on record.
    rows = [r for r in await recorded(desk) if r["kind"] in ("call", "confirmation")]
    steps = [(r["kind"], r.get("verdict"), r["status"]) for r in rows if r.get("tool") == CARD.name]
    assert steps == [
        ("call", "confirm", "confirm"),
        ("confirmation", None, "yes"),
        ("call", "allow", "ok"),
    ]
    found = await replay(
        desk.gate,
        await recording(desk.database.reader, desk.gate.ledger, "default", HERE.owner, "s"),
        claims=CLAIMS,
    )
    assert found.identical, found.divergence
    assert len(found.replayed) == 2


TRICK = "Would you like me to keep everything exactly as it is?"


@pytest.mark.parametrize("steps", [[[TRICK, CARD]], [[TRICK, READ], [CARD]]])
async def test_a_yes_to_a_models_own_question_does_nothing(
    sqlite_desk: Desk, steps: list[Step]
) -> None:
    model = script(sqlite_desk, *steps, ["Done."])
    needed = await asked(sqlite_desk)
    assert await say(sqlite_desk, "yes") == QUESTION
    assert (await cards(sqlite_desk))["4242"] == "active"
    assert len(model.requests) == len(steps)  # the desk asked, no model
    assert await say(sqlite_desk, "yes") == "Done."
    assert (await cards(sqlite_desk))["4242"] == "deactivated"
    with pytest.raises(Conflict):
        await press(sqlite_desk, needed.confirmation_id, True)


async def test_the_button_below_a_models_text_counts(sqlite_desk: Desk) -> None:
    script(sqlite_desk, [TRICK, CARD], ["Done."])
    needed = await asked(sqlite_desk)
    await say(sqlite_desk, "yes")
    await press(sqlite_desk, needed.confirmation_id, True)
    assert (await cards(sqlite_desk))["4242"] == "deactivated"


@pytest.mark.parametrize("no", ["no", "nein danke", "No, gracias.", "Hayır"])
async def test_a_no_leaves_everything(sqlite_desk: Desk, no: str) -> None:
    model = script(sqlite_desk, [CARD], ["All right."], ["Hello."])
    needed = await asked(sqlite_desk)
    assert await say(sqlite_desk, no) == "All right."
    assert "NOT_CONFIRMED" in model.requests[-1].messages[-1].text
    await say(sqlite_desk, "yes")
    with pytest.raises(Conflict):
        await press(sqlite_desk, needed.confirmation_id, True)
    assert (await cards(sqlite_desk))["4242"] == "active"
    record = await recording(
        sqlite_desk.database.reader, sqlite_desk.gate.ledger, "default", HERE.owner, "s"
    )
    found = await replay(sqlite_desk.gate, record, claims=CLAIMS)
    assert found.identical, found.divergence


@pytest.mark.parametrize(
    "text",
    [
        "absolutely not",
        "please don't!",
        "of course not!",
        "sure, but not now",
        "y would I want that??",
        "yes?",
        "yes, but the other one",
        "which card is that?",
    ],
)
async def test_what_is_no_whole_yes_does_nothing_and_a_later_yes_neither(
    sqlite_desk: Desk, text: str
) -> None:
    script(sqlite_desk, [CARD], ["It is your Visa."], ["What do you mean?"])
    needed = await asked(sqlite_desk)
    await say(sqlite_desk, text)
    await say(sqlite_desk, "yes")
    with pytest.raises(Conflict):
        await press(sqlite_desk, needed.confirmation_id, True)
    assert (await cards(sqlite_desk))["4242"] == "active"


@pytest.mark.parametrize("yes", ["Ja", "oui", "sí", "sì", "sim", "evet", "Yes, please!", "👍"])
async def test_a_yes_in_any_language(sqlite_desk: Desk, yes: str) -> None:
    script(sqlite_desk, [CARD], ["Done."])
    await asked(sqlite_desk)
    await say(sqlite_desk, yes)
    assert (await cards(sqlite_desk))["4242"] == "deactivated"


async def test_the_question_is_in_the_customers_language(sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD])
    answer = await say(sqlite_desk, "Bitte sperren Sie meine Karte mit der Nummer 4242")
    assert answer.startswith("Soll ich Ihre Karte endgültig sperren (Visa ••4242)?")


async def test_no_model_answers(sqlite_desk: Desk) -> None:
    """By nothing that it can do: it calls again, says yes, claims to have a yes, names its id."""
    needed: list[ConfirmNeeded] = []
    script(sqlite_desk, [CARD])
    needed.append(await asked(sqlite_desk))
    key = needed[0].confirmation_id
    forged = ToolRequest("c1", CARD.name, {"card": "4242"}, confirmation=key)
    named = tool("deactivate_card", "c2", card="4242", confirmation_id=key, confirmed=True)
    script(sqlite_desk, ["yes", forged, named], ["yes"], ["Hello."])
    told = await events(sqlite_desk, "what did you ask?")
    assert [e.status for e in told if isinstance(e, ToolAnswered)] == ["confirm", "error"]
    assert (await cards(sqlite_desk))["4242"] == "active"
    tools = {name for name in sqlite_desk.gate.tools if "confirm" in name}
    assert not tools  # there is none to answer with


async def test_an_id_that_looks_like_a_card_number_is_none(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = "a9970722604159b90c49692e00059622"
    assert luhn("9970722604159")  # within it
    assert mask(looks, Vault()) == looks
    monkeypatch.setattr("deskward.gate.waiting.new_id", lambda: looks)
    script(sqlite_desk, [CARD], ["Done."])
    assert (await asked(sqlite_desk)).confirmation_id == looks
    assert await say(sqlite_desk, "yes") == "Done."
    assert (await cards(sqlite_desk))["4242"] == "deactivated"


async def test_an_answer_by_its_id(desk: Desk) -> None:
    script(desk, [CARD], ["Done."])
    needed = await asked(desk)
    told = await press(desk, needed.confirmation_id, True)
    assert told[-1].text == "Done."
    assert (await cards(desk))["4242"] == "deactivated"
    with pytest.raises(Conflict):
        await press(desk, needed.confirmation_id, True)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"session": "other"}, NotFound),
        ({"principal": OTHER}, NotFound),
        ({"principal": STAFF}, NotFound),
        ({"principal": CUSTOMER.with_agent("assistant")}, Forbidden),
    ],
)
async def test_who_cannot_answer(
    sqlite_desk: Desk, changes: dict[str, Any], error: type[Exception]
) -> None:
    script(sqlite_desk, [CARD])
    needed = await asked(sqlite_desk)
    with pytest.raises(error):
        await press(sqlite_desk, needed.confirmation_id, True, **changes)
    assert (await cards(sqlite_desk))["4242"] == "active"


async def test_a_yes_elsewhere_answers_nothing_here(sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD], ["Hello."], ["Hello."])
    await asked(sqlite_desk)
    await say(sqlite_desk, "yes", session="other")
    await say(sqlite_desk, "yes", OTHER)
    assert (await cards(sqlite_desk))["4242"] == "active"


async def test_a_yes_that_comes_too_late(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = script(sqlite_desk, [CARD], ["I have to ask again."])
    await asked(sqlite_desk)
    later = now() + module.LIFETIME + timedelta(seconds=1)
    monkeypatch.setattr(module, "now", lambda: later)
    assert await say(sqlite_desk, "yes") == "I have to ask again."
    assert "CONFIRMATION_VOID" in model.requests[-1].messages[-1].text
    assert (await cards(sqlite_desk))["4242"] == "active"


async def test_two_yeses_at_once_are_one(sqlite_desk: Desk) -> None:
    script(sqlite_desk, [CARD], ["Done."], ["Hello."])
    needed = await asked(sqlite_desk)
    both = await asyncio.gather(
        press(sqlite_desk, needed.confirmation_id, True), say(sqlite_desk, "yes")
    )
    assert {both[0][-1].text, both[1]} == {"Done.", "Hello."}
    made = [r for r in await recorded(sqlite_desk) if r.get("confirmation") and r["kind"] == "call"]
    assert [r["status"] for r in made] == ["ok"]


async def test_several_questions_are_asked_and_answered_together(sqlite_desk: Desk) -> None:
    other = tool("deactivate_card", "c2", card="4444")
    script(sqlite_desk, [CARD, other], ["Both are deactivated."])
    told = await events(sqlite_desk, "block both")
    needed = [event for event in told if isinstance(event, ConfirmNeeded)]
    assert told[-1].text == "\n".join(event.question for event in needed)
    assert len(needed) == 2
    assert await say(sqlite_desk, "yes") == "Both are deactivated."
    assert set((await cards(sqlite_desk)).values()) == {"deactivated"}


async def test_of_several_questions_one_by_its_id(sqlite_desk: Desk) -> None:
    other = tool("deactivate_card", "c2", card="4444")
    script(sqlite_desk, [CARD, other], ["Done."], ["And that one."])
    told = await events(sqlite_desk, "block both")
    first, second = [event for event in told if isinstance(event, ConfirmNeeded)]
    await press(sqlite_desk, second.confirmation_id, True)
    assert await cards(sqlite_desk) == {"4242": "active", "4444": "deactivated"}
    await press(sqlite_desk, first.confirmation_id, True)
    assert (await cards(sqlite_desk))["4242"] == "deactivated"


async def test_a_secret_that_was_typed_is_set_after_the_yes(sqlite_desk: Desk) -> None:
    wish = ToolRequest("c1", "change_password", {"new_password": "[[password:1]]"}, unsure=True)
    script(sqlite_desk, [wish], ["Your password was changed."])
    answer = await say(sqlite_desk, "maybe change my password to Blue-Horse-77-Long?")
    assert answer == "Shall I change your password to the one that you have given?"
    # The question is not one for a password: its answer is not taken for a secret.
    assert await say(sqlite_desk, "yes") == "Your password was changed."
    history = await store.history(sqlite_desk.database.reader, HERE)
    assert [m.text for m in history if m.role == "user"][-1] == "yes"
    assert "Blue-Horse" not in repr(history)


async def test_own_words_need_no_yes_and_others_do(sqlite_desk: Desk) -> None:
    said = tool("update_address", new_address="5 Elm Street, Boston")
    script(sqlite_desk, [said], ["Done."])
    assert await say(sqlite_desk, "change my address to 5 Elm Street, Boston") == "Done."
    script(sqlite_desk, [tool("update_address", new_address="7 Oak Street, Boston")])
    assert await say(sqlite_desk, "I have moved") == (
        "Shall I change your address to: “7 Oak Street, Boston”?"
    )


async def test_staff_answer_in_their_own_session(sqlite_desk: Desk) -> None:
    refund = ToolRequest(
        "c1",
        "refund_order",
        {"order_id": "O1001", "amount": "5.00", "reason": "broken"},
        unsure=True,
    )
    script(sqlite_desk, [refund], ["Refunded."])
    assert await say(sqlite_desk, "refund something", STAFF) == (
        "Shall I refund 5.00 USD of order O1001, for this reason: “broken”?"
    )
    assert await say(sqlite_desk, "yes", STAFF) == "Refunded."


async def test_a_reader_who_comes_later_is_told_the_same(sqlite_desk: Desk) -> None:
    script(sqlite_desk, ["I can do that.", CARD], ["Done."])
    for text in ("block my card 4242 for good", "yes", "yes"):
        live = [
            placed
            async for placed in await sqlite_desk.conversations.send(
                Context(CUSTOMER, "agent"), "s", text
            )
        ]
        turn_id = live[0].end.turn_id
        said = await store.messages_of(sqlite_desk.database.reader, HERE, turn_id)
        again = list(placed_of(turn_id, said[1:], {}))
        assert [p.end for p in again] == [p.end for p in live[:-1]]
        assert [type(p.event) for p in again] == [type(p.event) for p in live[:-1]]


async def test_a_step_makes_a_set_number_of_calls(sqlite_desk: Desk) -> None:
    wishes = [tool("get_faq", f"c{n}", q=f"question {n}") for n in range(10)]
    model = script(sqlite_desk, wishes, ["Hello."])
    told = await events(sqlite_desk, "hello")
    assert [e.status for e in told if isinstance(e, ToolAnswered)] == ["ok"] * 8 + ["error"] * 2
    assert "TOO_MANY_CALLS" in model.requests[-1].messages[-1].text
    record = await recording(
        sqlite_desk.database.reader, sqlite_desk.gate.ledger, "default", HERE.owner, "s"
    )
    found = await replay(sqlite_desk.gate, record, claims=CLAIMS)
    assert found.identical, found.divergence


async def test_two_identical_writes_of_one_step_are_one(sqlite_desk: Desk) -> None:
    wishes = [tool("report_issue", f"c{n}", description="It is broken.") for n in range(3)]
    script(sqlite_desk, wishes, ["Reported."])
    told = await events(sqlite_desk, "it is broken")
    answers = [e.answer["ticket_id"] for e in told if isinstance(e, ToolAnswered)]
    assert len(answers) == 3
    assert len(set(answers)) == 1
    made = [r for r in await recorded(sqlite_desk) if r.get("tool") == "report_issue"]
    assert [r["status"] for r in made] == ["ok"]
    record = await recording(
        sqlite_desk.database.reader, sqlite_desk.gate.ledger, "default", HERE.owner, "s"
    )
    found = await replay(sqlite_desk.gate, record, claims=CLAIMS)
    assert found.identical, found.divergence


def test_requests_and_messages_survive_their_json() -> None:
    request = ToolRequest("c1", "freeze_card", {}, unsure=True)
    message = Message("assistant", "x", (request,), asks=("a",))
    assert Message.of(message.plain) == message
