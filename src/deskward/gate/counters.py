"""What was done today, so that limits hold over many records and however many calls come at once.

Calls that destroy, act outside, or say what they spend are counted: for the customer whom they are
about, whoever calls, their API key, and the tenant. Policies see count and sum of the day, with the
call that is judged, as `context.today`. They are read and added to in the call's own transaction,
so that what fails, or is undone, was never counted, and a repetition counts once.

On PostgreSQL all counted calls of a tenant come one after the other, in whatever processes: a call
begins by taking its tenant's turn (`core/turns.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from deskward.core.database import Connection, metadata
from deskward.core.fixed import fixed
from deskward.core.personal import IMPERSONAL, LABEL
from deskward.security.principals import Principal

Facts = dict[str, dict[str, int]]
Whose = Literal["tenant", "customer", "principal", "key"]
WHOSE: tuple[Whose, ...] = ("tenant", "customer", "principal", "key")

KEPT = timedelta(days=1)
"""How long counters are kept past their day, for calls that turn out later to have done nothing."""

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("whose", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(128), primary_key=True, info=LABEL),
    sa.Column("unit", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
)
"""`name`: of what is counted together, a scope. `unit`: what `amount` is in, a currency mostly."""


class Spent(NamedTuple):
    """What one call spends.

    Attributes:
        amount: How much, of money in minor units.
        unit: Of what: a currency, or `recipients`. Different units are not added.
    """

    amount: int
    unit: str


@dataclass(frozen=True)
class Counted:
    """One call as it is counted.

    Attributes:
        day: In the desk's time zone.
        name: What is counted together.
        owners: Whose → who it is; those that there are.
    """

    tenant: str
    day: date
    name: str
    owners: Mapping[Whose, str]
    spent: Spent


def counted(name: str, principal: Principal, about: str | None, day: date, spent: Spent) -> Counted:
    """A call as it is counted.

    Args:
        about: The customer whom it is about.
    """
    owners: dict[Whose, str] = {"tenant": "", "principal": principal.label}
    if about is not None:
        owners["customer"] = f"customer:{about}"
    if principal.key is not None:
        owners["key"] = principal.key
    return Counted(principal.tenant, day, name, owners, spent)


def nothing() -> Facts:
    """The facts of a day on which nothing was done."""
    return {whose: {"count": 0, "amount": 0} for whose in WHOSE}


_OF_DAY = (
    (counters.c.tenant_id == sa.bindparam("tenant"))
    & (counters.c.day == sa.bindparam("day", type_=sa.Date))
    & (counters.c.name == sa.bindparam("name"))
)
_READ = fixed(
    sa.select(counters.c.whose, counters.c.unit, counters.c.calls, counters.c.amount).where(
        _OF_DAY,
        sa.or_(
            *(
                (counters.c.whose == whose) & (counters.c.owner == sa.bindparam(f"the_{whose}"))
                for whose in WHOSE
            )
        ),
    )
)
_COLUMNS = ", ".join(column.name for column in counters.columns)
_VALUES = ", ".join(f":{column.name}" for column in counters.columns)
_ADD = sa.text(
    f"INSERT INTO counters ({_COLUMNS}) VALUES ({_VALUES}) "  # noqa: S608 our own columns' names
    "ON CONFLICT (tenant_id, day, name, whose, owner, unit) DO UPDATE SET "
    "calls = counters.calls + excluded.calls, amount = counters.amount + excluded.amount"
).bindparams(*(sa.bindparam(column.name, type_=column.type) for column in counters.columns))
_FORGET = sa.delete(counters).where(
    counters.c.tenant_id == sa.bindparam("b_tenant"),
    counters.c.day < sa.bindparam("b_day", type_=sa.Date),
)


async def today(db: Connection, call: Counted, *, with_it: bool) -> Facts:
    """What was done on the call's day: whose → `count`, and `amount` in the call's unit.

    Args:
        with_it: Whether the call is to be counted in, as one that was not made before.
    """
    found = nothing()
    owners = {f"the_{whose}": call.owners.get(whose, "-") for whose in WHOSE}
    rows = await db.all(_READ, tenant=call.tenant, day=call.day, name=call.name, **owners)
    if not rows:  # the first one of the day
        await db.execute(_FORGET, {"b_tenant": call.tenant, "b_day": call.day - KEPT})
    for row in rows:
        found[row.whose]["count"] += row.calls
        if row.unit == call.spent.unit:
            found[row.whose]["amount"] += row.amount
    for whose in call.owners if with_it else ():
        found[whose]["count"] += 1
        found[whose]["amount"] += call.spent.amount
    return found


async def add(db: Connection, call: Counted, *, undo: bool = False) -> None:
    """Count a call.

    Args:
        undo: Whether it was counted before and is known to have done nothing.
    """
    sign = -1 if undo else 1
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": call.tenant,
            "day": call.day,
            "name": call.name,
            "whose": whose,
            "owner": call.owners[whose],
            "unit": call.spent.unit,
            "calls": sign,
            "amount": sign * call.spent.amount,
        }
        for whose in WHOSE
        if whose in call.owners
    ]
    await db.execute(_ADD, rows)
