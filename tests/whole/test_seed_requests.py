"""The requests of the documented customer-service API, in order, each answered in its shape."""

import json
import re
from pathlib import Path

import httpx2
import pytest

from tests.services.server import server

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FIRST = "Hi, I need help with my order"


def is_like(shape: object, answer: object, where: str = "$") -> None:
    """Compare field by field: the same keys in the same order, and values of the same kind.

    A text in the shape that is a moment stands for any moment, another one for any text.
    """
    if isinstance(shape, dict):
        assert isinstance(answer, dict), where
        assert list(answer) == list(shape), where
        for key, value in shape.items():
            is_like(value, answer[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(answer, list), where
        for number, item in enumerate(answer):
            is_like(shape[0], item, f"{where}[{number}]")
    else:
        assert type(answer) is type(shape), where
        if isinstance(shape, str) and TIME.fullmatch(shape):
            assert TIME.fullmatch(str(answer)), where


@pytest.mark.slow
async def test_the_requests_of_the_document(tmp_path: Path) -> None:
    limits = {"ENABLE_RATE_LIMITING": "true", "RATE_LIMIT_PER_MINUTE": "12"}
    async with (
        server(tmp_path, **limits) as (url, _),  # type: ignore[arg-type]  # all are settings
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        await chat_and_sessions(client)
        await health_and_documents(client)
        await the_limit(client)


async def chat_and_sessions(client: httpx2.AsyncClient) -> None:
    message = {"session_id": "abc-123-def", "message": FIRST, "tenant_id": "default"}
    response = await client.post("/api/v1/chat", json=message)
    assert response.status_code == 200
    is_like(
        {
            "session_id": "abc-123-def",
            "message": "Assistant response text",
            "timestamp": "2026-02-19T10:30:00Z",
            "message_count": 4,
            "tenant_id": "tenant-001",
        },
        response.json(),
    )
    assert set(response.headers) >= {
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    }

    body = {"session_id": "abc-123-def", "message": "What is my account balance?"}
    response = await client.post("/api/v1/chat/stream", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    data = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    events = [json.loads(line) for line in data]
    for event in events:
        if event["type"] == "token":
            is_like({"type": "token", "content": "Hello", "session_id": "abc-123"}, event)
    is_like({"type": "done", "session_id": "abc-123", "message_count": 4}, events[-1])
    assert events[-1]["message_count"] == 4

    said = {"role": "user", "content": "Hi", "timestamp": "2026-02-19T09:00:00Z"}
    history = (await client.get("/api/v1/sessions/abc-123-def/history?tenant_id=default")).json()
    is_like(
        {
            "session_id": "abc-123-def",
            "tenant_id": "tenant-001",
            "message_count": 6,
            "created_at": "2026-02-19T09:00:00Z",
            "last_activity": "2026-02-19T10:30:00Z",
            "messages": [said],
        },
        history,
    )
    assert [message["role"] for message in history["messages"]] == ["user", "assistant"] * 2
    assert history["messages"][0]["content"] == FIRST

    response = await client.get("/api/v1/sessions/unknown/history?tenant_id=default")
    assert response.status_code == 404
    assert response.json() == {"error": "Session not found", "session_id": "unknown"}

    response = await client.get("/api/v1/sessions?tenant_id=default&limit=50&offset=0")
    session = {
        "session_id": "abc-123",
        "message_count": 6,
        "created_at": "2026-02-19T09:00:00Z",
        "last_activity": "2026-02-19T10:30:00Z",
    }
    is_like(
        {"tenant_id": "t", "total": 3, "limit": 50, "offset": 0, "sessions": [session]},
        response.json(),
    )

    response = await client.delete("/api/v1/sessions/abc-123-def?tenant_id=default")
    assert response.json() == {
        "message": "Session deleted successfully",
        "session_id": "abc-123-def",
        "messages_deleted": 4,
    }

    response = await client.post("/api/v1/chat", json={"session_id": "x"})
    assert response.status_code == 400
    is_like(
        {
            "error": "string",
            "message": "string",
            "detail": "string",
            "request_id": "string",
            "timestamp": "2026-02-19T10:30:00Z",
        },
        response.json(),
    )


async def health_and_documents(client: httpx2.AsyncClient) -> None:
    is_like(
        {"status": "healthy", "timestamp": "2026-02-19T10:30:00Z"},
        (await client.get("/health")).json(),
    )
    ready = (await client.get("/health/readiness")).json()
    assert list(ready) == ["status", "checks", "warnings"]
    assert ready["status"] == "ready"
    assert list(ready["checks"])[:4] == ["api", "mcp_server", "azure_openai", "smtp"]
    assert all(isinstance(state, str) for state in ready["checks"].values())
    assert all(isinstance(warning, str) for warning in ready["warnings"])
    is_like(
        {"status": "alive", "uptime_seconds": 3600}, (await client.get("/health/liveness")).json()
    )
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await client.get(path)).status_code == 200


async def the_limit(client: httpx2.AsyncClient) -> None:
    while (response := await client.get("/api/v1/sessions")).status_code == 200:
        assert int(response.headers["x-ratelimit-remaining"]) < 12
    assert response.status_code == 429
    body = response.json()
    is_like({"error": "e", "message": "m", "retry_after": 30}, body)
    assert body["error"] == "Rate limit exceeded"
    assert body["message"] == "Maximum 12 requests per minute per IP address"
    assert response.headers["retry-after"] == str(body["retry_after"])
    assert response.headers["x-ratelimit-limit"] == "12"
    assert (await client.get("/health")).status_code == 200
