"""What a caller can word stands in no row of the ledger that erasing would leave readable."""

import json
from typing import Any

import pytest

from deskward.agent.events import Event
from deskward.agent.loop import Agent
from deskward.agent.model import Message
from deskward.app import Desk
from deskward.core.errors import RemoteFailed
from deskward.gate.context import Context
from deskward.gate.ledger.chain import rows_of
from deskward.hub.connection import content
from deskward.security.vault import Vault
from tests.agent.scripted import ScriptedModel, tool
from tests.conftest import CUSTOMER, STAFF, recorded
from tests.entrypoints.conftest import client_of
from tests.everything import CLAIMS

WORD = "Zinnia-Teapot.1"
"""Of the form of an id, as everything that a caller may name has to be."""
HEADERS = {"X-Request-ID": WORD, "Accept": "application/json, text/event-stream"}


async def clear(desk: Desk) -> list[dict[str, Any]]:
    """The rows as they are stored, without what is sealed."""
    rows = await rows_of(desk.database.reader, "default", limit=1_000)
    bodies = [json.loads(row.body) for row in rows]
    for body in bodies:
        del body["sealed"]
    return bodies


async def by_rest(desk: Desk) -> None:
    async with client_of(desk) as client:
        client.headers.update(HEADERS)
        await client.get("/accounts/user_001/balance")
        await client.get(f"/tickets/{WORD}")
        key = {"Idempotency-Key": WORD}
        ticket = {"subject": WORD, "body": WORD}
        await client.post("/tickets", json=ticket, headers=key)
        await client.post("/tickets", json=ticket, headers=key)
        said = {"session_id": WORD, "message": "change my address to 1 New Road, Boston, MA 02101"}
        await client.post("/api/v1/chat", json=said)
        await client.post("/api/v1/chat", json={**said, "message": "yes"})
        desk.conversations.agent.model = ScriptedModel([tool("deactivate_card", card="4242")])
        asked = await client.post("/api/v1/chat", json={**said, "message": "block my card 4242"})
        key = asked.json()["confirmations"][0]["confirmation_id"]
        await client.post(f"/api/v1/sessions/{WORD}/confirmations/{key}", json={"answer": False})
        await client.delete(f"/api/v1/sessions/{WORD}")


async def by_mcp(desk: Desk) -> None:
    async with client_of(desk) as client:
        client.headers.update(HEADERS)
        for params in (
            {"name": "get_account_balance", "arguments": {"user_id": "user_001"}},
            {"name": "create_ticket", "arguments": {"subject": WORD, "body": WORD}},
            {"name": WORD, "arguments": {WORD: WORD}},
        ):
            named = {**params, "_meta": {"progressToken": WORD}}
            request = {"jsonrpc": "2.0", "id": WORD, "method": "tools/call", "params": named}
            await client.post("/mcp", json=request)


async def by_python(desk: Desk) -> None:
    context = Context(STAFF, "cli", request_id=WORD, session_id=WORD)
    await desk.gate.call("suggest_response", {"ticket_id": "T902"}, context)
    agent = Agent(
        desk.gate,
        ScriptedModel([tool("get_ticket", ticket_id=WORD)], ["Let me know what else I can do."]),
        claims=CLAIMS,
    )
    context = Context(CUSTOMER, "agent", request_id=WORD, session_id=WORD)
    said: list[Event] = [e async for e in agent.run(context, Vault(), [Message("user", WORD)])]
    assert said


@pytest.mark.parametrize("door", [by_rest, by_mcp, by_python])
async def test_no_word_of_a_caller_is_in_the_clear(sqlite_desk: Desk, door: Any) -> None:
    await door(sqlite_desk)
    rows = await clear(sqlite_desk)
    assert rows
    assert not [row for row in rows if WORD.casefold() in json.dumps(row).casefold()]
    opened = await recorded(sqlite_desk)
    assert any(WORD in json.dumps(row) for row in opened)  # whoever may open it finds it


async def test_an_outside_servers_error_is_known_by_a_name_alone() -> None:
    """Its code gets into the clear part of the row."""
    from mcp.types import CallToolResult

    def failed(code: str) -> RemoteFailed:
        envelope = {"error": {"code": code, "message": "no"}}
        with pytest.raises(RemoteFailed) as raised:
            content(CallToolResult(content=[], structured_content=envelope, is_error=True))
        return raised.value

    assert failed("COMPLAINT_NOT_FOUND").error_code == "COMPLAINT_NOT_FOUND"
    assert failed("Jane Doe of 1 Long Road").error_code == RemoteFailed.code
    assert failed("A" * 200).error_code == RemoteFailed.code
