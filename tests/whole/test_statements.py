"""How many statements and commits a call and a turn take: counted, not timed.

One more is a twentieth of a write's time, and each commit waits for the disk. Whoever needs one
more raises the number here, and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core.connections import SqliteConnection
from deskward.gate.context import Context
from tests.conftest import CUSTOMER, Call

READ, WRITE = 5, 12
"""A read: its record, and of the ledger with its BEGIN four. A write: its savepoint, the
number, the ticket, its first message, the words that it is found by, whoever is told, by whose hand
it is, and the same of the ledger."""
TURN, COMMITS = 47, 5
"""A turn with one tool: its beginning, two calls of the model, the tool's row and its answer."""


_found: ContextVar[Counter[str] | None] = ContextVar("found", default=None)


def note(what: str) -> None:
    """Count something, unless it is a job's that runs beside the test."""
    if (found := _found.get()) is not None:
        found[what] += 1


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What goes to the driver for what is done in the block, tasks of its own included."""
    driven, committed, run = (
        SqliteConnection._drive,
        SqliteConnection.commit,
        SqliteConnection.execute,
    )

    def drive(self: SqliteConnection, sql: str, *args: Any, **more: Any) -> Any:
        note("statements")
        return driven(self, sql, *args, **more)

    async def commit(self: SqliteConnection) -> None:
        note("commits")
        await committed(self)

    async def execute(self: SqliteConnection, statement: Any, parameters: Any = None) -> Any:
        note("not fixed")
        return await run(self, statement, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(SqliteConnection, "_drive", drive)
        patched.setattr(SqliteConnection, "commit", commit)
        patched.setattr(SqliteConnection, "execute", execute)
        found: Counter[str] = Counter()
        token = _found.set(found)
        yield found
        _found.reset(token)


async def test_a_read_and_a_write(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = {"customer_id": "user_001", "subject": "Invoice", "body": "It is not there."}
    for tool, arguments, most in (
        ("get_account_balance", {"user_id": "user_001"}, READ),
        ("create_ticket", ticket, WRITE),
    ):
        await sqlite_call(tool, CUSTOMER, **arguments)  # the first one makes keys and numbers
        with counted(monkeypatch) as found:
            assert (await sqlite_call(tool, CUSTOMER, **arguments)).status == "ok"
        assert 0 < found["statements"] <= most, (tool, found)
        assert (found["commits"], found["not fixed"]) == (1, 0), (tool, found)


async def test_a_turn(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def turn(session: str) -> None:
        context = Context(CUSTOMER, "rest")
        reader = await sqlite_desk.conversations.send(context, session, "What is my balance?")
        assert "5,420.50" in "".join([str(event) async for event in reader])

    await turn("first")
    with counted(monkeypatch) as found:
        await turn("second")
    assert 0 < found["statements"] <= TURN, found
    assert 0 < found["commits"] <= COMMITS, found  # fewer where what is done beside it joins one
    assert found["not fixed"] == 0, found
