"""The official clients of A2A, Python's and JavaScript's, against a whole server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client.errors import A2AClientError
from a2a.types import GetTaskRequest, SubscribeToTaskRequest, TaskState
from a2a.utils.errors import TaskNotFoundError, UnsupportedOperationError

from tests.entrypoints.a2a.peers import BINDINGS, connected, message, state, streamed, text
from tests.entrypoints.mcp.peers import run
from tests.services.npm import installed
from tests.services.server import new_key, server

CLIENT = ("@a2a-js/sdk", "1.3.0")
HERE = Path(__file__).parent
BALANCE = "Your current account balance is $5,420.50."
CARD = "Block my Visa card for good"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm-peers"), pytest.mark.timeout(300)]


def said(message_id: str, *parts: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"message": {"messageId": message_id, "role": "ROLE_USER", "parts": parts, **more}}


async def test_javascripts_client_holds_a_conversation(tmp_path: Path) -> None:
    """It has checked the card's signature before."""
    async with server(tmp_path / "data") as (url, _pid):
        key = await new_key(tmp_path / "data", "customer", "user_001")
        shown: dict[str, list[Any]] = {}
        for binding in BINDINGS:
            no = {"data": {"approved": False}}
            does = [
                ["sendMessageStream", said(f"a {binding}", {"text": "What's my account balance?"})],
                ["sendMessageStream", said(f"b {binding}", {"text": CARD}, contextId="CONTEXT")],
                ["getTask", {"id": "TASK"}],
                ["sendMessage", said(f"c {binding}", no, taskId="TASK")],
                ["cancelTask", {"id": "TASK"}],
                ["sendMessage", said(f"d {binding}", {"text": "hello"}, taskId="TASK")],
                ["getTask", {"id": "0" * 32}],
            ]
            todo = {"url": url, "headers": {"Authorization": f"Bearer {key}"}, "binding": binding}
            folder = str(installed(*CLIENT))
            script = str(HERE / "client.mjs")
            given = json.dumps(todo | {"does": does})
            code, out = await run("node", script, folder, given, home=tmp_path)
            assert code == 0, out
            shown[binding] = json.loads(out.splitlines()[-1])
    for binding, answers in shown.items():
        told, asked, task, done, *refused = answers
        pieces = [one["artifactUpdate"]["artifact"]["parts"][0]["text"] for one in told[1:-1]]
        assert "".join(pieces) == BALANCE
        assert told[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
        question = asked[-1]["statusUpdate"]["status"]
        assert (question["state"], task["status"]) == ("TASK_STATE_INPUT_REQUIRED", question)
        assert done["status"]["state"] == "TASK_STATE_COMPLETED"
        way = {"JSONRPC": "JsonRpc", "HTTP+JSON": "Rest"}[binding]
        assert [one["thrown"] for one in refused] == [
            f"{way}TaskNotCancelableError",
            f"{way}UnsupportedOperationError",
            f"{way}TaskNotFoundError",
        ]


async def test_two_customers_at_once_and_a_stream_that_is_cut(tmp_path: Path) -> None:
    async with server(tmp_path / "data", log=tmp_path / "log") as (url, _pid):
        keys = [
            await new_key(tmp_path / "data", "customer", who) for who in ("user_001", "user_002")
        ]
        async with (
            connected("JSONRPC", url=url, key=keys[0]) as one,
            connected("HTTP+JSON", url=url, key=keys[1]) as two,
        ):
            first, second, third = await asyncio.gather(
                streamed(one, message("What's my account balance?", context_id="same")),
                streamed(two, message("What's my account balance?", context_id="same")),
                streamed(one, message("What's my account balance?", context_id="same")),
            )
            assert text(first) == text(third) == BALANCE
            assert text(second).startswith("Your current account balance is")
            assert text(second) != BALANCE
            assert len({events[0].task.id for events in (first, second, third)}) == 3
            with pytest.raises(TaskNotFoundError):
                await two.get_task(GetTaskRequest(id=first[0].task.id))
            with pytest.raises(TaskNotFoundError):
                await anext(two.subscribe(SubscribeToTaskRequest(id=first[0].task.id)))

            stream = one.send_message(message(CARD))
            begun = (await anext(stream)).task
            await stream.aclose()  # type: ignore[attr-defined, unused-ignore]  # without the package all is Any
            task = begun
            for _ in range(100):
                task = await one.get_task(GetTaskRequest(id=begun.id))
                if task.status.state != TaskState.TASK_STATE_WORKING:
                    break
                await asyncio.sleep(0.2)
            assert TaskState.Name(task.status.state) == "TASK_STATE_INPUT_REQUIRED"

            followed = one.subscribe(SubscribeToTaskRequest(id=begun.id))
            assert state(await anext(followed)) == "TASK_STATE_INPUT_REQUIRED"
            await streamed(one, message("no", task_id=begun.id))
            rest = [event async for event in followed]
            assert state(rest[-1]) == "TASK_STATE_COMPLETED"  # and it ends with the task
            with pytest.raises(UnsupportedOperationError):
                await streamed(one, message("yes", task_id=begun.id))
        with pytest.raises(A2AClientError, match="401"):
            async with connected("JSONRPC", url=url) as nobody:
                await streamed(nobody, message("hello"))
        async with httpx.AsyncClient() as plain:
            version = {"A2A-Version": "1.0", "X-API-Key": keys[0]}
            bad = await plain.post(f"{url}/a2a/v1/message:send", content=b"{", headers=version)
            assert bad.status_code == 415
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")
