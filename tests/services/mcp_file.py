"""A file of MCP servers, and the servers that it names."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.services.programs import free_port

START_TIMEOUT = 90.0
ROOT = Path(__file__).parents[2]


def over_stdio(**more: Any) -> dict[str, Any]:
    """The entry of a server that the desk starts itself."""
    env = {"PYTHONPATH": str(ROOT), "GIVEN": "by the file"}
    return {
        "command": sys.executable,
        "args": ["-m", "tests.services.many_mcp", "stdio"],
        "env": env,
        **more,
    }


class Running:
    """A server over a network transport, in a process of its own."""

    def __init__(self, kind: str, **env: str) -> None:
        self.kind, self.port, self.env = kind, free_port(), env
        path = {"http": "/mcp", "sse": "/sse", "ws": "/"}[kind]
        scheme = "ws" if kind == "ws" else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}{path}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.many_mcp", self.kind, str(self.port)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "FASTMCP_LOG_LEVEL": "ERROR", **self.env},
            start_new_session=True,
        )

    def wait(self) -> None:
        """Wait until it takes connections."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise RuntimeError(f"the MCP server over {self.kind} did not start")

    def kill(self) -> None:
        """Kill it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # with what it has started
            self.process.wait()


@contextlib.contextmanager
def running(*kinds: str, **env: str) -> Iterator[list[Running]]:
    """Run a server over each of these transports, side by side."""
    servers = [Running(kind, **env) for kind in kinds]
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.kill()


def write(path: Path, servers: Mapping[str, Any], key: str = "mcpServers") -> Path:
    """Write the file, in one step."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({key: servers}), encoding="utf-8")
    fresh.replace(path)
    return path
