"""What a query says, as conditions of the database's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from deskward.tickets.models import tickets
from deskward.tickets.query import DATES, NONE, WORDS, Item, Query
from deskward.tickets.words import says

COLUMNS = {
    "status": "status",
    "priority": "priority",
    "channel": "source",
    "assignee": "assignee",
    "team": "team",
    "customer": "customer_id",
    "created": "created_at",
    "updated": "updated_at",
}
"""Field of the language → column of `tickets`."""
ABOUT = {name: column for name, column in COLUMNS.items() if name not in DATES} | {"tag": "tags"}
"""Field → the column that its conditions are about; tickets are never read without their dates."""
MARKS = {"status": "s", "priority": "p", "channel": "c", "team": "t", "assignee": "a", "tag": "g"}
"""Field → how its values are called in the index of marks, which PostgreSQL has."""

Columns = ReadOnlyColumnCollection[str, sa.ColumnElement[Any]]


@dataclass
class Sought:
    """What is looked for, in a form that can be asked.

    Attributes:
        me: Who looks.
        among: Field → one of these values, None among them for none at all.
        ranges: Field of dates → from when on and until when, each where it is limited.
        others: What else must hold, or must not.
        texts: What a message must say, each by itself.
        nothing: Whether nothing can be found, whatever there is.
    """

    tenant: str
    dialect: str
    me: str
    among: dict[str, list[str | None]] = field(default_factory=dict)
    ranges: dict[str, tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    others: list[Item] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Whether nothing can be found, whatever there is."""
        return any(not values for values in self.among.values())

    def plain(self, of: Columns) -> list[sa.ColumnElement[bool]]:
        """The conditions on a ticket's own columns, and what its messages must not say."""
        found = [_is_one(of[COLUMNS[name]], values) for name, values in self.among.items()]
        for name, limits in self.ranges.items():
            found += within(of[COLUMNS[name]], limits)
        return found + [self._other(item, of) for item in self.others]

    def marks(self, of: Columns) -> list[sa.ColumnElement[bool]]:
        """Those of them that `marked` speaks of, asked of a ticket's columns."""
        found = [
            _is_one(of[COLUMNS[name]], values)
            for name, values in self.among.items()
            if name in MARKS
        ]
        tagged = [one for one in self.others if one.field == "tag" and not one.negated]
        return found + [self._other(item, of) for item in tagged]

    def marked(self) -> sa.ColumnElement[bool] | None:
        """What the index of marks can answer of the conditions; None where that is nothing."""
        marks = sa.func.ticket_marks(
            *(tickets.c[name] for name in ("tenant_id", "status", "priority", "source")),
            *(tickets.c[name] for name in ("team", "assignee", "tags")),
        )
        groups = [
            [f"{self.tenant}:{MARKS[name]}:{value or ''}" for value in values]
            for name, values in self.among.items()
            if name in MARKS
        ]
        groups += [
            [f"{self.tenant}:g:{tag}" for tag in item.values]
            for item in self.others
            if item.field == "tag" and not item.negated
        ]
        if not groups:
            return None
        every = [group[0] for group in groups if len(group) == 1]
        several = [marks.bool_op("&&")(_array(group)) for group in groups if len(group) > 1]
        together = [marks.bool_op("@>")(_array(every))] if every else []
        return sa.and_(tickets.c.tenant_id == self.tenant, *together, *several)

    def _other(self, item: Item, of: Columns) -> sa.ColumnElement[bool]:
        if item.field == "text":
            found = says(of["number"], self.tenant, item.values[0], self.dialect)
        elif item.field == "tag":
            found = sa.or_(*(_tagged(of["tags"], tag, self.dialect) for tag in item.values))
        elif item.field in DATES:
            limits = within(of[COLUMNS[item.field]], (item.since, item.before))
            found = sa.and_(sa.true(), *limits)
        else:
            # What is compared with nothing is unknown, and its negation as well.
            column, values = of[COLUMNS[item.field]], _values(item, self.me)
            given = column if None in values else sa.func.coalesce(column, "")
            found = _is_one(given, values)
        return sa.not_(found) if item.negated else found


def sought(query: Query, tenant: str, me: str, dialect: str) -> Sought:
    """What a query looks for."""
    found = Sought(tenant, dialect, me)
    for item in query.items:
        if item.field in WORDS:
            values = [one for one in WORDS[item.field] if (one in item.values) is not item.negated]
            before = found.among.get(item.field, values)
            found.among[item.field] = [one for one in values if one in before]
        elif item.negated or item.field == "tag":
            found.others.append(item)
        elif item.field == "text":
            found.texts.append(item.values[0])
        elif item.field in DATES:
            found.ranges[item.field] = _both(found.ranges.get(item.field), item)
        else:
            among = _values(item, me)
            before = found.among.get(item.field, among)
            found.among[item.field] = [one for one in among if one in before]
    return found


def _values(item: Item, me: str) -> list[str | None]:
    if item.field == "customer":
        return list(item.values)
    values = [me if item.field == "assignee" and one == "me" else one for one in item.values]
    return [None if one == NONE else one for one in values]


def _both(
    before: tuple[datetime | None, datetime | None] | None, item: Item
) -> tuple[datetime | None, datetime | None]:
    """A range that is in two of them."""
    since, until = before or (None, None)
    if item.since is not None:
        since = max(since, item.since) if since is not None else item.since
    if item.before is not None:
        until = min(until, item.before) if until is not None else item.before
    return since, until


def within(
    moment: sa.ColumnElement[Any], limits: tuple[datetime | None, datetime | None]
) -> list[sa.ColumnElement[bool]]:
    """That a moment is in a range."""
    since, before = limits
    found = [moment >= since] if since is not None else []
    return found + ([moment < before] if before is not None else [])


def is_value(column: sa.ColumnElement[Any], value: str | None) -> sa.ColumnElement[bool]:
    """That a column has a value, or none."""
    return column.is_(None) if value is None else column == value


def _is_one(column: sa.ColumnElement[Any], values: Sequence[str | None]) -> sa.ColumnElement[bool]:
    named = [one for one in values if one is not None]
    among = column == named[0] if len(named) == 1 else column.in_(named)
    if None in values:
        return sa.or_(among, column.is_(None)) if named else column.is_(None)
    return among


def _tagged(tags: sa.ColumnElement[Any], tag: str, dialect: str) -> sa.ColumnElement[bool]:
    if dialect == "sqlite":
        each = sa.func.json_each(tags).table_valued("value")
        # A text is searched in a moment; only where it holds the tag's letters is it taken apart.
        text = sa.type_coerce(tags, sa.Text)
        near = sa.func.instr(sa.func.coalesce(text, ""), json.dumps(tag)) > 0
        return sa.and_(near, sa.exists().where(each.c.value == tag))
    has = sa.func.jsonb_exists(sa.func.to_jsonb(tags), tag)
    return sa.func.coalesce(has, sa.false(), type_=sa.Boolean)


def _array(values: list[str]) -> sa.ColumnElement[Any]:
    """An array of texts as PostgreSQL has them."""
    return sa.cast(sa.literal(values, sa.ARRAY(sa.Text)), sa.ARRAY(sa.Text))
