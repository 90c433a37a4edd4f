"""What colleagues say reaches open chats at once, in whatever process they are, and is never lost.

Real clients: server-sent events, WebSockets; two servers on one database.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect

from tests.services.server import new_key, server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("websocket"), pytest.mark.timeout(120)]

SOON = 15.0
"""Seconds within which an open chat is told, on a busy machine; its heartbeat comes every 20."""
LATER = 2.0
"""Seconds after which nothing more is expected."""


class Desk:
    """A desk of two servers, with a customer's key and a colleague's, and a handover."""

    def __init__(self, urls: list[str], customer: str, staff: str, session: str) -> None:
        self.urls = urls
        self.session = session
        self.here = f"/api/v1/chat/events?session_id={session}"
        self.customer = {"Authorization": f"Bearer {customer}"}
        self.staff = {"Authorization": f"Bearer {staff}"}
        self.ticket = ""

    async def ask(self, text: str, at: int = 0) -> Any:
        """What the customer is answered."""
        body = {"session_id": self.session, "message": text}
        return await self.post("/api/v1/chat", body, self.customer, at)

    async def work(self, way: str, body: Any = None, at: int = 1) -> Any:
        """What a colleague does with the ticket."""
        return await self.post(f"/tickets/{self.ticket}{way}", body or {}, self.staff, at)

    async def post(self, path: str, body: Any, headers: dict[str, str], at: int) -> Any:
        async with httpx2.AsyncClient(timeout=30) as client:
            done = await client.post(f"{self.urls[at]}{path}", json=body, headers=headers)
            assert done.status_code < 300, done.text
            return done.json() if done.content else None

    async def delivery(self, text: str) -> str:
        async with httpx2.AsyncClient(timeout=30) as client:
            address = f"{self.urls[0]}/tickets/{self.ticket}/messages?limit=100"
            page = (await client.get(address, headers=self.staff)).json()
        (found,) = [one["delivery"] for one in page["messages"] if one["text"] == text]
        return str(found)

    @asynccontextmanager
    async def window(self, at: int = 0, last: str | None = None) -> AsyncIterator[Window]:
        headers = {**self.customer, **({"Last-Event-ID": last} if last else {})}
        async with (
            httpx2.AsyncClient(timeout=httpx2.Timeout(30, read=60)) as client,
            client.stream("GET", f"{self.urls[at]}{self.here}", headers=headers) as response,
        ):
            assert response.status_code == 200, await response.aread()
            yield Window(response.aiter_lines())

    async def has(self, event_id: str, at: int = 0) -> None:
        body = {"session_id": self.session, "event_id": event_id}
        await self.post("/api/v1/chat/received", body, self.customer, at)

    def socket(self, at: int = 0) -> connect:
        address = f"{self.urls[at].replace('http', 'ws')}/ws/user_001?session_id={self.session}"
        return connect(address, additional_headers=self.customer)


class Window:
    """An open stream of server-sent events."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, within: float = SOON) -> dict[str, Any]:
        """The next event, with its id."""
        event: dict[str, Any] = {}
        async with asyncio.timeout(within):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "data":
                    event = json.loads(value)
                elif name == "id":
                    return {**event, "id": value}
        raise AssertionError("the stream has ended")

    async def nothing(self) -> None:
        with pytest.raises(TimeoutError):
            await self.next(LATER)


async def heard(socket: ClientConnection, within: float = SOON) -> dict[str, Any]:
    async with asyncio.timeout(within):
        found: dict[str, Any] = json.loads(await socket.recv())
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[list[str], str, str]]:
    """The addresses of two servers of a desk, a customer's key and a colleague's."""
    folder = tmp_path_factory.mktemp("news")
    settings: dict[str, Any] = {"SECRET_KEY": "k" * 32, "STREAM_HEARTBEAT": "20"}
    if request.param == "postgresql":
        address: str = request.getfixturevalue("postgres_url")
        settings["DATABASE_URL"] = f"{address.rpartition('/')[0]}/news"
        connection = await asyncpg.connect(address)
        await connection.execute("DROP DATABASE IF EXISTS news WITH (FORCE)")
        await connection.execute("CREATE DATABASE news TEMPLATE template_desk")
        await connection.close()
    async with server(folder, **settings) as (one, _):
        customer = await new_key(folder, "customer", "user_001", **settings)
        staff = await new_key(folder, "staff", "anna", **settings)
        await asyncio.sleep(1.1)  # a server remembers for a second that there was no key
        async with server(folder, log=folder / "second.log", **settings) as (two, _):
            yield [one, two], customer, staff


