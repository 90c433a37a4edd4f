"""A Redis server for the tests, in a scratch folder, on a free port of this machine.

Where its program cannot be found, tests skip with the reason, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.programs import find_program, free_port, running


class Redis:
    """A server that can be taken away and brought back, on the same port and without its data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "log"
        self._command = [
            *(find_program("redis-server", "redis-server"), "--port", str(self.port)),
            *("--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"),
        ]
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, which is not running; returns once it listens."""
        self._running.enter_context(running(self._command, ports=[self.port], log=self._log))

    def stop(self) -> None:
        """Stop the server; all its connections end."""
        self._running.close()


@contextlib.contextmanager
def redis() -> Iterator[Redis]:
    """Run a server that keeps nothing on disk; `Redis.url` is its address."""
    with tempfile.TemporaryDirectory(prefix="deskward-redis-") as folder:
        server = Redis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
