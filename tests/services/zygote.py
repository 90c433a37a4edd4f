"""A process that has loaded much and forks: what loading takes is paid once for all its forks.

It is asked over a socket: one message for each program, with the three standard streams. The fork
is given to whoever asked (a subreaper meanwhile), so that it is a child like any other.
"""

from __future__ import annotations

import gc
import io
import json
import os
import runpy
import socket
import sys
import threading
import time
from importlib import import_module
from typing import Any

LOADED = {
    "desk": (
        "deskward.cli.main",
        "deskward.app",
        "deskward.client",
        "deskward.entrypoints.server",
        "deskward.entrypoints.workers",
        "deskward.migrations",
        "uvloop",
    ),
    "outside": ("fastmcp", "mcp.types", "uvicorn"),
}
"""What nearly every program of a kind loads: desks, and MCP servers that are none of ours. What few
need is loaded by those that need it."""

LENGTH = 4
"""How many bytes say how long a message is; a process id has as many."""


def main(line: socket.socket, kind: str) -> None:
    """Fork for each message until the other end goes; returns in each fork, ready to run."""
    for name in LOADED[kind]:
        import_module(name)
    if threading.active_count() != 1 or len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("with more than one thread there is no forking")
    gc.collect()
    gc.freeze()
    while True:
        head, streams, *_ = socket.recv_fds(line, LENGTH, 3)
        if not head:
            os._exit(0)
        wanted = json.loads(_read(line, int.from_bytes(head)))
        number, told = os.pipe()
        between = os.fork()
        if between == 0:
            own = os.getpid()
            child = os.fork()
            if child != 0:
                os.write(told, child.to_bytes(LENGTH))
                os._exit(0)
            while os.getppid() == own:  # the desk looks who its parent is
                time.sleep(0.0005)
            line.close()
            os.close(number)
            os.close(told)
            _become(wanted, streams)
            return
        for each in streams:
            os.close(each)
        os.close(told)
        os.waitpid(between, 0)
        line.sendall(os.read(number, LENGTH))
        os.close(number)


def _read(line: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        parts += line.recv(size - len(parts))
    return parts


def _become(wanted: dict[str, Any], streams: list[int]) -> None:
    """Have the surroundings of a program that was started anew."""
    if wanted["session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    sys.path[:1] = [wanted["folder"], *wanted["path"]]
    sys.argv[:] = wanted["arguments"]
    # As Python makes them: without a locale, bytes that are no text pass.
    anything = not any(wanted["environment"].get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    errors = "surrogateescape" if anything else "strict"
    sys.stdin = sys.__stdin__ = _text(0, errors)  # type: ignore[misc]  # as at a start
    sys.stdout = sys.__stdout__ = _text(1, errors)  # type: ignore[misc]  # as at a start
    sys.stderr = sys.__stderr__ = _text(2, "backslashreplace")  # type: ignore[misc]  # as at a start
    gc.enable()


def _text(number: int, errors: str) -> io.TextIOWrapper:
    lines = number == 2 or os.isatty(number)
    stream = open(number, "wb" if number else "rb", closefd=False)  # noqa: SIM115 for good
    text = io.TextIOWrapper(
        stream, "utf-8", errors, newline="\n" if number else None, line_buffering=lines
    )
    text.mode = "w" if number else "r"  # type: ignore[misc]  # as Python does
    return text


if __name__ == "__main__":
    gc.disable()
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
