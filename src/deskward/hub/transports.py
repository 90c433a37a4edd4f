"""The ways to a server: streamable HTTP, the SSE of older servers, WebSocket, and stdio.

None follows a redirection to another origin, takes a proxy from the environment, or takes in a
message without a bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import httpx2
from pydantic import ValidationError

from deskward.core.tasks import end
from deskward.hub.config import Kind, Way
from deskward.hub.credentials import origin_of
from deskward.hub.fault import Fault
from deskward.hub.stdio import MOST, stdio

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    from deskward.hub.signing_in import Tokens

NOT_SENT = -32050
UNCLEAR = -32051
"""JSON-RPC codes that we put in place of transport failures; servers' own are -32000 to -32099
too, so their `data` says that they are ours."""
OURS = "deskward.transport"
QUIET = 300.0
"""Seconds for which a stream of events may say nothing."""
MOST_BY_SSE = 1024 * 1024
"""Bytes of one message over the old SSE; the library's own bound."""
TOO_MUCH = f"sent a message of more than {MOST // 1024**2} MB"


def transport(
    way: Way, kind: Kind, seconds: float, fault: Fault, tokens: Tokens
) -> AbstractAsyncContextManager[TransportStreams]:
    """The way to a server.

    Args:
        kind: One of the way's kinds.
        seconds: What one request may take.
        fault: Told what goes wrong in words.
        tokens: Keeps what the desk has signed in with from one session to the next.
    """
    match kind:
        case "stdio":
            return stdio(way, fault)
        case "ws":
            return _websocket(way, seconds, fault)
        case "sse":
            return _events(way, seconds, fault, tokens)
    return _streamable(way, seconds, fault, tokens)


@contextlib.asynccontextmanager
async def _streamable(
    way: Way, seconds: float, fault: Fault, tokens: Tokens
) -> AsyncIterator[TransportStreams]:
    from mcp.client.streamable_http import streamable_http_client

    async with (
        _client(way, httpx2.Timeout(seconds), _Calm(fault, way), tokens) as http,
        streamable_http_client(way.url, http_client=http, max_sse_event_size=MOST) as streams,
    ):
        yield streams


@contextlib.asynccontextmanager
async def _events(
    way: Way, seconds: float, fault: Fault, tokens: Tokens
) -> AsyncIterator[TransportStreams]:
    from mcp.client.sse import sse_client

    def client(*_: Any, **__: Any) -> httpx2.AsyncClient:
        timeout = httpx2.Timeout(seconds, read=QUIET)
        return _client(way, timeout, _Bounded(fault, way, MOST_BY_SSE), tokens)

    async with sse_client(way.url, timeout=seconds, httpx_client_factory=client) as streams:
        yield streams


def _client(
    way: Way, timeout: httpx2.Timeout, transport: _Bounded, tokens: Tokens
) -> httpx2.AsyncClient:
    auth: httpx2.Auth | None = None
    if way.oauth is not None:
        from deskward.hub.signing_in import SignIn

        auth = SignIn(way.url, way.oauth, tokens)
    return _Client(
        auth=auth,
        transport=transport,
        headers=dict(way.headers),
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
    )


@contextlib.asynccontextmanager
async def _websocket(way: Way, seconds: float, fault: Fault) -> AsyncIterator[TransportStreams]:
    """One JSON-RPC message in each text frame, as the official TypeScript SDK's client does it."""
    import anyio
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol

    class Straight(connect):
        """Follows no redirection."""

        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    secured: dict[str, Any] = {"ssl": way.tls.context()} if way.tls is not None else {}
    opening = Straight(
        way.url,
        subprotocols=[Subprotocol("mcp")],
        additional_headers=dict(way.headers),
        open_timeout=seconds,
        close_timeout=1,
        max_size=MOST,
        proxy=None,
        **secured,
    )
    async with opening as socket:
        if socket.subprotocol != "mcp":
            fault.note("does not speak the WebSocket subprotocol mcp")
            raise ConnectionError(fault.words)
        to_session, read_stream = anyio.create_memory_object_stream[Any](0)
        write_stream, from_session = anyio.create_memory_object_stream[Any](0)

        async def read() -> None:
            from mcp.shared.message import SessionMessage
            from mcp.types import jsonrpc_message_adapter

            with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                async with to_session:
                    try:
                        async for frame in socket:
                            try:
                                message = jsonrpc_message_adapter.validate_json(
                                    frame, by_name=False
                                )
                            except ValueError:
                                fault.note("sent what is no JSON-RPC")
                                continue
                            await to_session.send(SessionMessage(message))
                    except ConnectionClosed as closed:
                        if closed.sent is not None and closed.sent.code == 1009:
                            fault.note(TOO_MUCH)

        async def write() -> None:
            with contextlib.suppress(ConnectionClosed):
                async for each in from_session:
                    text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await socket.send(text)
            to_session.close()

        tasks = [asyncio.create_task(read()), asyncio.create_task(write())]
        try:
            yield read_stream, write_stream
        finally:
            await end(*tasks)
            for stream in (to_session, read_stream, write_stream, from_session):
                stream.close()


