"""The database: group commit, isolation of calls, and the same on both engines."""

import asyncio
import resource
import socket
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.connections import sqlite_engine
from deskward.core.database import Connection, Database, Writer
from deskward.core.errors import Unavailable
from deskward.core.settings import Settings
from deskward.customers.models import customers
from deskward.gate.ledger.verify import verify
from tests.conftest import Call, caller
from tests.services.cutting import cutting

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
    other = Database(desk.settings.database_location)
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
    monkeypatch.setattr("deskward.core.connections.LOCK_WAIT", 0.05)
    other = Database(sqlite_desk.settings.database_location)
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
    other = Database(desk.settings.database_location)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    await other.reader.all(sa.text(f"{kill} AND datname = current_database()"))
    await other.close()
    outcomes = [await call("create_ticket", subject="A", body="B") for _ in range(3)]
    assert outcomes[-1].status == "ok"
    codes = {outcome.error.error_code for outcome in outcomes if outcome.error}
    assert codes <= {"UNAVAILABLE"}


async def test_a_full_disk_undoes_the_whole_group_and_says_so(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    """SQLite ends the transaction itself, with all the calls that are in it."""
    async with sqlite_desk.database.transaction() as transaction:
        pages = await transaction.first(sa.text("PRAGMA page_count"))
        assert pages is not None
        await transaction.execute(sa.text(f"PRAGMA max_page_count = {pages[0] + 1}"))
    address = {"new_address": "1 Lost Street, Boston"}
    outcomes = await asyncio.gather(
        sqlite_call("update_address", key="k", **address),
        sqlite_call("report_issue", description="x" * 10_000),
    )
    assert {outcome.value["error"]["code"] for outcome in outcomes} == {"UNAVAILABLE"}
    details = await sqlite_call("get_account_details")
    assert details.value["address"] != address["new_address"]
    assert (await verify(sqlite_desk.database)).sound
    again = await sqlite_call("update_address", key="k", **address)
    assert (again.status, again.repeated) == ("ok", False)
    assert (await verify(sqlite_desk.database)).sound


async def test_a_commit_that_the_disk_refuses_is_unavailable(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await sqlite_call("report_issue", description="warm")
    wal = Path(f"{sqlite_desk.settings.database_location.database}-wal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, limits[1]))
    try:
        outcome = await sqlite_call("report_issue", description="lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.value["error"]["code"] == "UNAVAILABLE"
    assert (await sqlite_call("report_issue", description="kept")).value["ticket_id"] == "T1002"
    assert (await verify(sqlite_desk.database)).sound


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_cancelled_statement_leaves_its_neighbours_alone(desk: Desk) -> None:
    before = await count(desk.database)

    async def one(key: str) -> None:
        async with desk.database.transaction() as transaction:
            await add(transaction, key)

    async def slow() -> None:
        async with desk.database.transaction() as transaction:
            await add(transaction, "cancelled")
            await transaction.execute(sa.text("SELECT pg_sleep(0.4)"))

    first, cut, last = (asyncio.create_task(work) for work in (one("a"), slow(), one("b")))
    for _ in range(2):  # as at shutdown: the pause of a turn, then the end of the loop
        await asyncio.sleep(0.1)
        cut.cancel()
    results = await asyncio.gather(first, cut, last, return_exceptions=True)
    assert results[0] is results[2] is None
    assert isinstance(results[1], asyncio.CancelledError)
    assert await count(desk.database) == before + 2


async def test_calls_that_are_cancelled_anywhere_harm_nobody(desk: Desk) -> None:
    kept: set[str] = set()
    written: list[object] = []

    async def noting(_connection: Writer, entries: list[object]) -> None:
        written.extend(entries)

    desk.database.before_commit = noting

    async def one(key: str) -> None:
        async with desk.database.transaction([key]) as transaction:
            await add(transaction, key)
        kept.add(key)

    before = await count(desk.database)
    for steps in range(40):
        cut = asyncio.create_task(one(f"cut_{steps}"))
        for _ in range(steps):
            await asyncio.sleep(0)
        cut.cancel()
        await asyncio.gather(one(f"beside_{steps}"), cut, return_exceptions=True)
        await one(f"after_{steps}")
    assert {f"{when}_{n}" for when in ("beside", "after") for n in range(40)} <= kept
    # Whoever was cancelled during the commit is kept; but a row and its entry always together.
    assert len(written) == await count(desk.database) - before
    assert kept <= set(written)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_a_commit_whose_answer_is_lost_is_unknown(
    settings: Settings, offline: Model, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("deskward.core.postgres.COMMAND_TIMEOUT", 1.0)
    async with (
        cutting(settings) as (way, through),
        open_desk(through, model=offline) as desk,
    ):
        call = caller(desk)
        await call("report_issue", description="first")
        way.next = how
        lost = await call("report_issue", key="k", description="second")
        assert lost.value["error"]["code"] == "OUTCOME_UNKNOWN"
        way.next = how
        read = await call("get_account_balance")  # which may well be read again
        assert read.value["error"]["code"] == "UNAVAILABLE"
        again = await call("report_issue", key="k", description="second")
        assert again.value["ticket_id"] == "T1002"
        assert (await call("list_tickets")).value["total"] == 2 + 7  # of the demo desk
        assert (await verify(desk.database)).sound


async def test_what_a_call_may_have_to_undo_is_no_file(sqlite_desk: Desk) -> None:
    """SQLite writes the pages that a savepoint changes into a file, unless it is told not to."""
    async with sqlite_desk.database.transaction() as transaction:
        kept = await transaction.first(sa.text("PRAGMA temp_store"))
    assert kept is not None
    assert kept[0] == 2, "temp_store is not MEMORY"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_read_on_connections_that_the_server_closed_is_made_on_new_ones(
    desk: Desk, settings: Settings
) -> None:
    reader = desk.database.reader
    before = await asyncio.gather(*(reader.first(COUNT) for _ in range(5)))  # five connections
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    other = await asyncpg.connect(
        settings.database_location.render_as_string(False).replace("+asyncpg", "")
    )
    await other.execute(kill)
    await other.close()
    assert await asyncio.gather(*(reader.first(COUNT) for _ in range(5))) == before


def test_each_commit_reaches_the_disk_before_it_is_told(tmp_path: Path) -> None:
    engine = sqlite_engine(sa.make_url(f"sqlite:///{tmp_path}/desk.db"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
    engine.dispose()
