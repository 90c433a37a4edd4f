"""Tasks as they are read from the turns of conversations, on both databases."""

from __future__ import annotations

from deskward.app import Desk
from deskward.conversations.store import Where
from deskward.conversations.tasks import Tasks, key_of
from deskward.gate.context import Context
from deskward.security.principals import Principal
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, FOREIGN, OTHER


async def test_tasks_are_read_from_turns(desk: Desk) -> None:
    card = tool("deactivate_card", card="4242")
    model = ScriptedModel(["Hello."], [card], ["All right."], ["Hello."])
    desk.conversations.agent.model = model
    tasks = Tasks(desk.database.reader, lambda: desk.conversations.agent.handover_tools)

    async def say(text: str, key: str | None, session: str = "s") -> str:
        context = Context(CUSTOMER, "agent")
        reader = await desk.conversations.send(context, session, text, key=key)
        _ = [placed async for placed in reader]
        return reader.turn_id

    async def ids(who: Principal = CUSTOMER, session: str | None = None) -> list[str]:
        return [one for one, _ in await tasks.ids(who.tenant, who.label, session)]

    first = await say("hello", key_of("1"))
    second = await say("block my card for good", key_of("2"))
    found = await tasks.find("default", CUSTOMER.label, second)
    assert found is not None
    assert (found.state, found.where) == ("asking", Where("default", CUSTOMER.label, "s"))
    assert await ids() == [second, first]
    await say("no", key_of("3", second))
    await say("hello", None)  # by another door: no task
    assert await ids(session="s") == [second, first]
    assert await ids(session="t") == []
    named = await tasks.named("default", CUSTOMER.label, [first, second, "0" * 32])
    assert [(one.id, one.state, len(one.turns)) for one in named] == [
        (first, "done", 1),
        (second, "done", 2),
    ]
    assert [turn.message_id for turn in named[1].turns] == ["2", "3"]
    for who in (OTHER, FOREIGN):
        assert await ids(who) == []
        assert await tasks.find(who.tenant, who.label, first) is None


async def test_a_task_of_another_process_is_stopped(desk: Desk) -> None:
    """Whoever answers it there writes nothing more."""
    desk.conversations.agent.model = ScriptedModel(["Half. ", 30.0])
    context = Context(CUSTOMER, "agent")
    reader = await desk.conversations.send(context, "s", "hello", key=key_of("1"))
    turns = desk.conversations._turns
    there = turns.running.pop(reader.turn_id)  # as if it were answered elsewhere
    await desk.conversations.stop(Where("default", CUSTOMER.label, "s"), reader.turn_id)
    tasks = Tasks(desk.database.reader, dict)
    found = await tasks.find("default", CUSTOMER.label, reader.turn_id)
    assert found is not None
    assert found.state == "stopped"
    turns.running[reader.turn_id] = there
