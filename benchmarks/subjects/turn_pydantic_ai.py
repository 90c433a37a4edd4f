"""A turn of pydantic-ai. Runs in an environment of its own; see `turn_loop`."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from benchmarks.subjects.turn_loop import BALANCE, QUESTION, Turn, main


def make(url: str) -> Turn:
    model = OpenAIChatModel("stub", provider=OpenAIProvider(base_url=url, api_key="none"))
    agent = Agent(model, instructions="You help customers of a support desk.")

    @agent.tool_plain
    async def get_account_balance(user_id: str) -> dict[str, Any]:
        """Tell how much money is in an account."""
        return {**BALANCE, "user_id": user_id}

    async def turn() -> str:
        said = []
        async with agent.run_stream(QUESTION) as result:
            async for piece in result.stream_text(delta=True, debounce_by=None):
                said.append(piece)
        return "".join(said)

    return turn


if __name__ == "__main__":
    main(make, ("pydantic-ai-slim", "openai", "pydantic", "httpx2"))
