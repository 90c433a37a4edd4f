"""`deskward webhooks`, from adding one to its removal, with a program that takes what is told."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deskward.core.events import KINDS
from tests.cli.conftest import Cli
from tests.services.receiver import Receiver, receiver


@pytest.fixture
def taking() -> Iterator[Receiver]:
    """A program that takes webhooks, in a thread of its own."""
    started, found = threading.Event(), list[Any]()

    async def serve() -> None:
        async with receiver() as made:
            ending = asyncio.Event()
            found.extend([made, asyncio.get_running_loop(), ending])
            started.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait()
    made, loop, ending = found
    yield made
    loop.call_soon_threadsafe(ending.set)
    thread.join()


@pytest.mark.slow
def test_a_webhook_from_its_beginning_to_its_end(
    cli: Cli, taking: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = cli("webhooks", "add", taking.url())
    assert (refused[0], "https://" in refused[2]) == (1, True)
    monkeypatch.setenv("WEBHOOK_NETWORKS", "127.0.0.0/8")
    assert cli("webhooks", "add", taking.url(), "--events", "ticket.nothing")[0] == 2
    code, out, _ = cli("webhooks", "add", taking.url(), "--events", "ticket.*,webhook.disabled")
    kinds = sum(kind.startswith("ticket.") or kind == "webhook.disabled" for kind in KINDS)
    assert (code, f"{kinds} kinds" in out) == (0, True)
    webhook, secret = re.findall(r"^[0-9a-f]{32}|whsec_\S+", out, re.MULTILINE)
    taking.secrets["/hook"] = secret
    assert cli("webhooks", "test", webhook)[:2] == (0, "done: 204\n")
    [taken] = taking.came
    assert taken.signed
    assert taken.event["type"] == "webhook.test"
    taking.answer = lambda _: 500
    assert cli("webhooks", "test", webhook)[:2] == (1, "waiting: 500\n")
    assert "failing (500), 1 wait" in cli("webhooks", "list")[1]
    shown = cli("webhooks", "show", webhook)[1]
    assert "webhook.test" in shown
    assert secret not in shown
    assert cli("webhooks", "enable", webhook)[0] == 0
    assert "again: 1" in cli("webhooks", "replay", webhook, "--event", taken.id)[1]
    assert cli("webhooks", "remove", webhook)[0] == 0
    assert cli("webhooks", "list")[1] == "There is none.\n"
