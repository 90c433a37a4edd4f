"""The ways to the tickets that a query looks for: the statements, one for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from deskward.core.database import Connection
from deskward.tickets.conditions import ABOUT, COLUMNS, Sought, is_value, within
from deskward.tickets.models import tickets
from deskward.tickets.query import WORDS
from deskward.tickets.words import found_by, says, ticket_words

Order = Literal["newest", "oldest", "updated"]

IN_ORDER = ("assignee", "team", "status")
"""Fields whose tickets have an index in the order of a moment."""
TIME = "time"
"""What leads where a time is named of the other moment than the order's."""
_BY_NUMBER = "sqlite_autoindex_tickets_1"
"""What SQLite calls the index of the primary key."""
_SEEN = ("number", "created_at", "updated_at")


@dataclass(frozen=True)
class Place:
    """Where a ticket stands in an order.

    Attributes:
        moment: When it was created, or changed last, as the order goes.
    """

    number: int
    moment: datetime


@dataclass(frozen=True)
class Look:
    """What the first tickets of a walk have shown.

    Attributes:
        there_are: About how many tickets there are in all: the highest number.
        fit: How many fit.
        seen: How many were looked at.
        plain: How many of them fit by their columns.
        marked: How many fit by what the index of marks knows.
        said: How many fit by each text.
    """

    there_are: int
    fit: int
    seen: int
    plain: int
    marked: int
    said: list[int]


class _Indexed(sa.Alias[Any]):
    """The tickets, read by the index of the alias's name: SQLite is told so.

    It knows of no frequencies, and would take another one. PostgreSQL does as its statistics say.
    """

    inherit_cache = True


@compiles(_Indexed, "sqlite")
def _told(element: _Indexed, compiler: SQLCompiler, asfrom: bool = False, **more: Any) -> str:
    plainly: Any = compiler.visit_alias  # SQLAlchemy says no types of it
    text: str = plainly(element, asfrom=asfrom, **more)
    return f"{text} INDEXED BY {element.name}" if asfrom else text


@cache  # each makes columns of its own
def _by(index: str) -> sa.Alias[Any]:
    return _Indexed._construct(tickets, name=index)


