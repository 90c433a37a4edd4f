"""One gate behind every door: the same call has the same decision, answer and ledger row."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deskward.agent.events import ToolAnswered
from deskward.agent.loop import Agent
from deskward.agent.model import Message
from deskward.app import Desk
from deskward.gate.context import Context
from deskward.security.vault import Vault
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, recorded
from tests.entrypoints.conftest import client_of
from tests.entrypoints.graphql.asking import ask, operation, schema_for
from tests.everything import CLAIMS

Answer = dict[str, Any]
Door = Callable[[Desk, str, dict[str, Any]], Awaitable[Answer]]

ADDRESSES = {
    "get_account_balance": ("GET", "/accounts/{user_id}/balance"),
    "get_transaction_history": ("GET", "/accounts/{user_id}/transactions"),
    "get_ticket": ("GET", "/tickets/{ticket_id}"),
    "create_ticket": ("POST", "/tickets"),
    "update_ticket": ("PATCH", "/tickets/{ticket_id}"),
    "summarize_ticket": ("POST", "/tickets/{ticket_id}/actions/summarize"),
    "suggest_response": ("POST", "/tickets/{ticket_id}/actions/suggest_response"),
    "change_password": ("PUT", "/accounts/{user_id}/password"),
    "search_orders": ("GET", "/orders/search"),
    "update_order_status": ("PATCH", "/orders/{order_id}/status"),
    "search_complaints": ("GET", "/complaints"),
}

IN_PATH = ("user_id", "ticket_id", "order_id")


async def by_rest(desk: Desk, name: str, arguments: dict[str, Any]) -> Answer:
    method, path = ADDRESSES[name]
    in_path = {key: arguments.get(key, CUSTOMER.id) for key in IN_PATH}
    rest = {key: value for key, value in arguments.items() if f"{{{key}}}" not in path}
    more: dict[str, Any] = {"params": rest} if method == "GET" else {"json": rest}
    async with client_of(desk) as client:
        response = await client.request(method, path.format(**in_path), **more)
    body = response.json()
    return {"code": body["error"]} if response.is_error else body


async def by_graphql(desk: Desk, name: str, arguments: dict[str, Any]) -> Answer:
    async with client_of(desk) as client:
        question = operation(await schema_for(client), name, arguments)
        response = await ask(client, question)
    if "errors" in response:
        return {"code": response["errors"][0]["extensions"]["code"]}
    answer: Answer = response["data"][name]
    return answer


async def by_mcp(desk: Desk, name: str, arguments: dict[str, Any]) -> Answer:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    async with client_of(desk) as client:
        headers = {"Accept": "application/json, text/event-stream"}
        response = await client.post("/mcp", json=request, headers=headers)
    result = response.json()["result"]
    value = json.loads(result["content"][0]["text"])
    # An error is of no tool's output schema, so that it must not be given as of one.
    assert result.get("structuredContent") == (None if result["isError"] else value)
    return _answer(value, failed=result["isError"])


async def by_cli(desk: Desk, name: str, arguments: dict[str, Any]) -> Answer:
    words = [f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in arguments.items()]
    environment = {
        "DATA_DIR": str(desk.settings.data_dir),
        "EMBEDDINGS": "off",  # as the desk in this process
        "DOMAINS": "bank,shop",
        "SECRET_KEY": desk.settings.key.decode(),
        "DATABASE_URL": desk.settings.database.url or "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "deskward", "call", name, *words],
        capture_output=True,
        text=True,
        env={key: value for key, value in environment.items() if value},
        cwd=desk.settings.data_dir,
    )
    assert done.stderr == ""
    return _answer(json.loads(done.stdout), failed=done.returncode == 1)


async def by_agent(desk: Desk, name: str, arguments: dict[str, Any]) -> Answer:
    agent = Agent(
        desk.gate,
        ScriptedModel([tool(name, **arguments)], ["Let me know what else I can do."]),
        claims=CLAIMS,
    )
    context = Context(CUSTOMER, "agent", session_id="s", turn_id="turn")
    events = [e async for e in agent.run(context, Vault(), [Message("user", "do it")])]
    (answered,) = [event for event in events if isinstance(event, ToolAnswered)]
    return _answer(answered.answer, failed=answered.status == "error")


def _answer(value: dict[str, Any], *, failed: bool) -> Answer:
    return {"code": value["error"]["code"]} if failed else value


DOORS: dict[str, Door] = {
    "rest": by_rest,
    "graphql": by_graphql,
    "mcp": by_mcp,
    "cli": by_cli,
    "agent": by_agent,
}


def is_shown(name: str, arguments: dict[str, Any]) -> bool:
    """Whether a customer's GraphQL schema has it: of what they may not call it has nothing."""
    return name != "update_ticket" and "user_id" not in arguments


CANCEL = "update_order_status"
VARIES = {"at", "request_id", "door", "session_id", "turn_id", "agent", "effect_id", "key", "seq"}


