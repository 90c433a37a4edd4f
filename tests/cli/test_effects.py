"""`deskward effects`: what a person finds out of a call that was cut off."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.errors import NotFound, OutcomeUnknown
from deskward.gate.effects import Effect
from deskward.gate.unknown import settle, unknown
from tests.cli.conftest import Cli


def effect(number: int, tenant: str = "default") -> Effect:
    return Effect(tenant, "service:shop", f"k{number}", f"{number:032x}", "send_mail", "d")


async def claim(desk: Desk, one: Effect, *, ago: float = 60) -> None:
    async with desk.database.transaction() as db:
        await one.claim(db, -ago)


async def ids(desk: Desk, tenant: str = "default") -> list[str]:
    return [row.effect_id for row in await unknown(desk.database.reader, tenant, 100)]


async def test_what_is_unknown_is_listed_and_settled_once(desk: Desk) -> None:
    first, second, running, others = effect(1), effect(2), effect(3), effect(4, "elsewhere")
    for one in (first, second, others):
        await claim(desk, one)
    await claim(desk, running, ago=-60)  # it may still end
    assert await ids(desk) == [first.effect_id, second.effect_id]
    async with desk.database.transaction() as db:
        await settle(db, "default", first.effect_id, done=True)
        await settle(db, "default", second.effect_id, done=False)
    assert await ids(desk) == []
    told = json.loads(await first.first_answer(desk.database.reader) or "")
    assert told["result"]["settled"] == "done"
    assert await second.first_answer(desk.database.reader) is None  # it may be made again
    for one in (first, second, running, others):
        async with desk.database.transaction() as db:
            with pytest.raises(NotFound):
                await settle(db, "default", one.effect_id, done=True)
    with pytest.raises(OutcomeUnknown):
        await others.first_answer(desk.database.reader)


def test_on_the_command_line(cli: Cli, folder: Any) -> None:
    import sqlite3

    assert cli("effects", "unknown")[0] == 0
    with sqlite3.connect(folder / "deskward.db") as db:
        past = (now() - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
        db.execute(
            "INSERT INTO effects VALUES ('default', 'service:shop', 'k', ?, 'send_mail', 'd', NULL,"
            " ?, ?)",
            ("a" * 32, past, past),
        )
    (row,) = json.loads(cli("effects", "unknown", "--json")[1])
    assert (row["effect_id"], row["tool"]) == ("a" * 32, "send_mail")
    assert cli("effects", "settle", "b" * 32, "done")[0] == 1
    assert cli("effects", "settle", "a" * 32, "done")[0] == 0
    assert json.loads(cli("effects", "unknown", "--json")[1]) == []
    assert cli("ledger", "show", "--json")[1].count("settle_effect") == 1
