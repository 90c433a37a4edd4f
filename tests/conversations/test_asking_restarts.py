"""A yes whose process dies: the next one makes the call, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.conversations import store
from deskward.conversations.models import turns
from deskward.conversations.service import Conversations
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.gate.confirmed import run_confirmed
from deskward.gate.context import Context
from tests.agent.scripted import ScriptedModel
from tests.conftest import CUSTOMER, recorded
from tests.conversations.test_asking import CARD, HERE, asked, cards


async def test_a_process_that_dies_after_the_yes(settings: Settings) -> None:
    """The yes is stored with its turn; the next process makes the call, once."""
    async with open_desk(settings, model=ScriptedModel([CARD])) as desk:
        await asked(desk)
        turn = await begun(desk.conversations)
    for _ in range(2):
        async with open_desk(settings, model=ScriptedModel(["Done."])) as desk:
            await ended(desk, turn)
            assert (await cards(desk))["4242"] == "deactivated"
            made = [r for r in await recorded(desk) if r.get("tool") == CARD.name]
    assert [r["status"] for r in made] == ["confirm", "yes", "ok"]


async def test_a_process_that_dies_after_the_call(settings: Settings) -> None:
    """What was done is not done again, though nobody was told of it."""
    async with open_desk(settings, model=ScriptedModel([CARD])) as desk:
        needed = await asked(desk)
        turn = await begun(desk.conversations)
        context = Context(CUSTOMER.with_agent("assistant"), "agent", session_id="s")
        outcome = await run_confirmed(desk.gate, needed.confirmation_id, context)
        assert outcome.status == "ok"
    async with open_desk(settings, model=ScriptedModel(["Done."])) as desk:
        await ended(desk, turn)
        said = await store.messages_of(desk.database.reader, HERE, turn)
        assert said[-1].text == "Done."
        made = [r for r in await recorded(desk) if r.get("confirmation") and r["kind"] == "call"]
    assert [r["status"] for r in made] == ["ok"]


async def begun(conversations: Conversations) -> str:
    """Say yes in a process that dies before it does anything about it; gives the turn."""
    context = Context(CUSTOMER, "agent")
    spoken = partial(conversations._openings.spoken, context, HERE, "yes")
    found = await conversations._begin(context, HERE, spoken, None)
    assert found is not None
    async with conversations._database.transaction() as transaction:
        await transaction.execute(
            sa.update(turns)
            .where(turns.c.id == found[0].id)
            .values(lease_until=now() - timedelta(seconds=1))
        )
    return found[0].id


async def ended(desk: Desk, turn_id: str) -> None:
    async with asyncio.timeout(30):
        while True:
            turn = await store.turn(desk.database.reader, HERE, turn_id)
            assert turn is not None
            if turn.status == "done":
                return
            await asyncio.sleep(0.05)
