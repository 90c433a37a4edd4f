"""Several serving processes on one socket (SERVER_WORKERS)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from deskward.core.settings import Settings
from deskward.entrypoints.server import listen

VARIABLE = "DESKWARD_WORKER"
"""Tells a worker its number and the socket's file descriptor."""

TOO_QUICK = 5.0
"""A worker that ends sooner, in seconds, was not able to start."""


def worker() -> tuple[int, socket.socket | None]:
    """This process's number, from 1, and the socket; 0 and None where it is no worker."""
    value = os.environ.get(VARIABLE)
    if value is None:
        return 0, None
    number, _, descriptor = value.partition(":")
    return int(number), socket.socket(fileno=int(descriptor))


def run_workers(settings: Settings, arguments: list[str]) -> int:
    """Run the workers until a signal; one that dies is replaced. Gives the exit code.

    Args:
        settings: SERVER_WORKERS, and where to listen.
        arguments: The command line that each worker gets.
    """
    with listen(settings) as listener:
        listener.set_inheritable(True)
        supervisor = _Supervisor(listener.fileno(), arguments)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, supervisor.stop)
        return supervisor.run(settings.server_workers)


class _Supervisor:
    def __init__(self, descriptor: int, arguments: list[str]) -> None:
        self._descriptor = descriptor
        self._command = [sys.executable, "-m", "deskward", *arguments]
        self._workers: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._stopping = False

    def run(self, count: int) -> int:
        # The first one migrates the database and loads the demo; the others find it done.
        for number in range(1, count + 1):
            self._start(number)
        code = 0
        while self._workers:
            time.sleep(0.1)
            for number, (process, started) in list(self._workers.items()):
                if process.poll() is None:
                    continue
                del self._workers[number]
                if self._stopping:
                    continue
                if time.monotonic() - started < TOO_QUICK:
                    code = process.returncode or 1
                    self.stop(signal.SIGTERM, None)
                else:
                    print(f"deskward: worker {number} died and is replaced", file=sys.stderr)
                    self._start(number)
        return code

    def _start(self, number: int) -> None:
        process = subprocess.Popen(  # noqa: S603 our own program
            self._command,
            pass_fds=[self._descriptor],
            env={**os.environ, VARIABLE: f"{number}:{self._descriptor}"},
        )
        self._workers[number] = (process, time.monotonic())

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Have the workers stop; a Ctrl-C reaches them by itself, in a terminal."""
        self._stopping = True
        for process, _ in self._workers.values():
            if process.poll() is None and (number != signal.SIGINT or not sys.stdin.isatty()):
                process.send_signal(number)
