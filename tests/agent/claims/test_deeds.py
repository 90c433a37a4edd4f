"""What a reply may claim of diagnoses and incidents in set phrases, and what bears that out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deskward.agent.leaves import Evidence
from deskward.app import Desk
from tests.agent.scripted import tool
from tests.conftest import caller
from tests.conversations.test_asking import events, script
from tests.diagnostics.test_sessions import start
from tests.everything import CLAIMS

SAID: dict[str, dict[str, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("deeds.yaml").read_text("utf-8")
)
NOTHING = [(language, text) for language, texts in SAID["nothing"].items() for text in texts]
TICKET = Evidence("create_ticket", "ok", {}, {"ticket_id": "T1004", "status": "open"})


def session(tool: str, status: str = "open", name: str = "D1001", **more: Any) -> Evidence:
    """What a session's tool answers; another incident is known, and not joined."""
    known = [{"incident_id": "I1002", "match": "possible", "message": "m", "over": False}]
    answer = {"id": name, "status": status, "hypotheses": [], "incident_id": None, **more}
    answer["known_incidents"] = known
    return Evidence(tool, "ok", {"session_id": name}, answer)


def incident(tool: str, name: str = "I1001") -> Evidence:
    return Evidence(tool, "ok", {"title": "t"}, {"incident_id": name, "status": "open"})


JOINED = session("join_incident", "joined_incident", incident_id="I1001")
MADE = Evidence("make_collector", "ok", {"session_id": "D1001"}, {"collector_id": "c"})
NOTED = Evidence(
    "report_customer_environment", "ok", {"customer_id": "user_001"}, {"facts": 2, "message": "m"}
)
DONE = {
    "session_paused": [session("pause_diagnostic_session", "paused")],
    "session_resumed": [session("resume_diagnostic_session")],
    "answer_taken_back": [session("take_back_diagnostic_answer")],
    "incident_joined": [JOINED],
    "incident_left": [JOINED, session("leave_incident")],
    "incident_opened": [incident("report_incident")],
    "collector_made": [MADE],
    "environment_taken_down": [NOTED],
}
CASES = [
    (deed, text) for deed in DONE for texts in SAID[deed].values() for text in texts
]  # fmt: skip


def withheld(text: str, *shown: Evidence, said: str = "") -> bool:
    return bool(CLAIMS.unsupported(text, shown, [said]))


def test_each_deed_is_said_in_each_language() -> None:
    for deed in DONE:
        assert set(SAID[deed]) == set(SAID["nothing"])
    assert set(DONE) <= {one.name for one in CLAIMS.declared.deeds.all}


@pytest.mark.parametrize(("deed", "text"), CASES)
def test_what_was_done_may_be_said(deed: str, text: str) -> None:
    assert not withheld(text, *DONE[deed])
    last = len(DONE[deed])
    assert (
        not withheld(text.rstrip(".。") + f" [[r{last}]].", *DONE[deed]) or deed == "incident_left"
    )


@pytest.mark.parametrize(("deed", "text"), CASES)
def test_what_was_not_done_may_not_be_said(deed: str, text: str) -> None:
    assert withheld(text)
    assert withheld(text, TICKET)
    assert withheld(text, session("get_diagnostic_session"))
    failed = [Evidence(one.tool, "error", one.arguments, one.answer) for one in DONE[deed]]
    assert withheld(text, *failed)
    waiting = [Evidence(one.tool, "pending", one.arguments, one.answer) for one in DONE[deed]]
    assert withheld(text, *waiting)
    others = [one for other, some in DONE.items() if other != deed for one in some]
    others = [one for one in others if one.answer.get("status") != "joined_incident"]
    assert withheld(text, *others)
    for mine, other in (("D1001", "D2002"), ("I1001", "I1002")):
        if mine in text:
            assert withheld(text.replace(mine, other), *DONE[deed], said=other)


@pytest.mark.parametrize(("language", "text"), NOTHING)
def test_offers_questions_denials_and_what_others_did_claim_nothing(
    language: str, text: str
) -> None:
    assert not withheld(text)
    assert not withheld(text, session("get_diagnostic_session"))


def test_a_state_is_the_latest_one() -> None:
    paused, resumed = session("pause_diagnostic_session", "paused"), DONE["session_resumed"][0]
    assert withheld("The session is paused.", paused, resumed)
    assert withheld("I have resumed the session.", resumed, paused)
    assert not withheld("The session is paused.", resumed, paused)
    assert not withheld("The diagnosis goes on now.", paused, resumed)
    assert withheld("The diagnosis goes on now.", resumed, paused)


def test_each_of_several_ids_is_compared() -> None:
    second = session("pause_diagnostic_session", "paused", name="D1002")
    both = "I have paused D1001 and D1002."
    assert not withheld(both, *DONE["session_paused"], second)
    assert withheld(both, *DONE["session_paused"], session("x", name="D1002"))
    assert withheld("For D1002, I have paused the session.", *DONE["session_paused"], said="D1002")


def test_another_claim_beside_a_deed_is_compared_too() -> None:
    shown = DONE["session_paused"]
    assert withheld("I have paused the session and cancelled your order.", *shown)
    assert withheld("I have paused the session as well as cancelled your order O1003.", *shown)
    assert withheld("I have cancelled your order [[r1]].", *shown)
    assert not withheld("I have paused the session, shall I open a ticket?", *shown)


def test_a_ticket_about_an_incident_is_a_ticket() -> None:
    assert not withheld("I have opened a ticket about the incident.", TICKET)
    assert not withheld(
        "I have opened a ticket for incident I1001.", TICKET, incident("get_incident")
    )


PAUSE = "I have paused the troubleshooting."


async def said(desk: Desk, *steps: Any, text: str) -> str:
    """What a customer is told at last, when a model has said all of its steps."""
    model = script(desk, *steps)
    told = (await events(desk, text))[-1].text
    assert not model.steps, "a step was sent that should have been withheld"
    return str(told)


async def test_what_was_done_in_an_earlier_turn_may_be_said_again(sqlite_desk: Desk) -> None:
    begun = await start(caller(sqlite_desk))
    honest = "Shall I pause it?"
    assert await said(sqlite_desk, [PAUSE], [honest], text="Please wait a bit") == honest
    call = {"session_id": begun["id"], "revision": begun["revision"]}
    paused = tool("pause_diagnostic_session", **call)
    assert await said(sqlite_desk, [paused], [PAUSE], text="Yes, pause it") == PAUSE
    again = f"I have paused session {begun['id']}."
    assert await said(sqlite_desk, [again], text="What did you do?") == again
    wrong = "I have resumed the session."
    assert await said(sqlite_desk, [wrong], [again], text="And now?") == again
