"""Reading a turn again: after a cut, by key, in another process; and what leaving it does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from deskward.agent.events import Text
from deskward.app import Desk, open_desk
from deskward.conversations import service
from deskward.conversations.archive import spoken
from deskward.conversations.cursors import Answered, Placed, Replaced
from deskward.conversations.live import Reader, Running
from deskward.conversations.store import Turn, Where
from deskward.core.database import now
from deskward.core.errors import IdempotencyConflict, SessionBusy, SessionNotFound, Unavailable
from deskward.core.settings import Settings
from deskward.entrypoints.rest.events import server_sent
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, OTHER

HERE = Where("default", "customer:user_001", "s")
CONTEXT = Context(CUSTOMER, "agent")
ANSWER = "Your current account balance is $5,420.50."


async def send(desk: Desk, text: str = "my balance please", key: str | None = None) -> Reader:
    return await desk.conversations.send(CONTEXT, "s", text, key=key)


async def read(reader: AsyncIterator[Placed]) -> tuple[str, Answered]:
    """The text of all tokens, and the end."""
    events = [placed.event async for placed in reader]
    assert isinstance(events[-1], Answered)
    pieces: list[str] = []
    for event in events:
        if isinstance(event, Replaced):
            pieces = [event.text]
        elif isinstance(event, Text):
            pieces.append(event.text)
    return "".join(pieces), events[-1]


@pytest.fixture
async def quick(sqlite_settings: Settings, offline) -> AsyncIterator[Desk]:
    """A desk whose turns pause soon after they are left."""
    settings = sqlite_settings.changed(stream_grace=0.05)
    async with open_desk(settings, model=offline) as desk:
        yield desk


async def test_every_place_can_be_gone_on_from(desk: Desk) -> None:
    whole = [placed async for placed in await send(desk)]
    for cut, placed in enumerate(whole[:-1]):
        before = "".join(p.event.text for p in whole[: cut + 1] if isinstance(p.event, Text))
        rest, end = await read(await desk.conversations.resume(CONTEXT, "s", placed.end))
        assert before + rest == ANSWER
        assert (end.text, end.message_count, end.model) == (ANSWER, 2, "offline")


async def test_what_is_there_already_goes_out_at_once_and_the_end_by_itself(desk: Desk) -> None:
    whole = [placed async for placed in await send(desk)]
    turn = whole[0].end.turn_id
    running = Running(Turn(turn, HERE, CUSTOMER, "done", 1, now(), None))
    running.fill(whole[:-1])
    assert isinstance(whole[-1].event, Answered)
    running.finish(whole[-1].event)
    reader = Reader(running, None, lambda _: None)
    assert reader.ready() == whole[0]
    sent = [part async for part in server_sent(reader, "s", "r", 1)]
    assert len(sent) == 2
    assert sent[0].count(b'"type":"token"') >= 2
    assert b'"type":"done"' in sent[1]


async def test_a_turn_of_another_is_not_found(desk: Desk) -> None:
    first = await (await send(desk)).next()
    assert first is not None
    for context, session in ((Context(OTHER, "agent"), "s"), (CONTEXT, "other")):
        with pytest.raises(SessionNotFound):
            await desk.conversations.resume(context, session, first.end)


async def test_two_read_one_running_turn(quick: Desk) -> None:
    quick.conversations.agent.model = ScriptedModel([0.05, "One. ", 0.1, "Two."])
    reader = await send(quick)
    first = await reader.next()
    assert first is not None
    second = await quick.conversations.resume(CONTEXT, "s", first.end)
    assert (await read(reader))[0] == "Two."
    assert (await read(second))[0] == "Two."


async def test_a_turn_that_is_left_pauses_and_goes_on_when_it_is_read_again(quick: Desk) -> None:
    model = ScriptedModel(["One. ", 60.0, "never"], ["One. ", "Two."])
    quick.conversations.agent.model = model
    reader = await send(quick)
    first = await reader.next()
    assert first is not None
    reader.close()
    await paused(quick)
    assert len(model.requests) == 1
    text, end = await read(await quick.conversations.resume(CONTEXT, "s", first.end))
    assert (text, end.text) == ("Two.", "One. Two.")


async def paused(desk: Desk) -> None:
    """Wait until no turn runs any more."""
    async with asyncio.timeout(30):
        while desk.conversations.running:
            await asyncio.sleep(0.02)


@contextmanager
def slowly(desk: Desk, name: str, seconds: float) -> Iterator[None]:
    """Have a tool take its time."""
    slow = desk.gate.tools[name]
    function = slow.function

    async def slowed(*args: object, **kwargs: object) -> object:
        await asyncio.sleep(seconds)
        return await function(*args, **kwargs)

    object.__setattr__(slow, "function", slowed)
    try:
        yield
    finally:
        object.__setattr__(slow, "function", function)


async def test_who_comes_back_during_a_tool_call_reads_to_the_end(quick: Desk) -> None:
    quick.conversations.agent.model = ScriptedModel(
        [tool("get_account_balance")], ["Here you are."]
    )
    with slowly(quick, "get_account_balance", 0.5):
        reader = await send(quick)
        first = await reader.next()
        assert first is not None
        reader.close()
        await asyncio.sleep(0.3)  # it is to pause now, once the call has ended
        text, end = await read(await quick.conversations.resume(CONTEXT, "s", first.end))
    assert (text, end.text) == ("Here you are.", "Here you are.")


async def test_a_tool_call_is_not_cut_off(quick: Desk) -> None:
    model = ScriptedModel(
        [tool("create_ticket", customer_id="user_001", subject="x", body="y")], ["Opened."]
    )
    quick.conversations.agent.model = model
    with slowly(quick, "create_ticket", 0.3):
        reader = await send(quick)
        await reader.next()
        reader.close()
        await paused(quick)
    assert len(model.requests) == 1
    reader = await send(quick, "and now?")  # the paused turn is ended first
    model.steps.append(["Now."])
    assert (await read(reader))[0] == "Now."
    said = [item.content for item in await spoken(quick.database.reader, HERE)]
    assert said == ["my balance please", "Opened.", "and now?", "Now."]
    found = await quick.gate.call("list_tickets", {}, Context(CUSTOMER, "rest"))
    assert found.value["total"] == 1 + 7  # of the demo desk


async def test_a_paused_turn_is_gone_on_with_after_a_restart(
    sqlite_settings: Settings, offline
) -> None:
    settings = sqlite_settings.changed(stream_grace=0.0)
    async with open_desk(settings, model=ScriptedModel(["Wait. ", 60.0])) as desk:
        reader = await send(desk)
        first = await reader.next()
        assert first is not None
        reader.close()
        await paused(desk)
    async with open_desk(settings, model=offline) as desk:
        assert (await read(await desk.conversations.resume(CONTEXT, "s", first.end)))[1].text == (
            ANSWER
        )


async def test_the_same_key_gives_the_first_answer(desk: Desk) -> None:
    first = await read(await send(desk, "my balance please", "k1"))
    again = await read(await send(desk, "my balance please", "k1"))
    assert first == again
    with pytest.raises(IdempotencyConflict):
        await send(desk, "something else", "k1")
    assert (await read(await send(desk, "my balance please", "k2")))[1].message_count == 4


async def test_a_key_used_twice_at_once_is_one_turn(desk: Desk) -> None:
    readers = await asyncio.gather(*(send(desk, key="k") for _ in range(8)))
    ends = [(await read(reader))[1] for reader in readers]
    assert {end.message_count for end in ends} == {2}


async def test_messages_are_answered_in_their_order(quick: Desk) -> None:
    steps: list[list[str | float]] = [["answer ", 0.01, str(number)] for number in range(10)]
    model = ScriptedModel(*steps)
    quick.conversations.agent.model = model
    sent = [asyncio.create_task(send(quick, f"message {number}")) for number in range(10)]
    for number, task in enumerate(sent):
        text, end = await read(await task)
        assert (text, end.message_count) == (f"answer {number}", 2 * number + 2)


async def delete(desk: Desk) -> Outcome:
    context = Context(CUSTOMER, "rest")
    return await desk.gate.act("delete_session", {"session_id": HERE.session_id}, context)


async def test_a_session_is_deleted(quick: Desk) -> None:
    assert (await read(await send(quick)))[1].message_count == 2
    assert (await delete(quick)).value == {"messages": 2}
    assert await spoken(quick.database.reader, HERE) == []
    assert isinstance((await delete(quick)).error, SessionNotFound)


async def test_a_session_that_is_answered_cannot_be_deleted(
    quick: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_FOR_SESSION", 0.1)
    quick.conversations.agent.model = ScriptedModel([0.5, "Late."])
    reader = await send(quick)
    with pytest.raises(SessionBusy):
        async with quick.conversations.alone(HERE):
            raise AssertionError
    assert isinstance((await delete(quick)).error, SessionBusy)
    assert (await read(reader))[0] == "Late."


async def test_a_stopping_process_tells_its_readers_and_leaves_the_turn(
    sqlite_settings: Settings, offline
) -> None:
    async with open_desk(sqlite_settings, model=ScriptedModel(["Wait. ", 5.0])) as desk:
        reader = await send(desk)
        first = await reader.next()
        assert first is not None
        await desk.conversations.drain(0.1)
        with pytest.raises(Unavailable, match="Last-Event-ID"):
            await reader.next()
        with pytest.raises(Unavailable):
            await desk.conversations.send(CONTEXT, "other", "hello")
    async with open_desk(sqlite_settings, model=offline) as desk:
        resumed = await desk.conversations.resume(CONTEXT, "s", first.end)
        replaced = await resumed.next()
        assert replaced is not None
        assert replaced.event == Replaced("")
        assert (await read(resumed))[0] == ANSWER


async def test_draining_waits_for_turns_that_end(quick: Desk) -> None:
    quick.conversations.agent.model = ScriptedModel(["One. ", 0.1, "Two."])
    reader = await send(quick)
    await quick.conversations.drain(5)
    assert (await read(reader))[0] == "One. Two."
