"""Calls that wait for a person.

A pending call is bound to everything that was true when it was made: tool, exact arguments, tenant,
requester, policy version, the record that it is about, and an expiry. All of it is under a keyed
digest (HMAC, RFC 2104), so that whoever can write to the database still cannot have another call
approved than the one that was asked for. It is used once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from pydantic_core import from_json

from deskward.core.database import Connection, UtcDateTime, metadata, now
from deskward.core.errors import Conflict, NotFound
from deskward.gate.context import Context, Door, new_id
from deskward.gate.ledger.subject_keys import SubjectKey, derived, seal, unseal
from deskward.security.principals import Principal

Status = Literal["pending", "approved", "denied", "done", "failed", "unknown"]
"""`approved`: it is about to run. `done`, `failed`, `unknown`: what came of it."""

LIFETIME = timedelta(days=3)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("tenant_id", sa.String(64), nullable=False),
    sa.Column("principal", sa.String(80), nullable=False),
    sa.Column("tool", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("record", sa.Text),
    sa.Column("policies", sa.JSON, nullable=False),
    sa.Column("policy_version", sa.String(12), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("about", sa.String(64)),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("binding", sa.String(64)),
    sa.Column("decided_by", sa.String(80)),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("comment", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Index("ix_approvals_digest", "tenant_id", "digest"),
    sa.Index("ix_approvals_status", "tenant_id", "status", "created_at"),
)
"""`arguments` are canonical JSON with secrets masked; `sealed` holds them whole, encrypted, until
the call has run or was denied. `origin` says who called, from where, and what policies knew."""

_BOUND = (
    *("id", "tenant_id", "principal", "tool", "digest", "arguments", "record"),
    *("policies", "policy_version", "origin", "about"),
)

_SAME = sa.select(approvals.c.id, approvals.c.expires_at).where(
    approvals.c.tenant_id == sa.bindparam("tenant"),
    approvals.c.principal == sa.bindparam("principal"),
    approvals.c.digest == sa.bindparam("digest"),
    approvals.c.policy_version == sa.bindparam("policy_version"),
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
        binding=sa.bindparam("b_binding"),
    )
)


class ApprovalVoid(Conflict):
    """The call that was to be approved is not, or no longer, the one that was asked for."""

    code = "APPROVAL_VOID"


@dataclass(frozen=True)
class Asked:
    """A call that is to wait.

    Attributes:
        arguments: The exact arguments, with secrets, as JSON values.
        shown: The same with secrets masked.
        digest: The keyed digest of tool and arguments.
        origin: Where it comes from.
    """

    tool: str
    principal: Principal
    arguments: Mapping[str, Any]
    shown: Mapping[str, Any]
    digest: str
    record: Mapping[str, object] | None
    about: str | None
    policies: tuple[str, ...]
    policy_version: str
    origin: Origin


@dataclass(frozen=True)
class Origin:
    """Where a call came from, so that it can be made later as it would have been made.

    Attributes:
        principal: The facts of the caller.
        key: The idempotency key that it was called with, as it is stored.
        facts: What policies knew.
    """

    principal: Mapping[str, Any] = field(default_factory=dict)
    door: Door = "agent"
    request_id: str = ""
    session_id: str | None = None
    turn_id: str | None = None
    key: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Context, facts: Mapping[str, Any], key: str | None) -> Origin:
        """The origin of a call that is made now."""
        return cls(
            context.principal.facts,
            context.door,
            context.request_id,
            context.session_id,
            context.turn_id,
            key,
            dict(facts),
        )

    @property
    def caller(self) -> Principal:
        """Who called."""
        return Principal.of_facts(self.principal)


@dataclass(frozen=True)
class PendingCall:
    """A call that waits for a person, or waited: the columns of its row.

    Attributes:
        principal: The label of who asked.
        arguments: The arguments as canonical JSON, secrets masked; `shown` is what it says.
        record: The record as it was, as canonical JSON; `facts_of_record` is what it says.
        answer: What came of it, as JSON; `answered` is what it says.
        origin: Where it came from, as canonical JSON; `came_from` is what it says.
    """

    id: str
    tenant_id: str
    principal: str
    tool: str
    digest: str
    arguments: str
    record: str | None
    policies: Sequence[str]
    policy_version: str
    status: Status
    created_at: datetime
    expires_at: datetime
    origin: str | None
    about: str | None
    sealed: bytes | None
    binding: str | None
    decided_by: str | None
    decided_at: datetime | None
    comment: str | None
    answer: str | None

    @cached_property
    def came_from(self) -> Origin:
        """Where it came from."""
        return Origin(**from_json(self.origin)) if self.origin else Origin()

    @property
    def shown(self) -> dict[str, Any]:
        """The arguments, secrets masked."""
        found: dict[str, Any] = from_json(self.arguments)
        return found

    @property
    def facts_of_record(self) -> dict[str, Any]:
        """The record as it was; nothing where the call is about none."""
        found: dict[str, Any] = from_json(self.record) if self.record else {}
        return found

    @property
    def answered(self) -> dict[str, Any] | None:
        """What came of it."""
        return from_json(self.answer) if self.answer else None


Denied = Callable[[PendingCall], Awaitable[None]]
"""What is done when a person has denied a call."""


@dataclass(frozen=True)
class PendingApproval:
    """The receipt of a call that waits."""

    approval_id: str
    expires_at: datetime


def canonical(value: Any) -> str:
    """JSON in one form for one value: sorted names, no spaces (as RFC 8785 does for our types)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Approvals:
    """Stores calls that wait, and checks that they are still what they were."""

    def __init__(self, secret: bytes) -> None:
        self._binding = derived(secret, "approvals")
        self._sealing = SubjectKey("", derived(secret, "arguments of approvals"))

    async def request(self, db: Connection, asked: Asked) -> PendingApproval:
        """Store a call; asking again for the same call gives the same receipt."""
        moment = now()
        record = canonical(asked.record) if asked.record is not None else None
        same = await db.first(
            _SAME,
            record=record or "",
            tenant=asked.principal.tenant,
            principal=asked.principal.label,
            digest=asked.digest,
            policy_version=asked.policy_version,
            moment=moment,
        )
        if same is not None:
            return PendingApproval(same.id, same.expires_at)
        pending = PendingApproval(new_id(), moment + LIFETIME)
        whole = canonical(asked.arguments).encode()
        row: dict[str, Any] = {
            "id": pending.approval_id,
            "tenant_id": asked.principal.tenant,
            "principal": asked.principal.label,
            "tool": asked.tool,
            "digest": asked.digest,
            "arguments": canonical(asked.shown),
            "record": record,
            "policies": list(asked.policies),
            "policy_version": asked.policy_version,
            "status": "pending",
            "created_at": moment,
            "expires_at": pending.expires_at,
            "origin": canonical(vars(asked.origin)),
            "about": asked.about,
            "sealed": seal([self._sealing], whole, pending.approval_id.encode()),
        }
        row["binding"] = self._bind(row)
        await db.execute(approvals.insert(), row)
        return pending

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
        bound = self._bind(vars(call))
        if not call.binding or not hmac.compare_digest(bound, call.binding):
            raise ApprovalVoid("This call is not as it was asked for: something of it was changed.")
        try:
            whole = unseal([self._sealing], bytes(call.sealed or b""), call.id.encode())
        except (InvalidTag, ValueError):
            raise ApprovalVoid(
                "This call's arguments are not held any more, or were changed."
            ) from None
        found: dict[str, Any] = from_json(whole)
        return found

    async def decide(
        self, db: Connection, call: PendingCall, status: Status, *, by: str, comment: str
    ) -> None:
        """Record a person's decision; of several at once the first counts.

        Raises:
            Conflict: It was decided on before.
        """
        decided = {"status": status, "decided_by": by, "decided_at": now(), "comment": comment}
        values = {
            "b_id": call.id,
            "b_status": status,
            "b_by": by,
            "b_at": decided["decided_at"],
            "b_comment": comment,
            "b_binding": self._bind({**vars(call), **decided}),
        }
        changed = await db.execute(_DECIDE, values)
        if changed.rowcount != 1:
            raise Conflict(
                "Somebody has decided on this call already.", details={"approval_id": call.id}
            )

    async def finish(self, db: Connection, approval_id: str, status: Status, answer: str) -> None:
        """Record what came of an approved call; its exact arguments are forgotten."""
        await db.execute(
            sa.update(approvals)
            .where(approvals.c.id == approval_id, approvals.c.status == "approved")
            .values(status=status, answer=answer, sealed=None)
        )

    def _bind(self, row: Mapping[str, Any]) -> str:
        parts = [row[name] for name in _BOUND] + [row["expires_at"].isoformat()]
        if row.get("status", "pending") != "pending":
            verdict = "denied" if row["status"] == "denied" else "approved"
            parts += [verdict, row["decided_by"], row["decided_at"].isoformat(), row["comment"]]
        return hmac.new(self._binding, canonical(parts).encode(), hashlib.sha256).hexdigest()
