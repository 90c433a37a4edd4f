"""The Python client's agent: where secrets go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from deskward.app import Desk
from deskward.client import AsyncAgentSession, MCPClient
from deskward.client.session import _Toolbox
from deskward.core.errors import InvalidInput
from deskward.entrypoints.application import http_application
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from deskward.security.vault import Vault
from tests.agent.scripted import ScriptedModel, Step, tool
from tests.conftest import CUSTOMER

SECRET = {"type": "string", "format": "password"}
PROPERTIES: dict[str, Any] = {
    "note": {"type": "string"},
    "new_password": SECRET,
    "card": {"anyOf": [SECRET, {"type": "null"}]},
}


class Server:
    """Lists one tool, and keeps what it was called with."""

    given: dict[str, Any]

    async def list_tools(self) -> list[dict[str, Any]]:
        schema = {"type": "object", "properties": PROPERTIES}
        return [{"name": "change", "description": "x", "inputSchema": schema}]

    async def call_tool(self, name: str, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.given = given
        return {"success": True}


async def given(arguments: dict[str, Any], vault: Vault) -> dict[str, Any]:
    server = Server()
    toolbox = _Toolbox(server, "user_001")  # type: ignore[arg-type]  # what it needs of a server
    await toolbox.load()
    principal = Principal(Kind.CUSTOMER, "user_001", "default", ("customer",))
    outcome = await toolbox.call("change", arguments, Context(principal, "agent", secrets=vault))
    if outcome.error is not None:
        raise outcome.error
    return server.given


@pytest.mark.parametrize("name", ["new_password", "card"])
async def test_a_secret_goes_where_one_belongs(name: str) -> None:
    vault = Vault()
    placeholder = vault.hide("password", "Juniper!44x")
    assert await given({name: placeholder}, vault) == {name: "Juniper!44x"}


async def test_a_secret_goes_nowhere_else() -> None:
    vault = Vault()
    placeholder = vault.hide("password", "Juniper!44x")
    wanted = {"note": placeholder, "other": placeholder}
    assert await given(wanted, vault) == wanted


async def test_a_secret_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(InvalidInput):
        await given({"card": "[[card:1]]"}, Vault())
    assert await given({"note": "[[card:1]]"}, Vault()) == {"note": "[[card:1]]"}


async def test_a_desks_question_is_asked_and_answered(sqlite_desk: Desk) -> None:
    """Of a desk behind MCP: the customer's next message answers it, and nothing else does."""
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    wish = tool("deactivate_card", card="4242")
    there = Context(CUSTOMER, "cli")
    async with served(sqlite_desk) as url, MCPClient(url, user_id="user_001", key=key) as client:
        trick: Step = ["Shall all stay as it is?", tool("deactivate_card", card="4444")]
        model = ScriptedModel([wish], ["Which one?"], [wish], ["All right."], [wish], ["Done."])
        model.steps += [trick, ["Done too."]]
        session = AsyncAgentSession(client, "user_001", model=model)
        for said, answer, status in (
            ("hm", "Which one?", "active"),
            ("no", "All right.", "active"),
            ("yes", "Done.", "deactivated"),
        ):
            assert (await session.chat("block my card")).startswith("Shall I deactivate your card")
            assert await session.chat(said) == answer
            # By another door: what a key reads is kept with it, and is judged from then on.
            account = await sqlite_desk.gate.call("get_account_details", {}, there)
            assert account.value["cards"][0]["status"] == status
        # A yes below a model's own question is none to the desk's, which is asked once more, alone.
        assert (await session.chat("block my card")).startswith("Shall all stay as it is?")
        assert (await session.chat("yes")).startswith("Shall I deactivate your card")
        account = await sqlite_desk.gate.call("get_account_details", {}, there)
        assert account.value["cards"][1]["status"] == "active"
        assert await session.chat("yes") == "Done too."


@contextlib.asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[str]:
    """The desk's HTTP application, at an address."""
    config = uvicorn.Config(http_application(desk), port=0, log_level="error")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:
            await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = True
        await running
