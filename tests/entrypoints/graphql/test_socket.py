"""GraphQL over WebSocket, by a client of another's hand (`websockets`) and the stock one (npm)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from deskward.core.database import Database
from deskward.security.api_keys import ApiKeys
from deskward.security.roles import FILE as ROLES
from deskward.security.roles import Roles
from tests.conftest import settings_in
from tests.entrypoints.mcp.peers import run
from tests.policies import FILES
from tests.services.npm import installed, newer_node
from tests.services.server import new_key, server

CLIENT = ("graphql-ws", "6.4.2")
HERE = Path(__file__).parent
SOON = 30.0
EVENTS = 'subscription { session_events(session_id: "s-1") { event_id type by content } }'

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm-peers"), pytest.mark.timeout(300)]


class Talk:
    """A connection that has been begun."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.heard = ""

    async def say(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def ask(self, key: str, query: str, **variables: Any) -> None:
        await self.say(id=key, type="subscribe", payload={"query": query, "variables": variables})

    async def hear(self) -> Any:
        async with asyncio.timeout(SOON):
            text = str(await self._socket.recv())
        self.heard += text
        return json.loads(text)

    async def closes(self) -> tuple[int, str]:
        """The code and reason with which it ends; what still comes before is passed over."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.hear()
        assert self._socket.close_code is not None
        return self._socket.close_code, self._socket.close_reason or ""


def opened(url: str, protocol: str = "graphql-transport-ws") -> connect:
    address = f"{url.replace('http', 'ws')}/graphql"
    return connect(address, subprotocols=[Subprotocol(protocol)])


async def begun(socket: ClientConnection, key: str) -> Talk:
    talk = Talk(socket)
    await talk.say(type="connection_init", payload={"Authorization": f"Bearer {key}"})
    assert await talk.hear() == {"type": "connection_ack"}
    return talk


async def work(url: str, key: str, path: str, body: Any) -> None:
    async with httpx2.AsyncClient(timeout=30) as client:
        headers = {"Authorization": f"Bearer {key}"}
        done = await client.post(f"{url}{path}", json=body, headers=headers)
        assert done.status_code < 300, done.text


async def handed_over(url: str, customer: str, staff: str) -> str:
    """Where a conversation is answered that a colleague has taken."""
    await asyncio.sleep(1.1)  # a server remembers for a second that there was no key
    body = {"session_id": "s-1", "message": "I want to talk to a human"}
    await work(url, customer, "/api/v1/chat", body)
    async with httpx2.AsyncClient(timeout=30) as client:
        headers = {"Authorization": f"Bearer {staff}"}
        tickets = (await client.get(f"{url}/tickets?limit=100", headers=headers)).json()["tickets"]
    ticket = next(one["id"] for one in tickets if one["session_id"] == "s-1")
    await work(url, staff, f"/tickets/{ticket}/conversation/take-over", {})
    return f"/tickets/{ticket}/conversation/answer"


async def revoke(folder: Path, key: str) -> None:
    database = Database(settings_in(folder).database_location)
    await ApiKeys(database, Roles.parse(FILES[ROLES])).revoke(key[3:11])
    await database.close()
    await asyncio.sleep(1.1)  # a server remembers a key for a second


async def test_events_come_until_the_key_is_revoked(tmp_path: Path) -> None:
    async with server(tmp_path / "data") as (url, _pid):
        customer = await new_key(tmp_path / "data", "customer", "user_001")
        staff = await new_key(tmp_path / "data", "staff", "anna")
        answers = await handed_over(url, customer, staff)
        async with opened(url) as socket:
            talk = await begun(socket, customer)
            await talk.ask("1", EVENTS)
            taken = await talk.hear()
            assert (taken["id"], taken["type"]) == ("1", "next")
            assert taken["payload"]["data"]["session_events"]["type"] == "taken_over"
            await work(url, staff, answers, {"text": "Hello, I am Anna."})
            said = (await talk.hear())["payload"]["data"]["session_events"]
            assert (said["type"], said["content"]) == ("message", "Hello, I am Anna.")
            # All other operations go by the same connection, beside it.
            await talk.ask("2", "{ get_account_balance { user_id } }")
            answer = await talk.hear()
            assert answer["payload"]["data"] == {"get_account_balance": {"user_id": "user_001"}}
            assert await talk.hear() == {"id": "2", "type": "complete"}
            await talk.ask("3", "{ nothing }")
            assert (await talk.hear())["type"] == "error"
            await talk.ask("4", EVENTS.replace("s-1", "s-2"))
            await talk.say(id="4", type="complete")
            await talk.say(type="ping")
            assert await talk.hear() == {"type": "pong"}
            # What a client has is not told again; what it names has to be there.
            last = said["event_id"]
            await talk.ask("5", EVENTS.replace('"s-1"', f'"s-1", last_event_id: "{last}"'))
            await talk.ask("6", EVENTS.replace('"s-1"', f'"s-1", last_event_id: "{"0" * 32}"'))
            refused = await talk.hear()
            assert (refused["id"], refused["type"]) == ("6", "error")
            await revoke(tmp_path / "data", customer)
            await work(url, staff, answers, {"text": "Are you there?"})
            assert (await talk.closes())[0] == 4401
            assert "Are you there?" not in talk.heard


async def test_who_breaks_the_protocol_is_told_how(tmp_path: Path) -> None:
    """The close codes are the protocol's own."""
    async with server(tmp_path / "data") as (url, _pid):
        key = await new_key(tmp_path / "data", "customer", "user_001")
        await asyncio.sleep(1.1)  # a server remembers for a second that there was no key
        async with opened(url, "graphql-ws") as socket:  # the older protocol, of another package
            assert (await Talk(socket).closes())[0] == 4406
        first = {"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}
        ask = {"id": "1", "type": "subscribe", "payload": {"query": EVENTS}}
        for code, messages in (
            (4401, [ask]),
            (4401, [{"type": "connection_init"}]),
            (4401, [{"type": "connection_init", "payload": {"X-API-Key": "dw_no"}}]),
            (4400, [{"type": "connection_init", "payload": []}]),
            (4429, [first, first]),
            (4409, [first, ask, ask]),
            (4400, [first, {"type": "other"}]),
            (4400, [first, {"type": "subscribe", "payload": {"query": EVENTS}}]),
            (4400, [first, "not an object"]),
        ):
            async with opened(url) as socket:
                for message in messages:
                    await socket.send(json.dumps(message))
                assert (await Talk(socket).closes())[0] == code, messages
        async with opened(url) as socket:
            talk = await begun(socket, key)
            for number in range(17):  # one more than may be under way
                await talk.ask(str(number), EVENTS.replace("s-1", f"s-{number}"))
            assert (await talk.closes())[0] == 4429
        for _ in range(5):  # clients that vanish
            socket = await opened(url)
            await (await begun(socket, key)).ask("1", EVENTS)
            socket.transport.abort()
        async with opened(url) as socket:
            talk = await begun(socket, key)
            await talk.ask("1", "{ get_account_balance { user_id } }")
            assert (await talk.hear())["type"] == "next"
    assert "Traceback" not in (tmp_path / "data" / "server.log").read_text(encoding="utf-8")


async def test_the_stock_client_hears_what_colleagues_say(tmp_path: Path) -> None:
    async with server(tmp_path / "data") as (url, _pid):
        customer = await new_key(tmp_path / "data", "customer", "user_001")
        staff = await new_key(tmp_path / "data", "staff", "anna")
        answers = await handed_over(url, customer, staff)
        todo = json.dumps({"url": url, "customer": customer, "staff": staff, "answers": answers})
        folder = str(installed(*CLIENT))
        script = str(HERE / "client.mjs")
        code, out = await run(newer_node(), script, folder, todo, home=tmp_path)
    assert code == 0, out
    shown = json.loads(out.splitlines()[-1])
    assert shown["balance"] == {"get_account_balance": {"user_id": "user_001"}}
    assert [one["type"] for one in shown["events"]] == ["taken_over", "message"]
    assert shown["events"][1]["content"] == "Hello, I am Anna."
    assert "nothing" in shown["failed"]
    assert shown["closed"] == 4401
