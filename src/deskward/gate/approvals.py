"""Calls that wait for another person's approval, which is used once (`waiting.py`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, metadata, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.events import tell
from deskward.core.moments import UtcDateTime
from deskward.core.personal import BOUND, TEXT
from deskward.gate.waiting import (
    Asked,
    Binding,
    PendingCall,
    Status,
    Void,
    canonical,
    columns,
)

LIFETIME = timedelta(days=3)

approvals = sa.Table(
    "approvals",
    metadata,
    *columns(),
    sa.Column("told", sa.Text, info=TEXT),
    sa.Index("ix_approvals_digest", "tenant_id", "digest"),
    sa.Index("ix_approvals_status", "tenant_id", "status", "created_at"),
    info={BOUND: True},
)

_SAME = sa.select(approvals).where(
    approvals.c.tenant_id == sa.bindparam("tenant"),
    approvals.c.principal == sa.bindparam("principal"),
    approvals.c.digest == sa.bindparam("digest"),
    sa.func.coalesce(approvals.c.record, "") == sa.bindparam("record"),
    approvals.c.status == "pending",
    approvals.c.expires_at > sa.bindparam("moment", type_=UtcDateTime),
)
_BY_ID = sa.select(approvals).where(
    approvals.c.tenant_id == sa.bindparam("tenant"), approvals.c.id == sa.bindparam("approval")
)
_DECIDE = (
    sa.update(approvals)
    .where(approvals.c.id == sa.bindparam("b_id"), approvals.c.status == "pending")
    .values(
        status=sa.bindparam("b_status"),
        decided_by=sa.bindparam("b_by"),
        decided_at=sa.bindparam("b_at"),
        comment=sa.bindparam("b_comment"),
        told=sa.bindparam("b_told"),
        binding=sa.bindparam("b_binding"),
    )
)


class ApprovalVoid(Void):
    """The call that was to be approved is not, or no longer, the one that was asked for."""

    code = "APPROVAL_VOID"


Denied = Callable[[PendingCall], Awaitable[None]]
"""What is done when a person has denied a call."""


@dataclass(frozen=True)
class PendingApproval:
    """The receipt of a call that waits."""

    approval_id: str
    expires_at: datetime


class Approvals:
    """Stores calls that wait, and checks that they are still what they were."""

    def __init__(self, secret: bytes) -> None:
        self._binding = Binding(secret, "approvals", ApprovalVoid)

    async def request(self, db: Connection, asked: Asked) -> PendingApproval:
        """Store a call; asking again for the same call gives the same receipt.

        What waits for other reasons, of other policies, waits no longer: one call waits once.
        """
        record = canonical(asked.record) if asked.record is not None else ""
        moment = now()
        for same in await db.all(
            _SAME,
            record=record,
            tenant=asked.principal.tenant,
            principal=asked.principal.label,
            digest=asked.digest,
            moment=moment,
        ):
            reasons = tuple(same.policies)
            if same.policy_version == asked.policy_version or reasons == asked.policies:
                return PendingApproval(same.id, same.expires_at)
            over = {**same._mapping, "expires_at": moment}
            ends = {"expires_at": moment, "binding": self._binding.digest(over)}
            await db.execute(sa.update(approvals).where(approvals.c.id == same.id).values(**ends))
        row = self._binding.row(asked, LIFETIME)
        await db.execute(approvals.insert(), row)
        told = {"tool": asked.tool}
        tenant, by = asked.principal.tenant, asked.principal.label
        await tell(db, tenant, "approval.waiting", row["id"], told, customer_id=asked.about, by=by)
        return PendingApproval(row["id"], row["expires_at"])

    async def get(self, db: Connection, tenant: str, approval_id: str) -> PendingCall:
        """A call that waits or waited.

        Raises:
            NotFound: The tenant has none of that id.
        """
        row = await db.first(_BY_ID, tenant=tenant, approval=approval_id)
        if row is None:
            raise NotFound("approval", approval_id)
        return PendingCall(**row._mapping)

    def arguments(self, call: PendingCall) -> dict[str, Any]:
        """The exact arguments of a call, once it is sure that nothing of it was changed.

        Raises:
            ApprovalVoid: Something was, or it is too old to have been bound.
        """
        return self._binding.arguments(call)

    async def decide(
        self,
        db: Connection,
        call: PendingCall,
        status: Status,
        *,
        by: str,
        comment: str,
        told: str | None = None,
    ) -> None:
        """Record a person's decision; of several at once the first counts.

        Args:
            comment: Why, for the staff.
            told: What the customer is told of it.

        Raises:
            Conflict: It was decided on before.
        """
        decided = {
            "status": status,
            "decided_by": by,
            "decided_at": now(),
            "comment": comment,
            "told": told,
        }
        values = {
            "b_id": call.id,
            "b_status": status,
            "b_by": by,
            "b_at": decided["decided_at"],
            "b_comment": comment,
            "b_told": told,
            "b_binding": self._binding.digest({**vars(call), **decided}),
        }
        changed = await db.execute(_DECIDE, values)
        if changed.rowcount != 1:
            raise Conflict(
                "Somebody has decided on this call already.", details={"approval_id": call.id}
            )
        data = {"tool": call.tool, "status": status}
        await tell(
            db, call.tenant_id, "approval.decided", call.id, data, customer_id=call.about, by=by
        )

    async def finish(self, db: Connection, approval_id: str, status: Status, answer: str) -> None:
        """Record what came of an approved call; its exact arguments are forgotten."""
        await db.execute(
            sa.update(approvals)
            .where(approvals.c.id == approval_id, approvals.c.status == "approved")
            .values(status=status, answer=answer, sealed=None)
        )
