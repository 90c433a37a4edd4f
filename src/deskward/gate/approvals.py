"""Calls that wait for a person.

A pending call is bound to everything that was true when it was made: tool, arguments, tenant,
requester, policy version and the record it is about. It is stored, never run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, UtcDateTime, metadata, now
from deskward.gate.context import new_id

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
    sa.Index("ix_approvals_digest", "tenant_id", "digest"),
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


@dataclass(frozen=True)
class PendingApproval:
    """The receipt of a call that waits."""

    approval_id: str
    expires_at: datetime


async def request(
    connection: Connection,
    *,
    tenant: str,
    principal: str,
    tool: str,
    digest: str,
    arguments: str,
    record: Mapping[str, Any] | None,
    policies: tuple[str, ...],
    policy_version: str,
) -> PendingApproval:
    """Store a call; asking again for the same call gives the same receipt.

    Args:
        arguments: The canonical arguments as JSON, with secrets masked. A secret is never
            stored, so the requester gives it again when the call is approved.
    """
    moment = now()
    known = json.dumps(record) if record is not None else None
    same = await connection.first(
        _SAME,
        record=known or "",
        tenant=tenant,
        principal=principal,
        digest=digest,
        policy_version=policy_version,
        moment=moment,
    )
    if same is not None:
        return PendingApproval(same.id, same.expires_at)
    pending = PendingApproval(new_id(), moment + LIFETIME)
    await connection.execute(
        approvals.insert(),
        {
            "id": pending.approval_id,
            "tenant_id": tenant,
            "principal": principal,
            "tool": tool,
            "digest": digest,
            "arguments": arguments,
            "record": known,
            "policies": list(policies),
            "policy_version": policy_version,
            "status": "pending",
            "created_at": moment,
            "expires_at": pending.expires_at,
        },
    )
    return pending
