"""What is shared in a step of the event loop is forgotten with it."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core.at_once import AtOnce
from deskward.core.connections import SqliteConnection
from deskward.core.errors import Unauthenticated
from deskward.core.moments import UtcDateTime
from deskward.core.settings import Settings
from deskward.security.key_rows import BY_PREFIX
from deskward.security.principals import Kind


async def test_it_is_forgotten_with_the_step() -> None:
    shared: AtOnce[int] = AtOnce()
    shared.keep("a", 1)
    shared.keep("b", 2)
    assert (shared.get("a"), shared.get("b"), shared.get("c")) == (1, 2, None)
    await asyncio.sleep(0)
    assert (shared.get("a"), shared.get("b")) == (None, None)


async def test_requests_that_come_together_look_a_key_up_once_and_later_ones_again(
    sqlite_desk: Desk, sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sqlite_desk
    key, stored = await desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    looks = 0
    drive = SqliteConnection._drive

    def counting(self: SqliteConnection, sql: str, *parameters: Any, **more: Any) -> Any:
        nonlocal looks
        looks += "FROM api_keys" in sql and "api_keys.prefix = " in sql
        return drive(self, sql, *parameters, **more)

    monkeypatch.setattr(SqliteConnection, "_drive", counting)
    found = await asyncio.gather(*(desk.keys.verify(key) for _ in range(20)))
    assert looks == 1
    assert {principal.key for principal in found} == {stored.prefix}
    with pytest.raises(Unauthenticated):  # another secret behind the same prefix
        await desk.keys.verify(key[:-1] + ("a" if key[-1] != "a" else "b"))
    await asyncio.sleep(0)
    # Another process revokes it, of which this one is not told.
    elsewhere = sqlite3.connect(sqlite_settings.data_dir / "deskward.db", isolation_level=None)
    elsewhere.execute("UPDATE api_keys SET revoked_at = created_at")
    elsewhere.close()
    refused = await asyncio.gather(
        *(desk.keys.verify(key) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(one, Unauthenticated) for one in refused)
    assert looks == 5  # the wrong one, and what is refused is not shared
    row = await desk.database.reader.first(BY_PREFIX, prefix=stored.prefix)
    assert row is not None
    assert row.revoked_at is not None


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 31, 9, 30, 0, 123456, UTC),
        datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        datetime(5, 1, 1, 0, 0, 0, 7, UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
async def test_a_moment_is_written_as_sqlalchemy_writes_it(
    sqlite_desk: Desk, moment: datetime
) -> None:
    dialect = sqlite_desk.database.reader.raw.dialect  # type: ignore[attr-defined]  # SQLite's
    write = UtcDateTime().bind_processor(dialect)
    assert write is not None
    expected = moment.astimezone(UTC).isoformat(" ", "microseconds")[: -len("+00:00")]
    assert [write(moment), write(moment)] == [expected, expected]
    assert write(None) is None
