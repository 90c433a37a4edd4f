"""Finding tickets in a moment, however many there are: which way leads there quickest.

There are two ways. One *walks*: along an index in the order asked for, looking at each ticket,
until there are enough; it is quick where many fit. The other asks the *index of words* (or, on
PostgreSQL, of marks) for all that fit, and puts them in order; it is quick where few fit. How many
fit shows by looking at the first of the walk, so nobody has to know how frequent a word is.

Where a query names a status, an assignee, a team or a customer, the walk goes along their own
tickets alone. `docs/decisions/0022-search.md` has the figures.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from operator import itemgetter
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from deskward.core.database import Connection
from deskward.tickets.conditions import COLUMNS, Sought, is_value, within
from deskward.tickets.models import tickets
from deskward.tickets.query import WORDS
from deskward.tickets.words import found_by, says, ticket_words

Order = Literal["newest", "oldest", "updated"]

FIRST = 500
"""Tickets that are looked at before a way is chosen."""
SHORT = 4_000
"""So many tickets of a status, an assignee, a team, a customer or a time are all looked at."""
LONG = 30_000
"""Most tickets of a time that are put in another order."""
LEADERS = ("customer", "assignee", "team", "status")
"""Fields whose tickets have an index, those first that most likely have few."""
_TOGETHER = 4
"""How many values of such a field are walked along at once."""
_IN_ORDER = ("assignee", "team", "status")
"""Those of them whose index is in the order of a moment, too."""
_TIME = "time"
"""What leads where a time is named of the other moment than the order's."""
_BY_NUMBER = "sqlite_autoindex_tickets_1"
"""What SQLite calls the index of the primary key."""
_SEEN = ("number", "created_at", "updated_at")
_SHOWN = (*_SEEN, "status", "priority", "source", "team", "assignee", "customer_id", "tags")


@dataclass(frozen=True)
class Costs:
    """About how many microseconds a ticket costs, of which only the ratios count.

    Attributes:
        walk: To look at it on a walk.
        says: To see whether its messages say something.
        words: To have it of the index of words, with its columns.
        number: To have its number alone of the index of words.
        marks: To have it of the index of marks.
        all: To look at it where all are looked at.
    """

    walk: float
    says: float
    words: float
    number: float
    marks: float
    all: float


