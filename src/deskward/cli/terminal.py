"""`deskward chat`: a conversation in the terminal, in-process or with a running desk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from io import TextIOWrapper
from typing import Any

import httpx2
from rich.console import Console

from deskward.cli.session import local_desk
from deskward.cli.ways import ChatOptions, Line, LocalLine, RemoteLine
from deskward.core.characters import printable
from deskward.core.errors import DeskwardError, timestamp
from deskward.core.settings import Settings
from deskward.core.tasks import background
from deskward.gate.context import new_id

WELCOME = """\
Talk to the desk. `user user_002` switches the customer, `reset` starts anew, `quit` ends."""

NEWS = {
    "message": "Colleague: {said}",
    "taken_over": "A colleague is with you now.",
    "given_back": "The assistant answers again.",
}
"""How what happens beside a turn is shown."""
NEWS_AGAIN = 2.0
"""Seconds after which a way to the desk that was cut is looked for again."""
REPLACED = "\ufffd"
"""What stands in a text for bytes that are none."""


class PipeConsole(Console):
    """A console on which no text acts, and that leaves to the command how it ends unread."""

    def print(self, *texts: Any, **how: Any) -> None:
        """Print texts, whoever wrote them."""
        super().print(*(printable(t) if isinstance(t, str) else t for t in texts), **how)

    def on_broken_pipe(self) -> None:
        """Say so; rich itself would end the program here, in whatever task this is."""
        raise BrokenPipeError


async def run_chat(settings: Settings, options: ChatOptions) -> int:
    """Hold the conversation; returns the exit code."""
    async with AsyncExitStack() as stack:
        if options.url:
            client = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=options.url, timeout=httpx2.Timeout(10, read=120))
            )
            line: Line = RemoteLine(client, options)
        else:
            desk, _ = await stack.enter_async_context(
                local_desk(
                    settings, options.user, None, options.tenant, demo=options.demo, chat=True
                )
            )
            line = LocalLine(desk, options.tenant or settings.default.tenant_id)
        user = options.user or settings.default.user_id
        session = options.session or f"cli-{new_id()[:12]}"
        if options.once is not None:
            return await _once(line, user, session, options)
        await _talk(line, user, session)
        return 0


async def _once(line: Line, user: str, session: str, options: ChatOptions) -> int:
    events = []
    console = PipeConsole(highlight=False)
    async for event in line.send(user, session, options.once or ""):
        events.append(event)
        if not options.json:
            _show(console, event)
    if not options.json:
        console.print()
        return 0
    text = "".join(event["content"] for event in events if event["type"] == "token")
    answer = {
        "session_id": session,
        "message": text,
        "timestamp": timestamp(),
        "message_count": events[-1]["message_count"],
        "user_id": user,
        "model": line.model,
        "events": [event for event in events if event["type"] not in ("token", "done")],
    }
    print(json.dumps(answer, ensure_ascii=False))
    return 0


async def _talk(line: Line, user: str, session: str) -> None:
    console = PipeConsole(highlight=False)
    console.print(f"{WELCOME}\nYou are {user}; {line.model} answers.", markup=False, style="dim")
    read_line = _reader()
    while True:
        try:
            async with _told(console, line, user, session):
                text = readable(await read_line()).strip()
        except EOFError:
            console.print("Goodbye.")
            return
        if REPLACED in text:
            console.print(f"Bytes that are no UTF-8 were read as {REPLACED}.", style="dim")
        if text in ("quit", "exit"):
            console.print("Goodbye.")
            return
        if text == "reset":
            session = f"cli-{new_id()[:12]}"
            console.print("✓ Conversation reset")
        elif text.startswith("user ") and len(text.split()) == 2:
            user, session = await _switch(console, line, user, session, text.split()[1])
        elif text:
            await _exchange(console, line, user, session, text)


@contextlib.asynccontextmanager
async def _told(console: Console, line: Line, user: str, session: str) -> AsyncIterator[None]:
    """Show what colleagues say while a line is waited for; between two lines of a pipe, before."""
    if not sys.stdin.isatty():
        await _show_news(console, line, user, session, wait=False)
        yield
        return
    from prompt_toolkit.patch_stdout import patch_stdout

    with patch_stdout(raw=True):
        async with background(_show_news(console, line, user, session, wait=True)):
            yield


async def _show_news(console: Console, line: Line, user: str, session: str, *, wait: bool) -> None:
    while True:
        try:
            async for one in line.news(user, session, wait=wait):
                console.print(NEWS[one["type"]].format(said=one.get("content", "")), markup=False)
        except DeskwardError as error:
            if not wait:
                console.print(f"✗ {error.message}", markup=False)
        if not wait:
            return
        await asyncio.sleep(NEWS_AGAIN)


def _reader() -> Callable[[], Awaitable[str]]:
    """What reads a line: with editing and history in a terminal, plainly elsewhere."""
    if sys.stdin.isatty():
        from prompt_toolkit import PromptSession

        prompt: PromptSession[str] = PromptSession("You: ")

        async def edited() -> str:
            while True:
                try:
                    return await prompt.prompt_async()
                except KeyboardInterrupt:
                    # As elsewhere: it takes back what was typed, and ends where nothing was.
                    if not prompt.default_buffer.text:
                        raise

        return edited

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")

    async def plain() -> str:
        return input("You: ")  # noqa: ASYNC250 nothing else goes on between two lines of a pipe

    return plain


def readable(text: str) -> str:
    """The text with bytes that are no UTF-8, and halves of characters, replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _switch(
    console: Console, line: Line, user: str, session: str, wanted: str
) -> tuple[str, str]:
    try:
        await line.check(wanted)
    except DeskwardError as error:
        console.print(f"✗ {error.message}", markup=False)
        return user, session
    console.print(f"✓ Switched to user: {wanted}", markup=False)
    return wanted, f"cli-{new_id()[:12]}"


async def _exchange(console: Console, line: Line, user: str, session: str, text: str) -> None:
    """Show the answer to a message, as far as Ctrl-C lets it come."""
    turn = asyncio.create_task(_answer(console, line, user, session, text))
    with _at_ctrl_c(turn.cancel):
        await asyncio.wait([turn])
    if turn.cancelled():
        console.print("\n✗ Stopped.")
        await line.stop(user, session)
    else:
        turn.result()


@contextlib.contextmanager
def _at_ctrl_c(do: Callable[[], object]) -> Iterator[None]:
    """Do this at Ctrl-C, instead of ending the program, while the block runs."""
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, do)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


async def _answer(console: Console, line: Line, user: str, session: str, text: str) -> None:
    speaks = False
    try:
        async for event in line.send(user, session, text):
            if event["type"] == "token" and not speaks:
                console.print("Assistant: ", end="")
                speaks = True
            _show(console, event)
    except DeskwardError as error:
        console.print(f"✗ {error.message}", markup=False, end="")
    console.print()


def _show(console: Console, event: dict[str, Any]) -> None:
    kind = event["type"]
    if kind == "token":
        console.print(event["content"], end="", markup=False, soft_wrap=True)
    elif kind == "tool_call":
        arguments = ", ".join(f"{k}={v!r}" for k, v in event["args"].items())
        console.print(f"→ {event['tool']}({arguments})", style="dim", markup=False)
    elif kind == "tool_result" and event["status"] == "error":
        code = event["result"]["error"]["code"]
        console.print(f"← {code}", style="dim", markup=False)
