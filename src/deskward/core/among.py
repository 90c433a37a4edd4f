"""Lists of numbers as one parameter, so that a statement with a list among its own can be fixed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Each(FunctionElement[Any]):
    """Each number of a list that is given as JSON."""

    inherit_cache = True


@compiles(_Each, "sqlite")
def _on_sqlite(element: _Each, compiler: SQLCompiler, **more: Any) -> str:
    given = compiler.process(element.clauses, **more)
    return f"(SELECT value FROM json_each({given}))"  # noqa: S608 the mark of a bound parameter


@compiles(_Each, "postgresql")
def _on_postgres(element: _Each, compiler: SQLCompiler, **more: Any) -> str:
    given = compiler.process(element.clauses, **more)
    each = f"json_array_elements_text(CAST({given} AS JSON)) AS each(value)"
    return f"(SELECT CAST(each.value AS BIGINT) FROM {each})"  # noqa: S608 the mark of a bound parameter


def is_among(column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
    """That a column is one of the numbers that the parameter of this name has: see `numbers_in`."""
    return column.bool_op("IN")(_Each(sa.bindparam(name, type_=sa.Text)))


def numbers_in(numbers: Iterable[int]) -> str:
    """Numbers as `is_among` takes them."""
    return json.dumps(list(numbers))
