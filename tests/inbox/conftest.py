"""Mails brought to a desk, as a mailbox or a mail server would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.inbox.filing import Inbox
from deskward.inbox.intake import arrival, keep
from deskward.inbox.models import incoming_mails
from tests.conftest import STAFF

OWN = "support@desk.example"
ADDRESSES = f"{OWN}, acme=help@acme.example"

Bring = Callable[..., Awaitable[Any]]


@pytest.fixture
async def desk(settings: Settings, offline) -> AsyncIterator[Desk]:
    """A desk with addresses, on both kinds of database."""
    changed = settings.changed(mail_addresses=ADDRESSES, sender_email="desk@desk.example")
    async with open_desk(changed, model=offline) as opened:
        yield opened


@pytest.fixture
def bring(desk: Desk) -> Bring:
    """A short way to bring a mail and have it filed; gives its row."""

    async def run(raw: bytes, tenant: str = "default", **told: Any) -> Any:
        return await brought(desk, raw, tenant, **told)

    return run


async def brought(desk: Desk, raw: bytes, tenant: str = "default", **told: Any) -> Any:
    """Bring a mail and have it filed; gives its row, or None where it is known."""
    found = arrival(raw, "command", **told)
    async with desk.database.transaction() as db:
        mail_id = await keep(db, tenant, found)
    await settled(desk)
    if mail_id is None:
        return None
    return await desk.database.reader.first(
        sa.select(incoming_mails).where(incoming_mails.c.id == mail_id)
    )


async def settled(desk: Desk) -> None:
    """Wait until all mails are filed."""
    while await desk.gate.port(Inbox).waits():
        desk.jobs.wake()
        await asyncio.sleep(0.01)


async def messages(desk: Desk, number: int, tenant: str = "default") -> list[dict[str, Any]]:
    """The messages of a ticket, as staff see them."""
    principal = (
        STAFF if tenant == "default" else STAFF.__class__(STAFF.kind, STAFF.id, tenant, STAFF.roles)
    )
    outcome = await desk.gate.call(
        "list_ticket_messages",
        {"ticket_id": f"T{number}", "limit": 100},
        Context(principal, "rest"),
    )
    assert outcome.error is None, outcome.error
    found: list[dict[str, Any]] = outcome.value["messages"]
    return found
