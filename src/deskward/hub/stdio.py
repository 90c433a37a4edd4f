"""A server that the desk starts itself, and speaks to over its standard input and output.

As the library's `stdio_client`, but a line has a greatest length (the library takes one of any
length, in quadratic time), and what the child says on standard error is kept for people.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from deskward.core.tasks import end
from deskward.hub.config import Way
from deskward.hub.fault import Fault

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

    ToSession = MemoryObjectSendStream[SessionMessage | Exception]
    FromSession = MemoryObjectReceiveStream[SessionMessage]

MOST = 8 * 1024 * 1024
"""Bytes of one message of a server, over whichever transport."""
PASSED_ON = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""What a child gets of the desk's own environment, as with every client of the library: without
these no `npx` or `uvx` starts. No setting of the desk is among them."""
PATIENCE = 1.5
"""Seconds that a child has to end, each time before it is told more plainly."""
SAID = 3
"""Lines of its standard error that are kept."""

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def stdio(way: Way, fault: Fault) -> AsyncIterator[TransportStreams]:
    """Start a server and speak to it; it has ended when the block has.

    Raises:
        OSError: It cannot be started.
    """
    import anyio
    from mcp.shared.message import SessionMessage

    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *way.command,
        env={**inherited, **way.env},
        cwd=way.cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=MOST,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    to_session, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    said: deque[str] = deque(maxlen=SAID)
    tasks = [
        asyncio.create_task(_read(process.stdout, to_session, fault, said)),
        asyncio.create_task(_write(process.stdin, from_session, to_session)),
        asyncio.create_task(_listen(process.stderr, way.place, said)),
    ]
    try:
        yield read_stream, write_stream
    finally:
        stopping = asyncio.ensure_future(_stop(process))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(stopping)
        while not stopping.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([stopping])
        await end(*tasks)
        for stream in (to_session, read_stream, write_stream, from_session):
            stream.close()


async def _read(
    out: asyncio.StreamReader, to_session: ToSession, fault: Fault, said: deque[str]
) -> None:
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
        try:
            while True:
                try:
                    line = await out.readline()
                except ValueError:
                    fault.note(f"sent a message of more than {MOST // 1024**2} MB")
                    break
                if not line:
                    fault.note("ended its process", " / ".join(said))
                    break
                if not line.strip():
                    continue
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    fault.note("sent what is no JSON-RPC")
                    log.debug("a line of a server is no JSON-RPC: %.100r", line)
                    continue
                await to_session.send(SessionMessage(message))
        finally:
            to_session.close()


async def _write(
    into: asyncio.StreamWriter, from_session: FromSession, to_session: ToSession
) -> None:
    try:
        async for each in from_session:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            into.write(text.encode() + b"\n")
            await into.drain()
    except OSError:
        to_session.close()  # its end is the session's


async def _listen(err: asyncio.StreamReader, name: str, said: deque[str]) -> None:
    while True:
        try:
            line = await err.readline()
        except ValueError:
            continue
        if not line:
            return
        text = line.decode(errors="replace").strip()[:200]
        if text:
            said.append(text)
            log.debug("%s says: %s", name, text)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a child, with all that it has started: its input ends, then SIGTERM, then SIGKILL."""
    assert process.stdin
    process.stdin.close()
    for sign in (None, signal.SIGTERM, signal.SIGKILL):
        if sign is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, sign)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await _ended(process)
                break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what it has left behind
    with contextlib.suppress(AttributeError, PermissionError):
        process._transport.close()  # type: ignore[attr-defined]  # its pipes may be held open by others


async def _ended(process: asyncio.subprocess.Process) -> None:
    # Not `wait`: it waits for the pipes' end too, which whoever the child has started may hold.
    while process.returncode is None:  # noqa: ASYNC110 nothing tells of it
        await asyncio.sleep(0.01)
