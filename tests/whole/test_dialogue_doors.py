"""A dialogue is the same through every door: REST, WebSocket and `deskward chat`.

The same answers, acts and ledger rows; also where the process is killed, and another goes on,
between any two turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from deskward.agent.offline.model import OfflineModel
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from tests.conftest import recorded
from tests.demo_file import settings_in
from tests.entrypoints.conftest import client_of
from tests.services.server import new_key, server

TALKS: Mapping[str, Sequence[str]] = {
    "cards": [
        "i lost a card",
        "not the visa, the other one. block it",
        "yes",
        "is it blocked now?",
        "what did you just do?",
    ],
    "orders": ["what have I ordered", "cancel the last one", "yes", "did it work?"],
    "adresse": [
        "ich bin umgezogen, bitte Adresse ändern",
        "Lindenweg 7, 24103 Kiel",
        "ja",
        "welche Adresse habt ihr jetzt?",
    ],
    "persona": ["quiero hablar con una persona", "por un cargo", "sí", "¿cuándo me responden?"],
}
WISHED = {"freeze_card", "update_address"}
"""What is done in them, at least."""
USER = "user_001"

Answers = dict[str, list[str]]
Rows = list[tuple[str, str, Any]]
Say = Callable[[str, str], Awaitable[str]]


async def rows_in(desk: Desk) -> Rows:
    """The calls of conversations, as the ledger has them: tool, status, arguments."""
    return [
        (row["tool"], row["status"], _plain(row.get("arguments")))
        for row in await recorded(desk)
        if row["kind"] == "call" and row.get("conversation")
    ]


async def rows_of(folder: Path) -> Rows:
    async with open_desk(settings_in(folder), chat=False) as desk:
        return await rows_in(desk)


def _plain(value: Any) -> Any:
    """Without ids that are made by lot."""
    return re.sub(r"\b[0-9a-f]{32}\b", "<id>", json.dumps(value, sort_keys=True))


def heard(text: str) -> str:
    """An answer without what is made by lot."""
    return re.sub(r"\b[0-9a-f]{32}\b", "<id>", text).strip()


async def talk(say: Say, talks: Mapping[str, Sequence[str]] = TALKS) -> Answers:
    return {name: [heard(await say(name, text)) for text in said] for name, said in talks.items()}


def by_rest(client: httpx2.AsyncClient, key: str = "") -> Say:
    headers = {"X-API-Key": key} if key else {"X-User-ID": USER}

    async def say(session: str, text: str) -> str:
        body = {"session_id": session, "message": text}
        response = await client.post("/api/v1/chat", json=body, headers=headers)
        assert response.status_code == 200, response.text
        answer: str = response.json()["message"]
        return answer

    return say


def by_websocket(url: str, key: str) -> Say:
    async def say(session: str, text: str) -> str:
        address = f"{url.replace('http', 'ws')}/ws/{USER}?session_id={session}"
        async with connect(address, additional_headers={"X-API-Key": key}) as socket:
            await socket.send(text)
            answer = ""
            async with asyncio.timeout(60):
                while (event := json.loads(await socket.recv()))["type"] != "done":
                    assert event["type"] != "error", event
                    answer += event.get("content", "") if event["type"] == "token" else ""
            return answer

    return say


def by_chat(folder: Path, *more: str) -> Say:
    """Each message in a process of its own, which goes on with the session."""

    async def say(session: str, text: str) -> str:
        command = ["chat", "--once", text, "--session", session, "--user", USER, "--json", *more]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deskward", *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "DATA_DIR": str(folder),
                "EMBEDDINGS": "off",
                "DOMAINS": "bank,shop",
                "LOG_TO_FILE": "false",
                "MODEL": "offline",
            },
        )
        out, problem = await process.communicate()
        assert process.returncode == 0, problem.decode()
        answer: str = json.loads(out)["message"]
        return answer

    return say


@pytest.mark.slow
@pytest.mark.xdist_group("crash")
@pytest.mark.timeout(600)
async def test_rest_websocket_and_chat_say_do_and_record_the_same(tmp_path: Path) -> None:
    found: dict[str, tuple[Answers, Rows]] = {}
    for door in ("rest", "websocket", "chat"):
        folder = tmp_path / door
        async with server(folder) as (url, _), httpx2.AsyncClient(base_url=url, timeout=60) as http:
            key = await new_key(folder, "customer", USER)
            say = {
                "rest": by_rest(http, key),
                "websocket": by_websocket(url, key),
                "chat": by_chat(folder, "--url", url, "--key", key),
            }[door]
            answers = await talk(say)
        found[door] = answers, await rows_of(folder)
    answers, rows = found["rest"]
    assert {tool for tool, status, _ in rows if status == "ok"} >= WISHED
    assert found["websocket"] == (answers, rows)
    assert found["chat"] == (answers, rows)


@pytest.mark.slow
@pytest.mark.xdist_group("crash")
@pytest.mark.timeout(600)
async def test_killed_between_any_two_turns_nothing_is_said_or_done_otherwise(
    tmp_path: Path,
) -> None:
    talks = {"cards": TALKS["cards"]}
    async with (
        server(tmp_path / "whole") as (url, _),
        httpx2.AsyncClient(base_url=url, timeout=60) as http,
    ):
        whole = await talk(by_rest(http), talks)
    killed: list[str] = []
    for text in talks["cards"]:
        async with (
            server(tmp_path / "killed") as (url, pid),
            httpx2.AsyncClient(base_url=url, timeout=60) as http,
        ):
            killed.append(heard(await by_rest(http)("cards", text)))
            os.kill(pid, signal.SIGKILL)
    assert {"cards": killed} == whole
    assert await rows_of(tmp_path / "killed") == await rows_of(tmp_path / "whole")


async def in_process(desk: Desk, name: str, said: Sequence[str]) -> list[str]:
    async with client_of(desk) as client:
        say = by_rest(client)
        return [heard(await say(name, text)) for text in said]


async def test_another_process_goes_on_between_any_two_turns(
    sqlite_settings: Settings, offline: OfflineModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As above, in this process: each turn meets a desk that was opened anew."""
    again = settings_in(tmp_path_factory.mktemp("again"), secret_key="k" * 32)
    folder, name = Path(sqlite_settings.data_dir), "cards"
    said = TALKS[name][:3]
    (Path(again.data_dir) / "deskward.db").write_bytes((folder / "deskward.db").read_bytes())
    async with open_desk(sqlite_settings, model=offline) as desk:
        whole = await in_process(desk, name, said)
        rows = await rows_in(desk)
    resumed = []
    for text in said:
        async with open_desk(again, model=offline) as desk:
            resumed += await in_process(desk, name, [text])
            resumed_rows = await rows_in(desk)
    assert resumed == whole
    assert resumed_rows == rows
    assert ("freeze_card", "ok") in [(tool, status) for tool, status, _ in rows]
