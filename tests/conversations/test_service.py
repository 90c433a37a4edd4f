"""Conversations: kept, apart, one turn at a time, and never lost."""

import asyncio
import json
import logging
import re
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.agent.model import Message, ToolRequest
from deskward.agent.models.choose import choose_model
from deskward.app import Desk, open_desk
from deskward.conversations import archive, service, store
from deskward.conversations import turns as running
from deskward.conversations.cursors import Answered
from deskward.conversations.models import messages, sessions, turns
from deskward.conversations.store import Where
from deskward.conversations.turns import MAX_ATTEMPTS
from deskward.conversations.wording import told
from deskward.core.database import now
from deskward.core.errors import InvalidInput, ModelUnavailable, SessionBusy, Unavailable
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.security.principals import Principal
from tests.agent.odd_server import ARGUMENTS, head, odd, texts_of
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, FOREIGN, OTHER, STAFF

HERE = Where("default", "customer:user_001", "s")


async def say(
    desk: Desk, text: str, principal: Principal = CUSTOMER, session: str = "s"
) -> Answered:
    reader = await desk.conversations.send(Context(principal, "agent"), session, text)
    events = [placed.event async for placed in reader]
    assert isinstance(events[-1], Answered)
    return events[-1]


async def spoken(desk: Desk, where: Where = HERE) -> list[tuple[str, str]]:
    history = await store.history(desk.database.reader, where)
    return [
        (message.role, message.text)
        for message in history
        if not message.tool_requests and message.role != "tool"
    ]


async def test_messages_are_kept_and_counted(desk: Desk) -> None:
    assert (await say(desk, "hello")).message_count == 2
    assert (await say(desk, "my balance please")).message_count == 4
    roles = [role for role, _ in await spoken(desk)]
    assert roles == ["user", "assistant", "user", "assistant"]
    row = await desk.database.reader.first(sa.select(sessions))
    assert row is not None
    assert row.message_count == 4
    assert row.last_activity > row.created_at


async def test_context_survives_a_restart(settings: Settings, offline) -> None:
    async with open_desk(settings, model=offline) as desk:
        await say(desk, "I want to change my password")
    async with open_desk(settings, model=offline) as desk:
        assert (
            await say(desk, "sunshine-and-rain-7")
        ).text == "Your password has been changed successfully."


async def test_sessions_of_others_are_other_sessions(desk: Desk) -> None:
    await say(desk, "I want to change my password")
    for principal in (OTHER, FOREIGN):
        answered = await say(desk, "sunshine-and-rain-7", principal)
        assert "has been changed" not in answered.text
        assert answered.message_count == 2
    assert len(await spoken(desk)) == 2


async def test_secrets_are_not_in_the_history(desk: Desk) -> None:
    await say(desk, "Change my password to newSecurePass123")
    await say(desk, "block my card 4242 4242 4242 4242")
    rows = await desk.database.reader.all(sa.select(messages))
    assert "newSecurePass123" not in str(rows)
    assert "4242 4242" not in str(rows)


async def test_messages_of_one_session_are_answered_one_after_the_other(desk: Desk) -> None:
    answers = await asyncio.gather(*(say(desk, f"hello {n}") for n in range(6)))
    assert sorted(answer.message_count for answer in answers) == [2, 4, 6, 8, 10, 12]
    roles = [role for role, _ in await spoken(desk)]
    assert roles == ["user", "assistant"] * 6


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001, "a\0b", "a\ud83d"])
async def test_messages_that_cannot_be_are_refused(sqlite_desk: Desk, text: str) -> None:
    with pytest.raises(InvalidInput):
        await say(sqlite_desk, text)