class Ways:
    """The ways to the first tickets of an order that a query looks for."""

    def __init__(
        self, db: Connection, sought: Sought, order: Order, after: Place | None, most: int
    ) -> None:
        """Be about to look.

        Args:
            after: The place behind which to look.
            most: How many to find at the most.
        """
        self._db = db
        self._sought = sought
        self._after = after
        self._most = most
        self._moment = "updated" if order == "updated" else "created"
        self._other = "created" if order == "updated" else "updated"
        self._rises = order == "oldest"
        about = {*sought.among, *(item.field for item in sought.others)}
        self._columns = [*_SEEN, *sorted(ABOUT[name] for name in about if name in ABOUT)]

    @property
    def of_other_time(self) -> bool:
        """Whether a time is named of the other moment than the order's."""
        return self._other in self._sought.ranges

    async def lengths(self, leaders: Sequence[str], most: int) -> dict[str, int]:
        """How many tickets walks pass, or so many if there are more."""
        walks = [self._walk(leader, most, ordered=False) for leader in leaders]
        counts = [sa.select(sa.func.count()).select_from(walk) for walk in walks]
        if not counts:
            return {}
        row = await self._db.first(sa.select(*(one.scalar_subquery() for one in counts)))
        return dict(zip(leaders, tuple(row or ()), strict=True))

    async def share_of_time(self) -> float:
        """About which share of all tickets is of the time that is named, as if they came evenly."""
        moment = tickets.c[f"{self._other}_at"]
        ends = [
            sa.select(which(moment)).where(self._ours(tickets)).scalar_subquery()
            for which in (sa.func.min, sa.func.max)
        ]
        row = await self._db.first(sa.select(*ends))
        assert row is not None
        first, last = cast("tuple[datetime | None, datetime | None]", row)
        if first is None or last is None or first == last:
            return 1.0
        since, before = self._sought.ranges[self._other]
        named = min(before or last, last) - max(since or first, first)
        return max(named / (last - first), 0.0)

    async def look(self, leader: str | None, far: int, fit: int) -> Look:
        """Look at the first tickets of a walk, of which so many fit."""
        walk = self._walk(leader, far)
        flags = [
            sa.and_(sa.true(), *self._sought.plain(walk.c)),
            sa.and_(sa.true(), *self._sought.marks(walk.c)),
            *self._says(walk.c.number),
        ]
        sums = [sa.func.coalesce(sa.func.sum(sa.case((flag, 1), else_=0)), 0) for flag in flags]
        highest = sa.select(sa.func.max(tickets.c.number)).where(self._ours(tickets))
        there_are = highest.scalar_subquery()
        row = await self._db.first(sa.select(there_are, sa.func.count(), *sums).select_from(walk))
        assert row is not None
        newest, seen, plain, marked, *said = tuple(row)
        return Look(newest or 0, fit, seen, plain, marked, said)

    async def walked(self, leader: str | None, far: int) -> list[Place]:
        """What fits of so many tickets of a walk."""
        return await self._fitting(self._walk(leader, far))

    async def few_that_say(self, text: str, few: int) -> list[int] | None:
        """The numbers of the tickets that the index of words gives; None where they are many."""
        some = self._numbers(text).limit(_number(few + 1))
        rows = await self._db.all(some)
        return sorted({row.number for row in rows}) if len(rows) <= few else None

    async def all_that_say(self, text: str) -> list[Place]:
        """What fits of the tickets that the index of words gives."""
        # In their order: tickets that lie beside each other are then read one after the other.
        ordered = self._numbers(text).distinct().order_by(ticket_words.c.number)
        numbers = ordered.cte("said").prefix_with("MATERIALIZED")
        of = _by(_BY_NUMBER)
        same = self._ours(of) & (of.c.number == numbers.c.number)
        chosen = sa.select(*self._shown(of)).select_from(numbers.join(of, same))
        chosen = chosen.where(*self._bounds(of.c))
        return await self._fitting(chosen.subquery("chosen"), said=text)

    async def all_of_few(self, numbers: list[int], text: str) -> list[Place]:
        """What fits of a few tickets that are known to say a text."""
        of = _by(_BY_NUMBER)
        chosen = sa.select(*self._shown(of)).where(
            self._ours(of), of.c.number.in_(self._each_of(numbers)), *self._bounds(of.c)
        )
        return await self._fitting(chosen.subquery("chosen"), said=text)

    async def all_of_span(self, numbers: list[int], text: str) -> list[Place]:
        """The same, of those whose numbers lie near one another: all from the first to the last."""
        of = _by(_BY_NUMBER)
        span = of.c.number.between(numbers[0], numbers[-1])
        # PostgreSQL does not look for each of them where it is not told that this is a join.
        among = sa.func.coalesce(of.c.number.in_(self._each_of(numbers)), sa.false())
        chosen = sa.select(*self._shown(of)).where(self._ours(of), span, among, *self._bounds(of.c))
        # A fence: it would rather go through all of an index that is in the order outside.
        return await self._fitting(chosen.offset(0).subquery("chosen"), said=text)

    async def walked_among(
        self, leader: str | None, far: int, numbers: list[int], text: str
    ) -> list[Place]:
        """What fits of so many tickets of a walk, where few are known to say a text."""
        walk = self._walk(leader, far)
        # PostgreSQL keeps the order and stops early where it is not told that this is a join.
        among = sa.func.coalesce(walk.c.number.in_(self._each_of(numbers)), sa.false())
        return await self._fitting(walk, among, said=text)

    async def all_of_marks(self) -> list[Place] | None:
        """What fits of the tickets that the index of marks gives; None where none can be asked."""
        marked = self._sought.marked() if self._db.dialect != "sqlite" else None
        if marked is None:
            return None
        chosen = sa.select(*self._shown(tickets)).where(marked, *self._bounds(tickets.c))
        # A fence: what is inside is found by that index, and not by walking in the order outside.
        return await self._fitting(chosen.offset(0).subquery("chosen"))

    async def all_of_a_time(self, most: int) -> list[Place] | None:
        """What fits of the tickets of a time; None where they are too many to be sorted."""
        of = self._of_a_time().limit(most).cte("of_a_time")
        counted = sa.select(sa.func.count()).select_from(of).scalar_subquery()
        fit = [*self._bounds(of.c), *self._sought.plain(of.c), *self._says(of.c.number)]
        found = sa.select(*(of.c[name] for name in _SEEN), counted).where(*fit)
        rows = await self._db.all(found.order_by(*self._keys(of.c)).limit(_number(self._most)))
        there_are = rows[0][-1] if rows else (await self.lengths([TIME], most))[TIME]
        return [self._place(row) for row in rows] if there_are < most else None

    async def all(self) -> list[Place]:
        """What fits of all tickets."""
        # SQLite's index holds all that conditions are about, and begins with what has few values:
        # where all of them are named, it is read from one to the next.
        of = _by("ix_tickets_all")
        few = [
            of.c[COLUMNS[name]].in_(WORDS[name]) for name in WORDS if name not in self._sought.among
        ]
        chosen = sa.select(*self._shown(of)).where(self._ours(of), *few, *self._bounds(of.c))
        return await self._fitting(chosen.subquery("chosen"))

    def _numbers(self, text: str) -> sa.Select[Any]:
        """The numbers of the tickets that the index of words gives, some more than once."""
        of = found_by(self._sought.tenant, text, self._db.dialect)
        return sa.select(ticket_words.c.number).where(of)

    def _each_of(self, numbers: list[int]) -> sa.Select[Any]:
        """Numbers as a select."""
        if self._db.dialect == "sqlite":
            return sa.select(sa.func.json_each(json.dumps(numbers)).table_valued("value").c.value)
        given = sa.literal(numbers, sa.ARRAY(sa.BigInteger))
        return sa.select(sa.func.unnest(sa.cast(given, sa.ARRAY(sa.BigInteger))))

    async def _fitting(
        self, chosen: sa.Subquery, *only: sa.ColumnElement[bool], said: str | None = None
    ) -> list[Place]:
        """What fits of some tickets.

        Args:
            only: What else must hold of them.
            said: The text that all of them are known to say then.
        """
        fit = [*self._sought.plain(chosen.c), *only, *self._says(chosen.c.number, but=said)]
        found = sa.select(*(chosen.c[name] for name in _SEEN)).where(*fit)
        rows = await self._db.all(found.order_by(*self._keys(chosen.c)).limit(_number(self._most)))
        return [self._place(row) for row in rows]

    def _walk(self, leader: str | None, far: int, *, ordered: bool = True) -> sa.Subquery:
        """The first tickets in the order, of a field's values where one leads."""
        if leader is None:
            every = _by(f"ix_tickets_{self._moment}")
            return self._along(every, far, ordered, self._ours(every)).subquery("walk")
        if leader == TIME:
            # A fence: PostgreSQL would rather walk in the order outside.
            inside = self._of_a_time().offset(0).subquery("of_a_time")
            return self._along(inside, far, ordered).subquery("walk")
        column, values = COLUMNS[leader], self._sought.among[leader]
        of = _by(f"ix_tickets_{f'{leader}_{self._moment}' if leader in IN_ORDER else column}")
        parts = [
            self._along(of, far, ordered, self._ours(of), is_value(of.c[column], value))
            for value in values
        ]
        if len(parts) == 1:
            return parts[0].subquery("walk")
        each = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery("each")
        whole = sa.select(each).limit(_number(far))
        return (whole.order_by(*self._keys(each.c)) if ordered else whole).subquery("walk")

    def _of_a_time(self) -> sa.Select[Any]:
        """The tickets of the time that is named of the other moment than the order's."""
        alone = [name for name in IN_ORDER if len(self._sought.among.get(name, ())) == 1]
        leader = alone[0] if alone else None
        of = _by(f"ix_tickets_{f'{leader}_' if leader else ''}{self._other}")
        limits = within(of.c[f"{self._other}_at"], self._sought.ranges[self._other])
        if leader is not None:
            limits.append(is_value(of.c[COLUMNS[leader]], self._sought.among[leader][0]))
        return sa.select(*self._shown(of)).where(self._ours(of), *limits)

    def _along(
        self, of: sa.FromClause, far: int, ordered: bool, *conditions: sa.ColumnElement[bool]
    ) -> sa.Select[Any]:
        walk = sa.select(*(self._shown(of) if ordered else [of.c.number])).limit(far)
        walk = walk.where(*conditions, *self._bounds(of.c))
        return walk.order_by(*self._keys(of.c)) if ordered else walk

    def _ours(self, of: sa.FromClause) -> sa.ColumnElement[bool]:
        return of.c.tenant_id == self._sought.tenant

    def _bounds(self, of: Any) -> list[sa.ColumnElement[bool]]:
        """Between which places of the order to look."""
        moment = of[f"{self._moment}_at"]
        found = within(moment, self._sought.ranges.get(self._moment, (None, None)))
        if self._after is not None:
            key = sa.tuple_(
                sa.literal(self._after.moment, moment.type),
                sa.literal(self._after.number, of.number.type),
            )
            place = sa.tuple_(moment, of.number)
            found.append(place > key if self._rises else place < key)
        return found

    def _keys(self, of: Any) -> Sequence[sa.ColumnElement[Any]]:
        keys = (of[f"{self._moment}_at"], of.number)
        return keys if self._rises else tuple(key.desc() for key in keys)

    def _says(
        self, number: sa.ColumnElement[int], *, but: str | None = None
    ) -> list[sa.ColumnElement[bool]]:
        tenant, dialect = self._sought.tenant, self._db.dialect
        return [says(number, tenant, text, dialect) for text in self._sought.texts if text != but]

    def _shown(self, of: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        """The columns that the conditions and the order are about."""
        return [of.c[name] for name in self._columns]

    def _place(self, row: sa.Row[Any]) -> Place:
        return Place(row.number, getattr(row, f"{self._moment}_at"))


def _number(value: int) -> sa.ColumnElement[int]:
    """A number in the statement itself: PostgreSQL plans for it, and for no parameter."""
    return sa.literal_column(str(int(value)), sa.Integer)
