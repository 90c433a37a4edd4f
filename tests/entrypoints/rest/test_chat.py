"""Chat over HTTP, in the documented shapes."""

import json

import httpx2
import pytest

from deskward.agent.events import Done
from deskward.app import Desk
from deskward.entrypoints.rest.events import event_data
from deskward.security.principals import Kind
from tests.agent.scripted import ScriptedModel, tool


async def send(client: httpx2.AsyncClient, message: str, **more: object) -> httpx2.Response:
    body = {"session_id": "s1", "message": message, **more}
    headers = body.pop("headers", {})
    return await client.post("/api/v1/chat", json=body, headers=headers)  # type: ignore[arg-type]  # taken out of a dict of anything


async def stream(client: httpx2.AsyncClient, message: str, session: str = "s1") -> list[dict]:
    body = {"session_id": session, "message": message}
    response = await client.post("/api/v1/chat/stream", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = response.text.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") for block in blocks)
    return [json.loads(block.splitlines()[0][6:]) for block in blocks]


async def test_an_answer_has_the_documented_shape(client) -> None:
    response = await send(client, "What's my account balance?")
    body = response.json()
    assert list(body) == ["session_id", "message", "timestamp", "message_count", "tenant_id"]
    assert body["session_id"] == "s1"
    assert body["message"] == "Your current account balance is $5,420.50."
    assert (body["message_count"], body["tenant_id"]) == (2, "default")
    assert response.headers["x-deskward-model"] == "offline"
    assert (await send(client, "hello")).json()["message_count"] == 4


async def test_a_stream_has_the_documented_events(client) -> None:
    events = await stream(client, "What's my account balance?")
    assert [event["type"] for event in events[:2]] == ["tool_call", "tool_result"]
    tokens = [event for event in events if event["type"] == "token"]
    assert all(list(token) == ["type", "content", "session_id"] for token in tokens)
    assert "".join(t["content"] for t in tokens) == "Your current account balance is $5,420.50."
    assert events[-1] == {"type": "done", "message_count": 2, "session_id": "s1"}


async def test_a_handover_is_in_the_stream(client) -> None:
    events = await stream(client, "What is the capital of Mongolia?")
    (handover,) = [event for event in events if event["type"] == "handover"]
    assert handover == {"type": "handover", "ticket_id": "T1001", "session_id": "s1"}


async def test_an_approval_is_in_the_stream(client, sqlite_desk: Desk) -> None:
    request = tool("update_address", user_id="user_001", new_address="1 New Road, Boston")
    sqlite_desk.conversations.agent.model = ScriptedModel([request], ["It waits."])
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True
    )
    client.headers["Authorization"] = f"Bearer {key}"
    events = await stream(client, "change it")
    (approval,) = [event for event in events if event["type"] == "approval"]
    assert set(approval) == {"type", "id", "tool", "approval_id", "label", "session_id"}


async def test_the_tenant_is_chosen_in_open_mode_and_the_keys_otherwise(
    client, sqlite_desk: Desk
) -> None:
    response = await send(client, "What's my account balance?", tenant_id="acme")
    assert response.json()["message"] == "Your current account balance is €77.00."
    assert response.json()["tenant_id"] == "acme"
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001", new=True
    )
    headers = {"Authorization": f"Bearer {key}"}
    response = await send(client, "hello", tenant_id="acme", headers=headers)
    assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")
    assert (await send(client, "hello", tenant_id="default", headers=headers)).status_code == 200
    assert (await send(client, "hello")).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/chat", "/api/v1/chat/stream"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"session_id": "s"}',
        b'{"session_id": "", "message": "x"}',
        b'{"session_id": "s", "message": ""}',
        b'{"session_id": "s", "message": "   "}',
        b'{"session_id": "s", "message": 5}',
        b'{"session_id": "s s", "message": "x"}',
        b'{"session_id": "s\\u0000", "message": "x"}',
        b'{"session_id": "' + b"s" * 129 + b'", "message": "x"}',
        b'{"session_id": "s", "message": "' + b"x" * 10_001 + b'"}',
        b'{"session_id": "s", "message": "x", "more": 1}',
        b'{"session_id": "s", "message": "x", "tenant_id": "a b"}',
    ],
)
async def test_bad_requests_are_refused_before_anything_is_streamed(
    client, path: str, body: bytes
) -> None:
    response = await client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()) == {"error", "message", "detail", "request_id", "timestamp"}
    assert response.json()["error"] == "INVALID_INPUT"


async def test_chat_takes_json_only(client) -> None:
    for headers in ({"Content-Type": "text/plain"}, {}):
        response = await client.post(
            "/api/v1/chat", content=b'{"session_id":"s","message":"x"}', headers=headers
        )
        assert (response.status_code, response.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_turn_that_breaks_in_the_middle_says_so(client, sqlite_desk: Desk) -> None:
    sqlite_desk.conversations.agent.model = ScriptedModel(["Half. ", RuntimeError("a bug")])
    events = await stream(client, "hello")
    assert [event["type"] for event in events] == ["token", "error"]
    assert events[-1]["error"] == "INTERNAL_ERROR"
    assert "a bug" not in json.dumps(events)


async def test_what_is_no_event_for_display_is_a_bug() -> None:
    with pytest.raises(TypeError):
        event_data(Done("", "", 0), "s1")