COSTS = {
    "sqlite": Costs(walk=1.5, says=2.5, words=6.0, number=6.0, marks=0.0, all=0.3),
    "postgresql": Costs(walk=0.5, says=3.5, words=12.0, number=1.5, marks=5.0, all=2.0),
}


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
        fit: How many fit.
        seen: How many were looked at.
        plain: How many of them fit by their columns.
        marked: How many fit by what the index of marks knows.
        said: How many fit by each text.
    """

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


Way = Callable[[], Awaitable[list[Place] | None]]


class Finder:
    """Finds the first tickets of an order that a query looks for."""

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

    async def find(self) -> list[Place]:
        """Their places, in order."""
        if self._sought.nothing:
            return []
        lengths = {leader: await self._length(leader, SHORT) for leader in self._leaders()}
        shortest = min(lengths, key=lambda leader: lengths[leader], default=None)
        if shortest is not None and lengths[shortest] < SHORT:
            return await self._walked(shortest, SHORT)
        best: tuple[str | None, Look] | None = None
        in_order: list[str | None] = [one for one in lengths if one in _IN_ORDER]
        for leader in in_order or [None]:
            places = await self._walked(leader, FIRST)
            if len(places) >= self._most:
                return places
            look = await self._look(leader, len(places))
            if look.seen < FIRST:
                return places
            if best is None or look.fit > best[1].fit:
                best = leader, look
        assert best is not None
        return await self._further(*best)

    async def _further(self, leader: str | None, look: Look) -> list[Place]:
        """Go on by the way that seems to be the shortest one, which may be wrong of a walk."""
        texts, costs = self._sought.texts, COSTS[self._db.dialect]
        there_are = await self._newest()
        ways: list[tuple[float, bool, Way]] = []
        if look.fit:
            needed = FIRST * self._most // look.fit
            each = costs.walk + costs.says * len(texts) * look.plain / look.seen
            far = 1 << (2 * needed).bit_length()
            ways.append((1.5 * needed * each, False, partial(self._walked, leader, far)))
        for text, said in zip(texts, look.said, strict=True):
            number = there_are * max(said, 0.5) / look.seen
            ways.append((number * costs.words, True, partial(self._all_that_say, text)))
            if look.fit:
                cheaper = each - costs.says * look.plain / look.seen
                cost = number * costs.number + 1.5 * needed * cheaper
                ways.append((cost, False, partial(self._walked, leader, far, text)))
        if self._other in self._sought.ranges:
            about = there_are * await self._share_of_time()
            if about < LONG:
                ways.append((about * costs.walk, True, self._all_of_a_time))
        marked = self._sought.marked() if self._db.dialect != "sqlite" else None
        if marked is not None:
            each = costs.marks + costs.says * len(texts) * look.plain / max(look.marked, 1)
            cost = each * there_are * max(look.marked, 0.5) / look.seen
            ways.append((cost, True, partial(self._all_of, marked)))
        cost = there_are * (costs.all + costs.says * len(texts) * look.plain / look.seen)
        ways.append((cost, True, self._all))
        for _, whole, way in sorted(ways, key=itemgetter(0)):
            found = await way()
            if found is not None and (whole or len(found) >= self._most):
                return found
        raise AssertionError("the last way is a whole one")

    def _leaders(self) -> list[str]:
        among = self._sought.among
        found = [name for name in LEADERS if name in among and len(among[name]) <= _TOGETHER]
        return found + ([_TIME] if self._other in self._sought.ranges else [])

    async def _newest(self) -> int:
        """About how many tickets there are: the highest number."""
        highest = sa.select(sa.func.max(tickets.c.number))
        row = await self._db.first(highest.where(tickets.c.tenant_id == self._sought.tenant))
        return (row[0] if row else None) or 0

    async def _share_of_time(self) -> float:
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

    async def _length(self, leader: str, most: int) -> int:
        """How many tickets a walk passes, or so many if there are more."""
        walk = self._walk(leader, most, ordered=False)
        row = await self._db.first(sa.select(sa.func.count()).select_from(walk))
        return row[0] if row else 0

    async def _look(self, leader: str | None, fit: int) -> Look:
        """Look at the first tickets of a walk, of which so many fit."""
        walk = self._walk(leader, FIRST)
        flags = [
            sa.and_(sa.true(), *self._sought.plain(walk.c)),
            sa.and_(sa.true(), *self._sought.marks(walk.c)),
            *self._says(walk.c.number),
        ]
        sums = [sa.func.coalesce(sa.func.sum(sa.case((flag, 1), else_=0)), 0) for flag in flags]
        row = await self._db.first(sa.select(sa.func.count(), *sums).select_from(walk))
        assert row is not None
        seen, plain, marked, *said = tuple(row)
        return Look(fit, seen, plain, marked, said)

    async def _walked(self, leader: str | None, far: int, said: str | None = None) -> list[Place]:
        """What fits of so many tickets of a walk.

        Args:
            said: The text whose numbers are had of the index of words first, and then looked up.
        """
        walk = self._walk(leader, far)
        if said is None:
            return await self._fitting(walk)
        # PostgreSQL keeps the order and stops early where it is not told that this is a join.
        among = sa.func.coalesce(walk.c.number.in_(self._numbers(said)), sa.false())
        return await self._fitting(walk, among, said=said)

    async def _all_that_say(self, text: str) -> list[Place]:
        """What fits of the tickets that the index of words gives."""
        # In their order: tickets that lie beside each other are then read one after the other.
        ordered = self._numbers(text).distinct().order_by(ticket_words.c.number)
        numbers = ordered.cte("said").prefix_with("MATERIALIZED")
        of = _by(_BY_NUMBER)
        same = self._ours(of) & (of.c.number == numbers.c.number)
        chosen = sa.select(*_shown(of)).select_from(numbers.join(of, same))
        chosen = chosen.where(*self._bounds(of.c))
        return await self._fitting(chosen.subquery("chosen"), said=text)

    def _numbers(self, text: str) -> sa.Select[Any]:
        """The numbers of the tickets that the index of words gives, some more than once."""
        of = found_by(self._sought.tenant, text, self._db.dialect)
        return sa.select(ticket_words.c.number).where(of)

    async def _all_of(self, condition: sa.ColumnElement[bool]) -> list[Place]:
        """What fits of the tickets that the index of marks gives."""
        chosen = sa.select(*_shown(tickets)).where(condition, *self._bounds(tickets.c))
        # A fence: what is inside is found by that index, and not by walking in the order outside.
        return await self._fitting(chosen.offset(0).subquery("chosen"))

    async def _all_of_a_time(self) -> list[Place] | None:
        """What fits of the tickets of a time; None where they are too many to be sorted."""
        of = self._of_a_time().limit(LONG).cte("of_a_time")
        counted = sa.select(sa.func.count()).select_from(of).scalar_subquery()
        fit = [*self._bounds(of.c), *self._sought.plain(of.c), *self._says(of.c.number)]
        found = sa.select(*(of.c[name] for name in _SEEN), counted).where(*fit)
        rows = await self._db.all(found.order_by(*self._keys(of.c)).limit(_number(self._most)))
        there_are = rows[0][-1] if rows else await self._length(_TIME, LONG)
        return [self._place(row) for row in rows] if there_are < LONG else None

    async def _all(self) -> list[Place]:
        """What fits of all tickets."""
        # SQLite's index holds all that conditions are about, and begins with what has few values:
        # where all of them are named, it is read from one to the next.
        of = _by("ix_tickets_all")
        few = [
            of.c[COLUMNS[name]].in_(WORDS[name]) for name in WORDS if name not in self._sought.among
        ]
        chosen = sa.select(*_shown(of)).where(self._ours(of), *few, *self._bounds(of.c))
        return await self._fitting(chosen.subquery("chosen"))

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
        if leader == _TIME:
            # A fence: PostgreSQL would rather walk in the order outside.
            inside = self._of_a_time().offset(0).subquery("of_a_time")
            return self._along(inside, far, ordered).subquery("walk")
        column, values = COLUMNS[leader], self._sought.among[leader]
        of = _by(f"ix_tickets_{f'{leader}_{self._moment}' if leader in _IN_ORDER else column}")
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
        of = _by(f"ix_tickets_{self._other}")
        limits = within(of.c[f"{self._other}_at"], self._sought.ranges[self._other])
        return sa.select(*_shown(of)).where(self._ours(of), *limits)

    def _along(
        self, of: sa.FromClause, far: int, ordered: bool, *conditions: sa.ColumnElement[bool]
    ) -> sa.Select[Any]:
        walk = sa.select(*(_shown(of) if ordered else [of.c.number])).limit(far)
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

    def _place(self, row: sa.Row[Any]) -> Place:
        return Place(row.number, getattr(row, f"{self._moment}_at"))


def _number(value: int) -> sa.ColumnElement[int]:
    """A number in the statement itself: PostgreSQL plans for it, and for no parameter."""
    return sa.literal_column(str(int(value)), sa.Integer)


def _shown(of: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """The columns that conditions and orders are about."""
    return [of.c[name] for name in _SHOWN]
