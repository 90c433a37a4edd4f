"""The database: group commit, isolation of calls, and the same on both engines."""

import asyncio
import socket

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskward.app import Desk
from deskward.core.database import Connection, Database, Writer
from deskward.core.errors import Unavailable
from deskward.customers.models import customers
from tests.conftest import Call

COUNT = sa.select(sa.func.count()).select_from(customers)


async def add(db: Connection, key: str) -> None:
    row = {"tenant_id": "default", "id": key, "name": key, "email": "a@b.c", "tier": "standard"}
    await db.execute(
        sa.text(
            "INSERT INTO customers (tenant_id, id, name, email, tier, created_at)"
            " VALUES (:tenant_id, :id, :name, :email, :tier, '2026-01-01')"
        )
        if db.dialect == "sqlite"
        else sa.text(
            "INSERT INTO customers (tenant_id, id, name, email, tier, created_at)"
            " VALUES (:tenant_id, :id, :name, :email, :tier, now())"
        ),
        row,
    )


async def count(database: Database) -> int:
    row = await database.reader.first(COUNT)
    assert row is not None
    return int(row[0])


async def test_concurrent_transactions_share_commits(desk: Desk) -> None:
    before = await count(desk.database)
    commits = 0
    written = desk.database.before_commit

    async def counting(connection: Writer, entries: list[object]) -> None:
        nonlocal commits
        commits += 1
        assert written is not None
        if entries[0] != "mark":
            await written(connection, entries)

    desk.database.before_commit = counting

    async def one(number: int) -> None:
        async with desk.database.transaction(["mark"]) as transaction:
            await add(transaction, f"new_{number}")

    await asyncio.gather(*(one(number) for number in range(40)))
    assert await count(desk.database) == before + 40
    assert commits < 20


async def test_a_failed_transaction_leaves_its_neighbours_alone(desk: Desk) -> None:
    before = await count(desk.database)

    async def one(number: int) -> None:
        async with desk.database.transaction() as transaction:
            await add(transaction, f"new_{number}")
            if number % 2:
                raise ValueError(number)

    results = await asyncio.gather(*(one(number) for number in range(10)), return_exceptions=True)
    assert sum(isinstance(result, ValueError) for result in results) == 5
    assert await count(desk.database) == before + 5


async def test_a_broken_statement_undoes_only_its_own_transaction(desk: Desk) -> None:
    before = await count(desk.database)

    async def good() -> None:
        async with desk.database.transaction() as transaction:
            await add(transaction, "fine")

    async def bad() -> None:
        async with desk.database.transaction() as transaction:
            await add(transaction, "half")
            await add(transaction, "user_001")

    results = await asyncio.gather(good(), bad(), return_exceptions=True)
    assert isinstance(results[1], IntegrityError)
    assert await count(desk.database) == before + 1


async def test_nothing_is_seen_before_its_commit(desk: Desk) -> None:
    before = await count(desk.database)
    async with desk.database.transaction() as transaction:
        await add(transaction, "new")
        assert await count(desk.database) == before
    assert await count(desk.database) == before + 1


async def test_a_commit_that_fails_is_told_to_everyone_in_it(desk: Desk) -> None:
    before = await count(desk.database)
    works = desk.database.before_commit

    async def failing(connection: Writer, entries: list[object]) -> None:
        await connection.execute(sa.text("INSERT INTO no_such_table VALUES (1)"))

    desk.database.before_commit = failing

    async def one(number: int) -> None:
        async with desk.database.transaction(["mark"]) as transaction:
            await add(transaction, f"new_{number}")

    results = await asyncio.gather(*(one(n) for n in range(5)), return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert await count(desk.database) == before
    desk.database.before_commit = works
    async with desk.database.transaction() as transaction:
        await add(transaction, "after")
    assert await count(desk.database) == before + 1


async def test_two_processes_share_a_database(desk: Desk) -> None:
    other = Database(desk.settings.database)
    try:
        before = await count(desk.database)

        async def one(database: Database, key: str) -> None:
            async with database.transaction() as transaction:
                await add(transaction, key)

        pairs = [
            (database, f"{n}_{i}")
            for n in range(10)
            for i, database in enumerate((desk.database, other))
        ]
        await asyncio.gather(*(one(database, key) for database, key in pairs))
        assert await count(other) == before + 20
    finally:
        await other.close()


async def test_a_locked_file_is_waited_for(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deskward.core.database.LOCK_WAIT", 0.05)
    other = Database(sqlite_desk.settings.database)
    try:
        async with other.transaction() as transaction:
            await add(transaction, "first")
            with pytest.raises(Exception, match="locked"):
                async with sqlite_desk.database.transaction() as late:
                    await add(late, "second")
    finally:
        await other.close()


async def test_a_server_that_is_away_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = Database(sa.make_url(f"postgresql+asyncpg://u@127.0.0.1:{port}/d"))
    try:
        with pytest.raises(Unavailable):
            await database.reader.first(COUNT)
        with pytest.raises(Unavailable):
            await database.append("entry")
        with pytest.raises(Unavailable):
            async with database.transaction():
                raise AssertionError
    finally:
        await database.close()


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_lost_connections_are_made_anew(desk: Desk, call: Call) -> None:
    assert (await call("create_ticket", subject="A", body="B")).status == "ok"
    other = Database(desk.settings.database)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    await other.reader.all(sa.text(f"{kill} AND datname = current_database()"))
    await other.close()
    outcomes = [await call("create_ticket", subject="A", body="B") for _ in range(3)]
    assert outcomes[-1].status == "ok"
    codes = {outcome.error.error_code for outcome in outcomes if outcome.error}
    assert codes <= {"UNAVAILABLE"}
