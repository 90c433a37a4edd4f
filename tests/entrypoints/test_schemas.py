"""What the document allows is taken, what is refused is said in it: the findings of Schemathesis.

Each case is judged by a validator of JSON Schema and by the desk, which must agree.
"""

import json
from typing import Any

import httpx2
import jsonschema
import pytest

from deskward.app import Desk
from deskward.core.currencies import TENDER
from deskward.email import compose
from deskward.entrypoints.sizes import LARGEST, USUAL, body_limits
from deskward.security.principals import Kind

LINE = {"sku": "KB-201", "description": "Keyboard", "quantity": 1, "unit_price": "49.90"}
ORDER = {
    "customer_id": "user_001",
    "lines": [LINE],
    "currency": "USD",
    "shipping_address": "12 Garden Street, Springfield",
}


def order(currency: str, price: str) -> dict[str, Any]:
    return {**ORDER, "currency": currency, "lines": [{**LINE, "unit_price": price}]}


TO = ["alice@example.com"]
FILLED = {"order_id": "O1001", "status": "shipped", "name": "Alice"}
CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("/orders", order("USD", "1.5"), True),
    ("/orders", order("USD", "1.500"), True),
    ("/orders", order("USD", "1.505"), False),
    ("/orders", order("JPY", "150"), True),
    ("/orders", order("JPY", "150.0"), True),
    ("/orders", order("JPY", "150.5"), False),
    ("/orders", order("KWD", "1.505"), True),
    ("/orders", order("FSW", "1"), False),
    ("/orders", order("usd", "1"), False),
    ("/email/send", {"to": TO, "subject": "S", "body": "b"}, True),
    ("/email/send", {"to": TO, "subject": "S", "html": "<p>b</p>"}, True),
    ("/email/send", {"to": TO, "subject": "S", "html": "<p>b</p>", "template": None}, True),
    ("/email/send", {"to": TO, "subject": "S"}, False),
    ("/email/send", {"to": TO, "body": "b"}, False),
    ("/email/send", {"to": TO, "subject": "S", "body": "b", "template": "order_update"}, False),
    ("/email/send", {"to": TO, "template": "nowhere"}, False),
    ("/email/send", {"to": TO, "template": "order_update"}, False),
    ("/email/send", {"to": TO, "template": "order_update", "values": {"name": "A"}}, False),
    *(
        (
            "/email/send",
            {"to": TO, "template": name, "values": dict.fromkeys(compose.needed(name), "x")},
            True,
        )
        for name in compose.templates()
    ),
    ("/email/send", {"to": TO, "template": "order_update", "values": {**FILLED, "n": 1}}, True),
    ("/email/send", {"to": TO, "template": "order_update", "values": {**FILLED, "n": [""]}}, False),
    ("/email/send", {"to": TO, "template": "order_update", "values": {**FILLED, "n": "\0"}}, False),
    ("/email/send", {"to": TO, "template": "order_update", "values": {**FILLED, "\0": 1}}, False),
    ("/queries/run", {"query": "open_tickets"}, True),
    ("/queries/run", {"query": "open_tickets", "sql": None, "version": 2}, True),
    ("/queries/run", {"sql": "SELECT 1", "parameters": {}, "customer_id": "user_001"}, True),
    ("/queries/run", {"sql": "no query", "customer_id": "user_001"}, True),
    ("/queries/run", {"sql": "SELECT 1", "query": "open_tickets"}, False),
    ("/queries/run", {"sql": "SELECT 1", "version": 1, "customer_id": "user_001"}, False),
    ("/queries/run", {"sql": "SELECT 1", "parameters": {"a": 1}}, False),
    ("/queries/run", {"limit": 1}, False),
    ("/test-runs", {"test_suite": "api", "product_configuration": {"a": {"b": ["c"]}}}, True),
    ("/test-runs", {"test_suite": "api", "product_configuration": {"a": {"\0": 1}}}, False),
    ("/test-runs", {"test_suite": "api", "product_configuration": {"a": ["\0"]}}, False),
    ("/test-runs", {"test_suite": "api", "product_configuration": {"a": 2**63}}, False),
    ("/ticket-changes/preview", {"change": {"spam": True}, "query": "..."}, True),
    ("/ticket-changes/preview", {"change": {"spam": True}, "query": '"'}, True),
    ("/email/send-text", {"to": "a@b.example", "subject": "S", "body": "b"}, True),
    ("/email/send-text", {"to": "a@b.test", "subject": "S", "body": "b"}, False),
    ("/email/send-text", {"to": "a@B.Onion", "subject": "S", "body": "b"}, False),
    ("/email/send-text", {"to": "test@contest.org", "subject": "S", "body": "b"}, True),
]


