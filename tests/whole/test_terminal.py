"""The server's first and last words, in a real terminal."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.programs import find_program, free_port

ROOT = Path(__file__).parents[2]
LAST_WORDS = """\
^C Shutdown signal received...
  • Closing active sessions... [0 sessions]
  • Flushing logs...
  • Closing database connections...
  • Cleanup complete.
Server stopped gracefully. Goodbye!"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("client"), pytest.mark.timeout(120)]


class Terminal:
    """A tmux server with one window."""

    def __init__(self, folder: Path) -> None:
        self._tmux = [str(find_program("tmux", "tmux")), "-S", str(folder / "tmux")]

    def run(self, command: str) -> None:
        """Run a command in a window of 100 columns; the window stays when it ends."""
        size = ["-x", "100", "-y", "50"]
        self._do("-f", "/dev/null", "new-session", "-d", *size, f"{command} 2>&1; sleep 60")

    def press(self, key: str) -> None:
        """Press a key."""
        self._do("send-keys", key)

    def screen(self) -> str:
        """All that was shown."""
        return self._do("capture-pane", "-p", "-S", "-200")

    def until(self, text: str) -> str:
        """What is shown as soon as a text is."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if text in (shown := self.screen()):
                return shown
            time.sleep(0.1)
        raise AssertionError(self.screen())

    def close(self) -> None:
        """End it."""
        subprocess.run([*self._tmux, "kill-server"], check=False)

    def _do(self, *words: str) -> str:
        environment = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "xterm"}
        result = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=True, env=environment
        )
        return result.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_banner_and_goodbye(terminal: Terminal, tmp_path: Path) -> None:
    port = free_port()
    terminal.run(
        f"cd {tmp_path} && SERVER_PORT={port} DATA_DIR={tmp_path} PYTHONPATH={ROOT / 'src'}"
        f" {sys.executable} -m deskward serve --demo"
    )
    shown = terminal.until("Stop with Ctrl-C.")
    lines = shown.splitlines()
    top = next(line for line in lines if line.startswith("╔"))
    box = [line for line in lines if line[:1] in "╔║╚" and line]
    assert len(box) == 4
    assert {len(line) for line in box} == {len(top)} == {64}
    assert f"API Documentation: http://127.0.0.1:{port}/docs" in shown
    time.sleep(0.5)
    terminal.press("C-c")
    ended = terminal.until("Goodbye!")
    assert LAST_WORDS in ended
    operating = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert LAST_WORDS.replace("[0 sessions]", "[3 sessions]") in operating
    assert "\n".join(box) in operating
