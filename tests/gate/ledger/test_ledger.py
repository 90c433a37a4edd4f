"""The ledger: every change to it is found."""

import asyncio
import random
import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from deskward.app import Desk
from deskward.core.connections import SqliteConnection
from deskward.gate.ledger.chain import (
    GENESIS,
    chained,
    latest_rows,
    ledger_heads,
    ledger_rows,
    rows_of,
)
from deskward.gate.ledger.verify import verify
from tests.conftest import FOREIGN, Call


async def filled(call: Call, rows: int = 12) -> None:
    for number in range(rows):
        await call("get_account_balance")
        if number % 3 == 0:
            await call("get_account_balance", FOREIGN)


async def test_a_sound_ledger_verifies(desk: Desk, call: Call) -> None:
    await filled(call)
    report = await verify(desk.database)
    assert report.sound
    assert report.rows == 16
    assert set(report.heads) == {"default", "acme"}
    assert report.heads["default"].startswith("12:")


async def test_a_desk_that_works_meanwhile_is_no_finding(desk: Desk, call: Call) -> None:
    async def work() -> None:
        while not stop.is_set():
            await filled(call, 1)
            await asyncio.sleep(0)

    stop = asyncio.Event()
    workers = [asyncio.create_task(work()) for _ in range(4)]
    await asyncio.sleep(0.1)
    try:
        for _ in range(10):
            assert (await verify(desk.database)).findings == []
            await asyncio.sleep(0.02)
    finally:
        stop.set()
        await asyncio.gather(*workers)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET body = replace(body, '\"ok\"', '\"no\"') WHERE seq = 3",
        "UPDATE ledger SET conversation = 'another' WHERE seq = 3",
        "UPDATE ledger SET body = body || ' ' WHERE seq = 5",
        "UPDATE ledger SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE seq = 4",
        "UPDATE ledger SET tenant_id = 'other' WHERE seq = 12",
        "DELETE FROM ledger WHERE seq = 7 AND tenant_id = 'default'",
        "DELETE FROM ledger WHERE seq = 12",
        "DELETE FROM ledger",
        "UPDATE ledger SET seq = 99 WHERE seq = 12",
        "UPDATE ledger_heads SET hash = 'x'",
        "UPDATE ledger_heads SET seq = seq - 1",
        "DELETE FROM ledger_heads",
    ],
)
async def test_a_change_is_found(desk: Desk, call: Call, change: str) -> None:
    await filled(call)
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.text(change))
    assert not (await verify(desk.database)).sound


async def test_two_rows_that_changed_places_are_found(desk: Desk, call: Call) -> None:
    await filled(call)
    async with desk.database.transaction() as transaction:
        for old, new in ((3, 100), (4, 3), (100, 4)):
            await transaction.execute(
                sa.text(
                    f"UPDATE ledger SET seq = {new} WHERE seq = {old} AND tenant_id = 'default'"
                )
            )
    findings = (await verify(desk.database)).findings
    assert {finding.seq for finding in findings} >= {3, 4}


async def test_one_damaged_row_is_one_finding(desk: Desk, call: Call) -> None:
    await filled(call)
    async with desk.database.transaction() as transaction:
        await transaction.execute(
            sa.text("UPDATE ledger SET body = '{}' WHERE seq = 6 AND tenant_id = 'default'")
        )
    findings = (await verify(desk.database)).findings
    assert [(finding.tenant, finding.seq) for finding in findings] == [("default", 6)]


async def test_any_flipped_byte_is_found(sqlite_desk: Desk, sqlite_call: Call) -> None:
    await filled(sqlite_call)
    file = sqlite3.connect(
        str(sqlite_desk.settings.database_location.database), isolation_level=None
    )
    chance = random.Random(7)
    for _ in range(200):
        table, column = chance.choice(
            [
                ("ledger", "body"),
                ("ledger", "hash"),
                ("ledger", "tenant_id"),
                ("ledger_heads", "hash"),
            ]
        )
        rows = file.execute(f"SELECT rowid, CAST({column} AS BLOB) FROM {table}").fetchall()
        rowid, whole = chance.choice(rows)
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        update = f"UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE rowid = ?"
        file.execute(update, (bytes(damaged), rowid))
        assert not (await verify(sqlite_desk.database)).sound, (table, column, rowid)
        file.execute(update, (whole, rowid))
    assert (await verify(sqlite_desk.database)).sound
    file.close()


async def test_a_damaged_number_is_found(sqlite_desk: Desk, sqlite_call: Call) -> None:
    await filled(sqlite_call)
    async with sqlite_desk.database.transaction() as transaction:
        await transaction.execute(sa.text("UPDATE ledger SET seq = 'x' WHERE seq = 5"))
    assert not (await verify(sqlite_desk.database)).sound


async def test_a_row_that_no_tenants_name_finds_is_found(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await filled(sqlite_call)
    async with sqlite_desk.database.transaction() as transaction:
        row = "CAST('default' AS BLOB), 1, body, hash, conversation"
        await transaction.execute(
            sa.text(f"INSERT INTO ledger SELECT {row} FROM ledger WHERE seq = 1 LIMIT 1")
        )
    assert not (await verify(sqlite_desk.database)).sound


async def test_a_chain_twice_as_long_takes_twice_the_steps(sqlite_desk: Desk) -> None:
    reader = sqlite_desk.database.reader
    assert isinstance(reader, SqliteConnection)
    steps, taken, digest = 0, [], GENESIS

    def step() -> None:
        nonlocal steps
        steps += 1

    for start in (1, 4_001):
        rows = []
        for seq in range(start, start + 4_000):
            digest = chained(digest, "long", seq, b"{}")
            rows.append({"tenant_id": "long", "seq": seq, "body": "{}", "hash": digest})
        async with sqlite_desk.database.transaction() as transaction:
            await transaction.execute(ledger_rows.insert(), rows)
            head = {"tenant_id": "long", "seq": seq, "hash": digest}
            await transaction.execute(
                sa.delete(ledger_heads).where(ledger_heads.c.tenant_id == "long")
            )
            await transaction.execute(ledger_heads.insert(), head)
        steps = 0
        reader._driver.set_progress_handler(step, 100)
        assert (await verify(sqlite_desk.database)).sound
        reader._driver.set_progress_handler(None, 0)
        taken.append(steps)
    assert taken[1] < 2.5 * taken[0], taken


async def test_a_conversation_is_read_without_the_tenants_whole_chain(
    sqlite_desk: Desk,
) -> None:
    statements: list[str] = []

    class Seen:
        async def all(self, statement, **parameters):
            compiled = statement.compile(dialect=sqlite.dialect())
            plan = sa.text(f"EXPLAIN QUERY PLAN {compiled}".replace("?", "1"))
            statements.extend(row.detail for row in await sqlite_desk.database.reader.all(plan))
            return []

    for read in (rows_of, latest_rows):
        await read(Seen(), "default", conversation="c", limit=10)  # type: ignore[arg-type]  # it stands in for a connection
    found = [plan for plan in statements if plan.startswith(("SEARCH", "SCAN"))]
    index = "ix_ledger_conversation (tenant_id=? AND conversation=?)"
    assert found == [f"SEARCH ledger USING INDEX {index}"] * 2


async def test_pages_from_the_end(desk: Desk, call: Call) -> None:
    await filled(call, 5)
    reader = desk.database.reader
    first = await latest_rows(reader, "default", limit=2)
    then = await latest_rows(reader, "default", before=first[-1].seq, limit=9)
    whole = await rows_of(reader, "default", limit=99)
    assert [*first, *then] == whole[::-1]
    assert len(first) == 2
