"""Ending somebody's conversations: what is said in them from then on is refused."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.conversations.models import sessions, turns
from deskward.core.database import Connection, now
from deskward.gate.confirmations import end_questions
from deskward.gate.sessions import Sessions


class EndSessions(Sessions):
    """Ends sessions; of turns that run, nothing more is written down."""

    async def end(self, db: Connection, tenant: str, owner: str, *, but: str | None) -> None:
        """See `Sessions`."""
        theirs = (sessions.c.tenant_id == tenant) & (sessions.c.owner == owner)
        ending = theirs & (sessions.c.id != but) & sessions.c.ended_at.is_(None)
        ended = await db.execute(
            sa.update(sessions).where(ending).values(ended_at=now()).returning(sessions.c.id)
        )
        for row in ended.all():
            await end_questions(db, tenant, owner, row.id)
        await self._stop(db, tenant, owner, turns.c.session_id != but)

    async def stop(self, db: Connection, tenant: str, owner: str) -> None:
        """See `Sessions`."""
        await self._stop(db, tenant, owner)

    async def _stop(
        self, db: Connection, tenant: str, owner: str, *which: sa.ColumnElement[bool]
    ) -> None:
        theirs = (turns.c.tenant_id == tenant) & (turns.c.owner == owner)
        running = theirs & turns.c.status.in_(["running", "paused"])
        ended = {"status": "failed", "holder": None}
        await db.execute(sa.update(turns).where(running, *which).values(ended))
