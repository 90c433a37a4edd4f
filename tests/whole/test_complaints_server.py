"""The complaints server as one of its own, which dies and comes back in a conversation."""

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.hub import connection
from tests.agent.talk import Talk
from tests.conftest import STAFF
from tests.services.programs import free_port
from tests.services.server import new_key, server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub"), pytest.mark.timeout(180)]

COMPLAINT = "I want to make a complaint: my parcel arrived broken"
COMMAND = ("mcp", "complaints", "--transport", "http", "--demo")


async def complain(talk: Talk) -> str:
    """Make the complaint, and say yes to the question whether it is meant."""
    await talk.say(COMPLAINT)
    return await talk.say("yes")


async def until_closed(port: int) -> None:
    """A killed process is gone only some time later."""
    async with asyncio.timeout(10):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return
            await asyncio.sleep(0.02)


async def test_it_dies_and_comes_back_in_a_conversation(
    sqlite_settings: Settings, offline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REFRESH", 0.3)
    monkeypatch.setattr(connection, "RETRY_AFTER", 0.3)
    folder, port = tmp_path / "complaints", str(free_port())
    settings = sqlite_settings.changed(mcp_server_url=f"http://127.0.0.1:{port}/mcp")
    async with contextlib.AsyncExitStack() as stack:
        _, pid = await stack.enter_async_context(server(folder, *COMMAND, SERVER_PORT=port))
        key = await new_key(folder, "service", "hub", "desk")
        settings = settings.changed(mcp_server_api_key=key)
        desk = await stack.enter_async_context(open_desk(settings, model=offline))
        talk = Talk(desk)
        assert "C1002" in await complain(talk)
        assert talk.tools == ["register_complaint"]
        os.kill(pid, signal.SIGKILL)
        await until_closed(int(port))
        # What an outside server says makes the next deed in its session a person's to approve.
        talk = Talk(desk, session="another")
        answer = await complain(talk)
        assert "complaints service cannot be reached at the moment" in answer
        async with server(folder, *COMMAND, SERVER_PORT=port):
            async with asyncio.timeout(30):
                while not (desk.hub and desk.hub.state == "available"):
                    await asyncio.sleep(0.05)
            talk = Talk(desk, session="a third")
            assert "C1003" in await complain(talk)
            context = Context(STAFF, "rest")
            resolve = {"complaint_id": "C1003", "resolution": "We sent another one."}
            outcome = await desk.gate.call("resolve_complaint", resolve, context)
            # Its key says that it is another desk, and no model, though it has read complaints.
            assert outcome.status == "ok", outcome.value
            found = await talk.say("What is the status of my complaint C1003?")
            assert "resolved" in found
