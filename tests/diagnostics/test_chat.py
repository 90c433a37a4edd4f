"""A diagnosis in the desk's own chat: what a model makes of what its customer says."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.agent.events import ApprovalNeeded, ConfirmNeeded, Event, ToolAnswered
from deskward.app import Desk
from deskward.gate.context import Context
from tests.agent.scripted import tool
from tests.conftest import CUSTOMER, caller
from tests.conversations.test_asking import events, script
from tests.diagnostics.test_sessions import TO_CAUSE, answer, start

START = tool(
    "start_diagnostic_session",
    product_name="Acme API",
    issue_description="Our calls get a 429",
    environment_info={"category": "api"},
)
AGAINST = [
    "No, please do not start a diagnosis. I only want to know your opening hours.",
    "Bitte starte keine Diagnose, ich frage nur.",
    "What would happen if you started a diagnosis because our calls get a 429?",
    "My neighbour's calls get a 429, nothing is wrong with mine.",
    "Не начинай диагностику, у меня всё работает.",
    "診断は始めないでください。429は昨日のことです。",
    "If the calls get a 429 tomorrow I will ask you for a diagnosis.",
]


async def sessions(desk: Desk) -> list[dict[str, Any]]:
    listed = await desk.gate.call("list_diagnostic_sessions", {}, Context(CUSTOMER, "cli"))
    found: list[dict[str, Any]] = listed.value["sessions"]
    return found


def answering(value: Any, revision: int = 1) -> Any:
    return tool("answer_diagnostic_step", "c2", session_id="D1001", revision=revision, answer=value)


def asked(told: list[Event]) -> bool:
    assert not any(isinstance(event, ApprovalNeeded) for event in told)
    return any(isinstance(event, ConfirmNeeded) for event in told)


@pytest.mark.parametrize("said", AGAINST)
async def test_no_diagnosis_begins_against_the_customers_words(
    sqlite_desk: Desk, said: str
) -> None:
    script(sqlite_desk, [START], ["Done."])
    assert asked(await events(sqlite_desk, said))
    assert await sessions(sqlite_desk) == []


async def test_no_ticket_is_opened_against_the_customers_words(sqlite_desk: Desk) -> None:
    script(sqlite_desk, [tool("create_ticket", subject="Calls", body="Calls fail")], ["Done."])
    assert asked(await events(sqlite_desk, "No, please do not open a ticket for this."))


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("Yes, it does.", True),
        ("yes", True),
        ("No", False),
        ("Nein, dort steht nichts.", False),
        ("Да", True),
        ("いいえ", False),
    ],
)
async def test_a_customer_answers_a_step(sqlite_desk: Desk, said: str, value: bool) -> None:
    script(sqlite_desk, [START], ["Does every call fail?"], [answering(value)], ["Ok."])
    await events(sqlite_desk, "Our calls get a 429")
    assert not asked(await events(sqlite_desk, said))
    assert (await sessions(sqlite_desk))[0]["revision"] == 2


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("No", True),
        ("yes", False),
        ("Yes, but only sometimes", True),
        ("I am not sure", True),
        ("What do you mean?", True),
        ("Tell me your opening hours", False),
    ],
)
async def test_what_a_customer_did_not_say_is_no_answer(
    sqlite_desk: Desk, said: str, value: bool
) -> None:
    script(sqlite_desk, [START], ["Does every call fail?"], [answering(value)], ["Ok."])
    await events(sqlite_desk, "Our calls get a 429")
    assert asked(await events(sqlite_desk, said))
    assert (await sessions(sqlite_desk))[0]["revision"] == 1


async def test_one_yes_answers_one_step_and_none_that_was_not_asked(sqlite_desk: Desk) -> None:
    script(sqlite_desk, [START], ["?"], [answering(True)], [answering(429, 2)], ["Ok."])
    await events(sqlite_desk, "Our calls get a 429")
    assert asked(await events(sqlite_desk, "Yes, they do"))
    assert (await sessions(sqlite_desk))[0]["revision"] == 2


async def test_a_yes_to_another_question_is_no_answer(sqlite_desk: Desk) -> None:
    orders = tool("get_orders_by_customer", "c3")
    script(sqlite_desk, [START], ["?"], [orders], ["All?"], [answering(True)], ["Ok."])
    await events(sqlite_desk, "Our calls get a 429")
    await events(sqlite_desk, "Show my orders first")
    assert asked(await events(sqlite_desk, "yes"))


async def test_a_number_is_the_one_that_was_said(sqlite_desk: Desk) -> None:
    steps = ([START], ["?"], [answering(True)], ["Which?"], [answering(429, 2)], ["Ok."])
    script(sqlite_desk, *steps)
    await events(sqlite_desk, "Our calls get a 429")
    await events(sqlite_desk, "yes")
    assert not asked(await events(sqlite_desk, "It is a 429"))
    assert (await sessions(sqlite_desk))[0]["revision"] == 3


@pytest.mark.parametrize("said", ["It is a 503", "Either 429 or 503", "not 429"])
async def test_another_number_is_asked_about(sqlite_desk: Desk, said: str) -> None:
    steps = ([START], ["?"], [answering(True)], ["Which?"], [answering(429, 2)], ["Ok."])
    script(sqlite_desk, *steps)
    await events(sqlite_desk, "Our calls get a 429")
    await events(sqlite_desk, "yes")
    assert asked(await events(sqlite_desk, said))
    assert (await sessions(sqlite_desk))[0]["revision"] == 2


def outcome(session: dict[str, Any], *, helped: bool) -> Any:
    told = {"session_id": session["id"], "revision": session["revision"], "helped": helped}
    return tool("report_diagnosis_outcome", "c3", **told)


@pytest.mark.parametrize(
    ("said", "helped"),
    [
        ("It has not helped at all, it is as bad as before.", True),
        ("Es hat nicht geholfen.", True),
        ("Не помогло.", True),
        ("It works now, I think.", True),
        ("Does it work now?", True),
        ("yes", True),
        ("That helped, thank you!", False),
    ],
)
async def test_whether_it_helped_is_not_said_against_the_customers_words(
    sqlite_desk: Desk, said: str, helped: bool
) -> None:
    call = caller(sqlite_desk)
    session = await answer(call, await start(call), *TO_CAUSE)
    script(sqlite_desk, [outcome(session, helped=helped)], ["Done."])
    assert asked(await events(sqlite_desk, said))
    assert (await sessions(sqlite_desk))[0]["status"] == "to_confirm"


@pytest.mark.parametrize(
    ("said", "helped", "status"),
    [
        ("That helped, thank you!", True, "resolved"),
        ("Es geht wieder, danke.", True, "resolved"),
        ("Помогло, спасибо", True, "resolved"),
        ("It has not helped at all, it is as bad as before.", False, "handed_over"),
        ("Das hat nicht geholfen.", False, "handed_over"),
    ],
)
async def test_whether_it_helped_is_told_in_the_customers_words(
    sqlite_desk: Desk, said: str, helped: bool, status: str
) -> None:
    call = caller(sqlite_desk)
    session = await answer(call, await start(call), *TO_CAUSE)
    script(sqlite_desk, [outcome(session, helped=helped)], ["Done."])
    told = await events(sqlite_desk, said)
    assert not asked(told), [one for one in told if isinstance(one, ToolAnswered)]
    assert (await sessions(sqlite_desk))[0]["status"] == status
