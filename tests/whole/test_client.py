"""The Python client's examples, over standard input and output and over HTTP."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deskward.client import AgentSession, AsyncAgentSession, MCPClient, SyncMCPClient
from deskward.core.errors import DeskwardError, InvalidInput, Unavailable
from tests.services.outside_mcp import OutsideMcp, outside_mcp
from tests.services.server import server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("client"), pytest.mark.timeout(180)]

BALANCE = "Your current account balance is $5,420.50."


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DATA_DIR of the desks that the clients start, with the demo desk."""
    folder = tmp_path_factory.mktemp("client")
    shutil.copy(template, folder / "deskward.db")
    return folder


@pytest.fixture(autouse=True)
def environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(folder))
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.setenv("DOMAINS", "bank,shop")
    monkeypatch.chdir(folder)


@pytest.fixture(scope="module")
def outside() -> Iterator[OutsideMcp]:
    with outside_mcp() as running:
        yield running


def test_the_example_of_the_documentation() -> None:
    with SyncMCPClient() as client:
        session = AgentSession(client, user_id="user_001")
        assert session.chat("What's my balance?") == BALANCE
        assert session.chat("Change my password to newSecurePass123") == (
            "Your password has been changed successfully."
        )
        assert "newSecurePass123" not in str(session.history)
        other = AgentSession(client, user_id="user_002")
        assert "$5,420.50" not in other.chat("What's my balance?")
        session.reset()
        assert session.history == []


def test_a_context_is_kept_across_messages() -> None:
    with SyncMCPClient(user_id="user_001") as client:
        session = AgentSession(client, user_id="user_001")
        assert "?" in session.chat("I want to change my password")
        assert session.chat("sunshine-and-rain-77") == (
            "Your password has been changed successfully."
        )
        answer = session.chat("What is the capital of Mongolia?")
        assert "ticket number" in answer


def test_tools_are_called_without_an_agent() -> None:
    with SyncMCPClient(user_id="user_001") as client:
        assert "get_account_balance" in {tool["name"] for tool in client.list_tools()}
        balance = client.call_tool("get_account_balance")
        assert balance["balance"]["formatted"] == "$5,420.50"
        ticket = {"subject": "s", "body": "b"}
        first = client.call_tool("create_ticket", ticket, idempotency_key="k")
        assert client.call_tool("create_ticket", ticket, idempotency_key="k") == first
        with pytest.raises(DeskwardError) as refused:
            client.call_tool("get_account_balance", {"user_id": "user_002"})
        assert refused.value.error_code == "FORBIDDEN"
        with pytest.raises(DeskwardError) as unknown:
            client.call_tool("no_such_tool")
        assert unknown.value.error_code == "UNKNOWN_TOOL"


async def test_the_same_over_http(tmp_path: Path) -> None:
    async with (
        server(tmp_path) as (url, _),
        MCPClient(f"{url}/mcp", user_id="user_001") as client,
    ):
        assert (await client.call_tool("get_account_balance"))["user_id"] == "user_001"
        session = AsyncAgentSession(client, user_id="user_002")
        assert (await session.chat("What's my balance?")).startswith("Your current account")
        other = await client.for_user("user_002")
        assert (await other.call_tool("get_account_balance"))["user_id"] == "user_002"


async def test_a_server_that_is_no_desk_is_told_for_whom(outside: OutsideMcp) -> None:
    async with MCPClient(outside.url) as client:
        session = AsyncAgentSession(client, user_id="user_007")
        answer = await session.chat("I want to make a complaint: my parcel arrived broken")
        assert "C" in answer
        found = await client.call_tool("get_complaint", {"complaint_id": "C2"})
        assert found["customer_id"] == "user_007"


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(Unavailable, match="could not be reached"),
        SyncMCPClient("http://127.0.0.1:1/mcp"),
    ):
        pass
    with (
        pytest.raises(Unavailable, match="could not be reached"),
        SyncMCPClient([os.devnull + "/no-program"]),
    ):
        pass
    with pytest.raises(Unavailable, match=r"no Python file|could not"), SyncMCPClient("x.txt"):
        pass
    client = SyncMCPClient()
    with pytest.raises(Unavailable, match="with"):
        client.list_tools()
    with pytest.raises((Unavailable, InvalidInput)):
        AgentSession(client)
