"""A tenant's calls that are counted come one after another, and no two processes stand still."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from deskward.core import connections, postgres
from deskward.core.database import Database, now
from deskward.core.settings import Settings
from deskward.gate import counters
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.ledger.verify import verify
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Risk, ToolGroup
from deskward.security.principals import Kind, Principal
from deskward.tickets.models import tickets
from tests.policies import policy_of
from tests.rounds import rounds

TENANTS = ("acme", "default", "third")
LIMIT = 5
probe = ToolGroup("probe")


class Done(BaseModel):
    """Nothing to tell."""


@probe.tool(scope="orders:refund", risk=Risk.DESTRUCTIVE, rest="POST /probe/act")
async def act_once(ctx: Context) -> Done:
    """Do something of which policies limit how often."""
    return Done()


@probe.tool(scope="tickets:write", risk=Risk.WRITE, rest="POST /probe/touch")
async def touch(ctx: Context, first: int, second: int) -> Done:
    """Change two records, one after the other."""
    for number in (first, second):
        changed = sa.update(tickets).where(tickets.c.number == number)
        await ctx.db.execute(changed.values(revision=tickets.c.revision + 1, updated_at=now()))
        await asyncio.sleep(0.01)
    return Done()


POLICY = policy_of(
    f"""
    @id("all") permit (principal, action, resource);
    @id("limit") forbid (principal, action == Action::"act_once", resource)
    when {{ context.today.tenant.count > {LIMIT} }};
    """,
    probe.tools,
)


@contextlib.asynccontextmanager
async def processes(settings: Settings, count: int) -> AsyncIterator[list[Gate]]:
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            database = Database(settings.database_location)
            stack.push_async_callback(database.close)
            made.append(Gate(probe.tools, database=database, policy=POLICY, key=settings.key))
        yield made


def by(tenant: str) -> Context:
    return Context(Principal(Kind.STAFF, "anna", tenant, ("support",)), "rest")


async def counted(gate: Gate, tenant: str) -> int:
    table = counters.counters.c
    statement = sa.select(table.calls).where(
        table.tenant_id == tenant, table.whose == "tenant", table.name == "orders:refund"
    )
    row = await gate.database.reader.first(statement)
    return row[0] if row is not None else 0


async def test_three_tenants_limits_hold_in_three_processes(settings: Settings) -> None:
    """Sixteen tasks for each: the calls of a commit's group come in any order of tenants."""
    async with processes(settings, 3) as gates:
        for _ in range(rounds(2, 50)):
            async with gates[0].database.transaction() as transaction:
                await transaction.execute(sa.delete(counters.counters))
            calls = {
                (tenant, n): gates[(n + place) % 3].call("act_once", {}, by(tenant))
                for n in range(16)
                for place, tenant in enumerate(TENANTS)
            }
            outcomes = dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))
            for tenant in TENANTS:
                ends = Counter(_end(outcomes[tenant, n]) for n in range(16))
                assert ends == {"ok": LIMIT, "FORBIDDEN": 16 - LIMIT}
                assert await counted(gates[0], tenant) == LIMIT
        assert (await verify(gates[0].database)).sound


def _end(outcome: Outcome) -> str:
    return outcome.error.error_code if outcome.error is not None else outcome.status


async def test_tenants_do_not_wait_for_each_other(settings: Settings) -> None:
    """While one process has a tenant's turn, another makes calls of the others."""
    async with processes(settings, 2) as (here, there):
        async with here.database.transaction(turn="acme"):
            if here.database.is_sqlite:
                return  # one writer at a time
            async with asyncio.timeout(30):
                assert (await there.call("act_once", {}, by("default"))).status == "ok"
            waiting = asyncio.create_task(there.call("act_once", {}, by("acme")))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        assert (await waiting).status == "ok"


async def test_a_group_that_holds_something_waits_for_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process has made a call of the one tenant when it wants to make one of the other's."""
    monkeypatch.setattr(connections, "LOCK_WAIT", 60.0)
    monkeypatch.setitem(postgres.POSTGRES_SETTINGS, "lock_timeout", "60s")
    async with processes(settings, 2) as (here, there):
        for _ in range(rounds(5, 100)):
            calls = [
                *(here.call("act_once", {}, by(tenant)) for tenant in ("acme", "default")),
                *(there.call("act_once", {}, by(tenant)) for tenant in ("default", "acme")),
            ]
            began = asyncio.get_running_loop().time()
            ends = {_end(outcome) for outcome in await asyncio.gather(*calls)}
            assert ends <= {"ok", "FORBIDDEN"}
            assert asyncio.get_running_loop().time() - began < 20  # no lock's time limit


async def test_calls_that_hold_each_others_records_are_made_all_the_same(
    settings: Settings,
) -> None:
    """PostgreSQL undoes one of two: it is tried again, and nobody is told."""
    async with processes(settings, 2) as (here, there):
        for _ in range(rounds(3, 50)):
            calls = [
                *(here.call("touch", {"first": 901, "second": 902}, by("default")),),
                *(there.call("touch", {"first": 902, "second": 901}, by("default")),),
            ]
            assert {_end(o) for o in await asyncio.gather(*calls)} == {"ok"}
        assert not here.database.fails
        assert not there.database.fails
        row = await here.database.reader.first(
            sa.select(tickets.c.revision).where(tickets.c.number == 901)
        )
        assert row is not None
        assert row[0] >= 2 * rounds(3, 50)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_wait_that_ends_in_an_error_costs_its_own_call_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.POSTGRES_SETTINGS, "lock_timeout", "2s")
    async with processes(settings, 2) as (here, there):
        async with here.database.transaction(turn="acme") as held:
            await held.execute(sa.text("SELECT 1"))
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.2):
                    await there.call("act_once", {}, by("acme"))
        assert (await there.call("act_once", {}, by("default"))).status == "ok"
        assert (await there.call("act_once", {}, by("acme"))).status == "ok"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_what_a_group_has_done_is_durable_before_it_waits(settings: Settings) -> None:
    """The second call of a group has to wait for a turn: the first one's holder need not."""
    async with processes(settings, 2) as (here, there):
        async with there.database.transaction(turn="default"):
            first = asyncio.create_task(here.call("act_once", {}, by("acme")))
            second = asyncio.create_task(here.call("act_once", {}, by("default")))
            async with asyncio.timeout(30):
                assert (await first).status == "ok"
            await asyncio.sleep(0.2)
            assert not second.done()
        assert (await second).status == "ok"
