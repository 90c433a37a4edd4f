"""A conversation whose call waits: approved by another process after a kill, it goes on."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.services.server import server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("restart"), pytest.mark.timeout(120)]

# After the article is read, an action that does not stand in the customer's own words asks.
SAID = ["How long does a transfer take?", "I want my card closed for good", "yes"]


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
    command = ("approvals", "approve", waiting["approval_id"])
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
        command = (
            "approvals",
            "deny",
            waiting["approval_id"],
            "--told",
            "Call us first.",
            "--comment",
            "He shouts.",
        )
        assert (await asyncio.to_thread(deskward, tmp_path, *command)).returncode == 0
        async with asyncio.timeout(20):
            while True:
                said = (await client.get("/api/v1/sessions/s/history")).json()["messages"]
                if "Call us first." in said[-1]["content"]:
                    break
                await asyncio.sleep(0.2)
        assert "He shouts." not in str(said)
        details = (await client.get("/accounts/user_002")).json()
        assert [card["status"] for card in details["cards"]] == ["active"]


async def key_of(folder: Path, subject: str, *options: str) -> dict[str, str]:
    """The headers of a caller with a key of their own."""
    if "staff" in options:
        await asyncio.to_thread(deskward, folder, "staff", "add", subject)
    command = ("keys", "create", "--subject", subject, *options)
    made = await asyncio.to_thread(deskward, folder, *command)
    assert made.returncode == 0, made.stderr
    (key,) = re.findall(r"dw_\S+", made.stdout)
    return {"Authorization": f"Bearer {key}"}


async def test_of_32_approvals_over_rest_one_takes_effect(tmp_path: Path) -> None:
    async with (
        server(tmp_path) as (url, _),
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        sam = await key_of(tmp_path, "user_002", "--kind", "customer")
        leads = [
            await key_of(tmp_path, name, "--kind", "staff", "--role", "support-2")
            for name in ("lena", "mara")
        ]
        await asyncio.sleep(1.5)  # until the server knows that the desk has keys
        for text in SAID:
            body = {"session_id": "s", "message": text}
            await client.post("/api/v1/chat", json=body, headers=sam)
        listed = (await client.get("/approvals", headers=leads[0])).json()
        (waiting,) = listed["approvals"]
        assert waiting["canonical_arguments"] == '{"card":null,"user_id":"user_002"}'
        assert waiting["reasons"][0]["text"].startswith('@id("')
        address = f"/approvals/{waiting['approval_id']}/approve"
        refused = await client.post(address, json={}, headers=sam)
        assert refused.status_code == 403
        answers = await asyncio.gather(
            *(
                client.post(address, json={"comment": "Seen."}, headers=leads[number % 2])
                for number in range(32)
            )
        )
        assert sorted({answer.status_code for answer in answers}) == [200, 409]
        assert [answer.status_code for answer in answers].count(200) == 1
        async with asyncio.timeout(20):
            while True:
                history = await client.get("/api/v1/sessions/s/history", headers=sam)
                if "has been deactivated" in history.json()["messages"][-1]["content"]:
                    break
                await asyncio.sleep(0.2)
        shown = (await client.get(f"/approvals/{waiting['approval_id']}", headers=leads[0])).json()
        assert (shown["status"], shown["comment"]) == ("done", "Seen.")
