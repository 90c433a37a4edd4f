"""A bare FastMCP server with thirty trivial tools, or as many: stateless, JSON answers.

Usage: python -m benchmarks.subjects.fastmcp_server PORT [TOOLS]
"""

from __future__ import annotations

import sys

import uvicorn
from fastmcp import FastMCP

from benchmarks.subjects.fastapi_route import Balance, Money

TOOLS = 30


async def get_account_balance(user_id: str) -> Balance:
    """Tell how much money is in an account."""
    return Balance(user_id=user_id, balance=Money(amount=542050, currency="USD"))


def server(tools: int) -> FastMCP:
    """The server, with the tool above and trivial others."""
    mcp: FastMCP = FastMCP("bare")
    mcp.tool(get_account_balance)
    for number in range(1, tools):
        mcp.tool(_trivial, name=f"trivial_{number:02d}")
    return mcp


async def _trivial(text: str, times: int = 1) -> dict[str, str]:
    """Repeat a text."""
    return {"text": text * times}


if __name__ == "__main__":
    tools = int(sys.argv[2]) if len(sys.argv) > 2 else TOOLS
    app = server(tools).http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
