"""`deskward serve`: the HTTP server, from its first word to its last."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import uvicorn

from deskward.app import Desk, open_desk
from deskward.core.errors import InvalidInput
from deskward.core.memory import give_back_now_and_then
from deskward.core.settings import Settings
from deskward.core.tasks import background
from deskward.entrypoints.application import http_application, mcp_application
from deskward.entrypoints.banner import banner
from deskward.entrypoints.http1 import protocol
from deskward.entrypoints.open_connections import (
    OpenConnections,
    most_connections,
    raise_file_limit,
)
from deskward.entrypoints.output import let_go, say
from deskward.entrypoints.sizes import body_limits
from deskward.entrypoints.sockets import MCP, SOCKET, socket_protocol
from deskward.entrypoints.websocket import MAX_FRAME
from deskward.inbox.boxes import BoxVault
from deskward.inbox.filing import Inbox
from deskward.integrations.kafka.choose import topics_come_in
from deskward.integrations.mail.choose import mail_comes_in

CLOSED_MESSAGE = (
    "No API key was ever made, so the desk is open to anybody who can reach it, and it refuses to "
    "listen on {host}. Make a key first (`deskward keys create --help`), or listen on 127.0.0.1."
)
GARBAGE = 50_000
"""Objects after which garbage is looked for: at Python's 700 it costs a twentieth of all CPU. Fifty
calls that are under way have ten thousand, none of which is garbage."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
DRAIN = 5.0
"""Seconds that turns have to end when the server stops; then they are left for the next one."""


class _Server(uvicorn.Server):
    """Ends on a signal without raising it again, so that what is open is closed in peace."""

    def __init__(self, config: uvicorn.Config, desk: Desk, *, quiet: bool) -> None:
        super().__init__(config)
        self._desk = desk
        self._quiet = quiet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at the second Ctrl-C, at once.

        Runs in the middle of anything, also of a write that waits for a reader: what is to be said
        is said later, by the loop.
        """
        let_go()
        first = not self.should_exit
        super().handle_exit(sig, frame)
        if first and self._loop is not None:
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        conversations = self._desk.conversations
        running = conversations.running
        self._draining = asyncio.get_running_loop().create_task(conversations.drain(DRAIN))
        self.say(
            f" Shutdown signal received...\n  • Closing active sessions... [{running} sessions]"
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM while the block runs."""
        self._loop = asyncio.get_running_loop()
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._draining is not None:
                self._draining.cancel()

    def say(self, text: str) -> None:
        """Print, unless another worker speaks for all."""
        if not self._quiet:
            say(text)


async def run_server(
    settings: Settings,
    *,
    demo: bool,
    only: str | None = None,
    listener: socket.socket | None = None,
    worker: int = 0,
) -> None:
    """Serve until a signal.

    Args:
        settings: The operator's choices.
        demo: Whether to load demo data into an empty database.
        only: Serve this group of tools over MCP, and nothing else.
        listener: A socket that listens already, which a supervisor gave to this worker.
        worker: This process's number among those of a supervisor; the first speaks for all.

    Raises:
        InvalidInput: No key was ever made, and the address is not this machine's own.
        OSError: The port is taken.
    """
    parent = os.getppid() if listener is not None else None
    async with open_desk(settings, demo=demo, chat=only is None, only=only) as desk:
        is_open = not await desk.keys.exist()
        if is_open and not settings.server.on_loopback:
            raise InvalidInput(CLOSED_MESSAGE.format(host=settings.server.host))
        listener = listener or listen(settings)
        application = mcp_application(desk) if only else http_application(desk)
        most = most_connections(settings.server.max_connections, raise_file_limit())
        config = uvicorn.Config(
            application,
            http=protocol(OpenConnections(most)),
            access_log=False,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=int(DRAIN) + 5,
            server_header=False,
            proxy_headers=bool(settings.server.trusted_proxies),
            forwarded_allow_ips=settings.server.trusted_proxies or None,
            ws=socket_protocol(body_limits(desk.gate.tools.values(), at_once=MCP)[MCP]),
            ws_max_size=MAX_FRAME,
        )
        server = _Server(config, desk, quiet=worker > 1)
        # What was made until now stays: there is no use in looking through it for garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE)
        gc.enable()
        async with contextlib.AsyncExitStack() as beside:
            greeting = _greet(server, desk, listener, is_open, only)
            await beside.enter_async_context(background(greeting))
            await beside.enter_async_context(background(give_back_now_and_then()))
            if only is None:
                await beside.enter_async_context(_mail(settings, desk))
                await beside.enter_async_context(topics_come_in(settings, desk.gate, worker))
            if parent is not None:
                await beside.enter_async_context(background(_end_with(parent, server)))
            await server.serve(sockets=[listener])
        server.say("  • Flushing logs...\n  • Closing database connections...")
    server.say("  • Cleanup complete.\nServer stopped gracefully. Goodbye!")


def _mail(settings: Settings, desk: Desk) -> contextlib.AbstractAsyncContextManager[None]:
    """Mail that comes in while the server runs."""
    rules, vault = desk.gate.port(Inbox).rules, desk.gate.port(BoxVault)
    return mail_comes_in(settings, desk.database, rules, desk.jobs.wake, vault)


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.server.host, settings.server.port), family=family, backlog=2048
        )
    except (OSError, UnicodeError) as error:  # a host name that cannot be one
        where = f"{settings.server.host}:{settings.server.port}"
        reason = str(getattr(error, "strerror", error)).partition(" (while")[0]
        raise OSError(
            f"cannot listen on {where}: {reason}. Set SERVER_HOST or SERVER_PORT otherwise."
        ) from error


async def _end_with(parent: int, server: _Server) -> None:
    """Stop once the process that started this one is gone: nobody else would stop it."""
    while os.getppid() == parent:  # noqa: ASYNC110 the system has no event for it
        await asyncio.sleep(1)
    server.handle_exit(signal.SIGTERM, None)


async def _greet(
    server: _Server, desk: Desk, listener: socket.socket, is_open: bool, only: str | None
) -> None:
    while not server.started:  # noqa: ASYNC110 uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if only:
        socket_url = f"{url.replace('http', 'ws', 1)}{MCP}{SOCKET}"
        told = f"{len(desk.gate.tools)} {only} tools over MCP at {url}{MCP} and {socket_url}"
        server.say(f"Serving {told}")
    else:
        server.say(banner(desk, url, is_open=is_open))
