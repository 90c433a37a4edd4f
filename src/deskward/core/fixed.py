"""Statements that never change: compiled once, and run on the driver itself.

At every execution SQLAlchemy looks a statement up in its cache of compiled ones and builds a result
around the driver's, which costs several times what SQLite takes for a point read. A statement that
is marked by `fixed`, at the top of its module, is compiled at its first use; what the types of its
columns do to values is done here, too, and its rows are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect, Row
from sqlalchemy.engine.result import result_tuple
from sqlalchemy.sql.compiler import SQLCompiler

Statement = TypeVar("Statement", bound=sa.Executable)
Convert = Callable[[Any], Any]
Known = dict[Any, tuple[tuple[Any, ...], Row[Any]]]

_DRIVERS = {"sqlite": "sqlite.pysqlite", "postgresql": "postgresql.asyncpg"}
_plans: dict[str, dict[sa.Executable, Plan]] = {name: {} for name in _DRIVERS}
_fixed: set[sa.Executable] = set()
_known: set[sa.Executable] = set()

MOST_KNOWN = 1000
"""Rows that are remembered of one statement."""


def fixed(statement: Statement, *, knows_rows: bool = False) -> Statement:
    """The same statement, marked as one that is run as it is, with named parameters only.

    Its parameters have no lists among them: those change the text.

    Args:
        knows_rows: Whether what the driver gives once more is given as the same row as before. The
            database is asked every time all the same. The first column tells the rows apart.
    """
    _fixed.add(statement)
    if knows_rows:
        _known.add(statement)
    return statement


def is_fixed(statement: sa.Executable) -> bool:
    """Whether a statement was marked by `fixed`."""
    return statement in _fixed


@dataclass(frozen=True)
class Plan:
    """A statement as the driver takes it.

    Attributes:
        sql: Its text.
        takes: Gives the parameters that are not constant, in their order.
        places: Where these stand among all of them; None where none is constant.
        constants: All of them, with None where one is given.
        converted: Place and conversion of those that the driver takes in another form, and whether
            None is converted as well.
        row: Makes a row of what the driver gives.
        conversions: Place and conversion of the columns that need one.
        known: By the first column what the driver gave last, and the row that was made of it; None
            where none is remembered.
    """

    sql: str
    takes: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    places: tuple[int, ...] | None
    constants: tuple[Any, ...]
    converted: tuple[tuple[int, Convert, bool], ...]
    row: Callable[[Sequence[Any]], Row[Any]]
    conversions: tuple[tuple[int, Convert], ...]
    known: Known | None = None

    def bound(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters as the driver takes them.

        Raises:
            KeyError: One is missing.
        """
        found = self.takes(given)
        if self.places is None:
            if not self.converted:
                return found
            values = list(found)
        else:
            values = list(self.constants)
            for place, value in zip(self.places, found, strict=True):
                values[place] = value
        for place, convert, also_none in self.converted:
            value = values[place]
            if value is not None or also_none:
                values[place] = convert(value)
        return tuple(values)

    def rows(self, found: Sequence[Sequence[Any]]) -> list[Row[Any]]:
        """The rows that the driver found."""
        if self.known is not None:
            return [self._known(self.known, tuple(values)) for values in found]
        return self._made(found)

    def _known(self, known: Known, values: tuple[Any, ...]) -> Row[Any]:
        before = known.get(values[0])
        if before is not None and before[0] == values:
            return before[1]
        if len(known) >= MOST_KNOWN:
            known.clear()
        [row] = self._made([values])
        known[values[0]] = (values, row)
        return row

    def _made(self, found: Sequence[Sequence[Any]]) -> list[Row[Any]]:
        if not self.conversions:
            return [self.row(values) for values in found]
        converted = []
        for values in found:
            changed = list(values)
            for place, convert in self.conversions:
                changed[place] = convert(changed[place])
            converted.append(self.row(changed))
        return converted


def plan_of(statement: sa.Executable, dialect: str) -> Plan | None:
    """How the driver runs a statement; None where it was not marked as fixed."""
    plan = _plans[dialect].get(statement)
    if plan is None and is_fixed(statement):
        plan = _plans[dialect][statement] = _plan(statement, dialect)
    return plan


def _plan(statement: sa.Executable, name: str) -> Plan:
    dialect = _dialect(name)
    assert isinstance(statement, sa.ClauseElement)
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    if compiled.post_compile_params:
        raise TypeError(f"a fixed statement holds a list: {compiled}")
    names = compiled.positiontup or ()
    given = compiled.construct_params(_check=False)
    constants = tuple(given[parameter] for parameter in names)
    places = tuple(place for place, constant in enumerate(constants) if constant is None)
    converted = []
    for place, parameter in enumerate(names):
        kind = compiled.binds[parameter].type.dialect_impl(dialect)
        if (convert := kind.bind_processor(dialect)) is not None:
            converted.append((place, convert, convert(None) is not None))
    columns = _columns(statement)
    conversions = [
        (place, convert)
        for place, (_, kind) in enumerate(columns)
        if (convert := kind.dialect_impl(dialect).result_processor(dialect, None))
    ]
    row = result_tuple([name for name, _ in columns])
    known: Known | None = {} if statement in _known else None
    return Plan(
        str(compiled),
        _taking([names[place] for place in places]),
        None if len(places) == len(names) else places,
        constants,
        tuple(converted),
        row,
        tuple(conversions),
        known,
    )


def _taking(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What takes these out of a mapping, in this order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda given: tuple(given[name] for name in names)


@cache
def _dialect(name: str) -> Dialect:
    found: Dialect = registry.load(_DRIVERS[name])()
    return found


def _columns(statement: sa.Executable) -> list[tuple[str, sa.types.TypeEngine[Any]]]:
    """Names and types of what a statement gives: a SELECT's columns, or those of RETURNING."""
    if isinstance(statement, sa.SelectBase | sa.UpdateBase):
        return [(str(name), column.type) for name, column in statement.exported_columns.items()]
    return []
