"""Effects whose outcome nobody knows: which there are, and what was found out of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json, to_json

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.gate.approvals import approvals
from deskward.gate.confirmations import confirmations
from deskward.gate.effects import OURS, Effect, effects

DONE = '{"status":"ok","result":{"settled":"done","message":"A person has seen that it was done."}}'
"""What a repetition of a call is answered that was cut off and, as a person has seen, done."""


def _unknown() -> sa.ColumnElement[bool]:
    return effects.c.answer.is_(None) & (effects.c.deadline <= now())


async def unknown(
    db: Connection, tenant: str, most: int, only: Collection[str] = ()
) -> Sequence[Any]:
    """A tenant's effects whose outcome is not known, the oldest first.

    A call counts as one when its process has said so, or it should long have ended.

    Args:
        only: The ids of those that are meant; empty: all.
    """
    which = (effects.c.tenant_id == tenant) & _unknown()
    if only:
        which &= effects.c.effect_id.in_(only)
    return await db.all(
        sa.select(effects)
        .where(which)
        .order_by(effects.c.created_at, effects.c.effect_id)
        .limit(most)
    )


async def settle(
    db: Connection, tenant: str, effect_id: str, *, done: bool, answer: str = DONE
) -> None:
    """Keep what was found out of an effect; of several who find out at once, the first counts.

    A repetition of the call is then answered that it was done, or may be made as if the first had
    never been. What it counts for the day's limits stays counted.

    Args:
        done: Whether it took effect.
        answer: What a repetition of one that did is answered.

    Raises:
        NotFound: There is no such effect, or its outcome is known, or may still become known.
    """
    which = (effects.c.tenant_id == tenant) & (effects.c.effect_id == effect_id) & _unknown()
    row = await db.first(sa.select(effects.c.key).where(which))
    change = (
        sa.update(effects).where(which).values(answer=answer)
        if done
        else sa.delete(effects).where(which)
    )
    if row is None or await db.change(change, {}) != 1:
        raise NotFound("unknown effect", effect_id[:64])
    for kind, table in (("approval", approvals), ("confirmation", confirmations)):
        before = f"{OURS}{kind}:"
        if row.key.startswith(before):
            await _tell(db, table, tenant, row.key.removeprefix(before), done, answer)


async def _tell(
    db: Connection, table: sa.Table, tenant: str, call_id: str, done: bool, answer: str
) -> None:
    """Tell a call that had waited for somebody what has become of it, and whoever asked for it."""
    which = (table.c.tenant_id == tenant) & (table.c.id == call_id) & (table.c.status == "unknown")
    row = await db.first(sa.select(table).where(which))
    if row is None:
        return
    not_done = Conflict("It did not take effect. It may be asked for again.")
    told = to_json(from_json(answer)["result"] if done else not_done.tool_envelope(call_id))
    values = {"status": "done" if done else "failed", "answer": told.decode()}
    await db.change(sa.update(table).where(which).values(**values), {})
    key = from_json(row.origin)["key"] if done and row.origin else None
    if key:
        await Effect(tenant, row.principal, key, "", row.tool, "").finish(db, answer)
