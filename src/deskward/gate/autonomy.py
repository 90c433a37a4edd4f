"""How much the desk's agent does alone: a level, chosen per tenant, queue and product.

Policies see it as `context.autonomy`, of calls of an agent that change something. Levels only ever
tighten what policies allow; of several that are set for a case the strictest counts, so that nobody
comes to a looser one by naming a product.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from deskward.core.database import Connection, metadata, now
from deskward.core.locking import locking
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.security import tenants

LevelName = Literal["suggest", "safe", "routine"]
NAMES: tuple[LevelName, ...] = get_args(LevelName)
LEVELS: dict[str, int] = {name: number for number, name in enumerate(NAMES, 1)}
"""`suggest`: whatever changes something waits for a person, but what leads to one. `safe`: what can
be undone and says nothing to anybody is done alone. `routine`: all that policies let be."""
USUAL = LEVELS["routine"]
"""Where nothing is chosen: what the other policies say is all that counts."""

autonomy_levels = sa.Table(
    "autonomy_levels",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("queue", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("product", sa.String(200), primary_key=True, info=IMPERSONAL),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("set_by", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("set_at", UtcDateTime, nullable=False),
)
"""Of `queue` and `product` the empty text means: of all. `product` is as `plain` writes it."""


@dataclass(frozen=True)
class Chosen:
    """A level that was chosen, for a queue and a product or for all of them."""

    queue: str
    product: str
    level: int
    set_by: str
    set_at: datetime

    def counts(self, queue: str, product: str) -> bool:
        """Whether it is for a case of this queue and product."""
        return self.queue in ("", queue) and self.product in ("", plain(product))


Find = Callable[[Connection, str, Mapping[str, Any]], Awaitable[tuple[str, str]]]


@dataclass(frozen=True)
class Whereabouts:
    """The port by which the gate learns of which queue and product a record is.

    Attributes:
        find: Given the tenant and what policies know of the record; the empty text where it is of
            none.
    """

    find: Find


def plain(product: str) -> str:
    """A product's name as it is compared."""
    return " ".join(product.split()).casefold()


async def chosen(db: Connection, tenant: str) -> list[Chosen]:
    """The levels that a tenant has chosen."""
    table = autonomy_levels
    rows = await db.all(
        sa.select(table).where(table.c.tenant_id == tenant).order_by(table.c.queue, table.c.product)
    )
    return [Chosen(row.queue, row.product, row.level, row.set_by, row.set_at) for row in rows]


async def facts_for(
    db: Connection, tenant: str, record: Mapping[str, Any] | None, whereabouts: Whereabouts | None
) -> dict[str, Any]:
    """What policies know of the level that counts; nothing where none was chosen.

    Args:
        record: What they know of the record that the call is about.
    """
    levels = await chosen(db, tenant)
    if not levels:
        return {}
    queue = product = ""
    if record is not None and whereabouts is not None:
        queue, product = await whereabouts.find(db, tenant, record)
    found = [one.level for one in levels if one.counts(queue, product)]
    where = {name: value for name, value in (("queue", queue), ("product", product)) if value}
    return {"autonomy": min(found, default=USUAL), **where}


async def hold(db: Connection, tenant: str) -> None:
    """Let nobody else choose for a tenant until `db` commits: of two at once the later one counts.

    Raises:
        NotFound: There is no such tenant.
    """
    await tenants.get(locking(db), tenant)


async def choose(
    db: Connection, tenant: str, level: LevelName | None, *, queue: str, product: str, by: str
) -> None:
    """Choose a level, instead of one that was chosen for the same; None takes that back.

    Raises:
        NotFound: There is no such tenant.
    """
    await hold(db, tenant)
    key = {"tenant_id": tenant, "queue": queue, "product": plain(product)}
    same = [autonomy_levels.c[name] == value for name, value in key.items()]
    await db.execute(sa.delete(autonomy_levels).where(*same))
    if level is not None:
        row = {**key, "level": LEVELS[level], "set_by": by, "set_at": now()}
        await db.execute(autonomy_levels.insert(), row)