@pytest.fixture
async def staff(client: httpx2.AsyncClient, sqlite_desk: Desk) -> httpx2.AsyncClient:
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True
    )
    client.headers["Authorization"] = f"Bearer {key}"
    return client


async def schema_of(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    document = (await client.get("/openapi.json")).json()
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return {**body["schema"], "components": document["components"]}


@pytest.mark.slow
async def test_document_and_desk_agree(staff: httpx2.AsyncClient) -> None:
    for path, body, good in CASES:
        schema = await schema_of(staff, path)
        valid = jsonschema.Draft202012Validator(schema).is_valid(body)
        answer = await staff.post(path, json=body)
        assert (valid, answer.status_code != 400) == (good, good), (body, answer.text)


async def test_who_is_no_customer_has_to_name_one(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    body = {"subject": "Parcel", "body": "It came damaged."}
    assert "customer_id" not in (await schema_of(client, "/tickets"))["required"]
    assert (await client.post("/tickets", json=body)).status_code == 200
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True
    )
    headers = {"Authorization": f"Bearer {key}"}
    assert "customer_id" in (await schema_of(client, "/tickets"))["required"]
    assert (await client.post("/tickets", json=body, headers=headers)).status_code == 400


async def test_an_issue_of_white_space_is_a_ticket(client: httpx2.AsyncClient) -> None:
    for text in ("\f", " ", "\u3000\u2028"):
        answer = await client.post("/accounts/user_001/issues", json={"description": text})
        assert answer.status_code == 200, answer.text


async def test_a_refund_that_does_not_fit_its_order_is_a_conflict(
    staff: httpx2.AsyncClient,
) -> None:
    schema = await schema_of(staff, "/orders/{order_id}/refunds")
    for amount, valid, status in [("0", False, 400), ("0.00", False, 400), ("1.001", True, 409)]:
        body = {"amount": amount, "reason": "It came broken."}
        assert jsonschema.Draft202012Validator(schema).is_valid(body) is valid
        answer = await staff.post("/orders/O1001/refunds", json=body)
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("place", ["", "0" * 80, f"{'0' * 32}.0.0.0", f"{'0' * 32}.0.0", "x.1.2.3"])
async def test_the_place_in_a_stream_is_of_the_told_form(
    client: httpx2.AsyncClient, place: str
) -> None:
    document = (await client.get("/openapi.json")).json()
    parameters = document["paths"]["/api/v1/chat/stream"]["post"]["parameters"]
    (told,) = [p["schema"] for p in parameters if p["name"] == "last-event-id"]
    valid = jsonschema.Draft202012Validator(told).is_valid(place)
    body = {"session_id": "s", "message": "Hello"}
    answer = await client.post("/api/v1/chat/stream", json=body, headers={"Last-Event-ID": place})
    assert (answer.status_code != 400) is valid


async def test_the_longest_mail_fits(staff: httpx2.AsyncClient) -> None:
    mail = {"to": "alice@example.com", "subject": "S", "html": "\U0001f600" * 200_000}
    sent = json.dumps(mail).encode()
    assert USUAL < len(sent) < LARGEST
    answer = await staff.post(
        "/email/send-html", content=sent, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (200, 202), answer.text[:300]
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "send_html_email", "arguments": mail},
    }
    answer = await staff.post(
        "/mcp",
        content=json.dumps(call).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    assert answer.status_code == 200
    assert not answer.json()["result"]["isError"], answer.text[:300]


async def test_only_what_needs_more_may_be_larger(sqlite_desk: Desk) -> None:
    limits = body_limits(sqlite_desk.gate.tools.values(), at_once="/mcp")
    assert "/tickets" not in limits
    assert max(limits.values()) <= LARGEST
    # A path with parameters would not be found by the guard.
    assert not [path for path in limits if "{" in path]


def test_currencies_are_those_one_can_pay_in() -> None:
    assert {"USD", "EUR", "JPY", "KWD", "CHF", "INR"} <= set(TENDER)
    assert not {"DEM", "FSW", "XXX", "XAU"} & set(TENDER)
