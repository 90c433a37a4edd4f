"""`deskward chat` in a terminal, and with whatever bytes come in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deskward.app import open_desk
from tests.conftest import STAFF, caller, settings_in

pytestmark = pytest.mark.slow

CTRL_C, CTRL_D, ENTER = b"\x03", b"\x04", b"\r"


class Terminal:
    """A chat in a pseudo-terminal."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self._main, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deskward", "chat", *words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={
                **os.environ,
                "DOMAINS": "bank",
                "DATA_DIR": str(folder),
                "MODEL": "offline",
                "PROMPT_TOOLKIT_NO_CPR": "1",
                **environment,
            },
            cwd=folder,
            preexec_fn=_own_terminal,
        )
        os.close(terminal)
        self.shown = b""

    def press(self, keys: bytes) -> None:
        """Type, and forget what was shown before."""
        self.shown = b""
        os.write(self._main, keys)

    def until(self, text: bytes) -> None:
        """Wait until a text is shown."""
        while text not in self.shown:
            self.shown += os.read(self._main, 4096)

    def end(self) -> int:
        """Wait for the program's end; gives its exit code."""
        with contextlib.suppress(OSError):  # the other end is closed with the program
            while part := os.read(self._main, 4096):
                self.shown += part
        return self.process.wait(timeout=60)

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self._main)


def _own_terminal() -> None:
    """Make standard input the terminal whose Ctrl-C this process hears."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def chat(folder: Path) -> Iterator[Callable[..., Terminal]]:
    opened = []

    def start(*words: str, **environment: str) -> Terminal:
        opened.append(Terminal(folder, *words, **environment))
        opened[-1].until(b"answers.")
        opened[-1].until(b"You:")
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def test_ctrl_c_takes_back_what_was_typed_and_ends_where_nothing_was(
    chat: Callable[..., Terminal],
) -> None:
    terminal = chat()
    terminal.press(b"never mind")
    terminal.until(b"mind")
    terminal.press(CTRL_C)
    terminal.until(b"You:")
    assert terminal.process.poll() is None
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert b"Traceback" not in terminal.shown
    assert b"Assistant" not in terminal.shown


def test_ctrl_c_ends_the_turn_and_not_the_chat(chat: Callable[..., Terminal]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        terminal = chat(MODEL=f"http://127.0.0.1:{silent.getsockname()[1]}/v1#slow")
        terminal.press(b"hello" + ENTER)
        with silent.accept()[0]:
            terminal.press(CTRL_C)
            terminal.until("✗ Stopped.".encode())
            terminal.until(b"You:")
            terminal.press(b"quit" + ENTER)
            assert terminal.end() == 0
    assert b"Traceback" not in terminal.shown


def test_ctrl_d_ends_the_chat(chat: Callable[..., Terminal]) -> None:
    terminal = chat()
    terminal.press(CTRL_D)
    assert terminal.end() == 0
    assert b"Goodbye." in terminal.shown


def test_a_byte_that_is_no_text_is_replaced_in_a_terminal(chat: Callable[..., Terminal]) -> None:
    terminal = chat()
    terminal.press(b"what is my \xff account balance?" + ENTER)
    terminal.until(b"no UTF-8")
    terminal.until(b"$5,420.50")
    terminal.press(b"quit" + ENTER)
    assert terminal.end() == 0


def test_a_byte_that_is_no_text_is_replaced_in_a_pipe(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deskward", "chat"],
        input=b"what is my \xff account balance?\nquit\n",
        capture_output=True,
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "DOMAINS": "bank",
            "MODEL": "offline",
            "PYTHONUTF8": "0",
        },
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "were read as \ufffd" in done.stdout.decode()
    assert b"$5,420.50" in done.stdout


def test_a_colleague_is_heard_while_a_line_is_waited_for(
    chat: Callable[..., Terminal], folder: Path
) -> None:
    """What another process writes is shown at once, and again only where it was not."""
    terminal = chat("--session", "s")
    terminal.press(b"I want to talk to a human" + ENTER)
    terminal.until(b"get back to you")
    terminal.until(b"You:")
    asyncio.run(_answer(folder, "Hello, I am Anna."))
    terminal.until(b"A colleague is with you now.")
    terminal.until(b"Colleague: Hello, I am Anna.")
    terminal.press(b"quit" + ENTER)
    assert terminal.end() == 0
    terminal = chat("--session", "s")
    terminal.press(b"quit" + ENTER)
    assert terminal.end() == 0
    assert b"Anna" not in terminal.shown


async def _answer(folder: Path, text: str) -> None:
    async with open_desk(settings_in(folder), chat=False) as desk:
        call = caller(desk)
        (ticket,) = (await call("search_tickets", STAFF, query="status:open channel:chat")).value[
            "tickets"
        ]
        done = await call("answer_in_conversation", STAFF, ticket_id=ticket["id"], text=text)
        assert done.status == "ok", done.value
