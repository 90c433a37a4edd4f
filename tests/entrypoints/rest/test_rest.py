"""REST: each tool at its address, each error in the documented shape."""

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from deskward.app import Desk
from deskward.core.rate_limit import RateLimiter
from deskward.entrypoints.guard import Guard
from deskward.entrypoints.log_paths import LogPaths
from deskward.entrypoints.sizes import LARGEST, USUAL
from deskward.security.principals import Kind
from tests.conftest import settings_in
from tests.everything import GROUPS

ERROR_KEYS = {"error", "message", "detail", "request_id", "timestamp"}
TOOLS = [tool for group in GROUPS for tool in group.tools]
JSON = {"Content-Type": "application/json"}


def check_error(response: httpx2.Response, status: int, code: str) -> dict:
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == ERROR_KEYS
    assert body["error"] == code
    assert body["request_id"] == response.headers["x-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert "Traceback" not in response.text
    return body


async def test_tools_are_at_their_addresses(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/accounts/user_001/balance")).json()["balance"]["amount"] == 542050
    assert (await client.get("/accounts/user_001/transactions?limit=1")).json()["transactions"]
    assert (await client.get("/accounts/user_001")).json()["name"] == "Alex Morgan"
    assert (await client.get("/customers/user_001")).json()["tier"] == "standard"
    assert (await client.get("/faq/search?q=opening hours")).json()["articles"]
    password = {"new_password": "newSecurePass123"}
    assert (await client.put("/accounts/user_001/password", json=password)).status_code == 200
    address = {"new_address": "1 New Road, Boston"}
    assert (await client.put("/accounts/user_001/address", json=address)).json()["address"]
    card = await client.post("/accounts/user_001/cards/deactivate", json={"card": "4242"})
    assert card.json()["card"]["status"] == "deactivated"
    issue = await client.post("/accounts/user_001/issues", json={"description": "broken"})
    assert issue.json()["ticket_id"] == "T1001"
    ticket = {"customer_id": "user_001", "subject": "A", "body": "B"}
    assert (await client.post("/tickets", json=ticket)).json()["ticket_id"] == "T1002"
    assert (await client.get("/tickets/T1002")).json()["subject"] == "A"
    assert (await client.get("/tickets")).json()["total"] == 2 + 7  # of the demo desk
    reason = {"customer_id": "user_001", "reason": "help"}
    assert (await client.post("/tickets/handover", json=reason)).json()["ticket_id"] == "T1003"


async def test_a_customers_own_id_may_be_left_out_of_the_body(client: httpx2.AsyncClient) -> None:
    created = await client.post("/tickets", json={"subject": "A", "body": "B"})
    assert created.json()["ticket_id"] == "T1001"


async def test_in_open_mode_the_header_names_the_customer(client: httpx2.AsyncClient) -> None:
    response = await client.get("/accounts/user_002/balance", headers={"X-User-ID": "user_002"})
    assert response.json()["balance"]["formatted"] == "$1,280.75"
    response = await client.get("/accounts/user_002/balance")
    check_error(response, 403, "FORBIDDEN")
    response = await client.get("/accounts/user_002/balance", headers={"X-User-ID": "nobody"})
    check_error(response, 401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"
    response = await client.get("/accounts/user_002/balance", headers={"X-User-ID": "a b"})
    check_error(response, 400, "INVALID_INPUT")


async def test_an_idempotency_key_repeats_the_answer(client: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"subject": "A", "body": "B"}
    first = await client.post("/tickets", json=body, headers=headers)
    again = await client.post("/tickets", json=body, headers=headers)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = await client.post("/tickets", json={**body, "body": "C"}, headers=headers)
    check_error(other, 409, "IDEMPOTENCY_CONFLICT")


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "code"),
    [
        ("POST", "/tickets", b"{", JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b"[1]", JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b'"x"', JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b'{"subject": NaN}', JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b'{"subject": "\xff"}', JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b"", JSON, 400, "INVALID_INPUT"),
        (
            "POST",
            "/tickets",
            b'{"subject":"a","body":"b"}',
            {"Content-Type": "text/plain"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        ("POST", "/tickets", b'{"subject":"a","body":"b"}', {}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/tickets?subject=a", b"{}", JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b'{"subject":"a","body":"b","x":1}', JSON, 400, "INVALID_INPUT"),
        ("POST", "/tickets", b'{"subject":1,"body":"b"}', JSON, 400, "INVALID_INPUT"),
        (
            "POST",
            "/tickets",
            b'{"subject":"a","body":"b","customer_id":"user_002"}',
            JSON,
            403,
            "FORBIDDEN",
        ),
        (
            "PUT",
            "/accounts/user_001/address",
            b'{"user_id":"user_002","new_address":"1 Road"}',
            JSON,
            400,
            "INVALID_INPUT",
        ),
        ("GET", "/tickets/T9999", b"", {}, 404, "TICKET_NOT_FOUND"),
        ("GET", "/tickets/9999", b"", {}, 400, "INVALID_INPUT"),
        ("GET", "/tickets?limit=0", b"", {}, 400, "INVALID_INPUT"),
        ("GET", "/tickets?limit=1&limit=2", b"", {}, 400, "INVALID_INPUT"),
        ("GET", "/tickets?nope=1", b"", {}, 400, "INVALID_INPUT"),
        ("GET", "/faq/search", b"", {}, 400, "INVALID_INPUT"),
        ("DELETE", "/tickets", b"", {}, 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/api/v1/chat", b"", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/no/such/place", b"", {}, 404, "ADDRESS_NOT_FOUND"),
        ("GET", "/accounts/user_001/balance//", b"", {}, 404, "ADDRESS_NOT_FOUND"),
        ("GET", "/tickets", b"", {"Host": "evil.example"}, 403, "FORBIDDEN"),
        ("GET", "/tickets", b"", {"Origin": "http://evil.example"}, 403, "FORBIDDEN"),
        ("GET", "/tickets", b"", {"Origin": "null"}, 403, "FORBIDDEN"),
        ("GET", "/tickets", b"", {"Origin": "http://["}, 403, "FORBIDDEN"),
        ("GET", "/tickets", b"", {"Authorization": "Basic eDp5"}, 401, "UNAUTHENTICATED"),
        ("GET", "/tickets", b"", {"Authorization": "Bearer dw_00000000_x"}, 401, "UNAUTHENTICATED"),
    ],
)
async def test_bad_requests_have_their_documented_answer(
    client: httpx2.AsyncClient, method, path, content, headers, status: int, code: str
) -> None:
    response = await client.request(method, path, content=content, headers=headers)
    check_error(response, status, code)
    if status == 405:
        assert response.headers["allow"]


async def test_what_is_served_to_this_machine_is_served(client: httpx2.AsyncClient) -> None:
    for host in ("localhost:9080", "127.0.0.1", "[::1]:9080"):
        response = await client.get(
            "/health", headers={"Host": host, "Origin": "http://localhost:3000"}
        )
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "most"), [("/tickets", USUAL), ("/api/v1/chat", USUAL), ("/mcp", LARGEST)]
)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused(
    client: httpx2.AsyncClient, path: str, most: int, declared: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(most // 65536 + 1):
            yield b" " * 65536

    content = b" " * (most + 1) if declared else chunks()
    check_error(await client.post(path, content=content, headers=JSON), 413, "TOO_LARGE")
    text = {"subject": "A", "body": "x" * 10_000}
    assert (await client.post("/tickets", json=text)).status_code == 200


async def test_a_request_id_is_kept_or_made(client: httpx2.AsyncClient) -> None:
    response = await client.get("/health", headers={"X-Request-ID": "abc-123"})
    assert response.headers["x-request-id"] == "abc-123"
    response = await client.get("/health", headers={"X-Request-ID": "a b\x7f" + "x" * 100})
    assert len(response.headers["x-request-id"]) == 32


async def test_our_own_faults_are_not_shown(client, sqlite_desk: Desk, monkeypatch, caplog) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(sqlite_desk.gate), "call", broken)
    body = check_error(await client.get("/tickets"), 500, "INTERNAL_ERROR")
    assert "secret" not in json.dumps(body)
    assert "secret detail" in caplog.text


async def test_a_half_sent_body_is_no_request(tmp_path: Path) -> None:
    sent = []

    async def receive() -> dict[str, object]:
        return parts.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    parts: list[dict[str, object]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost")],
    }

    async def never(*_: object) -> None:
        raise AssertionError

    app = Guard(never, settings_in(tmp_path), RateLimiter(), LogPaths([], []), {})
    await app(scope, receive, send)  # type: ignore[arg-type]  # the messages are plain dicts
    assert sent[0]["status"] == 400
    assert USUAL == 1024 * 1024


# ---- API keys --------------------------------------------------------------------------------


async def key_for(desk: Desk, kind: Kind, subject: str, tenant: str = "default") -> dict[str, str]:
    key, _ = await desk.keys.create(tenant_id=tenant, kind=kind, subject_id=subject, new=True)
    return {"Authorization": f"Bearer {key}"}


async def test_with_keys_the_key_says_who_calls(client, sqlite_desk: Desk) -> None:
    customer = await key_for(sqlite_desk, Kind.CUSTOMER, "user_002")
    check_error(await client.get("/tickets"), 401, "UNAUTHENTICATED")
    balance = await client.get("/accounts/user_002/balance", headers=customer)
    assert balance.json()["balance"]["formatted"] == "$1,280.75"
    by_other_header = {"X-API-Key": customer["Authorization"].split()[1]}
    assert (await client.get("/tickets", headers=by_other_header)).status_code == 200
    as_other = customer | {"X-User-ID": "user_001"}
    check_error(await client.get("/accounts/user_001/balance", headers=as_other), 403, "FORBIDDEN")
    foreign = await key_for(sqlite_desk, Kind.CUSTOMER, "user_001", "acme")
    balance = await client.get("/accounts/user_001/balance", headers=foreign)
    assert balance.json()["balance"]["currency"] == "EUR"


async def test_staff_name_the_customer_and_may_have_to_wait(client, sqlite_desk: Desk) -> None:
    staff = await key_for(sqlite_desk, Kind.STAFF, "anna")
    assert (await client.get("/accounts/user_002/balance", headers=staff)).status_code == 200
    response = await client.post("/tickets", json={"subject": "A", "body": "B"}, headers=staff)
    check_error(response, 400, "INVALID_INPUT")
    address = {"new_address": "1 New Road, Boston"}
    response = await client.put("/accounts/user_002/address", json=address, headers=staff)
    assert response.status_code == 202
    assert response.json()["status"] == "pending_approval"
    response = await client.patch(
        "/tickets/T1001", json={"update": {"status": "open"}}, headers=staff
    )
    check_error(response, 404, "TICKET_NOT_FOUND")


async def test_a_service_speaks_for_customers_of_its_tenant(client, sqlite_desk: Desk) -> None:
    service = await key_for(sqlite_desk, Kind.SERVICE, "website")
    speaking = service | {"X-User-ID": "user_002"}
    assert (await client.get("/accounts/user_002/balance", headers=speaking)).status_code == 200
    check_error(await client.get("/accounts/user_001/balance", headers=speaking), 403, "FORBIDDEN")
    unknown = service | {"X-User-ID": "user_999"}
    check_error(await client.get("/tickets", headers=unknown), 401, "UNAUTHENTICATED")


# ---- Documentation ---------------------------------------------------------------------------


async def test_head_is_get_without_the_body(client) -> None:
    for path in ("/health", "/tickets", "/api/v1/sessions", "/docs"):
        # What is compressed is as long as chance has it (`bodies.py`).
        plain = {"Accept-Encoding": "identity"}
        got = await client.get(path, headers=plain)
        head = await client.head(path, headers=plain)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_a_session_is_found_under_every_id_that_it_can_have(client) -> None:
    session = "a/b?c#d%20/history"
    body = {"session_id": session, "message": "Hello"}
    assert (await client.post("/api/v1/chat", json=body)).status_code == 200
    address = f"/api/v1/sessions/{quote(session, safe='')}"
    assert (await client.get(f"{address}/history")).json()["session_id"] == session
    assert (await client.delete(address)).json()["messages_deleted"] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/chat", {"session_id": "s", "message": "hello"}),
        ("/api/reset", {"user_id": "user_001"}),
        ("/accounts/user_001/issues", {"description": "broken"}),
    ],
)
async def test_a_database_that_fails_is_unavailable_at_every_door(
    client: httpx2.AsyncClient,
    sqlite_desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict,
) -> None:
    monkeypatch.setattr("deskward.core.connections.LOCK_WAIT", 0.1)
    await client.post("/api/v1/chat", json={"session_id": "user_001-1", "message": "hello"})
    file = sqlite3.connect(
        str(sqlite_desk.settings.database_location.database),
        isolation_level=None,
        check_same_thread=False,
    )
    # In a thread: what the desk is just writing needs the loop to end.
    await asyncio.to_thread(file.execute, "BEGIN IMMEDIATE")
    try:
        response = await client.post(path, json=body)
    finally:
        file.close()
    check_error(response, 503, "UNAVAILABLE")
    assert response.headers["retry-after"]


async def test_no_customers_id_is_logged(client, sqlite_desk: Desk, caplog) -> None:
    caplog.set_level(logging.INFO, "api.http")
    routes = [path for tool in sqlite_desk.gate.tools.values() for _, path in tool.addresses]
    document = (await client.get("/openapi.json")).json()
    about = {
        path for path in [*routes, *document["paths"]] if re.search("{(user|customer)_id}", path)
    }
    assert len(about) > 5
    for path in about:
        address = re.sub(r"{(user|customer)_id}", "user_001", path)
        for method in ("GET", "HEAD", "PUT", "POST"):
            await client.request(method, address)
            await client.request(method, f"{address}/")
            await client.request(method, address, headers={"Host": "evil.example"})
    assert "user_001" not in caplog.text
    assert "/accounts/{user_id}" in caplog.text
