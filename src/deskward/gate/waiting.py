"""Calls that wait: for another person's approval, or for the customer's own yes.

A call that waits is bound to everything that was true when it was made: tool, exact arguments,
tenant, requester, policy version, the record that it is about, and an expiry. All of it is under a
keyed digest (HMAC, RFC 2104), so that whoever can write to the database still cannot have another
call made than the one that was asked for. Its exact arguments are encrypted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from pydantic_core import from_json

from deskward.core.database import now
from deskward.core.errors import Conflict
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, OWNER, TEXT, VALUE
from deskward.gate.context import Context, Door, new_id
from deskward.gate.ledger.subject_keys import SubjectKey, derived, seal, unseal
from deskward.security.principals import Principal

Status = Literal["pending", "approved", "denied", "done", "failed", "unknown"]
"""`approved`: it is about to run. `done`, `failed`, `unknown`: what came of it."""

_BOUND = (
    *("id", "tenant_id", "principal", "tool", "digest", "arguments", "record"),
    *("policies", "policy_version", "origin", "about"),
)


def columns() -> list[sa.Column[Any]]:
    """The columns of a table of calls that wait.

    `arguments` are canonical JSON with secrets masked; `sealed` holds them whole, encrypted, until
    the call has run or was denied. `origin` says who called, from where, and what policies knew.
    """
    return [
        sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
        sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
        sa.Column("principal", sa.String(80), nullable=False, info=LABEL),
        sa.Column("tool", sa.String(64), nullable=False, info=IMPERSONAL),
        sa.Column("digest", sa.String(64), nullable=False, info=IMPERSONAL),
        sa.Column("arguments", sa.Text, nullable=False, info=DOCUMENT),
        sa.Column("record", sa.Text, info=DOCUMENT),
        sa.Column("policies", sa.JSON, nullable=False, info=IMPERSONAL),
        sa.Column("policy_version", sa.String(12), nullable=False, info=IMPERSONAL),
        sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("origin", sa.Text, info=DOCUMENT),
        sa.Column("about", sa.String(64), info=OWNER),
        sa.Column("sealed", sa.LargeBinary, info=VALUE),
        sa.Column("binding", sa.String(64), info=IMPERSONAL),
        sa.Column("decided_by", sa.String(80), info=IMPERSONAL),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("comment", sa.Text, info=TEXT),
        sa.Column("answer", sa.Text, info=DOCUMENT),
    ]


class Void(Conflict):
    """The call that waited is not, or no longer, the one that was asked for."""


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
        comment: Why it was decided so, for the staff.
        told: What the customer is told of it.
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
    told: str | None = field(default=None, kw_only=True)

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
    def label(self) -> str | None:
        """What it is about, for people: as its record says it, or by the record's id."""
        return label_of(self.facts_of_record, self.about)

    @property
    def answered(self) -> dict[str, Any] | None:
        """What came of it."""
        return from_json(self.answer) if self.answer else None


def label_of(record: Mapping[str, Any] | None, about: str | None) -> str | None:
    """What a call is about, for people: as its record says it, by the record's id, or whom."""
    named = (record or {}).get("label") or (record or {}).get("id")
    return str(named) if named else about


def canonical(value: Any) -> str:
    """JSON in one form for one value: sorted names, no spaces (as RFC 8785 does for our types)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Binding:
    """Binds calls that wait, and sees that they are still what they were."""

    def __init__(self, secret: bytes, purpose: str, void: type[Void], *more: str) -> None:
        """Make one.

        Args:
            secret: What the keys are derived from.
            purpose: Tells these calls' keys from those of others.
            void: What is raised of a call that was changed.
            more: Further columns that are bound.
        """
        self._key = derived(secret, purpose)
        self._sealing = SubjectKey("", derived(secret, f"arguments of {purpose}"))
        self._void = void
        self._columns = (*_BOUND, *more)

    def row(self, asked: Asked, lifetime: timedelta, **more: Any) -> dict[str, Any]:
        """The row of a call that begins to wait.

        Args:
            more: Further columns.
        """
        moment, key = now(), new_id()
        row: dict[str, Any] = {
            "id": key,
            "tenant_id": asked.principal.tenant,
            "principal": asked.principal.label,
            "tool": asked.tool,
            "digest": asked.digest,
            "arguments": canonical(asked.shown),
            "record": canonical(asked.record) if asked.record is not None else None,
            "policies": list(asked.policies),
            "policy_version": asked.policy_version,
            "status": "pending",
            "created_at": moment,
            "expires_at": moment + lifetime,
            "origin": canonical(vars(asked.origin)),
            "about": asked.about,
            "sealed": seal([self._sealing], canonical(asked.arguments).encode(), key.encode()),
            **more,
        }
        row["binding"] = self.digest(row)
        return row

    def anew(self, row: Mapping[str, Any], under: Binding) -> dict[str, Any] | None:
        """What is bound and sealed of a row, under another secret; None where it is not under this.

        Args:
            under: The binding of the other secret.
        """
        if not row["binding"] or not hmac.compare_digest(self.digest(row), row["binding"]):
            return None
        found: dict[str, Any] = {"binding": under.digest(row)}
        if row["sealed"]:
            label = row["id"].encode()
            whole = unseal([self._sealing], bytes(row["sealed"]), label)
            found["sealed"] = seal([under._sealing], whole, label)
        return found

    def arguments(self, call: PendingCall) -> dict[str, Any]:
        """The exact arguments of a call, once it is sure that nothing of it was changed.

        Raises:
            Void: Something was, or it is too old to have been bound.
        """
        if not call.binding or not hmac.compare_digest(self.digest(vars(call)), call.binding):
            raise self._void("This call is not as it was asked for: something of it was changed.")
        try:
            whole = unseal([self._sealing], bytes(call.sealed or b""), call.id.encode())
        except (InvalidTag, ValueError):
            raise self._void(
                "This call's arguments are not held any more, or were changed."
            ) from None
        found: dict[str, Any] = from_json(whole)
        return found

    def digest(self, row: Mapping[str, Any]) -> str:
        """The keyed digest of all that a call is bound to."""
        parts = [row[name] for name in self._columns] + [row["expires_at"].isoformat()]
        if row.get("status", "pending") != "pending":
            verdict = "denied" if row["status"] == "denied" else "approved"
            parts += [verdict, row["decided_by"], row["decided_at"].isoformat(), row["comment"]]
            parts += [row["told"]] if row.get("told") else []
        return hmac.new(self._key, canonical(parts).encode(), hashlib.sha256).hexdigest()
