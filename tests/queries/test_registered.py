"""Registered queries: approved by somebody else, with typed parameters, in versions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.jobs import jobs
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Kind, Principal
from tests.queries.conftest import AUDITOR, FOREIGN, PERSONAL, TIER_1, TIER_2, TIER_3, hurry

CHIEF = Principal(Kind.STAFF, "dora", "default", ("support-3",))
THEIRS = Principal(Kind.STAFF, "carla", "acme", ("support-3",))
SERVICE = Principal(Kind.SERVICE, "website", "default", ("service",))
BY_STATUS = "SELECT count(*) AS n FROM tickets WHERE status = :status"
STATUS = [{"name": "status", "type": "text"}]


async def _call(desk: Desk, tool: str, principal: Principal, **arguments: Any) -> Outcome:
    return await desk.gate.call(tool, arguments, Context(principal, "rest"))


async def _register(desk: Desk, name: str, sql: str, *parameters: dict[str, Any]) -> Outcome:
    told = {"name": name, "description": "A query.", "sql": sql, "parameters": list(parameters)}
    asked = await _call(desk, "register_query", TIER_3, **told)
    if asked.error is not None:
        return asked
    approval = asked.value["approval_id"]
    own = await _call(desk, "approve_call", TIER_3, approval_id=approval)
    assert own.error is not None, "nobody approves their own"
    approved = await _call(desk, "approve_call", CHIEF, approval_id=approval)
    assert approved.error is None
    async with asyncio.timeout(30):
        while await desk.database.reader.first(sa.select(jobs)) is not None:
            await asyncio.sleep(0.05)
    return approved


async def _run(desk: Desk, principal: Principal = TIER_1, **arguments: Any) -> Any:
    outcome = await _call(desk, "query_database", principal, **arguments)
    return outcome.error.message if outcome.error else outcome.value["rows"]


async def test_a_query_is_registered_by_two_people_and_run_by_anybody(desk: Desk) -> None:
    told = {"name": "x", "description": "x", "sql": "SELECT 1 AS one"}
    asked = await _call(desk, "register_query", TIER_3, **told)
    assert asked.status == "pending"
    assert (await _call(desk, "list_queries", TIER_1)).value == {"queries": []}
    await _register(desk, "by_status", BY_STATUS, *STATUS)
    [one] = (await _call(desk, "list_queries", TIER_1)).value["queries"]
    assert (one["name"], one["version"]) == ("by_status", 1)
    agent = TIER_1.with_agent("assistant")
    for who in (TIER_1, TIER_2, AUDITOR, SERVICE, agent):
        rows = await _run(desk, who, query="by_status", parameters={"status": "open"})
        assert rows[0][0] > 0, who
    none = await _run(desk, query="by_status", parameters={"status": "' OR '1'='1"})
    assert none == [[0]]
    assert "There is no query" in await _run(desk, THEIRS, query="by_status", parameters={})


async def test_parameters_are_of_their_types(desk: Desk) -> None:
    kinds = ("text", "integer", "number", "boolean", "date", "datetime")
    declared = [{"name": f"p_{kind}", "type": kind, "required": False} for kind in kinds]
    select = ", ".join(f":p_{kind} IS NULL" for kind in kinds)
    await _register(desk, "kinds", f"SELECT {select}", *declared)
    assert [bool(cell) for cell in (await _run(desk, query="kinds"))[0]] == [True] * 6
    good = {
        "p_text": "a'b",
        "p_integer": 3,
        "p_number": 2.5,
        "p_boolean": True,
        "p_date": "2026-01-31",
        "p_datetime": "2026-01-31T08:00:00+01:00",
    }
    given = await _run(desk, query="kinds", parameters=good)
    assert [bool(cell) for cell in given[0]] == [False] * 6
    for name, value in (
        ("p_text", 1),
        ("p_integer", "1"),
        ("p_integer", 2.5),
        ("p_integer", True),
        ("p_integer", 2**70),
        ("p_number", "x"),
        ("p_boolean", 1),
        ("p_date", "31.01.2026"),
        ("p_datetime", "2026-01-31T08:00:00"),
        ("p_other", "x"),
    ):
        said = await _run(desk, query="kinds", parameters={name: value})
        assert name in str(said), (name, value, said)


async def test_moments_compare_as_the_desk_keeps_them(desk: Desk) -> None:
    sql = "SELECT count(*) FROM tickets WHERE created_at < :till AND created_at >= :day"
    declared = [{"name": "till", "type": "datetime"}, {"name": "day", "type": "date"}]
    await _register(desk, "between", sql, *declared)
    every = {"till": "2100-01-01T00:00:00Z", "day": "2000-01-01"}
    assert (await _run(desk, query="between", parameters=every))[0][0] > 0
    none = {"till": "2000-01-01T00:00:00Z", "day": "1999-01-01"}
    assert await _run(desk, query="between", parameters=none) == [[0]]


async def test_a_version_stays_and_a_retired_query_is_gone(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    await _register(desk, "one", "SELECT 1 AS n")
    await _register(desk, "one", "SELECT 2 AS n")
    assert await _run(desk, query="one") == [[2]]
    assert await _run(desk, query="one", version=1) == [[1]]
    assert (await _call(desk, "retire_query", TIER_3, name="one")).error is None
    for version in (None, 1, 2):
        assert "There is no query" in await _run(desk, query="one", version=version)
    await _register(desk, "one", "SELECT 3 AS n")
    assert await _run(desk, query="one") == [[3]]
    assert "There is no query" in await _run(desk, query="one", version=1)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM tickets",
        "SELECT * FROM accounts",
        "SELECT nosuch FROM tickets",
        "SELECT :other",
        "SELECT 1; SELECT 2",
    ],
)
async def test_what_cannot_run_is_not_registered(sqlite_desk: Desk, sql: str) -> None:
    outcome = await _register(sqlite_desk, "bad", sql)
    assert outcome.error is not None
    assert outcome.error.error_code == "INVALID_INPUT"


async def test_a_registered_query_sees_what_its_caller_sees(desk: Desk) -> None:
    await _register(desk, "names", "SELECT name FROM customers")
    assert PERSONAL in str(await _run(desk, TIER_1, query="names"))
    assert {row[0] for row in await _run(desk, AUDITOR, query="names")} == {"[masked]"}
    assert len(await _run(desk, query="names", customer_id="user_001")) == 1
    assert FOREIGN not in str(await _run(desk, TIER_3, query="names"))


async def test_a_query_that_takes_too_long_is_stopped(desk: Desk) -> None:
    hurry(desk, 0.3)
    many = ", ".join(f"ticket_messages AS m{n}" for n in range(9))
    outcome = await _call(desk, "query_database", TIER_2, sql=f"SELECT count(*) FROM {many}")
    assert outcome.error is not None
    assert outcome.error.error_code == "TIME_LIMIT_EXCEEDED"


async def test_no_condition_is_judged_on_others_rows(desk: Desk) -> None:
    """An error that only such a row raises would tell what stands in it."""
    zero = f"CASE WHEN body LIKE '{FOREIGN}%' THEN 0 ELSE 1 END"
    large = f"CASE WHEN body LIKE '{FOREIGN}%' THEN -9223372036854775807 - 1 ELSE 1 END"
    fails = f"abs({large})" if desk.database.is_sqlite else f"1 / ({zero})"
    for sql in (
        f"SELECT count(*) FROM tickets WHERE {fails} > 0",
        f"SELECT count(*) FROM tickets t JOIN customers c ON {fails} > 0 AND t.number > 0",
        f"SELECT max({fails}) FROM tickets",
        f"SELECT number FROM tickets ORDER BY {fails} LIMIT 1",
        f"SELECT count(*) FROM (SELECT * FROM tickets) AS x WHERE {fails} > 0",
    ):
        assert isinstance(await _run(desk, TIER_2, sql=sql), list), sql


async def test_of_a_tenant_one_query_runs_at_a_time_and_keeps_its_turn(sqlite_desk: Desk) -> None:
    hurry(sqlite_desk, 0.5)
    many = ", ".join(f"ticket_messages AS m{n}" for n in range(9))
    slow = asyncio.create_task(_run(sqlite_desk, TIER_2, sql=f"SELECT count(*) FROM {many}"))
    await asyncio.sleep(0.1)
    hurry(sqlite_desk, 0.1)
    assert "Other queries are running" in await _run(sqlite_desk, TIER_2, sql="SELECT 1")
    other = Principal(Kind.STAFF, "berta", "acme", ("support-2",))
    assert await _run(sqlite_desk, other, sql="SELECT 1") == [[1]]
    assert "longer than" in await slow


async def test_a_table_is_seen_with_the_scope_of_its_tools(sqlite_desk: Desk) -> None:
    """An auditor may list no orders, and so asks about none."""
    assert isinstance(await _run(sqlite_desk, TIER_2, sql="SELECT * FROM orders"), list)
    assert "There is no table" in await _run(sqlite_desk, AUDITOR, sql="SELECT * FROM orders")


async def test_what_is_not_known_is_refused(sqlite_desk: Desk) -> None:
    for sql in (
        "SELECT hex('a')",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r LIMIT 3",
        "SELECT * FROM main.tickets",
        "SELECT DISTINCT ON (status) status FROM tickets",
    ):
        said = await _run(sqlite_desk, TIER_2, sql=sql)
        assert "Write one plain SELECT" in said, (sql, said)
