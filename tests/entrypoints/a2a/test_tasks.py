"""Tasks, by the official client and both bindings: their life, questions, approvals, lists."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from a2a.client.client import Client
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    SendMessageConfiguration,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import TaskNotCancelableError, UnsupportedOperationError
from google.protobuf.json_format import MessageToDict

from deskward.app import Desk, open_desk
from deskward.conversations.models import turns
from deskward.core.settings import Settings
from deskward.gate.approval_tools import approve_call
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, recorded
from tests.entrypoints.a2a.peers import BINDINGS, connected, message, state, streamed, text, whole

CARD = tool("deactivate_card", card="4242")
COMPLETED, ASKING = "TASK_STATE_COMPLETED", "TASK_STATE_INPUT_REQUIRED"
BALANCE = "Your current account balance is $5,420.50."


async def cards(desk: Desk) -> list[str]:
    made = await desk.gate.call("get_account_details", {}, Context(CUSTOMER, "cli"))
    return [card["status"] for card in made.value["cards"]]


async def asked(client: Client, desk: Desk, *steps: Any) -> Task:
    """A task that asks for a yes."""
    desk.conversations.agent.model = ScriptedModel([CARD], *steps)
    events = await streamed(client, message("block my card for good"))
    assert [state(events[0]), state(events[-1])] == ["TASK_STATE_WORKING", ASKING]
    return await client.get_task(GetTaskRequest(id=events[0].task.id))


def name(task: Task) -> str:
    return TaskState.Name(task.status.state)


def said(task: Task) -> str:
    return "".join(part.text for one in task.artifacts for part in one.parts)


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_message_is_a_task(sqlite_desk: Desk, binding: str) -> None:
    async with connected(binding, desk=sqlite_desk) as client:
        request = message("What's my account balance?", context_id="c1", message_id="1")
        events = await streamed(client, request)
        assert [state(events[0]), state(events[-1])] == ["TASK_STATE_WORKING", COMPLETED]
        assert text(events) == BALANCE
        begun = events[0].task
        assert (begun.context_id, begun.history[0].message_id) == ("c1", "1")
        task = await client.get_task(GetTaskRequest(id=begun.id))
        assert (name(task), said(task), len(task.history)) == (COMPLETED, BALANCE, 1)
        bare = await client.get_task(GetTaskRequest(id=begun.id, history_length=0))
        assert not bare.history
        again = await streamed(client, request)  # which does nothing twice
        assert (again[0].task.id, text(again)) == (begun.id, "")
    calls = [row for row in await recorded(sqlite_desk) if row["kind"] == "call"]
    assert len(calls) == 1


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_question_is_answered_with_its_task(sqlite_desk: Desk, binding: str) -> None:
    async with connected(binding, desk=sqlite_desk) as client:
        task = await asked(client, sqlite_desk, ["Your card is deactivated."])
        question, about = task.status.message.parts
        assert question.text.startswith("Shall I deactivate your card for good")
        data = MessageToDict(about.data)
        assert data["tool"] == "deactivate_card"
        assert "4242" not in str(data["arguments"])
        assert not task.artifacts
        assert await cards(sqlite_desk) == ["active", "active"]
        yes = {"approved": True, "confirmationId": data["confirmationId"]}
        events = await streamed(client, message(data=yes, task_id=task.id))
        assert (state(events[-1]), text(events)) == (COMPLETED, "Your card is deactivated.")
        assert await cards(sqlite_desk) == ["deactivated", "active"]
        task = await client.get_task(GetTaskRequest(id=task.id))
        assert [one.parts[0].text[:9] for one in task.history] == ["block my ", "Shall I d", "Yes."]
        with pytest.raises(UnsupportedOperationError):
            await streamed(client, message(data=yes, task_id=task.id))


@pytest.mark.parametrize("no", [{"data": {"approved": False}}, {}])
async def test_anything_but_yes_does_nothing(sqlite_desk: Desk, no: dict[str, Any]) -> None:
    async with connected("JSONRPC", desk=sqlite_desk) as client:
        task = await asked(client, sqlite_desk, ["All right."])
        says = () if no else ("no, leave it",)
        events = await streamed(client, message(*says, task_id=task.id, **no))
        assert (state(events[-1]), text(events)) == (COMPLETED, "All right.")
        assert await cards(sqlite_desk) == ["active", "active"]


async def test_a_yes_in_words_counts_as_in_every_chat(sqlite_desk: Desk) -> None:
    async with connected("HTTP+JSON", desk=sqlite_desk) as client:
        task = await asked(client, sqlite_desk, ["Done."])
        events = await streamed(client, message("yes", task_id=task.id))
        assert state(events[-1]) == COMPLETED
        assert await cards(sqlite_desk) == ["deactivated", "active"]


@pytest.mark.parametrize("binding", BINDINGS)
async def test_a_question_is_called_off(sqlite_desk: Desk, binding: str) -> None:
    async with connected(binding, desk=sqlite_desk) as client:
        task = await asked(client, sqlite_desk, ["Hello."])
        for _ in range(2):  # twice is as once
            off = await client.cancel_task(CancelTaskRequest(id=task.id))
            assert name(off) == "TASK_STATE_CANCELED"
        with pytest.raises(UnsupportedOperationError):
            await streamed(client, message("yes", task_id=task.id))
        events = await streamed(client, message("yes", context_id=task.context_id))
        assert state(events[-1]) == COMPLETED
        assert await cards(sqlite_desk) == ["active", "active"]


async def test_what_was_passed_over_is_canceled(sqlite_desk: Desk) -> None:
    async with connected("JSONRPC", desk=sqlite_desk) as client:
        task = await asked(client, sqlite_desk, ["Hello."])
        await streamed(client, message("hello", context_id=task.context_id))
        task = await client.get_task(GetTaskRequest(id=task.id))
        assert name(task) == "TASK_STATE_CANCELED"
        with pytest.raises(UnsupportedOperationError):
            await anext(client.subscribe(SubscribeToTaskRequest(id=task.id)))


async def test_what_a_colleague_approves_is_told_in_the_task(sqlite_desk: Desk) -> None:
    request = tool("update_address", user_id="user_001", new_address="1 New Road, Boston")
    sqlite_desk.conversations.agent.model = ScriptedModel([request], ["It waits."], ["It is done."])
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True
    )
    async with connected("JSONRPC", desk=sqlite_desk, key=key) as client:
        events = await streamed(client, message("change it"))
        assert state(events[-1]) == "TASK_STATE_AUTH_REQUIRED"
        task = await client.get_task(GetTaskRequest(id=events[0].task.id))
        about = MessageToDict(task.status.message.parts[1].data)
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(CancelTaskRequest(id=task.id))
        lead = Principal(Kind.STAFF, "lena", "default", ("support-3",))
        arguments = {"approval_id": about["approvalId"]}
        done = await sqlite_desk.gate.call(approve_call.__name__, arguments, Context(lead, "cli"))
        assert done.status == "ok", done.value
        async with asyncio.timeout(30):
            while not await sqlite_desk.jobs.idle(about["approvalId"]):
                await asyncio.sleep(0.05)
        task = await client.get_task(GetTaskRequest(id=task.id))
        assert (name(task), said(task)) == (COMPLETED, "It waits.It is done.")
        whole_list = await client.list_tasks(ListTasksRequest(include_artifacts=True))
        assert [said(one) for one in whole_list.tasks] == ["It waits.It is done."]


async def test_a_turn_that_breaks_is_a_failed_task(sqlite_desk: Desk) -> None:
    async with connected("JSONRPC", desk=sqlite_desk) as client:
        sqlite_desk.conversations.agent.model = ScriptedModel(["Half. ", RuntimeError("a bug")])
        events = await streamed(client, message("hello"))
        assert state(events[-1]) == "TASK_STATE_FAILED"
        assert "a bug" not in str(events)
        assert "could not finish" in events[-1].status_update.status.message.parts[0].text


@pytest.mark.parametrize("binding", BINDINGS)
async def test_tasks_are_listed_by_page_state_and_context(sqlite_desk: Desk, binding: str) -> None:
    async with connected(binding, desk=sqlite_desk) as client:
        task = await asked(client, sqlite_desk, ["Hello."], ["Hello."], ["Hello."], ["All right."])
        for context in ("c1", "c2", "c1"):
            await streamed(client, message("hello", context_id=context))
        whole = await client.list_tasks(ListTasksRequest())
        assert (whole.total_size, whole.next_page_token, len(whole.tasks)) == (4, "", 4)
        assert whole.tasks[-1].id == task.id
        assert not any(one.artifacts or one.history for one in whole.tasks)
        moments = [one.status.timestamp.ToDatetime() for one in whole.tasks]
        assert moments == sorted(moments, reverse=True)
        first = await client.list_tasks(ListTasksRequest(page_size=3, include_artifacts=True))
        assert [said(one) for one in first.tasks] == ["Hello."] * 3
        rest = await client.list_tasks(
            ListTasksRequest(page_size=3, page_token=first.next_page_token)
        )
        assert ([one.id for one in rest.tasks], rest.next_page_token) == ([task.id], "")
        in_one = await client.list_tasks(ListTasksRequest(context_id="c1"))
        assert in_one.total_size == 2
        asking = ListTasksRequest(status=TaskState.TASK_STATE_INPUT_REQUIRED)
        assert [one.id for one in (await client.list_tasks(asking)).tasks] == [task.id]
        await streamed(client, message("no", task_id=task.id))
        assert not (await client.list_tasks(asking)).tasks
        latest = await client.list_tasks(ListTasksRequest(page_size=1))
        assert latest.tasks[0].id == task.id  # what was changed last comes first


async def test_who_does_not_wait_asks_again(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel([0.3, "Hello."])
    async with connected("JSONRPC", desk=sqlite_desk) as client:
        request = message("hello")
        request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
        sent = await whole(client, request)
        assert name(sent.task) == "TASK_STATE_WORKING"
        with pytest.raises(UnsupportedOperationError):  # a second message to the same task
            await streamed(client, message("and?", task_id=sent.task.id))
        followed = [
            event async for event in client.subscribe(SubscribeToTaskRequest(id=sent.task.id))
        ]
        assert (text(followed), state(followed[-1])) == ("Hello.", COMPLETED)


async def test_a_running_task_is_called_off(sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel(["Half. ", 30.0])
    async with connected("HTTP+JSON", desk=sqlite_desk) as client:
        request = message("hello")
        request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
        sent = await whole(client, request)
        off = await client.cancel_task(CancelTaskRequest(id=sent.task.id))
        assert name(off) == "TASK_STATE_CANCELED"
        assert "stopped" in off.status.message.parts[0].text
        with pytest.raises(UnsupportedOperationError):
            await streamed(client, message("go on", task_id=sent.task.id))
        sqlite_desk.conversations.agent.model = ScriptedModel(["Hello."])
        events = await streamed(client, message("hello", context_id=off.context_id))
        assert text(events) == "Hello."


async def test_a_task_that_nobody_follows_rests_until_it_is_asked_for(
    sqlite_settings: Settings,
) -> None:
    model = ScriptedModel([0.5, "Hello."], *[["Hello."]] * 100)
    settings = sqlite_settings.changed(stream_grace=0.05)
    async with open_desk(settings, model=model) as desk, connected("JSONRPC", desk=desk) as client:
        request = message("hello")
        request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
        task = (await whole(client, request)).task
        for _ in range(200):
            row = await desk.database.reader.first(sa.select(turns.c.status))
            if row is not None and row.status == "paused":
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("it did not rest")
        assert name(await client.get_task(GetTaskRequest(id=task.id))) == "TASK_STATE_WORKING"
        for _ in range(200):
            task = await client.get_task(GetTaskRequest(id=task.id))
            if name(task) == COMPLETED:
                break
            await asyncio.sleep(0.01)
        assert said(task) == "Hello."


async def test_a_task_that_rests_is_called_off(sqlite_settings: Settings) -> None:
    model = ScriptedModel([30.0])
    settings = sqlite_settings.changed(stream_grace=0.0)
    async with open_desk(settings, model=model) as desk, connected("JSONRPC", desk=desk) as client:
        request = message("hello")
        request.configuration.CopyFrom(SendMessageConfiguration(return_immediately=True))
        task = (await whole(client, request)).task
        while desk.conversations.running:
            await asyncio.sleep(0.01)
        task = await client.cancel_task(CancelTaskRequest(id=task.id))
        assert name(task) == "TASK_STATE_CANCELED"
        ended = [row["status"] for row in await recorded(desk) if row["kind"] == "turn"]
        assert ended == ["begun", "paused", "failed"]
