"""Whatever statement a grammar makes, no canary comes out; and what is answered is our tenant's."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskward.app import Desk
from deskward.core.errors import Internal
from tests.queries.conftest import AUDITOR, FOREIGN, HIDDEN, PERSONAL, ask, hurry

TABLES = ("tickets", "customers", "ticket_messages", "queue_items", "accounts", "ledger", "a", "b")
COLUMNS = (
    *("number", "customer_id", "body", "subject", "name", "email", "id", "text", "tenant_id"),
    *("folded", "whole", "session_id", "password_hash", "status", "a", "b", "t", "rowid"),
)
CALLS = ("count", "max", "lower", "coalesce", "length", "hex", "pg_sleep", "substr", "concat")

tables, columns = st.sampled_from(TABLES), st.sampled_from(COLUMNS)
aliases = st.sampled_from(("a", "b", "t", "tickets", "main"))
literals = st.sampled_from(("1", "'x'", "NULL", "'acme'", "0.5", "TRUE", "'%canary%'"))


def _values(inner: Any) -> Any:
    sign = st.sampled_from(("=", "<>", "<", "||", "+", "LIKE", "AND", "OR", "/", "IS", "->>"))
    return st.one_of(
        st.builds("({} {} {})".format, inner, sign, inner),
        st.builds("{}({})".format, st.sampled_from(CALLS), inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("CAST({} AS {})".format, inner, st.sampled_from(("TEXT", "INTEGER", "regclass"))),
        st.builds("(SELECT {} FROM {} LIMIT 1)".format, inner, tables),
        st.builds("{} IN (SELECT {} FROM {})".format, inner, columns, tables),
        st.builds("EXISTS (SELECT {} FROM {} AS {})".format, inner, tables, aliases),
        st.builds("max({}) OVER (ORDER BY {})".format, inner, inner),
    )


values = st.recursive(
    st.one_of(columns, literals, st.builds("{}.{}".format, aliases, columns), st.just("*")),
    _values,
    max_leaves=6,
)


def _queries(inner: Any) -> Any:
    source = st.one_of(
        tables,
        st.builds("{} AS {}".format, tables, aliases),
        st.builds("({}) AS {}".format, inner, aliases),
    )
    join = st.sampled_from(("JOIN", "LEFT JOIN", "CROSS JOIN", "NATURAL JOIN", ","))
    plain = st.builds("SELECT {} FROM {}".format, values, source)
    return st.one_of(
        plain,
        st.builds("{} WHERE {}".format, plain, values),
        st.builds("{} GROUP BY {} HAVING {}".format, plain, values, values),
        st.builds("{} ORDER BY {} LIMIT 5".format, plain, values),
        st.builds("SELECT * FROM {} {} {}".format, source, join, source),
        st.builds(
            "SELECT a.* FROM {} AS a JOIN {} AS b USING ({})".format, tables, tables, columns
        ),
        st.builds("WITH {} AS ({}) {}".format, aliases, inner, inner),
        st.builds("{} UNION ALL {}".format, inner, inner),
        st.builds("{} EXCEPT {}".format, inner, inner),
    )


queries = st.recursive(st.just("SELECT * FROM tickets"), _queries, max_leaves=4)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [300])
async def test_no_canary_comes_out_of_any_statement(desk: Desk, examples: int) -> None:
    hurry(desk, 0.3)
    loop = asyncio.get_running_loop()
    answered = []

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(queries)
    def check(sql: str) -> None:
        outcome = asyncio.run_coroutine_threadsafe(ask(desk, sql, AUDITOR), loop).result()
        assert not isinstance(outcome.error, Internal)
        said = outcome.error.message if outcome.error else json.dumps(outcome.value)
        assert not [one for one in (FOREIGN, HIDDEN, PERSONAL) if one in said.casefold()]
        answered.append(outcome.error is None)

    await asyncio.to_thread(check)
    assert sum(answered) > examples / 20, "some are answered, or nothing is shown"
