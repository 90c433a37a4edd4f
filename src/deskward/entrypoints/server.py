"""`deskward serve`: the HTTP server, and what it says when it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from deskward import __version__
from deskward.app import Desk, open_desk
from deskward.core.errors import InvalidInput
from deskward.core.settings import Settings
from deskward.entrypoints.rest import http_application

CLOSED_MESSAGE = (
    "No API key was ever made, so the desk is open to anybody who can reach it, and it refuses to "
    "listen on {host}. Make a key first (`deskward keys create --help`), or listen on 127.0.0.1."
)


class _Server(uvicorn.Server):
    """Ends on a signal without raising it again, so that what is open is closed in peace."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


async def run_server(settings: Settings, *, demo: bool) -> None:
    """Serve until a signal.

    Raises:
        InvalidInput: No key was ever made, and the address is not this machine's own.
        OSError: The port is taken.
    """
    async with open_desk(settings, demo=demo) as desk:
        is_open = not await desk.keys.exist()
        if is_open and not settings.on_loopback:
            raise InvalidInput(CLOSED_MESSAGE.format(host=settings.server_host))
        listener = _listen(settings)
        config = uvicorn.Config(
            http_application(desk),
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=10,
            server_header=False,
        )
        server = _Server(config)
        # What was made until now stays: there is no use in looking through it for garbage.
        gc.collect()
        gc.freeze()
        greeting = asyncio.create_task(_greet(server, desk, listener, is_open=is_open))
        try:
            await server.serve(sockets=[listener])
        finally:
            greeting.cancel()
    print("Deskward has stopped. Goodbye!", file=sys.stderr)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.server_host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.server_host, settings.server_port), family=family, backlog=2048
        )
    except OSError as error:
        where = f"{settings.server_host}:{settings.server_port}"
        raise OSError(
            f"cannot listen on {where}: {error.strerror}. Set SERVER_PORT to another port."
        ) from error


async def _greet(
    server: uvicorn.Server, desk: Desk, listener: socket.socket, *, is_open: bool
) -> None:
    while not server.started:  # noqa: ASYNC110 uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(greeting(desk, f"http://{shown}:{port}", is_open=is_open), flush=True)


def greeting(desk: Desk, url: str, *, is_open: bool) -> str:
    """What is running, and what to try next."""
    user = desk.settings.default_user_id
    access = (
        f"open, because no API key was ever made; callers on this machine speak as {user}"
        if is_open
        else "with an API key"
    )
    client = json.dumps({"mcpServers": {"deskward": {"type": "http", "url": f"{url}/mcp"}}})
    command: dict[str, dict[str, Any]] = {
        "deskward": {"command": sys.executable, "args": ["-m", "deskward", "mcp"]}
    }
    if desk.settings.database_url is None:
        command["deskward"]["env"] = {"DATA_DIR": str(desk.settings.data_dir.resolve())}
    key = "" if is_open else " \\\n    -H 'Authorization: Bearer dw_…'"
    return f"""\
Deskward {__version__} is ready: {url}
  Access:    {access}
  Model:     {desk.conversations.agent.model.name}
  Database:  {desk.settings.database.render_as_string(hide_password=True)}
  Tools:     {len(desk.gate.tools)}, policy version {desk.gate.policy.version}
  Documents: {url}/docs

Try next:
  curl -s {url}/api/v1/chat -H 'Content-Type: application/json'{key} \\
    -d '{{"session_id": "demo", "message": "What is my account balance?"}}'
  {sys.executable} -m deskward chat --url {url}
An MCP client's configuration, over HTTP or over stdio:
  {client}
  {json.dumps({"mcpServers": command})}
Stop with Ctrl-C."""
