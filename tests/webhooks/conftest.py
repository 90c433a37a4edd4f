"""A desk whose webhooks lead to a program of the tests, and are tried again soon."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core import worker
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from deskward.webhooks import delivery
from tests.services.receiver import Receiver, receiver

CHIEF = Principal(Kind.STAFF, "carla", "default", ("support-3",))
THEIRS = Principal(Kind.STAFF, "carla", "acme", ("support-3",))

Add = Callable[..., Any]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    monkeypatch.setattr(delivery, "RETRIES", (0.05,) * 10)


@pytest.fixture
async def hooks() -> AsyncIterator[Receiver]:
    """The program."""
    async with receiver() as made:
        yield made


@pytest.fixture
def local(settings: Settings) -> Settings:
    """Settings that let webhooks lead to this machine."""
    return settings.changed(webhook_networks="127.0.0.0/8")


@pytest.fixture
async def desk(local: Settings, offline: Any) -> AsyncIterator[Desk]:
    """The desk."""
    async with open_desk(local, model=offline) as opened:
        yield opened


@pytest.fixture
def add(desk: Desk, hooks: Receiver) -> Add:
    """Have a path told of kinds of events; gives the webhook's id."""
    return adder(desk, hooks)


def adder(desk: Desk, hooks: Receiver) -> Add:
    """See `add`."""

    async def made(path: str, *kinds: str, by: Principal = CHIEF) -> str:
        hooks.secrets[path] = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
        arguments = {"url": hooks.url(path), "events": list(kinds), "secret": hooks.secrets[path]}
        outcome = await desk.gate.call("add_webhook", arguments, Context(by, "cli"))
        assert outcome.status == "ok", outcome.value
        return str(outcome.value["webhook_id"])

    return made


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)