async def test_a_client_that_leaves_does_not_stop_the_turn(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel([0.1, "One.", 0.1, "Two."])
    reader = await sqlite_desk.conversations.send(Context(CUSTOMER, "agent"), "s", "hello")
    await reader.next()
    reader.close()
    async with asyncio.timeout(30):
        while sqlite_desk.conversations.running:
            await asyncio.sleep(0.02)
    assert (await spoken(sqlite_desk))[-1] == ("assistant", "One.Two.")


async def test_a_turn_that_its_customer_stops_is_over(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel([60.0, "Too late."])
    reader = await sqlite_desk.conversations.send(Context(CUSTOMER, "cli"), "s", "hello")
    await reader.next(0.05)
    await sqlite_desk.conversations.stop(HERE)
    with pytest.raises(Unavailable):
        await anext(reader)
    assert sqlite_desk.conversations.running == 0
    sqlite_desk.conversations.agent.model = ScriptedModel(["Hello."])
    assert (await say(sqlite_desk, "hello again")).text == "Hello."
    said = [text for _, text in await spoken(sqlite_desk)]
    assert said == ["hello", told("stopped", []), "hello again", "Hello."]


async def test_a_tool_that_has_begun_is_not_cut_off_when_its_turn_is_stopped(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, begun = sqlite_desk.gate.call, asyncio.Event()

    async def slowly(*arguments: Any, **more: Any) -> Any:
        begun.set()
        await asyncio.sleep(0.2)
        return await call(*arguments, **more)

    monkeypatch.setattr(sqlite_desk.gate, "call", slowly)
    requests = [tool("report_issue", name, description=f"broken {name}") for name in "ab"]
    sqlite_desk.conversations.agent.model = ScriptedModel(requests, ["Too late."])
    await sqlite_desk.conversations.send(Context(CUSTOMER, "cli"), "s", "report that it is broken")
    await begun.wait()
    await sqlite_desk.conversations.stop(HERE)
    history = await store.history(sqlite_desk.database.reader, HERE)
    made, not_made = (message for message in history if message.role == "tool")
    assert (made.tool_request_id, json.loads(made.text)["status"]) == ("a", "open")
    assert (not_made.tool_request_id, json.loads(not_made.text)["success"]) == ("b", False)
    assert history[-1].text == told("stopped", [])


async def test_a_turn_that_fails_is_reported(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel([RuntimeError("a bug")])
    with pytest.raises(Exception, match="Something went wrong"):
        await say(sqlite_desk, "hello")
    assert (await spoken(sqlite_desk))[-1] == ("assistant", told("apology", []))
    sqlite_desk.conversations.agent.model = ScriptedModel(["Hello."])
    assert (await say(sqlite_desk, "hello")).text == "Hello."


async def lose(desk: Desk, *said: Message, attempts: int = 1) -> store.Turn:
    """Leave a turn as a killed process would: begun, with these messages, and its lease over."""
    async with desk.database.transaction() as transaction:
        turn = await store.begin_turn(
            transaction, HERE, CUSTOMER, [Message("user", "What's my balance?")]
        )
        for message in said:
            await store.add_message(transaction, turn, message)
        await transaction.execute(
            sa.update(turns).values(lease_until=now() - timedelta(seconds=1), attempts=attempts)
        )
    return turn


async def until_ended(desk: Desk, turn: store.Turn) -> str:
    for _ in range(200):
        row = await desk.database.reader.first(
            sa.select(turns.c.status).where(turns.c.id == turn.id)
        )
        assert row is not None
        if row.status != "running":
            return str(row.status)
        await asyncio.sleep(0.05)
    raise AssertionError("the turn did not end")


async def test_a_lost_turn_is_finished_after_a_restart(settings: Settings, offline) -> None:
    async with open_desk(settings, model=offline) as desk:
        turn = await lose(desk)
    async with open_desk(settings, model=offline) as desk:
        assert await until_ended(desk, turn) == "done"
        assert (await spoken(desk))[-1][1] == "Your current account balance is $5,420.50."


async def test_a_lost_turn_does_nothing_twice(settings: Settings, offline) -> None:
    """The ticket was opened, and the process died before the answer was recorded."""
    request = tool("report_issue", "call", description="broken")
    async with open_desk(settings, model=offline) as desk:
        turn = await lose(
            desk,
            Message("assistant", "", (request,), state={"called": ["report_issue"], "slots": {}}),
        )
        done = await desk.gate.call(
            "report_issue",
            request.arguments,
            Context(CUSTOMER.with_agent("assistant"), "agent"),
            idempotency_key=DeskKey("turn", f"{turn.id}:1:0"),
        )
    async with open_desk(settings, model=offline) as desk:
        assert await until_ended(desk, turn) == "done"
        assert done.value["ticket_id"] in (await spoken(desk))[-1][1]
        tickets = await desk.gate.call("list_tickets", {}, Context(CUSTOMER, "rest"))
        assert tickets.value["total"] == 1 + 7  # of the demo desk


async def test_a_change_whose_secret_is_lost_is_not_done_twice_nor_wrongly(
    settings: Settings, offline
) -> None:
    request = tool("change_password", "call", new_password="[[password:1]]")
    said = Message("assistant", "", (request,), state={"called": ["change_password"], "slots": {}})
    async with open_desk(settings, model=offline) as desk:
        turn = await lose(desk, said)
    async with open_desk(settings, model=offline) as desk:
        assert await until_ended(desk, turn) == "done"
        assert "type it again" in (await spoken(desk))[-1][1]


async def test_a_turn_that_is_lost_too_often_is_reported(settings: Settings, offline) -> None:
    async with open_desk(settings, model=offline) as desk:
        turn = await lose(desk, attempts=MAX_ATTEMPTS)
    async with open_desk(settings, model=offline) as desk:
        assert await until_ended(desk, turn) == "failed"
        assert (await spoken(desk))[-1] == ("assistant", told("apology", []))


async def test_a_new_message_finishes_the_lost_turn_first(desk: Desk, monkeypatch) -> None:
    await lose(desk)
    assert (await say(desk, "hello")).message_count == 4
    assert "$5,420.50" in (await spoken(desk))[1][1]


async def test_another_processes_turn_is_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_FOR_SESSION", 0.3)
    async with desk.database.transaction() as transaction:
        await store.begin_turn(transaction, HERE, CUSTOMER, [Message("user", "hello")])
    with pytest.raises(SessionBusy):
        await say(desk, "hello again")


async def test_running_turns_are_kept_alive(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LEASE", timedelta(seconds=1))
    async with open_desk(sqlite_desk.settings, model=ScriptedModel([2.5, "Late."])) as desk:
        monkeypatch.setattr(running, "RENEW_EVERY", 0.05)
        async with desk.conversations.keep():
            assert (await say(desk, "hello")).text == "Late."
            assert len(desk.conversations.agent.model.requests) == 1  # type: ignore[attr-defined]  # it is scripted


async def test_a_turn_that_runs_here_is_not_lost_however_late_its_signs_of_life_are(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LEASE", timedelta(0))  # as if storing one took as long
    monkeypatch.setattr(running, "RENEW_EVERY", 0.05)
    async with open_desk(sqlite_settings, model=ScriptedModel([1.0, "Late."])) as desk:
        assert (await say(desk, "hello")).text == "Late."
        assert len(desk.conversations.agent.model.requests) == 1  # type: ignore[attr-defined]  # it is scripted


async def test_a_process_that_lost_its_turn_writes_nothing_more(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LEASE", timedelta(seconds=0.3))
    monkeypatch.setattr(running, "RENEW_EVERY", 60.0)  # as if the process stood still
    slow = ScriptedModel([4.0, "From the first."])
    quick = ScriptedModel(["From the second."], ["I am."])
    async with open_desk(settings, model=slow) as first, open_desk(settings, model=quick) as second:
        late = await first.conversations.send(Context(CUSTOMER, "agent"), "s", "hello")
        await asyncio.sleep(0.5)
        assert (await say(second, "still there?")).text == "I am."
        with pytest.raises(Unavailable):
            [placed async for placed in late]
        said = await spoken(second)
    assert [text for _, text in said] == ["hello", "From the second.", "still there?", "I am."]


async def test_a_process_that_finishes_a_lost_turn_keeps_its_own_alive(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LEASE", timedelta(seconds=1.5))
    monkeypatch.setattr(running, "RENEW_EVERY", 0.1)
    slow = ScriptedModel([4.0, "Here I am."], [4.0, "Late."])
    async with open_desk(settings, model=slow) as first:
        lost = await lose(first)
        async with asyncio.timeout(30):
            while not slow.requests:
                await asyncio.sleep(0.01)
        other = ScriptedModel(["Twice."], ["Twice."])
        async with open_desk(settings, model=other):
            assert (await say(first, "hello", session="live")).text == "Late."
            assert await until_ended(first, lost) == "done"
        assert other.requests == []
    assert len(slow.requests) == 2


async def test_a_turn_whose_end_cannot_be_stored_is_left_to_its_lease(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deskward.core.connections.LOCK_WAIT", 0.1)
    monkeypatch.setattr(store, "LEASE", timedelta(seconds=0.3))
    sqlite_desk.conversations.agent.model = ScriptedModel([0.1, "First."], ["Second."])
    reader = await sqlite_desk.conversations.send(Context(CUSTOMER, "agent"), "s", "hello")
    file = sqlite3.connect(
        str(sqlite_desk.settings.database_location.database), isolation_level=None
    )
    file.execute("BEGIN IMMEDIATE")
    try:
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                [placed async for placed in reader]
    finally:
        file.close()
    # The session is not blocked, and the turn is answered before its next message.
    sqlite_desk.conversations.agent.model.steps.append(["And now."])
    assert (await say(sqlite_desk, "and now?")).text == "And now."
    assert [text for _, text in await spoken(sqlite_desk)] == [
        *("hello", "Second.", "and now?", "And now.")
    ]


async def test_what_is_said_after_an_approval_is_a_line_of_its_own(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.conversations.agent.model = ScriptedModel(
        ["One moment, please."], ["Here it is."], ["You are welcome."]
    )
    await say(desk, "please do it")
    request = ToolRequest("approved-1", "get_account_balance", {})
    said = [Message("assistant", "", (request,)), Message("tool", "{}", (), "approved-1")]
    await desk.conversations.follow_up(Context(CUSTOMER, "agent"), "s", said, key="approval:1")
    await say(desk, "thank you")
    lines = await archive.spoken(desk.database.reader, HERE)
    assert [(line.role, line.content) for line in lines] == [
        ("user", "please do it"),
        ("assistant", "One moment, please."),
        ("assistant", "Here it is."),
        ("user", "thank you"),
        ("assistant", "You are welcome."),
    ]


async def test_no_character_of_a_models_stops_a_turn(desk: Desk) -> None:
    """NUL, which PostgreSQL refuses, and halves of characters, which no encoding has."""
    wire = texts_of("openai", "It is \0 \ud83d", "\ude00 and \ud800. ")
    arguments = ARGUMENTS["openai"](json.dumps({"order_id": "O1003\0\udc00"}))
    async with odd([head(), arguments], [head(), wire]) as server:
        model = choose_model(
            Settings.alone(model=f"{server.address}/v1#test"), lambda: ScriptedModel()
        )
        desk.conversations.agent.model = model
        answered = await say(desk, "hello")
        await model.close()
    assert answered.text == "It is  \U0001f600 and \ufffd. "


async def test_messages_that_no_model_answers_are_one_ticket(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.conversations.agent.model = ScriptedModel(*[[ModelUnavailable("away")]] * 4)
    first = await say(desk, "my card is gone")
    assert first.text.endswith("A person will take over. The ticket is T1001.")
    for text in ("hello?", "are you there?"):
        answered = await say(desk, text)
        assert answered.text.endswith("A person will take over. It was added to ticket T1001.")
    assert "T1001" in (await say(desk, "in another window", session="s2")).text
    context = Context(STAFF, "rest")
    listed = await desk.gate.call("list_tickets", {"customer_id": "user_001"}, context)
    (ticket,) = [t for t in listed.value["tickets"] if t["subject"].startswith("Handover")]
    assert [line for line in ticket["note"].split("\n\n") if line != "No model could answer."] == [
        "my card is gone",
        "hello?",
        "are you there?",
        "in another window",
    ]


async def test_a_turn_is_in_the_log_without_what_was_said(
    sqlite_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "deskward.conversations")
    await say(sqlite_desk, "what is my balance?")
    await say(sqlite_desk, "thanks")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "message received: 19 characters"
    answered = r"answered in \d+ ms: model offline, tools {}, \d+ characters"
    assert re.fullmatch(answered.format("get_account_balance ok"), lines[1])
    assert re.fullmatch(answered.format("none"), lines[3])
    assert not re.search("balance\\?|5,420|user_001", " ".join(lines))