class _Bounded(httpx2.AsyncBaseTransport):
    """Takes in no message over the bound; of a stream of events, each event by itself."""

    def __init__(self, fault: Fault, way: Way, most: int = MOST) -> None:
        self._inner = httpx2.AsyncHTTPTransport(verify=way.tls.context() if way.tls else True)
        # The certificate is shown to the server alone, and not where one signs in to it.
        self._others = httpx2.AsyncHTTPTransport() if way.oauth is not None else self._inner
        self.fault, self._most, self._way = fault, most, way

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # Asked here, and not by the client's headers, which a file may set.
        request.headers["accept-encoding"] = "identity"
        response = await self._to(request).handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        by_event = "text/event-stream" in response.headers.get("content-type", "")
        # What is packed could become a thousand times as much after it was counted.
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            self.fault.note("answers packed, though it was asked not to")
            raise httpx2.ReadError(self.fault.words, request=request)
        response.stream = _Counted(response.stream, by_event, self._most, self.fault)
        return response

    def _to(self, request: httpx2.Request) -> httpx2.AsyncHTTPTransport:
        """Where a request goes, if it may go there.

        Raises:
            httpx2.ConnectError: Its server sends us somewhere that nobody has named.
        """
        oauth = self._way.oauth
        if oauth is None or (origin := origin_of(str(request.url))) == origin_of(self._way.url):
            return self._inner
        if origin not in oauth.origins:
            raise httpx2.ConnectError(
                f"signing in leads to {origin}, which `oauth.origins` does not name",
                request=request,
            )
        return self._others

    async def aclose(self) -> None:
        await self._inner.aclose()
        await self._others.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, by_event: bool, most: int, fault: Fault
    ) -> None:
        self._inner, self._by_event, self._most, self._fault = inner, by_event, most, fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._inner:
            end_of_event = -1
            if self._by_event:
                end_of_event = max(piece.rfind(b"\n\n"), piece.rfind(b"\n\r\n"))
            size = size + len(piece) if end_of_event < 0 else len(piece) - end_of_event
            if size > self._most:
                self._fault.note(f"sent a message of more than {self._most // 1024**2} MB")
                raise httpx2.ReadError(self._fault.words)
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Calm(_Bounded):
    """Answers a request that failed in transport with a JSON-RPC error.

    The client would otherwise end its whole session, and with it every other call under way.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError as error:
            sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            if (answer := _problem(request, UNCLEAR if sent else NOT_SENT, str(error))) is None:
                raise
            return answer
        if (
            response.status_code == 404
            and "mcp-session-id" in request.headers
            and (answer := _problem(request, NOT_SENT, "no such session")) is not None
        ):  # the server has started anew, and has done nothing
            await response.aclose()
            return answer
        if response.headers.get("content-type", "").startswith("application/json"):
            return await _whole(request, response)
        return response


async def _whole(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """An answer in JSON, read here so that one that breaks off ends its own call alone."""
    try:
        content = b"".join([piece async for piece in response.stream])  # type: ignore[union-attr]  # it was asked asynchronously
    except httpx2.TransportError as error:
        answer = _problem(request, UNCLEAR, str(error))
        if answer is None:
            raise
        return answer
    finally:
        await response.aclose()
    headers = [(n, v) for n, v in response.headers.raw if n.lower() != b"transfer-encoding"]
    return httpx2.Response(response.status_code, headers=headers, content=content)


class _Client(httpx2.AsyncClient):
    """Answers a request with a JSON-RPC error that could not be signed in for: it was not sent."""

    async def send(self, request: httpx2.Request, **more: Any) -> httpx2.Response:
        """Send a request."""
        try:
            return await super().send(request, **more)
        except Exception as error:
            transport = self._transport
            if self.auth is None or not isinstance(transport, _Calm) or not _is_of_oauth(error):
                raise
            answer = _problem(request, NOT_SENT, "not signed in")
            if answer is None:
                raise
            transport.fault.note("could not be signed in to", str(error)[:300])
            return answer


def _is_of_oauth(error: Exception) -> bool:
    """Whether an error came of signing in: what the server's own requests meet is answered."""
    from mcp.client.auth import OAuthFlowError

    return isinstance(error, OAuthFlowError | ValidationError | httpx2.TransportError)


def _problem(request: httpx2.Request, code: int, message: str) -> httpx2.Response | None:
    """A JSON-RPC error in answer to a request; None where it is none of JSON-RPC."""
    with contextlib.suppress(ValueError, AttributeError, httpx2.StreamError):
        number = json.loads(request.content).get("id")
        problem = {"code": code, "message": message, "data": OURS}
        return httpx2.Response(503, json={"jsonrpc": "2.0", "id": number, "error": problem})
    return None
