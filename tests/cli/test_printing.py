"""Nothing that is printed acts on the terminal, but what this program styles."""

import io
import json
from typing import IO, cast

import pytest
from rich.console import Console

from deskward.cli.printing import Printed
from deskward.cli.terminal import PipeConsole, _show

HOSTILE = "a\x1b]52;c;eA==\x07b\x1b[8mc\x9b31md\u202ee\rf\u200bg"
SAFE = r"a\u001b]52;c;eA==\u0007b\u001b[8mc\u009b31md\u202ee\rf\u200bg"


def printed() -> tuple[Printed, io.BytesIO]:
    written = io.BytesIO()
    return Printed(written, "utf-8", "replace"), written


def test_what_is_printed_is_escaped() -> None:
    stream, written = printed()
    print(f"{HOSTILE}\n\tZürich 👩‍💻", file=stream, flush=True)
    assert written.getvalue().decode() == f"{SAFE}\n\tZürich 👩‍💻\n"


def test_json_that_is_printed_means_the_same() -> None:
    stream, written = printed()
    print(json.dumps({"text": HOSTILE}, ensure_ascii=False), file=stream, flush=True)
    assert json.loads(written.getvalue()) == {"text": HOSTILE}


def test_a_conversation_is_escaped_and_styled() -> None:
    stream, written = printed()
    console = PipeConsole(
        file=cast(IO[str], stream.rich_proxied_file), force_terminal=True, highlight=False
    )
    _show(console, {"type": "token", "content": HOSTILE})
    _show(console, {"type": "tool_call", "tool": HOSTILE, "args": {"x": HOSTILE}})
    stream.flush()
    text = written.getvalue().decode()
    assert SAFE in text
    assert "\x1b[2m" in text  # our own dim style
    assert not {"\x1b]", "\x1b[8m", "\u202e", "\x9b", "\x07"} & {
        text[i : i + n] for i in range(len(text)) for n in (1, 2, 4)
    }


def test_any_console_finds_the_way_for_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, written = printed()
    monkeypatch.setattr("sys.stdout", stream)
    Console(force_terminal=True, color_system="standard").print("[bold]x[/bold]")
    print("\x1b[1my", flush=True)
    assert written.getvalue().decode() == "\x1b[1mx\x1b[0m\n\\u001b[1my\n"
