"""Several processes of one desk, and somebody who kills one of them again and again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from tests.services.programs import free_port
from tests.services.server import PASSED_ON


class Fleet:
    """Processes that serve one desk, each on a port of its own.

    Attributes:
        urls: Where they are, whether they run just now or not.
        killed: How many were killed.
    """

    def __init__(self, folder: Path, count: int, settings: Mapping[str, str]) -> None:
        self._folder, self._settings = folder, settings
        self._ports = [free_port() for _ in range(count)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.urls = [f"http://127.0.0.1:{port}" for port in self._ports]
        self.killed = 0

    def start(self, port: int) -> None:
        """Start one; it is not waited for."""
        environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(self._folder),
            "DOMAINS": "bank,shop",
            "SERVER_PORT": str(port),
            "LOG_LEVEL": "INFO",
            "EMBEDDINGS": "off",
            **{name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)},
            **self._settings,
        }
        with (self._folder / f"{port}.log").open("ab") as output:
            self._processes[port] = subprocess.Popen(
                [sys.executable, "-m", "deskward", "serve"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=self._folder,
            )

    def start_all(self) -> None:
        """Start all of them."""
        for port in self._ports:
            self.start(port)

    async def kill(self, seconds: float, chance: random.Random) -> None:
        """After so many seconds, kill one of them (SIGKILL) and start it again at once."""
        await asyncio.sleep(seconds)
        port = chance.choice(self._ports)
        self._processes[port].kill()
        await asyncio.to_thread(self._processes[port].wait)
        self.killed += 1
        self.start(port)

    def end(self) -> None:
        """Kill all of them."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()


@contextlib.asynccontextmanager
async def fleet(folder: Path, count: int, **settings: str) -> AsyncIterator[Fleet]:
    """Run processes of one desk; they are not waited for.

    Args:
        folder: Their DATA_DIR.
        settings: More environment variables: the database that they share, for one.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    processes = Fleet(folder, count, settings)
    try:
        processes.start_all()
        yield processes
    finally:
        processes.end()
