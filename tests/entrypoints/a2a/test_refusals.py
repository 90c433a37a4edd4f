"""What is refused, in the shapes of both bindings."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from deskward.app import Desk
from deskward.security.principals import Kind

VERSION = {"A2A-Version": "1.0"}
SAID: dict[str, Any] = {"messageId": "m1", "role": "ROLE_USER", "parts": [{"text": "hello"}]}
NOBODYS = "0" * 32


async def rpc(
    client: httpx2.AsyncClient, method: str, params: Any, **headers: str
) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": "call-1", "method": method, "params": params}
    answer = await client.post("/a2a", json=body, headers=VERSION | headers)
    found: dict[str, Any] = answer.json()
    assert (found["jsonrpc"], found["id"]) == ("2.0", "call-1"), found
    return found


def reason(error: dict[str, Any]) -> str:
    (info,) = error.get("data") or error["details"]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert info["metadata"]["requestId"]
    return str(info["reason"])


def changed(**message: Any) -> dict[str, Any]:
    return {"message": SAID | message}


INVALID: list[tuple[str, dict[str, Any]]] = [
    ("INVALID_PARAMS", {}),
    ("INVALID_PARAMS", {"message": None}),
    ("INVALID_PARAMS", changed(messageId="")),
    ("INVALID_PARAMS", changed(messageId="m" * 151)),
    ("INVALID_PARAMS", changed(messageId="é")),
    ("INVALID_PARAMS", changed(role="ROLE_AGENT")),
    ("INVALID_PARAMS", changed(parts=[])),
    ("INVALID_PARAMS", changed(parts=[{"text": " "}])),
    ("INVALID_PARAMS", changed(parts=[{"text": "x" * 10_001}])),
    ("INVALID_PARAMS", changed(parts=[{"text": "a\0"}])),
    ("INVALID_PARAMS", changed(parts=[{"text": 5}])),
    ("INVALID_PARAMS", changed(parts=[{"data": {"approved": True}}])),
    ("INVALID_PARAMS", changed(contextId="a b")),
    ("INVALID_PARAMS", changed() | {"tenant": "a b"}),
    ("CONTENT_TYPE_NOT_SUPPORTED", changed(parts=[{"raw": "AAAA", "mediaType": "image/png"}])),
    ("CONTENT_TYPE_NOT_SUPPORTED", changed(parts=[{"url": "http://x/"}, {"text": "this"}])),
    ("CONTENT_TYPE_NOT_SUPPORTED", changed(parts=[{"data": {"approved": "yes"}}])),
    ("CONTENT_TYPE_NOT_SUPPORTED", changed(parts=[{"data": {"approved": True}}, {"text": "yes"}])),
    (
        "CONTENT_TYPE_NOT_SUPPORTED",
        changed() | {"configuration": {"acceptedOutputModes": ["image/png"]}},
    ),
    (
        "PUSH_NOTIFICATION_NOT_SUPPORTED",
        changed() | {"configuration": {"taskPushNotificationConfig": {"url": "http://x/"}}},
    ),
    ("TASK_NOT_FOUND", changed(taskId=NOBODYS)),
    ("TASK_NOT_FOUND", changed(taskId="x'); DROP TABLE turns;--")),
]


async def test_bad_messages(client: httpx2.AsyncClient) -> None:
    for wanted, params in INVALID:
        for method, path in (("SendMessage", "send"), ("SendStreamingMessage", "stream")):
            error = (await rpc(client, method, params))["error"]
            assert (reason(error), error["code"] < -32000) == (wanted, True), params
            answer = await client.post(f"/a2a/v1/message:{path}", json=params, headers=VERSION)
            assert reason(answer.json()["error"]) == wanted, params
            assert answer.status_code == answer.json()["error"]["code"] >= 400


CALLS: list[tuple[str, dict[str, Any], int]] = [
    ("GetTask", {"id": NOBODYS}, -32001),
    ("GetTask", {}, -32602),
    ("GetTask", {"id": NOBODYS, "historyLength": -1}, -32602),
    ("CancelTask", {"id": NOBODYS}, -32001),
    ("SubscribeToTask", {"id": NOBODYS}, -32001),
    ("ListTasks", {"pageSize": 0}, -32602),
    ("ListTasks", {"pageSize": 101}, -32602),
    ("ListTasks", {"pageToken": "???"}, -32602),
    ("ListTasks", {"status": "TASK_STATE_ODD"}, -32602),
    ("ListTasks", {"statusTimestampAfter": "yesterday"}, -32602),
    ("message/send", {}, -32601),
    ("CreateTaskPushNotificationConfig", {"taskId": NOBODYS, "url": "http://x/"}, -32003),
    ("ListTaskPushNotificationConfigs", {"taskId": NOBODYS}, -32003),
]


async def test_bad_calls(client: httpx2.AsyncClient) -> None:
    for method, params, code in CALLS:
        assert (await rpc(client, method, params))["error"]["code"] == code, (method, params)


REST: list[tuple[str, str, int, str]] = [
    ("GET", f"tasks/{NOBODYS}", 404, "TASK_NOT_FOUND"),
    ("POST", f"tasks/{NOBODYS}:cancel", 404, "TASK_NOT_FOUND"),
    ("GET", f"tasks/{NOBODYS}:subscribe", 404, "TASK_NOT_FOUND"),
    ("POST", f"tasks/{NOBODYS}:subscribe", 404, "TASK_NOT_FOUND"),
    ("POST", f"tasks/{NOBODYS}:repeat", 404, "METHOD_NOT_FOUND"),
    ("DELETE", f"tasks/{NOBODYS}", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "message:send", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "tasks?pageSize=many", 400, "INVALID_PARAMS"),
    ("POST", f"tasks/{NOBODYS}/pushNotificationConfigs", 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
    ("GET", f"tasks/{NOBODYS}/pushNotificationConfigs/1", 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
]


async def test_bad_addresses(client: httpx2.AsyncClient) -> None:
    for method, path, status, wanted in REST:
        answer = await client.request(method, f"/a2a/v1/{path}", headers=VERSION)
        error = answer.json()["error"]
        assert (answer.status_code, reason(error)) == (status, wanted), (method, path)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b'{"a": NaN}', -32700),
        (b"\xff", -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ListTasks"}]', -32600),
        (b'"ListTasks"', -32600),
        (b'{"id": 1, "method": "ListTasks"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ListTasks"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": [1]}', -32602),
    ],
)
async def test_what_is_no_request(client: httpx2.AsyncClient, body: bytes, code: int) -> None:
    headers = VERSION | {"Content-Type": "application/json"}
    answer = await client.post("/a2a", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)
    if code == -32700:
        answer = await client.post("/a2a/v1/message:send", content=body, headers=headers)
        assert (answer.status_code, reason(answer.json()["error"])) == (400, "PARSE_ERROR")


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("1.0", True), ("1.0.3", True), ("0.3", False), ("1.1", False), ("2.0", False), ("", False)],
)
async def test_another_version(client: httpx2.AsyncClient, given: str, is_taken: bool) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ListTasks"}
    answer = await client.post("/a2a", json=body, headers={"A2A-Version": given})
    assert ("result" in answer.json()) is is_taken
    if not is_taken:
        assert answer.json()["error"]["code"] == -32009
    answer = await client.get("/a2a/v1/tasks", params={"A2A-Version": given})
    assert (answer.status_code == 200) is is_taken
    answer = await client.post("/a2a", content=b"x", headers={"A2A-Version": given})
    assert answer.status_code == 415


async def test_nobody_without_a_key_and_nobody_elses_task(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    async def key(kind: Kind, who: str, tenant: str = "default") -> dict[str, str]:
        made, _ = await sqlite_desk.keys.create(tenant_id=tenant, kind=kind, subject_id=who)
        return {"Authorization": f"Bearer {made}"}

    mine, other = await key(Kind.CUSTOMER, "user_001"), await key(Kind.CUSTOMER, "user_002")
    foreign, service = await key(Kind.CUSTOMER, "user_001", "acme"), await key(Kind.SERVICE, "web")
    task = (await rpc(client, "SendMessage", {"message": SAID}, **mine))["result"]["task"]
    for method in ("GetTask", "CancelTask", "SubscribeToTask"):
        for who in (other, foreign, service):
            error = (await rpc(client, method, {"id": task["id"]}, **who))["error"]
            assert (error["code"], reason(error)) == (-32001, "TASK_NOT_FOUND")
    for who in (other, foreign, service):
        error = (await rpc(client, "SendMessage", changed(taskId=task["id"]), **who))["error"]
        assert error["code"] == -32001
        listed = (await rpc(client, "ListTasks", {"contextId": task["contextId"]}, **who))["result"]
        assert listed["tasks"] == []
    for_them = service | {"X-User-ID": "user_001"}
    assert (await rpc(client, "GetTask", {"id": task["id"]}, **for_them))["result"] == task
    error = (await rpc(client, "ListTasks", {"tenant": "acme"}, **mine))["error"]
    assert reason(error) == "FORBIDDEN"

    body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": task["id"]}}
    for bad in ({}, {"Authorization": "Bearer dw_no"}, {"Authorization": "Basic eA=="}):
        refused = await client.post("/a2a", json=body, headers=VERSION | bad)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert reason(refused.json()["error"]) == "UNAUTHENTICATED"
        refused = await client.get(f"/a2a/v1/tasks/{task['id']}", headers=VERSION | bad)
        assert refused.status_code == refused.json()["error"]["code"] == 401
        refused = await client.post("/a2a", content=b"{", headers=VERSION | bad)
        assert refused.status_code == 401  # before anything is said of what was sent


async def test_what_does_not_fit_a_task(client: httpx2.AsyncClient) -> None:
    task = (await rpc(client, "SendMessage", changed(messageId="a")))["result"]["task"]
    ended = (await rpc(client, "SendMessage", changed(messageId="b", taskId=task["id"])))["error"]
    assert reason(ended) == "UNSUPPORTED_OPERATION"
    elsewhere = changed(messageId="c", taskId=task["id"], contextId="another")
    assert reason((await rpc(client, "SendMessage", elsewhere))["error"]) == "INVALID_PARAMS"
    assert reason((await rpc(client, "CancelTask", {"id": task["id"]}))["error"]) == (
        "TASK_NOT_CANCELABLE"
    )
    other = changed(messageId="a", parts=[{"text": "something else"}])
    assert reason((await rpc(client, "SendMessage", other))["error"]) == "INVALID_PARAMS"
    assert "something else" not in json.dumps(await rpc(client, "ListTasks", {"historyLength": 9}))
