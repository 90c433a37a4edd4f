"""Effects whose outcome nobody knows: which there are, and what a person has found out of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import NotFound
from deskward.gate.effects import effects

DONE = '{"status":"ok","result":{"settled":"done","message":"A person has seen that it was done."}}'
"""What a repetition of a call is answered that was cut off and, as a person has seen, done."""


def _unknown() -> sa.ColumnElement[bool]:
    return effects.c.answer.is_(None) & (effects.c.deadline <= now())


async def unknown(db: Connection, tenant: str, most: int) -> Sequence[Any]:
    """A tenant's effects whose outcome is not known, the oldest first.

    A call counts as one once it should long have ended.
    """
    return await db.all(
        sa.select(effects)
        .where(effects.c.tenant_id == tenant, _unknown())
        .order_by(effects.c.created_at, effects.c.effect_id)
        .limit(most)
    )


async def settle(db: Connection, tenant: str, effect_id: str, *, done: bool) -> None:
    """Keep what a person has found out of an effect.

    A repetition of the call is then answered that it was done, or may be made as if the first had
    never been. What it counts for the day's limits stays counted.

    Args:
        done: Whether it took effect.

    Raises:
        NotFound: There is no such effect, or its outcome is known, or may still become known.
    """
    which = (effects.c.tenant_id == tenant) & (effects.c.effect_id == effect_id) & _unknown()
    change = (
        sa.update(effects).where(which).values(answer=DONE)
        if done
        else sa.delete(effects).where(which)
    )
    if await db.change(change, {}) != 1:
        raise NotFound("unknown effect", effect_id[:64])
