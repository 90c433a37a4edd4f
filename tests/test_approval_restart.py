"""A conversation whose call waits: approved by another process after a kill, it goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.services.server import server

pytestmark = [pytest.mark.xdist_group("restart"), pytest.mark.timeout(120)]

# After the article is read, an action that does not stand in the customer's own words asks.
SAID = ["How long does a transfer take?", "please deactivate my card"]


def deskward(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATA_DIR": str(folder), "LOG_TO_FILE": "false"}
    program = str(Path(sys.executable).with_name("deskward"))
    return subprocess.run(
        [program, *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
        timeout=60,
    )


async def test_another_process_approves_and_the_conversation_goes_on(tmp_path: Path) -> None:
    headers = {"X-User-ID": "user_002"}  # who has one card
    async with (
        server(tmp_path) as (url, pid),
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
    ):
        for text in SAID:
            body = {"session_id": "s", "message": text}
            answer = (await client.post("/api/v1/chat", json=body)).json()
        assert "needs the approval of a colleague" in answer["message"]
        os.kill(pid, signal.SIGKILL)
    listed = await asyncio.to_thread(deskward, tmp_path, "approvals", "list", "--json")
    (waiting,) = json.loads(listed.stdout)["approvals"]
    assert (waiting["tool"], waiting["agent"]) == ("deactivate_card", "assistant")
    command = ("approvals", "approve", waiting["approval_id"], "--staff", "lena")
    approved = await asyncio.to_thread(deskward, tmp_path, *command)
    assert approved.returncode == 0, approved.stderr
    assert "done: deactivate_card" in approved.stdout
    async with (
        server(tmp_path) as (url, _),
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
    ):
        said = (await client.get("/api/v1/sessions/s/history")).json()["messages"]
        assert said[-1]["role"] == "assistant"
        assert "has been deactivated" in said[-1]["content"]
        details = (await client.get("/accounts/user_002")).json()
        assert [card["status"] for card in details["cards"]] == ["deactivated"]
    replayed = await asyncio.to_thread(deskward, tmp_path, "replay", "s", "--user", "user_002")
    assert "identical" in replayed.stdout, replayed.stdout


async def test_a_denial_is_told_to_the_customer(tmp_path: Path) -> None:
    staff = {"X-User-ID": "user_002"}
    async with (
        server(tmp_path) as (url, _),
        httpx2.AsyncClient(base_url=url, headers=staff, timeout=30) as client,
    ):
        for text in SAID:
            body = {"session_id": "s", "message": text}
            await client.post("/api/v1/chat", json=body)
        listed = await asyncio.to_thread(deskward, tmp_path, "approvals", "list", "--json")
        (waiting,) = json.loads(listed.stdout)["approvals"]
        command = ("approvals", "deny", waiting["approval_id"], "--comment", "Call us first.")
        assert (await asyncio.to_thread(deskward, tmp_path, *command)).returncode == 0
        async with asyncio.timeout(20):
            while True:
                said = (await client.get("/api/v1/sessions/s/history")).json()["messages"]
                if "Call us first." in said[-1]["content"]:
                    break
                await asyncio.sleep(0.2)
        details = (await client.get("/accounts/user_002")).json()
        assert [card["status"] for card in details["cards"]] == ["active"]
