"""HTTP/1.1 on the wire: uvicorn's protocol, with bounds, and with our form of errors."""

from __future__ import annotations

import asyncio

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from deskward.core.errors import InvalidInput
from deskward.gate.context import new_id

MAX_HEAD = 64 * 1024
"""Most bytes of a request before its body."""
HEAD_TIMEOUT = 30.0
"""Seconds within which they have to be there."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Expect a request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._forget_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        super().data_received(data)
        if self._timer is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("The request's address and headers are too long.")

    def on_message_begin(self) -> None:
        """Expect the rest of the head."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Serve the request.

        Raises:
            ValueError: The head is too long; the parser makes that a 400.
        """
        self._forget_head()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            raise ValueError("the head is too long")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request."""
        self._forget_head()
        request_id = new_id()
        body = to_json(InvalidInput(msg).rest_body(request_id))
        head = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-request-id": request_id,
            "x-content-type-options": "nosniff",
            "connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.transport.write(STATUS_LINE[400] + lines.encode() + b"\r\n" + body)
        self.transport.close()

    def _expect_head(self) -> None:
        self._forget_head()
        self._timer = self.loop.call_later(HEAD_TIMEOUT, self._too_slow)

    def _forget_head(self) -> None:
        self._head = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if self._head == 0:
            self.transport.close()  # somebody who connected and wants nothing
        elif not self.transport.is_closing():
            self.send_400_response(f"The request was not there within {HEAD_TIMEOUT:g} seconds.")
