"""Somebody who writes of harming themselves gets words and a person, whatever model answers."""

import pytest

from deskward.agent.comfort import words_of_comfort
from deskward.agent.events import HandedOver, ToolCalled
from deskward.app import Desk
from deskward.core.desk_settings import Agent
from deskward.gate.context import Context
from tests.agent.scripted import ScriptedModel
from tests.agent.talk import Talk
from tests.conftest import STAFF


async def test_a_person_at_once_and_no_model(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = model = ScriptedModel()
    reader = await sqlite_desk.conversations.send(
        Context(Talk(sqlite_desk).principal, "agent"), "s", "I lost everything. I want to die."
    )
    events = [placed.event async for placed in reader]
    assert "112" in events[-1].text  # type: ignore[union-attr]  # the answer
    assert "You are not alone" in events[-1].text  # type: ignore[union-attr]  # the answer
    assert model.requests == []
    (ticket,) = [event.reference for event in events if isinstance(event, HandedOver)]
    found = await sqlite_desk.gate.call("get_ticket", {"ticket_id": ticket}, Context(STAFF, "cli"))
    assert found.value["priority"] == "urgent"
    assert "I want to die" in str(found.value)


@pytest.mark.parametrize("text", ["Ich will nicht mehr leben", "block my card or I kill myself"])
async def test_the_offline_model_is_not_asked_either(talk: Talk, text: str) -> None:
    said = await talk.say(text)
    called = [event.name for event in talk.events if isinstance(event, ToolCalled)]
    assert called == ["hand_over"]
    assert "112" in said
    assert ("Sie sind nicht allein" in said) is text.startswith("Ich")


def test_the_number_is_the_tenants() -> None:
    lines = Agent(crisis_line="116 123, shop = 988").crisis_lines
    assert lines == {"": "116 123", "shop": "988"}
    assert "call 988." in words_of_comfort(["I want to die"], "shop", lines)
    assert "call 116 123." in words_of_comfort(["I want to die"], "default", lines)
    assert "rufen sie 116 123" in words_of_comfort(["ich will sterben"], "x", lines).lower()
