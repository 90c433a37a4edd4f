"""HTTP/1.1 on the wire: uvicorn's protocol, with bounds, and with our form of errors."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

import httptools
from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from deskward.core.errors import DeskwardError, InvalidInput, Unavailable
from deskward.entrypoints.open_connections import OpenConnections
from deskward.gate.context import new_id

MAX_HEAD = 64 * 1024
"""Most bytes of a request before its body."""
HEAD_TIMEOUT = 30.0
"""Seconds within which they have to be there."""
AROUND_BODY = 16
"""Most bytes per byte of a body that its chunks may need around it, besides `MAX_HEAD` in all."""
LINGER = 2.0
"""Seconds that a client gets to say the rest of a request that was answered before it was whole."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, open_connections: OpenConnections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open = open_connections
        self._timer: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head = True
        self._around = 0
        self._unsaid = False
        """Whether the rest of a request's body is still to come."""

    # asyncio declares a wider type of transport than uvicorn's protocol, the class above, takes.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request, where there is room for one more."""
        super().connection_made(transport)
        if self._open.enter(self, others=len(self.connections) - 1):
            self._expect_head()
        else:
            self._refuse_for_now()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._open.leave(self)
        self._forget_head()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close the connection at once, whatever is still to be sent on it."""
        self.connections.discard(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self.transport.is_closing():
            return
        self._open.heard(self)
        self._unset_keepalive_if_required()
        self._around += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._ignores_upgrade():
                self._go_on_without_upgrade(data[upgrade.args[0] :])
            elif self._should_upgrade():
                self.handle_websocket_upgrade()
            return
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        if self.transport.is_closing():
            return
        if self._timer is not None:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.send_400_response("The request's address and headers are too long.")
        elif self._unsaid:
            if self._around > MAX_HEAD:
                self._refuse_trailers()
        elif self.cycle is None or self.cycle.response_complete:
            self._expect_head()  # what came is no request yet

    def _refuse_trailers(self) -> None:
        if self.cycle.response_started:
            self.drop()
        else:
            self.send_400_response("There is too much around the request's body.")

    def _ignores_upgrade(self) -> bool:
        """Tell whether the request asks for another protocol than is spoken here."""
        wanted = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        return wanted and not self._should_upgrade()

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Read a request on that asks for a protocol which is not spoken here (RFC 9110, 7.8).

        The parser takes it for the end of HTTP, and its body for the other protocol's.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = [method, b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(token for token in tokens if token.lower() != b"upgrade")
            if value and name != b"upgrade":
                head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.data_received(b"".join([*head, b"\r\n", rest]))

    def on_message_begin(self) -> None:
        """Expect the rest of the head."""
        super().on_message_begin()
        self._in_head = True
        self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body (a trailer) says nothing here."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._around = max(0, self._around - len(body) * AROUND_BODY)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Serve the request.

        Raises:
            ValueError: The head is too long; the parser makes that a 400.
        """
        self._forget_head()
        if self._ignores_upgrade():
            return  # it is read once more: see `_go_on_without_upgrade`
        self._in_head, self._around, self._unsaid = False, 0, True
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            raise ValueError("the head is too long")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the client has said all, and waits for the answer."""
        if self._ignores_upgrade():
            return
        self._unsaid = False
        super().on_message_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._open.works(self)

    def on_response_complete(self) -> None:
        """Wait for the next request, where none waits already."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._open.waits(self)
            if self._unsaid:
                self.loop.call_later(LINGER, self._close_if_unsaid, self.cycle)

    def _close_if_unsaid(self, cycle: RequestResponseCycle) -> None:
        if self._unsaid and self.cycle is cycle:
            self.transport.close()

    def pause_writing(self) -> None:
        """Note that the client does not read: for now it is as silent as one who says nothing."""
        super().pause_writing()
        self._open.waits(self)

    def resume_writing(self) -> None:
        """Note that the client reads on."""
        super().resume_writing()
        if self.cycle is not None and not (self._unsaid or self.cycle.response_complete):
            self._open.works(self)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket, where there is room for one more."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.drop()  # an answer that is still to come would end up among its frames
        elif self._open.has_room_to_upgrade(len(self.connections)):
            self._open.leave(self)
            super().handle_websocket_upgrade()
        else:
            self._refuse_for_now()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request."""
        self._send_error(InvalidInput(msg))

    def _refuse_for_now(self) -> None:
        problem = "The desk has as many connections as it can. Try again in a moment."
        self._send_error(Unavailable(problem, retry_after=1))

    def _send_error(self, error: DeskwardError) -> None:
        self._forget_head()
        request_id = new_id()
        body = to_json(error.rest_body(request_id))
        head = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-request-id": request_id,
            "x-content-type-options": "nosniff",
            "connection": "close",
        }
        if error.retry_after is not None:
            head["retry-after"] = str(error.retry_after)
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.transport.write(STATUS_LINE[error.status] + lines.encode() + b"\r\n" + body)
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


def protocol(open_connections: OpenConnections) -> type[HttpToolsProtocol]:
    """Return the protocol, with one count of connections for all that uvicorn makes of it."""
    made = partial(Protocol, open_connections=open_connections)
    return cast("type[HttpToolsProtocol]", made)  # uvicorn only calls it
