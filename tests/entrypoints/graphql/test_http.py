"""GraphQL over HTTP: each field is a call of its tool, whoever calls sees what they may call."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx2
import pytest

from deskward.app import Desk
from deskward.entrypoints.application import http_application
from deskward.security.principals import Kind
from tests.conftest import recorded
from tests.entrypoints.conftest import client_of
from tests.entrypoints.graphql.asking import PATH, ask, fields_of, schema_for

BALANCE = "{ get_account_balance { balance { amount } } }"
OPEN = (
    "mutation($subject: String!, $key: String)"
    '{ create_ticket(subject: $subject, body: "It beeps.", idempotencyKey: $key) { ticket_id } }'
)


def codes(answer: Any) -> list[str]:
    return [one["extensions"]["code"] for one in answer["errors"]]


async def key_of(desk: Desk, kind: Kind, subject: str, *roles: str, tenant: str = "default") -> Any:
    key, _ = await desk.keys.create(
        tenant_id=tenant, kind=kind, subject_id=subject, roles=roles, new=True
    )
    return {"Authorization": f"Bearer {key}"}


async def test_a_query_calls_the_tools_that_it_names(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    answer = await ask(
        client,
        "query($n: Int) { mine: get_account_balance { balance { amount } }"
        ' list_tickets(limit: $n) { total tickets { id status } } get_ticket(ticket_id: "T4711")'
        " { id } }",
        n=2,
    )
    assert answer["data"]["mine"] == {"balance": {"amount": 542050}}
    assert len(answer["data"]["list_tickets"]["tickets"]) == 2
    assert answer["data"]["get_ticket"] is None  # what fails leaves the others
    (error,) = answer["errors"]
    assert error["path"] == ["get_ticket"]
    told = error["extensions"]
    assert (told["code"], told["status"]) == ("TICKET_NOT_FOUND", 404)
    assert told.keys() >= {"details", "retry_after", "escalation_required", "request_id"}
    rows = [row for row in await recorded(sqlite_desk) if row["kind"] == "call"]
    assert {row["tool"] for row in rows} == {"get_account_balance", "list_tickets", "get_ticket"}
    assert {row["door"] for row in rows} == {"graphql"}
    assert {row["request_id"] for row in rows} == {told["request_id"]}


async def test_a_mutation_is_done_once_for_its_key(client: httpx2.AsyncClient) -> None:
    first = await ask(client, OPEN, subject="Noise", key="k-1")
    again = await ask(client, OPEN, subject="Noise", key="k-1")
    other = await ask(client, OPEN, subject="Smoke", key="k-1")
    assert first["data"] == again["data"] == {"create_ticket": {"ticket_id": "T1001"}}
    assert "extensions" not in first
    assert again["extensions"] == {"repeated": ["create_ticket"]}
    assert codes(other) == ["IDEMPOTENCY_CONFLICT"]
    by_header = await client.post(PATH, json={"query": BALANCE}, headers={"Idempotency-Key": "k"})
    assert by_header.status_code == 400  # it would not be known which mutation is meant


async def test_what_waits_for_somebody_says_for_whom(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    staff = await key_of(sqlite_desk, Kind.STAFF, "anna", "support")
    answer = await ask(
        client,
        "mutation($id: String!) {"
        ' before: create_ticket(customer_id: $id, subject: "A", body: "B") { ticket_id }'
        ' update_address(user_id: $id, new_address: "1 New Road, Boston") { address }'
        ' behind: create_ticket(customer_id: $id, subject: "A", body: "B") { ticket_id } }',
        id="user_002",
        headers=staff,
    )
    assert answer["data"] == {
        "before": {"ticket_id": "T1001"},
        "update_address": None,
        "behind": {"ticket_id": "T1002"},
    }
    (error,) = answer["errors"]
    assert error["path"] == ["update_address"]
    assert error["extensions"]["code"] == "PENDING_APPROVAL"
    assert error["extensions"].keys() >= {"approval_id", "policies", "expires_at", "request_id"}


async def test_a_caller_is_told_of_what_they_may_call_only(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    staff = await key_of(sqlite_desk, Kind.STAFF, "anna", "support")
    customer = await key_of(sqlite_desk, Kind.CUSTOMER, "user_001")
    theirs, ours = await schema_for(client, **customer), await schema_for(client, **staff)
    for schema, headers in ((theirs, customer), (ours, staff)):
        assert schema.query_type is not None
        assert schema.mutation_type is not None
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"Accept": "application/json, text/event-stream", **headers}
        listed = (await client.post("/mcp", json=request, headers=accept)).json()["result"]["tools"]
        reads = {one["name"] for one in listed if one["annotations"]["readOnlyHint"]}
        assert schema.query_type.fields.keys() - reads == {"list_sessions", "session_history"}
        assert schema.mutation_type.fields.keys() == {one["name"] for one in listed} - reads
    assert theirs.query_type is not None
    assert "user_id" not in theirs.query_type.fields["get_account_balance"].args  # it is bound
    hidden = await ask(
        client, 'mutation { approve_call(approval_id: "x") { id } }', headers=customer
    )
    assert codes(hidden) == ["INVALID_INPUT", *codes(hidden)[1:]]
    assert "Did you mean" not in hidden["errors"][0]["message"]


async def test_others_records_are_as_if_there_were_none(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    customer = await key_of(sqlite_desk, Kind.CUSTOMER, "user_002")
    foreign = await key_of(sqlite_desk, Kind.CUSTOMER, "user_001", tenant="acme")
    for headers in (customer, foreign):
        answer = await ask(client, '{ get_ticket(ticket_id: "T901") { id } }', headers=headers)
        assert codes(answer) == ["TICKET_NOT_FOUND"]
    none = await client.post(PATH, json={"query": BALANCE})
    assert none.status_code == 401
    assert none.headers["WWW-Authenticate"] == "Bearer"
    assert codes(none.json()) == ["UNAUTHENTICATED"]


async def test_a_callers_own_conversations_are_read(client: httpx2.AsyncClient) -> None:
    said = {"message": "What's my account balance?", "session_id": "s-1"}
    await client.post("/api/v1/chat", json=said)
    answer = await ask(
        client,
        "{ list_sessions { sessions { session_id message_count } }"
        ' session_history(session_id: "s-1") { messages { role content by } } }',
    )
    assert answer["data"]["list_sessions"]["sessions"] == [
        {"session_id": "s-1", "message_count": 2}
    ]
    lines = answer["data"]["session_history"]["messages"]
    assert [line["role"] for line in lines] == ["user", "assistant"]
    assert "5,420.50" in lines[1]["content"]
    other = {"X-User-ID": "user_002"}
    none = await ask(client, '{ session_history(session_id: "s-1") { session_id } }', headers=other)
    assert codes(none) == ["SESSION_NOT_FOUND"]
    assert codes(await ask(client, "{ list_sessions(limit: 0) { total } }")) == ["INVALID_INPUT"]


async def test_every_reading_tool_without_arguments_answers_as_its_schema_says(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    staff = await key_of(sqlite_desk, Kind.STAFF, "anna", "support")
    schema = await schema_for(client, **staff)
    assert schema.query_type is not None
    asked = 0
    for name, field in schema.query_type.fields.items():
        if any(str(one.type).endswith("!") for one in field.args.values()):
            continue
        given = "(limit: 3)" if "limit" in field.args else ""
        answer = await ask(client, f"{{ {name}{given} {fields_of(field.type)} }}", headers=staff)
        for error in answer.get("errors", ()):  # refused by its gate; nothing of ours
            assert error["extensions"]["status"] < 500, (name, error)
            assert error["path"] == [name], error
        asked += "errors" not in answer
    assert asked > 15


async def test_a_schema_is_made_once_for_all_who_may_call_the_same(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deskward.entrypoints.graphql import door

    made: list[Kind | None] = []
    make = door.Door._make

    def counted(self: door.Door, tools: Any, kind: Kind | None) -> Any:
        made.append(kind)
        return make(self, tools, kind)

    monkeypatch.setattr(door.Door, "_make", counted)
    async with client_of(sqlite_desk) as client:
        for user in ("user_001", "user_002", "user_001"):
            await ask(client, BALANCE, headers={"X-User-ID": user})
        staff = await key_of(sqlite_desk, Kind.STAFF, "anna", "support")
        await ask(client, "{ list_tickets { total } }", headers=staff)
        await ask(client, "{ list_tickets { total } }", headers=staff)
    assert made == [Kind.CUSTOMER, None]


@pytest.mark.parametrize(
    ("accept", "kind", "status"),
    [
        ("", "application/graphql-response+json", 400),
        ("*/*", "application/graphql-response+json", 400),
        ("application/json", "application/json", 200),
        ("application/json;q=0.5, application/graphql-response+json", None, 400),
        ("application/graphql-response+json;q=0, application/json", "application/json", 200),
    ],
)
async def test_the_answer_is_of_the_type_that_is_accepted(
    client: httpx2.AsyncClient, accept: str, kind: str | None, status: int
) -> None:
    headers = {"Accept": accept}
    bad = await client.post(PATH, json={"query": "{ nothing }"}, headers=headers)
    good = await client.post(PATH, json={"query": BALANCE}, headers=headers)
    for answer in (bad, good):
        kind = kind or "application/graphql-response+json"
        assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert (bad.status_code, good.status_code) == (status, 200)
    assert "data" not in bad.json()


async def test_get_takes_queries_and_changes_nothing(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    query = "query Q($n: Int) { list_tickets(limit: $n) { tickets { id } } }"
    asked = {"query": query, "variables": '{"n": 1}', "operationName": "Q"}
    answer = await client.get(PATH, params=asked)
    assert len(answer.json()["data"]["list_tickets"]["tickets"]) == 1
    write = {"query": OPEN, "variables": '{"subject": "No"}'}
    refused = await client.get(PATH, params=write)
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "GET, POST"
    older = await client.get(PATH, params=write, headers={"Accept": "application/json"})
    assert older.status_code == 405
    form = {"Content-Type": "text/plain"}
    body = json.dumps({"query": OPEN, "variables": {"subject": "No"}})
    assert (await client.post(PATH, content=body, headers=form)).status_code == 415
    assert (await client.post(PATH, data={"query": OPEN})).status_code == 415
    assert (await client.put(PATH, json={"query": OPEN})).status_code == 405
    page = {"Origin": "https://evil.example"}
    assert (await client.post(PATH, json={"query": BALANCE}, headers=page)).status_code == 403
    assert (await client.get(PATH, headers={"Accept": "text/html"})).status_code == 406
    rows = await recorded(sqlite_desk)
    assert [row["tool"] for row in rows if row["kind"] == "call"] == ["list_tickets"]


async def test_a_batch_is_done_in_its_order(client: httpx2.AsyncClient, sqlite_desk: Desk) -> None:
    subjects = ["one", "two", "three"]
    batch: list[Any] = [{"query": OPEN, "variables": {"subject": one}} for one in subjects]
    batch.insert(1, {"query": "{ nothing }"})
    answer = await client.post(PATH, json=batch)
    assert answer.status_code == 200
    first, wrong, *others = answer.json()
    assert [one["data"]["create_ticket"]["ticket_id"] for one in (first, *others)] == [
        "T1001",
        "T1002",
        "T1003",
    ]
    assert "data" not in wrong
    told = [row["arguments"]["subject"] for row in await recorded(sqlite_desk) if "door" in row]
    assert told == subjects
    for many in ([], batch * 250):
        refused = await client.post(PATH, json=many)
        assert (refused.status_code, codes(refused.json())) == (400, ["INVALID_INPUT"])


async def test_each_call_of_a_request_counts_for_the_callers_limit(sqlite_desk: Desk) -> None:
    """Else a batch would be a way to guess passwords faster."""
    limit = sqlite_desk.settings.rate_limit.model_copy(update={"enabled": True, "per_minute": 15})
    desk = sqlite_desk
    desk.settings.rate_limit = limit
    async with client_of(desk) as client:
        calls = " ".join(f"c{n}: get_account_balance {{ user_id }}" for n in range(20))
        answer = await ask(client, f"{{ {calls} }}")
    assert codes(answer) == ["RATE_LIMITED"] * 5
    assert sum(one is not None for one in answer["data"].values()) == 15
    assert all(one["extensions"]["retry_after"] for one in answer["errors"])


async def test_what_is_not_installed_is_named_with_its_command(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith("deskward.entrypoints.graphql.running"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "graphql", None)
    answer = await client.post(PATH, json={"query": BALANCE})
    assert answer.status_code == 503
    assert 'pip install "deskward[graphql]"' in answer.json()["errors"][0]["message"]


async def test_when_the_client_goes_nothing_more_is_begun(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = http_application(sqlite_desk)
    under_way, gone = asyncio.Event(), asyncio.Event()
    called: list[str] = []
    ended: list[str] = []

    async def call(name: str, *_: Any, **__: Any) -> Any:
        called.append(name)
        under_way.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    monkeypatch.setattr(sqlite_desk.gate, "call", call)
    twice = 'create_ticket(subject: "A", body: "B") { ticket_id }'
    body = json.dumps({"query": f"mutation {{ a: {twice} b: {twice} }}"}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": "127.0.0.1:9080", "content-type": "application/json"}
    scope = {
        **{"type": "http", "http_version": "1.1", "method": "POST", "path": PATH},
        **{"raw_path": PATH.encode(), "query_string": b"", "client": ("127.0.0.1", 1)},
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()]
        + [(b"content-length", str(len(body)).encode())],
    }
    served: asyncio.Task[None] = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]  # an ASGI application is a coroutine function
    async with asyncio.timeout(30):
        await under_way.wait()
        gone.set()
        await served
    assert called == ended == ["create_ticket"]
