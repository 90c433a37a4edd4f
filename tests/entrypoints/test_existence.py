"""What belongs to somebody else is answered as what is not there: nobody learns that it exists."""

import httpx2
import pytest

MINE, THEIRS = {"X-User-ID": "user_001"}, {"X-User-ID": "user_002"}
ORDER = {
    "lines": [{"sku": "A1", "description": "x", "quantity": 1, "unit_price": "5.00"}],
    "currency": "USD",
    "shipping_address": "1 Main Street, Springfield",
}
COMPLAINT = {"subject": "Late", "description": "My parcel came late.", "category": "delivery"}


async def same(client: httpx2.AsyncClient, method: str, path: str, theirs: str, none: str) -> int:
    """See that two ids are answered alike; gives the status."""
    answers = []
    for key in (theirs, none):
        response = await client.request(
            method, path.format(key), headers=MINE, json=BODIES.get(path)
        )
        body = {k: v for k, v in response.json().items() if k not in ("request_id", "timestamp")}
        headers = {k for k in response.headers if k != "content-length"}
        answers.append((response.status_code, str(body).replace(key, "ID"), headers))
    assert answers[0] == answers[1]
    return answers[0][0]


BODIES = {
    "/tickets/{}": {"status": "open"},
    "/orders/{}/status": {"status": "confirmed"},
    "/orders/{}/refunds": {"amount": "1.00", "reason": "late"},
    "/complaints/{}": {"status": "open"},
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


@pytest.mark.parametrize("path", ["/customers/{}", "/accounts/{}", "/accounts/{}/balance"])
async def test_customers(client: httpx2.AsyncClient, path: str) -> None:
    await same(client, "GET", path, "user_002", "user_987")