async def last_row(desk: Desk) -> dict[str, Any]:
    body = [row for row in await recorded(desk) if row["kind"] == "call"][-1]
    for name in ("agent", "proof"):
        del body["principal"][name]
    facts = body.get("facts") or {}
    for name in ("door", "minute", "weekday"):
        facts.pop(name, None)
    return {key: value for key, value in body.items() if key not in VARIES}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("get_account_balance", {}, None),
        pytest.param("get_account_balance", {"user_id": "user_001"}, None, marks=pytest.mark.slow),
        ("get_account_balance", {"user_id": "user_002"}, "FORBIDDEN"),
        pytest.param("get_transaction_history", {"limit": 1}, None, marks=pytest.mark.slow),
        ("get_transaction_history", {"limit": 1000}, "INVALID_INPUT"),
        ("get_ticket", {"ticket_id": "T4711"}, "TICKET_NOT_FOUND"),
        pytest.param("get_ticket", {"ticket_id": "x"}, "INVALID_INPUT", marks=pytest.mark.slow),
        ("update_ticket", {"ticket_id": "T1001", "update": {"status": "open"}}, "FORBIDDEN"),
        pytest.param("summarize_ticket", {"ticket_id": "T901"}, None, marks=pytest.mark.slow),
        ("suggest_response", {"ticket_id": "T902", "tone": "formal"}, None),
        pytest.param(
            "suggest_response",
            {"ticket_id": "T902", "tone": "rude"},
            "INVALID_INPUT",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "suggest_response", {"ticket_id": "T908"}, "TICKET_NOT_FOUND", marks=pytest.mark.slow
        ),
        ("change_password", {"new_password": "short"}, "INVALID_INPUT"),
        pytest.param(
            "search_orders", {"sku": "KB-201", "status": "delivered"}, None, marks=pytest.mark.slow
        ),
        pytest.param(
            "update_order_status",
            {"order_id": "O1003", "status": "confirmed"},
            "FORBIDDEN",
            marks=pytest.mark.slow,
        ),
        ("search_complaints", {"query": "keyboard"}, None),
    ],
)
async def test_the_doors_agree(
    sqlite_desk: Desk, name: str, arguments: dict[str, Any], code: str | None
) -> None:
    answers, rows = {}, {}
    for door, through in DOORS.items():
        if door == "graphql" and not is_shown(name, arguments):
            continue
        answers[door] = await through(sqlite_desk, name, arguments)
        rows[door] = await last_row(sqlite_desk)
    for door in answers:
        assert answers[door].get("code") == code
        assert answers[door] == answers["rest"], door
        # REST names the customer in its address, and so gives what is bound elsewhere.
        ignored = {"arguments"} if code == "INVALID_INPUT" else set()
        for key in rows["rest"].keys() - ignored:
            assert rows[door][key] == rows["rest"][key], (door, key)


@pytest.mark.slow
async def test_where_a_model_may_call_the_customer_is_asked_first(sqlite_desk: Desk) -> None:
    arguments = {"order_id": "O1003", "status": "cancelled"}
    answers = {door: await DOORS[door](sqlite_desk, CANCEL, arguments) for door in ("mcp", "agent")}
    for answer in answers.values():
        assert answer["status"] == "confirmation_needed"
        assert answer["question"] == "Shall I set your order O1003 to “cancelled”?"
    assert (await by_rest(sqlite_desk, CANCEL, arguments))["order"]["status"] == "cancelled"
    assert (await by_cli(sqlite_desk, CANCEL, arguments))["code"] == "CONFLICT"


@pytest.mark.slow
async def test_a_write_through_each_door_is_one_write(sqlite_desk: Desk) -> None:
    arguments = {"subject": "A", "body": "B"}
    opened = [
        (await through(sqlite_desk, "create_ticket", arguments))["ticket_id"]
        for through in DOORS.values()
    ]
    assert opened == ["T1001", "T1002", "T1003", "T1004", "T1005"]


async def test_a_tool_is_the_same_at_each_of_its_addresses(sqlite_desk: Desk) -> None:
    bodies = {"update_ticket": {"update": {"status": "open"}}, "handle_ticket": {}}
    tools = [tool for tool in sqlite_desk.gate.tools.values() if tool.also]
    assert {tool.name for tool in tools} == bodies.keys()
    async with client_of(sqlite_desk) as client:
        for tool in tools:
            rows = []
            for method, path in tool.addresses:
                address = path.format(ticket_id="T901")
                answer = await client.request(method, address, json=bodies[tool.name])
                assert answer.json()["error"] == "FORBIDDEN"
                rows.append(await last_row(sqlite_desk))
            assert rows[0] == rows[1]
            assert rows[0]["tool"] == tool.name


def test_the_doors_are_all_there() -> None:
    assert set(DOORS) == {"rest", "graphql", "mcp", "cli", "agent"}
