"""Several serving processes on one socket (SERVER_WORKERS)."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from deskward.core.settings import Settings
from deskward.entrypoints.output import let_go, say
from deskward.entrypoints.server import listen

VARIABLE = "DESKWARD_WORKER"
"""Tells a worker its number and the socket's file descriptor."""

TOO_QUICK = 5.0
"""A worker that ends sooner, in seconds, was not able to start."""

TOO_LONG = 30.0
"""Seconds that workers may take to stop, which is more than they take; then they are killed."""


def worker() -> tuple[int, socket.socket | None]:
    """This process's number, from 1, and the socket; 0 and None where it is no worker."""
    value = os.environ.get(VARIABLE)
    if value is None:
        return 0, None
    number, _, descriptor = value.partition(":")
    return int(number), socket.socket(fileno=int(descriptor))


def run_workers(settings: Settings, arguments: list[str]) -> int:
    """Run the workers until a signal; one that dies is replaced. Returns the exit code.

    Args:
        settings: SERVER_WORKERS, and where to listen.
        arguments: The command line that each worker gets.
    """
    with listen(settings) as listener:
        listener.set_inheritable(True)
        supervisor = _Supervisor(listener.fileno(), arguments)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, supervisor.stop)
        return supervisor.run(settings.server.workers)


class _Supervisor:
    """Starts workers, each in a process group of its own: only this process passes signals on.

    A terminal's Ctrl-C would else reach the workers twice, and the second one does not wait.
    """

    def __init__(self, descriptor: int, arguments: list[str]) -> None:
        self._descriptor = descriptor
        self._command = [sys.executable, "-m", "deskward", *arguments]
        self._workers: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._signals: list[int] = []
        self._deadline = math.inf

    def run(self, count: int) -> int:
        # The first one migrates the database and loads the demo; the others find it done.
        for number in range(1, count + 1):
            self._start(number)
        code = 0
        told = 0
        while self._workers:
            time.sleep(0.1)
            told = self._pass_on(told)
            for number, (process, started) in list(self._workers.items()):
                if process.poll() is None:
                    continue
                del self._workers[number]
                if self._signals:
                    continue
                if time.monotonic() - started < TOO_QUICK:
                    code = process.returncode or 1
                    self.stop(signal.SIGTERM, None)
                else:
                    say(f"deskward: worker {number} died and is replaced", sys.stderr)
                    self._start(number)
        return code

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Have the workers stop; at the second signal, at once."""
        let_go()
        self._signals.append(number)

    def _pass_on(self, told: int) -> int:
        """Tell the workers of signals that they were not told of; returns how many there were."""
        for number in self._signals[told:]:
            if told == 0:
                self._deadline = time.monotonic() + TOO_LONG
            # A worker that is still starting ends quietly at SIGTERM; only SIGINT has a second.
            self._send(signal.SIGINT if told and number == signal.SIGINT else signal.SIGTERM)
            told += 1
        if time.monotonic() > self._deadline:
            self._send(signal.SIGKILL)
        return told

    def _send(self, number: int) -> None:
        for process, _ in self._workers.values():
            process.send_signal(number)  # none to one that has ended

    def _start(self, number: int) -> None:
        process = subprocess.Popen(  # noqa: S603 our own program
            self._command,
            pass_fds=[self._descriptor],
            env={**os.environ, VARIABLE: f"{number}:{self._descriptor}"},
            process_group=0,
        )
        self._workers[number] = (process, time.monotonic())
