"""The Python client's agent: where secrets go."""

from typing import Any

import pytest

from deskward.client.session import _Toolbox
from deskward.core.errors import InvalidInput
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from deskward.security.vault import Vault

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
    toolbox = _Toolbox(server, "user_001")  # type: ignore[arg-type]
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
