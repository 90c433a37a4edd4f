"""WebSockets as uvicorn has them, each with the largest message that its address takes."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

MCP = "/mcp"
SOCKET = "/ws"
"""What an address of MCP has behind it where it is spoken to over WebSocket."""


def socket_protocol(most: int) -> type[WebSocketsSansIOProtocol]:
    """The protocol of WebSockets: `ws_max_size` counts, and at MCP's addresses another limit.

    Args:
        most: Bytes of a message of MCP, as over HTTP.
    """

    class Sockets(WebSocketsSansIOProtocol):
        """A WebSocket."""

        def handle_connect(self, event: Request) -> None:
            """Take the handshake, which says where it goes."""
            path = event.path.partition("?")[0].rstrip("/")
            if path.startswith(f"{MCP}/") and path.endswith(SOCKET):
                self.conn.max_message_size = most
            super().handle_connect(event)

    return Sockets
