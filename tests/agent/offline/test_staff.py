"""What members of staff and services are told who talk with the offline model."""

import pytest

from deskward.agent.events import ToolAnswered
from deskward.app import Desk
from deskward.conversations.cursors import Answered
from deskward.gate.context import Context
from deskward.security.principals import Principal
from tests.agent.scripted import ScriptedModel
from tests.agent.talk import Talk
from tests.conftest import SERVICE, STAFF
from tests.everything import shipped_skills

UNKNOWN = [
    "What is the capital of Mongolia?",
    "I want to speak to a person",
    "Ich möchte mit einem Menschen sprechen",
    "Please write a poem about teapots.",
    "zxqv grmbl",
]
SENTENCES = [
    *UNKNOWN,
    *(skill.examples[0] for skill in shipped_skills().skills.values() if skill.examples),
    "change my address to 77 Zinnia Avenue, Dover, DE 19901",
    "block my card 4242",
]


@pytest.mark.parametrize("principal", [STAFF, SERVICE], ids=["staff", "service"])
async def test_nobody_is_told_what_a_schema_lacks(sqlite_desk: Desk, principal: Principal) -> None:
    """Of which customer, staff have to say: what the model cannot name it does not call."""
    for number, sentence in enumerate(SENTENCES):
        talk = Talk(sqlite_desk, principal, f"s{number}")
        text = await talk.say(sentence)
        assert "required" not in text.casefold(), (sentence, text)
        answers = [event.answer for event in talk.events if isinstance(event, ToolAnswered)]
        assert "INVALID_INPUT" not in str(answers), (sentence, answers)


@pytest.mark.parametrize("sentence", UNKNOWN)
async def test_who_cannot_be_handed_over_is_told_what_helps(
    sqlite_desk: Desk, sentence: str
) -> None:
    talk = Talk(sqlite_desk, STAFF)
    text = await talk.say(sentence)
    assert "what I can do" in text or "was ich kann" in text, text
    assert talk.tools == []


async def test_no_person_is_called_for_nobody_when_a_model_is_away(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel([""])
    reader = await sqlite_desk.conversations.send(Context(STAFF, "agent"), "s", "hello")
    events = [placed.event async for placed in reader]
    assert not [event for event in events if isinstance(event, ToolAnswered)]
    assert isinstance(events[-1], Answered)
    assert events[-1].text == "I am sorry, I cannot answer at the moment."


async def test_staff_are_asked_of_whom_and_told(sqlite_desk: Desk) -> None:
    talk = Talk(sqlite_desk, STAFF)
    assert await talk.say("show me the recent transactions") == "Of whom? Please tell me the id."
    assert talk.tools == []
    assert "recent transactions" in await talk.say("user_001")
    assert talk.statuses == ["ok"]
