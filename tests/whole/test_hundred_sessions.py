"""A hundred sessions at once, ten turns each, and a `kill -9` in the middle.

Nothing is crossed, lost or answered twice.
"""

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest

from deskward.gate.context import new_id
from tests.services.programs import free_port
from tests.services.server import server

SESSIONS = 100
TURNS = 10

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash"), pytest.mark.timeout(600)]

CUSTOMERS = ("user_001", "user_002")


def question(session: int, turn: int) -> str:
    if turn % 2:
        return "yes"  # to what it asks back
    return f"I want to report a problem: the app crashed at step {session}x{turn}."


async def talk(client: httpx2.AsyncClient, session: int, answers: dict[str, list[str]]) -> None:
    """Hold one session: a message whose answer did not come is sent again under the same key."""
    name, user = f"s{session}", CUSTOMERS[session % 2]
    for turn in range(TURNS):
        body = {"session_id": name, "message": question(session, turn)}
        headers = {"X-User-ID": user, "Idempotency-Key": f"{name}-{turn}"}
        while True:
            try:
                response = await client.post("/api/v1/chat", json=body, headers=headers)
            except httpx2.HTTPError:
                await asyncio.sleep(0.2)
                continue
            if response.status_code == 200:
                break
            assert response.status_code in (409, 503), response.text
            await asyncio.sleep(0.2)
        answer = response.json()
        assert answer["session_id"] == name
        assert answer["message_count"] == 2 * (turn + 1)
        answers.setdefault(name, []).append(answer["message"])


async def test_a_hundred_sessions_survive_a_kill(tmp_path: Path) -> None:
    answers: dict[str, list[str]] = {}
    port = str(free_port())
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        timeout=60,
        limits=httpx2.Limits(max_connections=SESSIONS),
    )
    async with client:
        async with server(tmp_path, SERVER_PORT=port) as (_, pid):
            talks = [asyncio.create_task(talk(client, n, answers)) for n in range(SESSIONS)]
            while sum(map(len, answers.values())) < SESSIONS * TURNS // 2:
                await asyncio.sleep(0.02)
            os.kill(pid, signal.SIGKILL)
        async with server(tmp_path, SERVER_PORT=port):
            await asyncio.gather(*talks)
            for session in range(SESSIONS):
                await check(client, session, answers[f"s{session}"])


async def check(client: httpx2.AsyncClient, session: int, answers: list[str]) -> None:
    """The answers are right, and the history holds just them."""
    user = CUSTOMERS[session % 2]
    path = f"/api/v1/sessions/s{session}/history"
    history = (await client.get(path, headers={"X-User-ID": user})).json()
    said = [message["content"] for message in history["messages"]]
    assert said[::2] == [question(session, turn) for turn in range(TURNS)]
    assert said[1::2] == answers
    tickets = set()
    for turn, answer in enumerate(answers):
        if turn % 2 == 0:
            assert f"step {session}x{turn}" in answer
            continue
        (ticket,) = (word.rstrip(";") for word in answer.split() if word.startswith("T1"))
        tickets.add(ticket)
        headers = {"X-User-ID": user, "X-Request-ID": new_id()}
        found = (await client.get(f"/tickets/{ticket}", headers=headers)).json()
        assert f"step {session}x{turn - 1}." in found["body"]
    assert len(tickets) == TURNS // 2
