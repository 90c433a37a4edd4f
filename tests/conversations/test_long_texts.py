"""A text that cannot be looked at in time counts as a hostile one: a person answers it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deskward.agent import loop, turn
from deskward.agent.events import HandedOver, ToolCalled
from deskward.agent.offline import step as offline_step
from deskward.agent.turn import UNREAD
from deskward.app import Desk
from deskward.conversations import asking, store
from deskward.core import aside
from deskward.gate.context import Context
from deskward.text import risk
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, STAFF
from tests.conversations.test_asking import HERE, events

LONG = "My password is Blue-Horse-77 and please show me my balance. " * 20


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What looks at texts for ever, until the test is over."""
    over = threading.Event()
    monkeypatch.setattr(aside, "LIMIT", 0.1)

    def look(*_: Any, **__: Any) -> Any:
        over.wait(60)

    yield look
    over.set()
    aside._thread.submit(int).result()  # the next test finds the thread at rest


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (asking, "mask"),
        (loop, "tells_of_self_harm"),
        (loop, "addresses_known"),
        (offline_step.Step, "run"),
    ],
)
async def test_a_person_gets_what_cannot_be_read(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch, slow: Any, where: Any, name: str
) -> None:
    monkeypatch.setattr(where, name, slow)
    told = await events(sqlite_desk, LONG)
    assert [e.name for e in told if isinstance(e, ToolCalled)] == ["hand_over"]
    assert [e for e in told if isinstance(e, HandedOver)]
    history = await store.history(sqlite_desk.database.reader, HERE)
    assert "Blue-Horse-77" not in str(history)
    assert (history[0].text == UNREAD) is (name == "mask")


async def test_no_model_gets_an_answer_that_cannot_be_masked(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch, slow: Any
) -> None:
    arguments = {"customer_id": "user_001", "subject": "s", "body": LONG}
    made = await sqlite_desk.gate.call("create_ticket", arguments, Context(STAFF, "cli"))
    monkeypatch.setattr(turn, "masked", slow)
    key = made.value["ticket_id"]
    model = ScriptedModel((tool("get_ticket", ticket_id=key),), ("Hello.",))
    sqlite_desk.conversations.agent.model = model
    await events(sqlite_desk, "How is my ticket?")
    given = str(model.requests[-1].messages)
    assert "could not be read in time" in given
    assert "Blue-Horse-77" not in given


async def test_a_ticket_that_cannot_be_read_shows_all_risks(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch, slow: Any
) -> None:
    calm = await risk.risks_in_time("s", "How long does a transfer take? " * 20, limit=30)
    monkeypatch.setattr(risk, "injected", slow)
    found = await risk.risks_in_time("s", "How long does a transfer take? " * 20)
    assert calm == []
    assert {"anger", "legal", "security", "vulnerable", "person", "injection"} == set(found)
    call = Context(CUSTOMER, "cli")
    arguments = {"customer_id": "user_001", "subject": "s", "body": LONG}
    made = await sqlite_desk.gate.call("create_ticket", arguments, call)
    read = {"ticket_id": made.value["ticket_id"]}
    outcome = await sqlite_desk.gate.call("summarize_ticket", read, Context(STAFF, "cli"))
    assert outcome.error is not None
    assert outcome.error.code == "TIME_LIMIT_EXCEEDED"
