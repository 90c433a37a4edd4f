"""Standard input and output as the wire of MCP: a message per line, and every line answered."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, BinaryIO, cast

import anyio
from anyio.to_thread import run_sync
from mcp_types import jsonrpc_message_adapter
from pydantic_core import from_json

from deskward.core.lines import one_line
from deskward.entrypoints.mcp.protocol import (
    INVALID_REQUEST,
    ProtocolError,
    error_message,
    unreadable,
)

Pipe = anyio.AsyncFile[str]


@contextlib.contextmanager
def pipes() -> Iterator[tuple[Pipe, Pipe]]:
    """The wire, as the `mcp` package takes it. What else prints meanwhile goes to standard error.

    The package's own files leave a message unanswered that it cannot read, so that its sender waits
    for ever, and write line ends into messages that some readers split at.
    """
    with os.fdopen(os.dup(0), "rb") as stdin, os.fdopen(os.dup(1), "wb") as stdout, _diverted():
        output = _Output(stdout)
        yield cast(Pipe, _Input(stdin, output)), cast(Pipe, output)


@contextlib.contextmanager
def _diverted() -> Iterator[None]:
    """Let nobody else read the wire, nor write to it."""
    sys.stdout.flush()
    kept = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        for descriptor, file in enumerate(kept):
            os.dup2(file, descriptor)
            os.close(file)


class _Output:
    """Writes messages."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def write(self, message: str) -> None:
        await self.send(message.removesuffix("\n").encode())

    async def flush(self) -> None:
        """`write` has done it."""

    async def send(self, message: bytes) -> None:
        await run_sync(self._write, one_line(message) + b"\n")

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()


class _Input:
    """Reads messages; those that are none are answered here and go no further."""

    def __init__(self, file: BinaryIO, output: _Output) -> None:
        self._file = file
        self._output = output

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await run_sync(self._file.readline, abandon_on_cancel=True):
            problem = _problem(line) if line.strip() else None
            if problem is not None:
                await self._output.send(problem)
            elif line.strip():
                yield line.decode()


def _problem(line: bytes) -> bytes | None:
    """The answer to a line that is no message of JSON-RPC; None where it is one."""
    try:
        message: Any = from_json(line)
    except ValueError as problem:
        return error_message(*unreadable(line, problem))
    key = message.get("id") if isinstance(message, dict) else None
    known = isinstance(key, int | str) and not isinstance(key, bool)
    # The package takes a request whose id is of another kind for a notification, and is silent.
    if known or (isinstance(message, dict) and ("id" not in message or "method" not in message)):
        with contextlib.suppress(ValueError):
            jsonrpc_message_adapter.validate_json(line, by_name=False)
            return None
    error = ProtocolError(INVALID_REQUEST, "A line must be a single JSON-RPC message")
    return error_message(key if known else None, error)
