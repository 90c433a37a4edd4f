"""Calls that wait for the yes of the one on whose behalf an agent makes them.

The customer says yes to exactly this call, in their own session; a member of staff in theirs. No
model and no tool answers. A yes is used once, and a question can be answered for minutes
(`waiting.py` says what it is bound to).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from pydantic_core import to_json

from deskward.core.database import Connection, Database, metadata, now
from deskward.core.errors import Conflict, Forbidden, NotFound, timestamp
from deskward.core.moments import UtcDateTime
from deskward.core.personal import BOUND, TEXT
from deskward.gate.context import Context
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.gate.waiting import Asked, Binding, PendingCall, Status, Void, canonical, columns
from deskward.security.principals import Kind

LIFETIME = timedelta(minutes=10)

COLUMNS = ("session_id", "question")
"""The columns that are bound besides those of every call that waits."""

confirmations = sa.Table(
    "confirmations",
    metadata,
    *columns(),
    sa.Column("session_id", sa.String(128), info=TEXT),
    sa.Column("question", sa.Text, nullable=False, info=TEXT),
    sa.Index("ix_confirmations_session", "tenant_id", "principal", "session_id", "status"),
    sa.Index("ix_confirmations_status", "status", "expires_at"),
    info={BOUND: True},
)
"""`approved`: the customer said yes; `denied`: no, or something else. `comment`: how they did."""

How = Literal["text", "button", "elicitation", "command", "passed over", "session ended"]
"""How a question was answered, or why it no longer can be."""

_HERE = (
    (confirmations.c.tenant_id == sa.bindparam("b_tenant"))
    & (confirmations.c.principal == sa.bindparam("b_principal"))
    & (sa.func.coalesce(confirmations.c.session_id, "") == sa.bindparam("b_session"))
    & (confirmations.c.status == "pending")
)
_SAME = sa.select(confirmations).where(
    _HERE,
    confirmations.c.digest == sa.bindparam("digest"),
    confirmations.c.policy_version == sa.bindparam("policy_version"),
    sa.func.coalesce(confirmations.c.record, "") == sa.bindparam("record"),
    confirmations.c.question == sa.bindparam("question"),
    confirmations.c.expires_at > sa.bindparam("moment", type_=UtcDateTime),
)
_BY_ID = sa.select(confirmations).where(
    confirmations.c.tenant_id == sa.bindparam("tenant"),
    confirmations.c.id == sa.bindparam("confirmation"),
)
_ANSWER = (
    sa.update(confirmations)
    .where(confirmations.c.id == sa.bindparam("b_id"), confirmations.c.status == "pending")
    .values(
        status=sa.bindparam("b_status"),
        decided_by=sa.bindparam("b_by"),
        decided_at=sa.bindparam("b_at"),
        comment=sa.bindparam("b_how"),
        binding=sa.bindparam("b_binding"),
    )
)
_OVER = confirmations.c.sealed.is_not(None) & (
    (confirmations.c.status == "denied")
    | (
        (confirmations.c.status == "pending")
        & (confirmations.c.expires_at <= sa.bindparam("b_moment", type_=UtcDateTime))
    )
)
_ANY_OVER = sa.select(confirmations.c.id).where(_OVER).limit(1)
_FORGET = sa.update(confirmations).where(_OVER).values(sealed=None)
_END = (
    sa.update(confirmations)
    .where(_HERE)
    .values(status="denied", comment="session ended", sealed=None, binding=None)
)


class ConfirmationVoid(Void):
    """What was to be confirmed is not, or no longer, what was asked."""

    code = "CONFIRMATION_VOID"


class NotConfirmed(Conflict):
    """The customer does not want it."""

    code = "NOT_CONFIRMED"


@dataclass(frozen=True)
class Confirmation(PendingCall):
    """A call that waits for its customer's yes, or waited.

    Attributes:
        session_id: The conversation that it was asked in, where there is one.
        question: What the customer is asked, with the exact values.
    """

    session_id: str | None
    question: str


class Confirmations:
    """Stores calls that wait for a yes, and takes the answers."""

    def __init__(self, secret: bytes, lifetime: timedelta = LIFETIME) -> None:
        """Make it.

        Args:
            lifetime: How long a question can be answered.
        """
        self._lifetime = lifetime
        self._binding = Binding(secret, "confirmations", ConfirmationVoid, *COLUMNS)

    async def request(self, db: Connection, asked: Asked, question: str) -> Confirmation:
        """Store a call; asking again for the same call in the same session gives the same one."""
        moment = now()
        session_id = asked.origin.session_id
        same = await db.first(
            _SAME,
            b_tenant=asked.principal.tenant,
            b_principal=asked.principal.label,
            b_session=session_id or "",
            digest=asked.digest,
            policy_version=asked.policy_version,
            record=canonical(asked.record) if asked.record is not None else "",
            question=question,
            moment=moment,
        )
        if same is not None:
            return Confirmation(**same._mapping)
        row = self._binding.row(asked, self._lifetime, session_id=session_id, question=question)
        await db.execute(confirmations.insert(), row)
        empty = dict.fromkeys(("decided_by", "decided_at", "comment", "answer"))
        return Confirmation(**{**empty, **row})

    async def get(self, db: Connection, tenant: str, confirmation_id: str) -> Confirmation:
        """A call that waits or waited.

        Raises:
            NotFound: The tenant has none of that id.
        """
        row = await db.first(_BY_ID, tenant=tenant, confirmation=confirmation_id)
        if row is None:
            raise NotFound("confirmation", confirmation_id)
        return Confirmation(**row._mapping)

    def arguments(self, call: Confirmation) -> dict[str, Any]:
        """The exact arguments of a call, once it is sure that nothing of it was changed.

        Raises:
            ConfirmationVoid: Something was.
        """
        return self._binding.arguments(call)

    def check(self, call: Confirmation, context: Context) -> None:
        """Whether whoever speaks in a session may answer now.

        Raises:
            NotFound: It was asked of somebody else, or in another session.
            Forbidden: An agent answers, or somebody of whom less is known than of who asked.
            Conflict: It was answered before.
            ConfirmationVoid: It is too late, or something was changed.
        """
        principal = context.principal
        whose = (call.tenant_id, call.principal, call.session_id)
        if whose != (principal.tenant, principal.label, context.session_id):
            raise NotFound("confirmation", call.id)
        if principal.agent is not None or principal.proof < call.came_from.caller.proof:
            raise Forbidden("Only the person who was asked can answer this.")
        if call.status != "pending":
            raise Conflict("This was answered already, or is not asked any more.")
        if call.expires_at <= now():
            raise ConfirmationVoid("This was asked too long ago. It has to be asked again.")
        self.arguments(call)

    async def answer(self, db: Connection, call: Confirmation, yes: bool, how: How) -> None:
        """Record an answer; of several at once the first counts.

        Raises:
            Conflict: It was answered before.
        """
        status: Status = "approved" if yes else "denied"
        decided = {
            "status": status,
            "decided_by": call.principal,
            "decided_at": now(),
            "comment": how,
        }
        values = {
            "b_id": call.id,
            "b_status": status,
            "b_by": call.principal,
            "b_at": decided["decided_at"],
            "b_how": how,
            "b_binding": self._binding.digest({**vars(call), **decided}),
        }
        if (await db.execute(_ANSWER, values)).rowcount != 1:
            raise Conflict("This was answered already, or is not asked any more.")

    async def finish(
        self, db: Connection, confirmation_id: str, status: Status, answer: str
    ) -> None:
        """Record what came of a confirmed call; its exact arguments are forgotten."""
        await db.execute(
            sa.update(confirmations)
            .where(confirmations.c.id == confirmation_id, confirmations.c.status == "approved")
            .values(status=status, answer=answer, sealed=None)
        )


async def forget_late(database: Database) -> None:
    """Forget the arguments of calls that nobody can confirm any more: they may hold a password."""
    if await database.reader.first(_ANY_OVER, b_moment=now()) is not None:
        async with database.transaction() as transaction:
            await transaction.execute(_FORGET, {"b_moment": now()})


async def end_questions(db: Connection, tenant: str, principal: str, session_id: str) -> None:
    """Void all that a session still asks, because it ends."""
    where = {"b_tenant": tenant, "b_principal": principal, "b_session": session_id}
    await db.execute(_END, where)


def answer_entry(
    ledger: Ledger, call: Confirmation, context: Context, yes: bool, how: How
) -> Entry:
    """The ledger's row of an answer."""
    principal = context.principal
    conversation = None
    if call.session_id is not None:
        conversation = ledger.conversation(call.tenant_id, call.principal, call.session_id)
    clear = {
        "at": timestamp(),
        "kind": "confirmation",
        "conversation": conversation,
        "turn_id": context.turn_id,
        "by": principal.label if principal.kind is not Kind.CUSTOMER else "customer",
        "via": principal.via,
        "tool": call.tool,
        "confirmation": call.id,
        "how": how,
        "status": "yes" if yes else "no",
    }
    private = {
        "principal": principal.facts,
        "request_id": context.request_id,
        "session_id": call.session_id,
        "question": call.question,
        "arguments": call.shown,
    }
    subjects = {principal.id} if principal.kind is Kind.CUSTOMER else set()
    if call.about:
        subjects.add(call.about)
    return Entry(call.tenant_id, clear, to_json(private), frozenset(subjects))
