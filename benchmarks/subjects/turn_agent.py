"""A turn of Deskward's agent alone: its loop and its model, without gate, ledger and storage.

For a comparison with agent libraries like with like; see `turn_loop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel
from pydantic_core import to_json

from benchmarks.subjects.turn_loop import BALANCE, QUESTION, Turn, main
from deskward.agent.events import Done
from deskward.agent.loop import Agent
from deskward.agent.model import Message, Model
from deskward.agent.models.choose import choose_model
from deskward.core.settings import Settings
from deskward.core.written import Ours, Written
from deskward.features import all_features
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Risk, Tool, ToolGroup
from deskward.security.principals import Kind, Principal
from deskward.security.vault import Vaults

tools = ToolGroup("accounts")


class Balance(BaseModel):
    """What the tool answers."""

    user_id: Ours
    balance: Annotated[dict[str, Any], Written(by="desk")]


@tools.tool(scope="accounts:read", risk=Risk.READ, rest="GET /accounts/{user_id}/balance")
async def get_account_balance(ctx: Context, user_id: str) -> Balance:
    """Tell how much money is in an account."""
    return Balance.model_validate({**BALANCE, "user_id": user_id})


class StubGate:
    """Runs the one tool and asks nobody."""

    def __init__(self) -> None:
        self.tools = {tool.name: tool for tool in tools.tools}

    def tools_for(self, principal: Principal) -> list[Tool]:
        """Every tool."""
        return list(self.tools.values())

    async def call(
        self, name: str, arguments: Mapping[str, Any], context: Context, **_: Any
    ) -> Outcome:
        """Validate the arguments and run the tool."""
        tool = self.tools[name]
        given = tool.arguments.model_validate(arguments)
        result = await tool.function(context, **dict(given))
        return Outcome("ok", to_json(result).decode(), context.request_id)


def make(url: str) -> Turn:
    settings = Settings.alone(model=f"{url}#stub", openai_api_key="none")
    agent = Agent(
        cast(Gate, StubGate()), choose_model(settings, _no_model), claims=all_features().claims
    )
    customer = Principal(Kind.CUSTOMER, "user_001", "default", ("customer",))
    vaults = Vaults()

    async def turn() -> str:
        context = Context(customer, "agent", session_id="s", turn_id="t")
        vault = vaults.of("default", customer.label, context.request_id)
        said = ""
        async for event in agent.run(context, vault, [Message("user", QUESTION)]):
            if isinstance(event, Done):
                said = event.text
        return said

    return turn


def _no_model() -> Model:
    raise AssertionError("the offline model is not measured here")


if __name__ == "__main__":
    main(make, ("deskward", "openai", "pydantic", "httpx2"))
