"""The Python client: call a desk's tools over MCP, or talk to its customers' agent in a few lines.

>>> from deskward.client import AgentSession, SyncMCPClient
>>> with SyncMCPClient() as client:                        # doctest: +SKIP
...     session = AgentSession(client, user_id="user_001")
...     print(session.chat("What's my balance?"))
Your current account balance is $5,420.50.

The client starts `deskward mcp` on standard input and output, or another server's command, or
connects to a URL. The agent runs in this process with the model that MODEL names; each of its
calls passes the desk's own gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deskward.client.mcp import MCPClient, SyncMCPClient

if TYPE_CHECKING:
    from deskward.client.session import AgentSession, AsyncAgentSession

__all__ = ["AgentSession", "AsyncAgentSession", "MCPClient", "SyncMCPClient"]


def __getattr__(name: str) -> Any:
    """Import the agent's sessions, and with them the agent, for those who want one."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from deskward.client import session

    return getattr(session, name)
