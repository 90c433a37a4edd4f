"""Reading what people write takes bounded time, and asks for no table by itself."""

from __future__ import annotations

import contextlib
import gc
import os
from typing import Any, get_args

import pytest

from deskward.core.errors import InvalidInput
from deskward.queries.functions import Dialect
from deskward.queries.grammar import TOKENS, parse

DIALECTS: tuple[Any, ...] = get_args(Dialect)
REPEATED = (
    *("JOIN FILTER 'a'", "JOIN LATERAL OVER DATETIME", "JOIN KEY", "NULL JOIN ?", "f( 1 JOIN"),
    *(
        "(SELECT ",
        "CASE WHEN ",
        "f(",
        "CAST(",
        "1 IN (",
        "ARRAY[",
        "{",
        "NOT ",
        "- ",
        "a.",
        "DATE ",
    ),
    *(
        "DATE ",
        "x -> ",
        "STRUCT<a ",
        "UNION SELECT 1 ",
        "INTERVAL ",
        "FLOAT JOIN TIMESTAMP ",
        "VALUES (",
    ),
)
"""What takes a parser that tries and goes back time that doubles, or grows with the square."""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reading_takes_bounded_time(dialect: Dialect, request: pytest.FixtureRequest) -> None:
    # What other tests of this process have left is no cost of reading.
    gc.disable()
    request.addfinalizer(gc.enable)
    slowest = ("", 0.0)
    for part in REPEATED:
        for many in (23, 300, TOKENS):
            before = os.times()
            with contextlib.suppress(InvalidInput):
                parse(f"SELECT {f'{part} ' * many}1", dialect)
            after = os.times()
            took = after.user - before.user
            slowest = max(slowest, (part, took), key=lambda one: one[1])
    assert slowest[1] < 2.0, slowest


@pytest.mark.parametrize(
    "sql",
    [
        "",
        ";",
        "--",
        "SELECT",
        "SELECT 1; SELECT 2",
        "DELETE FROM x",
        "EXPLAIN SELECT 1",
        "a" * 9_999,
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_no_query_is_refused(sql: str, dialect: Dialect) -> None:
    with pytest.raises(InvalidInput):
        parse(sql, dialect)


def test_nothing_that_people_write_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    for sql in ("SELECT 1 FROM x LOCK", "SELECT COPY x", "(SHOW x)", "WITH x AS (VACUUM) SELECT 1"):
        for dialect in DIALECTS:
            with pytest.raises(InvalidInput):
                parse(sql, dialect)
    assert not caplog.records
