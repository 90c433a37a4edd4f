"""What belongs to somebody else is answered as what is not there: nobody learns that it exists."""

import json
from typing import Any

import httpx2
import pytest

from deskward.app import Desk
from deskward.security.principals import Kind
from tests.entrypoints.rest.test_rest import key_for

MINE, THEIRS = {"X-User-ID": "user_001"}, {"X-User-ID": "user_002"}
ORDER = {
    "lines": [{"sku": "A1", "description": "x", "quantity": 1, "unit_price": "5.00"}],
    "currency": "USD",
    "shipping_address": "1 Main Street, Springfield",
}
COMPLAINT = {"subject": "Late", "description": "My parcel came late.", "category": "delivery"}


async def same(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    theirs: str,
    none: str,
    *,
    as_: dict[str, str] = MINE,
    body: Any = None,
) -> int:
    """See that two ids are answered alike; gives the status."""
    answers = []
    body = body if body is not None else BODIES.get(path)
    for key in (theirs, none):
        sent = json.loads(json.dumps(body).replace("{}", key))
        response = await client.request(method, path.format(key), headers=as_, json=sent)
        told = {k: v for k, v in response.json().items() if k not in ("request_id", "timestamp")}
        headers = {k for k in response.headers if k != "content-length"}
        answers.append((response.status_code, str(told).replace(key, "ID"), headers))
    assert answers[0] == answers[1]
    return answers[0][0]


BODIES = {
    "/tickets/{}": {"update": {"status": "open"}},
    "/orders/{}/status": {"status": "confirmed"},
    "/orders/{}/refunds": {"amount": "1.00", "reason": "late"},
    "/complaints/{}": {"update": {"status": "open"}},
    "/complaints/{}/resolve": {"resolution": "done"},
}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/tickets/{}"), ("PATCH", "/tickets/{}"), ("POST", "/tickets/{}/actions/summarize")],
)
async def test_tickets(client: httpx2.AsyncClient, method: str, path: str) -> None:
    made = await client.post("/tickets", json={"subject": "a", "body": "b"}, headers=THEIRS)
    await same(client, method, path, made.json()["ticket_id"], "T9876")
    assert (await client.get("/tickets/T9876", headers=MINE)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/orders/{}"), ("PATCH", "/orders/{}/status"), ("POST", "/orders/{}/refunds")],
)
async def test_orders(client: httpx2.AsyncClient, method: str, path: str) -> None:
    made = await client.post("/orders", json=ORDER, headers=THEIRS)
    assert made.status_code < 300, made.text
    await same(client, method, path, made.json()["order_id"], "O9876")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/complaints/{}"), ("PATCH", "/complaints/{}"), ("POST", "/complaints/{}/resolve")],
)
async def test_complaints(client: httpx2.AsyncClient, method: str, path: str) -> None:
    made = await client.post("/complaints", json=COMPLAINT, headers=THEIRS)
    assert made.status_code < 300, made.text
    await same(client, method, path, made.json()["complaint_id"], "C9876")


@pytest.mark.parametrize("path", ["/api/v1/sessions/{}/history"])
async def test_sessions(client: httpx2.AsyncClient, path: str) -> None:
    said = {"session_id": "theirs", "message": "hello"}
    assert (await client.post("/api/v1/chat", json=said, headers=THEIRS)).status_code == 200
    assert await same(client, "GET", path, "theirs", "nobody") == 404
    assert await same(client, "DELETE", "/api/v1/sessions/{}", "theirs", "nobody") == 404


MAIL = {"to": "alice@example.com", "subject": "s", "body": "b"}
NONE = "0" * 32


async def test_emails(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    anna, ben = [await key_for(sqlite_desk, Kind.STAFF, name) for name in ("anna", "ben")]
    made = await client.post("/email/send-text", json=MAIL, headers=anna)
    assert made.status_code < 300, made.text
    key = made.json()["email_id"]
    assert (await client.get(f"/email/{key}", headers=anna)).status_code == 200
    assert await same(client, "GET", "/email/{}", key, NONE, as_=ben) == 404


async def test_files(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    anna, ben = [await key_for(sqlite_desk, Kind.STAFF, name) for name in ("anna", "ben")]
    given = {"file": ("a.txt", b"hello", "text/plain")}
    made = await client.post("/api/v1/files", files=given, headers=anna)
    assert made.status_code < 300, made.text
    key = made.json()["file_id"]
    attach = "/email/send-with-attachments"
    for place in (attach, "/files/{}"):
        method = "POST" if attach in place else "DELETE"
        body = {**MAIL, "to": [MAIL["to"]], "attachments": ["{}"]} if method == "POST" else None
        assert await same(client, method, place, key, NONE, as_=ben, body=body) == 404
    assert (await client.delete(f"/files/{key}", headers=anna)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/approvals/{}"),
        ("POST", "/approvals/{}/approve"),
        ("POST", "/approvals/{}/deny"),
    ],
)
async def test_approvals(
    client: httpx2.AsyncClient, sqlite_desk: Desk, method: str, path: str
) -> None:
    anna = await key_for(sqlite_desk, Kind.STAFF, "anna")
    address = {"new_address": "1 New Road, Boston"}
    made = await client.put("/accounts/user_002/address", json=address, headers=anna)
    assert made.status_code == 202, made.text
    key = made.json()["approval_id"]
    customer = await key_for(sqlite_desk, Kind.CUSTOMER, "user_001")
    assert await same(client, method, path, key, NONE, as_=customer) == 403
    # To colleagues of other desks it is not there.
    foreign = await key_for(sqlite_desk, Kind.STAFF, "otto", "acme")
    assert await same(client, method, path, key, NONE, as_=foreign) == 404


@pytest.mark.parametrize("path", ["/customers/{}", "/accounts/{}", "/accounts/{}/balance"])
async def test_customers(client: httpx2.AsyncClient, path: str) -> None:
    await same(client, "GET", path, "user_002", "user_987")
