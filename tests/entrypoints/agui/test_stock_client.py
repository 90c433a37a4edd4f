"""The stock client of AG-UI (npm: `@ag-ui/client`) holds a conversation with a whole server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.mcp.peers import run
from tests.services.npm import installed, newer_node
from tests.services.server import new_key, server

CLIENT = ("@ag-ui/client", "1.0.0")
HERE = Path(__file__).parent

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm-peers"), pytest.mark.timeout(300)]


async def talk(url: str, home: Path, *says: Any, **headers: str) -> list[dict[str, Any]]:
    todo = json.dumps({"url": f"{url}/agui", "headers": headers, "says": says})
    folder = str(installed(*CLIENT))
    code, out = await run(newer_node(), str(HERE / "client.mjs"), folder, todo, home=home)
    assert code == 0, out
    shown: list[dict[str, Any]] = json.loads(
        next(line for line in out.splitlines() if line.startswith("["))  # else what it logs
    )
    return shown


async def test_it_holds_a_conversation_and_answers_questions(tmp_path: Path) -> None:
    yes = {"resume": {"status": "resolved", "payload": {"approved": True}}}
    async with server(tmp_path / "data") as (url, _pid):
        told, asked, stuck, done, human = await talk(
            *(url, tmp_path),
            "What's my account balance?",
            "Block my Visa card for good",
            "What's my account balance?",
            yes,
            "I want to talk to a human",
        )
    assert told["text"] == "Your current account balance is $5,420.50."
    assert told["calls"] == ["get_account_balance"]
    assert len(asked["asked"]) == 1
    assert "thrown" not in asked
    assert "pending interrupt" in stuck["thrown"]  # the client's own: a question is answered first
    assert (done["asked"], done["role"]) == ([], "assistant")
    assert done.keys().isdisjoint({"thrown", "failed"}), done
    assert "4242" in json.dumps(done["text"])
    assert human["custom"] == ["handover"]
    assert human["state"]["ticket"].startswith("T")


async def test_it_shows_errors_in_our_words(tmp_path: Path) -> None:
    async with server(tmp_path / "data") as (url, _pid):
        key = await new_key(tmp_path / "data", "customer", "user_001")
        (no_key,) = await talk(url, tmp_path, "hello")
        (long,) = await talk(url, tmp_path, "x" * 20_000, Authorization=f"Bearer {key}")
    assert no_key["thrown"].startswith("HTTP 401")
    assert "needs an API key" in no_key["thrown"]
    assert long["failed"] == "INVALID_INPUT"  # of its last message alone: the run itself ends so
    assert long["why"] == "The message is longer than 10,000 characters."
