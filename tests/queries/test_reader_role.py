"""Queries as the role that the guide for operators makes, which may read and nothing else."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.queries.running import Queries
from tests.queries.conftest import FOREIGN, HIDDEN, TIER_2, TIER_3, ask, digests, plant
from tests.queries.hostile import statements

POSTGRES = [pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
EVERY = 25
"""Of the hostile statements one in so many: the role is behind what all of them try."""


def the_guides_statements() -> list[str]:
    """What docs/operating.md has an operator say to PostgreSQL."""
    guide = Path("docs/operating.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```sql\n(CREATE ROLE desk_reader .*?)```", guide, re.DOTALL)
    plain = re.sub(r"--.*", "", block).replace("'…'", "'reads'")
    return [one.strip() for one in plain.split(";") if one.strip()]


@pytest.fixture
async def reader(settings: Settings) -> AsyncIterator[str]:
    """The role's address."""
    url = sa.make_url(str(settings.database.url))
    owner = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(False))
    try:
        for statement in the_guides_statements():
            await owner.execute(statement)
        own = url.set(drivername="postgresql", username="desk_reader", password="reads")
        yield own.render_as_string(False)
    finally:
        await owner.execute("DROP OWNED BY desk_reader; DROP ROLE desk_reader")
        await owner.close()


@pytest.fixture
async def desk(settings: Settings, reader: str, offline: Any) -> AsyncIterator[Desk]:
    """A desk whose queries run as that role."""
    changed = settings.changed(domains="shop", query_database_url=reader)
    async with open_desk(changed, model=offline) as opened:
        await plant(opened)
        yield opened


@pytest.mark.parametrize("settings", POSTGRES, indirect=True)
async def test_the_role_reads_every_table_of_queries_and_no_other(desk: Desk, reader: str) -> None:
    readable = desk.gate.port(Queries).readable
    for name in readable:
        outcome = await ask(desk, f"SELECT count(*) FROM {name}", TIER_3)
        assert outcome.error is None, (name, outcome.value)
    connection = await asyncpg.connect(reader)
    try:
        for statement in (
            "SELECT * FROM accounts",
            "SELECT * FROM api_keys",
            "SELECT * FROM ledger",
            "UPDATE tickets SET subject = 'x'",
            "SET default_transaction_read_only = off; DELETE FROM tickets",
            "SET default_transaction_read_only = off; CREATE TABLE mine (a int)",
        ):
            with pytest.raises(
                (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)
            ):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("settings", POSTGRES, indirect=True)
async def test_hostile_statements_get_no_further_as_that_role(desk: Desk) -> None:
    before = await digests(desk)
    asked = sorted(set(statements()))[::EVERY]
    for sql in asked:
        told = str((await ask(desk, sql, TIER_2)).value)
        assert not [one for one in (FOREIGN, HIDDEN) if one in told and one not in sql], sql
    assert len(asked) > 50
    assert await digests(desk) == before


@pytest.mark.parametrize("settings", POSTGRES, indirect=True)
async def test_a_role_that_may_not_read_a_table_is_told_of(desk: Desk, settings: Settings) -> None:
    async with desk.database.transaction() as db:
        await db.execute(sa.text("REVOKE SELECT ON tickets FROM desk_reader"))
    outcome = await ask(desk, "SELECT count(*) FROM tickets", TIER_2)
    assert outcome.error is not None
    assert outcome.error.status == 503
    assert "QUERY_DATABASE_URL" in outcome.error.message
