"""What the launchers of services share: finding a program, starting it, waiting for it.

Where a program cannot be had, tests skip with the reason, or fail if CI is set.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

START_TIMEOUT = 30.0
"""Seconds that a program may take to listen, and to end; much longer than it does."""
SYSTEM_PATH = "/usr/sbin:/usr/lib/dovecot"
"""Where Debian keeps programs that are not on a user's path."""


def give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def find_program(name: str, package: str) -> str:
    """The path of a program.

    Args:
        name: The program's name.
        package: The Debian package that has it, for the reason to skip.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
    return shutil.which(name, path=path) or give_up(f"{name} is not installed (Debian: {package})")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], *, ports: Sequence[int], log: Path, user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that stays in the foreground; yields once it listens on all its ports.

    Args:
        command: The program and its arguments.
        ports: The ports of 127.0.0.1 that it is to listen on.
        log: Where its output goes.
        user: Whom to run it as, where this is root.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    try:
        for port in ports:
            wait_for(port, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def wait_until_listening(port: int) -> None:
    """Wait for a program that put itself into the background."""
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on port {port}")


def wait_for(
    port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = START_TIMEOUT
) -> None:
    """Wait for a program that was started to listen on a port."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise RuntimeError(
        f"{process.args!r} did not start: {log.read_text(errors='replace', encoding='utf-8')}"
    )
