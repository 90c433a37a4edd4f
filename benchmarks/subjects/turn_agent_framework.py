"""A turn of Microsoft's agent-framework. Runs in an environment of its own; see `turn_loop`."""

from __future__ import annotations

from typing import Any

from agent_framework import Agent
from agent_framework.openai import OpenAIChatCompletionClient

from benchmarks.subjects.turn_loop import BALANCE, QUESTION, Turn, main


async def get_account_balance(user_id: str) -> dict[str, Any]:
    """Tell how much money is in an account."""
    return {**BALANCE, "user_id": user_id}


def make(url: str) -> Turn:
    client = OpenAIChatCompletionClient("stub", base_url=url, api_key="none")
    agent = Agent(client, "You help customers of a support desk.", tools=[get_account_balance])

    async def turn() -> str:
        said = []
        async for update in agent.run(QUESTION, stream=True):
            said.append(update.text)
        return "".join(said)

    return turn


if __name__ == "__main__":
    main(make, ("agent-framework-core", "agent-framework-openai", "openai", "pydantic", "httpx2"))
