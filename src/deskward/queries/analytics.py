"""Figures of a desk: queries that ship, asked as any other of the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.database import now
from deskward.core.written import Ours
from deskward.gate.context import Context
from deskward.queries.asking import ask, sight_of
from deskward.queries.models import Cell, Parameter, Wrote

USUAL = 30
"""Days that figures are of."""
MOST_GROUPS = 100
_SINCE = Parameter(name="since", type="datetime")
_NOW = Parameter(name="present", type="datetime")


@dataclass(frozen=True)
class _Figure:
    """A figure.

    Attributes:
        table: What it counts; whoever may not read that is not told it.
        about: What it tells.
        by: The column by whose values it is counted; None for one number.
        where: Which rows count.
        needs: The parameters of that.
    """

    table: str
    about: str
    by: str | None = None
    where: str = ""
    needs: tuple[Parameter, ...] = ()

    @property
    def sql(self) -> str:
        where = f" WHERE {self.where}" if self.where else ""
        if self.by is None:
            return f"SELECT count(*) FROM {self.table}{where}"  # noqa: S608 our own names alone
        return (
            f"SELECT {self.by}, count(*) FROM {self.table}{where} "  # noqa: S608 our own names alone
            f"GROUP BY {self.by} ORDER BY count(*) DESC, {self.by}"
        )


_NEW, _OPEN = "created_at >= :since", "status NOT IN ('resolved', 'closed')"
_FIGURES = {
    "customers": _Figure("customers", "Customers, by tier.", "tier"),
    "new_customers": _Figure("customers", "Customers new in the period.", None, _NEW, (_SINCE,)),
    "new_tickets": _Figure(
        "tickets", "Tickets of the period, by channel.", "source", _NEW, (_SINCE,)
    ),
    "new_tickets_by_priority": _Figure(
        "tickets", "Tickets of the period, by priority.", "priority", _NEW, (_SINCE,)
    ),
    "resolved_tickets": _Figure(
        "tickets", "Tickets resolved in the period.", None, "resolved_at >= :since", (_SINCE,)
    ),
    "tickets": _Figure("tickets", "All tickets, by status.", "status"),
    "open_tickets_by_team": _Figure("tickets", "Open tickets, by team.", "team", _OPEN),
    "overdue_tickets": _Figure(
        "tickets",
        "Open tickets whose time to be resolved is over.",
        None,
        f"{_OPEN} AND resolve_due_at < :present",
        (_NOW,),
    ),
    "articles": _Figure("faq", "Published articles, by language.", "language"),
    "interactions": _Figure(
        "interactions",
        "Kept contacts of the period, by channel.",
        "channel",
        "occurred_at >= :since",
        (_SINCE,),
    ),
    "waiting_for_people": _Figure("queue_items", "What people work on, by status.", "status"),
}


class Group(BaseModel):
    """How many of one value there are."""

    value: Annotated[Cell, Wrote] = Field(description="Null where the records say none.")
    count: int


class Figure(BaseModel):
    """A figure, in all or by the values of something."""

    name: Ours = Field(examples=["tickets"])
    about: Ours
    total: int
    groups: list[Group] = Field(description="The largest first; empty of one number.")


class Analytics(BaseModel):
    """Figures of the desk."""

    since: datetime
    until: datetime
    figures: list[Figure]
    left_out: list[Ours] = Field(
        description="Figures of what the caller's role may not read, or this desk has not."
    )


async def analytics(ctx: Context, days: int) -> Analytics:
    """The figures that the caller may see, over the last so many days."""
    moment = now()
    since = moment - timedelta(days=days)
    values = {"since": since.isoformat(), "present": moment.isoformat()}
    seen, figures = sight_of(ctx).tables, []
    for name, one in _FIGURES.items():
        if one.table not in seen:
            continue
        given = {each.name: values[each.name] for each in one.needs}
        found = await ask(ctx, one.sql, one.needs, given, rows=MOST_GROUPS)
        groups = (
            [Group(value=value, count=int(count or 0)) for value, count in found.rows]
            if one.by is not None
            else []
        )
        total = sum(each.count for each in groups) if one.by else int(found.rows[0][0] or 0)
        figures.append(Figure(name=name, about=one.about, total=total, groups=groups))
    told = {each.name for each in figures}
    left_out = [name for name in _FIGURES if name not in told]
    return Analytics(since=since, until=moment, figures=figures, left_out=left_out)


def rows_of(told: Analytics) -> list[dict[str, Cell]]:
    """Figures as rows: a figure's name, a value, and how many there are of it."""
    rows: list[dict[str, Cell]] = []
    for one in told.figures:
        counted = [(group.value, group.count) for group in one.groups] or [(None, one.total)]
        rows += [{"figure": one.name, "value": value, "count": n} for value, n in counted]
    return rows