@pytest.fixture
async def desk(request: pytest.FixtureRequest, servers: tuple[list[str], str, str]) -> Desk:
    """A conversation of this test's own, in which a colleague is wanted."""
    opened = Desk(*servers, session=f"s-{abs(hash(request.node.name))}")
    await opened.ask("I want to talk to a human")
    async with httpx2.AsyncClient(timeout=30) as client:
        address = f"{opened.urls[0]}/tickets?limit=100"
        listed = (await client.get(address, headers=opened.staff)).json()
    opened.ticket = next(t["id"] for t in listed["tickets"] if t["session_id"] == opened.session)
    return opened


async def test_a_colleague_is_heard_at_once_in_every_window(desk: Desk) -> None:
    async with desk.window() as one, desk.window(at=1) as two, desk.socket() as three:
        await desk.work("/conversation/take-over")
        for window in (one, two):
            assert (await window.next())["type"] == "taken_over"
        assert (await heard(three))["type"] == "taken_over"
        await desk.work("/conversation/answer", {"text": "Hello, I am Anna."})
        told = [await one.next(), await two.next(), await heard(three)]
        assert {event["content"] for event in told} == {"Hello, I am Anna."}
        assert {(event["type"], event["by"]) for event in told} == {("message", "staff")}
        # It was sent, and nobody has said yet that they have it.
        assert await desk.delivery("Hello, I am Anna.") == "sent"
        await three.send(json.dumps({"type": "received", "event_id": told[2]["event_id"]}))
        async with asyncio.timeout(SOON):
            while await desk.delivery("Hello, I am Anna.") != "delivered":
                await asyncio.sleep(0.05)
        await desk.work("/conversation/give-back")
        for window in (one, two):
            assert (await window.next())["type"] == "given_back"
        assert (await heard(three))["type"] == "given_back"


async def test_an_answer_in_the_ticket_is_heard_too_and_an_acknowledged_one_once(
    desk: Desk,
) -> None:
    update = {"update": {"reply": "Your card is on its way."}}
    async with desk.window() as window:
        await desk.work("/actions/update", update)
        event = await window.next()
        assert event["content"] == "Your card is on its way."
    await desk.has(event["id"], at=1)
    assert await desk.delivery("Your card is on its way.") == "delivered"
    async with desk.window() as window, desk.socket(at=1) as socket:
        await window.nothing()
        with pytest.raises(TimeoutError):
            await heard(socket, LATER)


async def test_what_was_cut_off_comes_at_the_next_visit(desk: Desk) -> None:
    """The client goes in the middle: nothing says delivered until the client does."""
    async with desk.window() as window:
        await desk.work("/conversation/answer", {"text": "One."})
        assert (await window.next())["type"] == "taken_over"
        first = await window.next()
    await desk.work("/conversation/answer", {"text": "Two."})
    async with desk.socket() as socket:  # hears it, and is cut before it can say so
        assert [(await heard(socket)).get("content") for _ in range(3)] == [None, "One.", "Two."]
        socket.transport.abort()
    assert {await desk.delivery(text) for text in ("One.", "Two.")} == {"sent"}
    async with desk.window(at=1, last=first["id"]) as window:  # as a browser comes back
        assert (await window.next())["content"] == "Two."
        assert await desk.delivery("One.") == "delivered"
        assert await desk.delivery("Two.") == "sent"
    async with desk.window() as window:
        assert (await window.next())["content"] == "Two."


async def test_nobody_hears_anothers_chat_and_no_id_can_be_guessed(desk: Desk) -> None:
    await desk.work("/conversation/answer", {"text": "For Alex alone."})
    async with httpx2.AsyncClient(timeout=30) as client:
        unknown, no_id = (404, "EVENT_NOT_FOUND"), (400, "INVALID_INPUT")
        for last, answered in (("0" * 32, unknown), ("1", no_id)):
            refused = await client.get(
                f"{desk.urls[0]}{desk.here}", headers={**desk.customer, "Last-Event-ID": last}
            )
            assert (refused.status_code, refused.json()["error"]) == answered
        # The colleague's own session of that name is another one.
        other = await client.get(f"{desk.urls[0]}{desk.here}&seconds=1", headers=desk.staff)
        assert "Alex" not in other.text
        mine = await client.get(f"{desk.urls[0]}{desk.here}&seconds=0", headers=desk.customer)
        assert "For Alex alone." in mine.text
        assert (await client.get(f"{desk.urls[0]}{desk.here}")).status_code == 401
    assert await desk.delivery("For Alex alone.") == "sent"


async def test_the_history_says_what_neither_customer_nor_agent_said(desk: Desk) -> None:
    await desk.work("/conversation/answer", {"text": "Hello."})
    async with httpx2.AsyncClient(timeout=30) as client:
        address = f"{desk.urls[0]}/api/v1/sessions/{desk.session}/history"
        said = (await client.get(address, headers=desk.customer)).json()["messages"]
    assert ("by" in said[0], "by" in said[1]) == (False, False)
    assert (said[-1]["by"], said[-1]["role"]) == ("staff", "assistant")
