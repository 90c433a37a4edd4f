"""`deskward chat`: a conversation in the terminal, in-process or with a running desk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any, Protocol

import httpx2
from rich.console import Console

from deskward.cli.session import local_desk
from deskward.core.characters import printable
from deskward.core.errors import DeskwardError, Unavailable, timestamp
from deskward.core.lines import read_lines
from deskward.core.settings import Settings
from deskward.gate.context import new_id

WELCOME = """\
Talk to the desk. `user user_002` switches the customer, `reset` starts anew, `quit` ends."""

REPLACED = "\ufffd"
"""What stands in a text for bytes that are none."""


@dataclass(frozen=True)
class ChatOptions:
    """What was said on the command line."""

    once: str | None
    user: str | None
    tenant: str | None
    session: str | None
    json: bool
    url: str | None
    key: str | None
    demo: bool


class PipeConsole(Console):
    """A console on which no text acts, and that leaves to the command how it ends unread."""

    def print(self, *texts: Any, **how: Any) -> None:
        """Print texts, whoever wrote them."""
        super().print(*(printable(t) if isinstance(t, str) else t for t in texts), **how)

    def on_broken_pipe(self) -> None:
        """Say so; rich itself would end the program here, in whatever task this is."""
        raise BrokenPipeError


class Line(Protocol):
    """A way to the desk."""

    model: str

    def send(self, user: str, session: str, text: str) -> AsyncIterator[dict[str, Any]]:
        """Send a message; the turn's events as the streaming door shows them."""
        ...

    async def stop(self, user: str, session: str) -> None:
        """End the session's turn, as far as the way reaches."""
        ...

    async def check(self, user: str) -> None:
        """See that the customer may speak.

        Raises:
            DeskwardError: No.
        """
        ...


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
            line = _LocalLine(desk, options.tenant or settings.default.tenant_id)
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


class _LocalLine:
    """The desk in this process."""

    def __init__(self, desk: Any, tenant: str) -> None:
        self._desk = desk
        self._tenant = tenant
        self.model = desk.conversations.agent.model.name

    async def send(self, user: str, session: str, text: str) -> AsyncIterator[dict[str, Any]]:
        from deskward.conversations.cursors import Answered
        from deskward.entrypoints.identity import local_customer
        from deskward.entrypoints.rest.events import event_data
        from deskward.gate.context import Context

        principal = await local_customer(self._desk.database.reader, user, self._tenant)
        context = Context(principal, "cli")
        async for placed in await self._desk.conversations.send(context, session, text):
            if isinstance(placed.event, Answered):
                self.model = placed.event.model
            data = event_data(placed.event, session)
            if data is not None:
                yield data

    async def stop(self, user: str, session: str) -> None:
        from deskward.conversations.store import Where

        await self._desk.conversations.stop(Where(self._tenant, f"customer:{user}", session))

    async def check(self, user: str) -> None:
        from deskward.entrypoints.identity import local_customer

        await local_customer(self._desk.database.reader, user, self._tenant)


class RemoteLine:
    """A desk over HTTP."""

    def __init__(self, client: httpx2.AsyncClient, options: ChatOptions) -> None:
        self._client = client
        self._tenant = options.tenant
        self._key = options.key
        self._named = options.user is not None
        self.model = options.url or ""

    def _headers(self, user: str) -> dict[str, str]:
        # A customer's own key names the customer already.
        headers = {"X-User-ID": user} if self._named or not self._key else {}
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    async def send(self, user: str, session: str, text: str) -> AsyncIterator[dict[str, Any]]:
        """Send a message over HTTP."""
        body = {"session_id": session, "message": text}
        if self._tenant:
            body["tenant_id"] = self._tenant
        try:
            async with self._client.stream(
                "POST", "/api/v1/chat/stream", json=body, headers=self._headers(user)
            ) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise Unavailable(_message(response))
                self.model = response.headers.get("X-Deskward-Model", self.model)
                async for line in read_lines(response.aiter_bytes()):
                    if line.startswith("data: "):
                        event: dict[str, Any] = json.loads(line[6:])
                        if event["type"] == "error":
                            raise Unavailable(event["message"])
                        yield event
        except httpx2.HTTPError as error:
            raise Unavailable(f"The desk at {self._client.base_url} did not answer.") from error

    async def stop(self, user: str, session: str) -> None:
        """The desk pauses the turn by itself, because nobody reads it any more."""

    async def check(self, user: str) -> None:
        """See that the customer may speak."""
        self._named = True
        try:
            response = await self._client.get(f"/customers/{user}", headers=self._headers(user))
        except httpx2.HTTPError as error:
            raise Unavailable(f"The desk at {self._client.base_url} did not answer.") from error
        if response.status_code != 200:
            raise Unavailable(_message(response))


def _message(response: httpx2.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"The desk answered with status {response.status_code}."
