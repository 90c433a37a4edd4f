"""At most once: what is known of the effect behind an idempotency key.

A tool that changes only the database needs no more than its own transaction: the effect, this
record and the ledger row commit together or not at all. A tool that acts outside records its
*intent* in a commit of its own first. If the process dies before the outcome is recorded, nobody
can know whether the effect happened: the key then answers OUTCOME_UNKNOWN for good.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import CallInProgress, IdempotencyConflict, InvalidInput, OutcomeUnknown
from deskward.core.fixed import fixed
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, TEXT

MAX_KEY_LENGTH = 200
OURS = "\x1f"
"""What our own keys begin with. It is not printable, so no caller can send one."""


@dataclass(frozen=True, slots=True)
class DeskKey:
    """A key of the desk's own making, in a namespace of its own: what callers send is `str`.

    Attributes:
        kind: What makes the call.
        value: Which of these; it has no secret in it.
    """

    kind: Literal["approval", "bulk", "confirmation", "handling", "kafka", "turn"]
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


Key = str | DeskKey

effects = sa.Table(
    "effects",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("principal", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("key", sa.String(MAX_KEY_LENGTH), primary_key=True, info=TEXT),
    sa.Column("effect_id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("tool", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("digest", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("answer", sa.Text, info=DOCUMENT),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("deadline", UtcDateTime, nullable=False),
)

_WHOSE = (
    (effects.c.tenant_id == sa.bindparam("b_tenant"))
    & (effects.c.principal == sa.bindparam("b_principal"))
    & (effects.c.key == sa.bindparam("b_key"))
)
_FIND = fixed(sa.select(effects).where(_WHOSE))
_CLAIM = fixed(
    insert_or_ignore(
        effects,
        *("tenant_id", "principal", "key", "effect_id", "tool", "digest", "created_at", "deadline"),
    )
)
_FINISH = fixed(sa.update(effects).where(_WHOSE).values(answer=sa.bindparam("b_answer")))
_ENDED = fixed(
    sa.update(effects)
    .where(_WHOSE & (effects.c.effect_id == sa.bindparam("b_effect")) & effects.c.answer.is_(None))
    .values(deadline=sa.bindparam("b_now"))
)
_FORGET = fixed(sa.delete(effects).where(_WHOSE))


@dataclass(frozen=True)
class Effect:
    """One call's claim on its key."""

    tenant: str
    principal: str
    key: str
    effect_id: str
    tool: str
    digest: str

    @property
    def _whose(self) -> dict[str, str]:
        return {"b_tenant": self.tenant, "b_principal": self.principal, "b_key": self.key}

    async def first_answer(self, connection: Connection) -> str | None:
        """The JSON of the key's first answer, or None where the key is new.

        Raises:
            IdempotencyConflict: The key was used with another tool or other arguments.
            CallInProgress: The first call is still running.
            OutcomeUnknown: The first call's process died while it acted outside.
        """
        row = await connection.first(_FIND, **self._whose)
        if row is None:
            return None
        if row.tool != self.tool or not hmac.compare_digest(row.digest, self.digest):
            raise IdempotencyConflict(
                "This idempotency key was used before for another call. Use a new key.",
                details={"key": self.key},
            )
        if row.answer is not None:
            return str(row.answer)
        wait = (row.deadline - now()).total_seconds()
        if wait > 0:
            raise CallInProgress(
                "The first call with this idempotency key has not ended. Ask again later.",
                retry_after=int(wait) + 1,
            )
        raise OutcomeUnknown(
            "This call was cut off, and whether it took effect is not known. A person has to "
            "look before it is tried again.",
            details={"effect_id": row.effect_id, "tool": row.tool},
        )

    async def any_answer(self, connection: Connection) -> str | None:
        """The JSON of the key's first answer whatever its arguments were, or None."""
        row = await connection.first(_FIND, **self._whose)
        return row.answer if row is not None and row.tool == self.tool else None

    async def claim(self, connection: Connection, time_limit: float) -> bool:
        """Take the key; False where another call was quicker."""
        taken = now()
        claimed = await connection.change(
            _CLAIM,
            {
                "tenant_id": self.tenant,
                "principal": self.principal,
                "key": self.key,
                "effect_id": self.effect_id,
                "tool": self.tool,
                "digest": self.digest,
                "created_at": taken,
                "deadline": taken + timedelta(seconds=time_limit),
            },
        )
        return claimed == 1

    async def finish(self, connection: Connection, answer: str) -> None:
        """Record the answer that every repetition gets."""
        await connection.change(_FINISH, {**self._whose, "b_answer": answer})

    async def ended(self, connection: Connection) -> None:
        """Record that nothing more will be known of the call here."""
        await connection.change(_ENDED, {**self._whose, "b_effect": self.effect_id, "b_now": now()})

    async def forget(self, connection: Connection) -> None:
        """Release the key: the call is known to have had no effect."""
        await connection.change(_FORGET, self._whose)


def digest(key: bytes, tool: str, arguments: Mapping[str, Any]) -> str:
    """A keyed digest of a call's exact arguments, secrets included.

    Keyed, because the digest of a password alone could be searched for by trying passwords.
    """
    text = json.dumps([tool, arguments], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def stored(key: Key) -> str:
    """A key as tables have it: a caller's as it is, the desk's where no caller's can be.

    Raises:
        InvalidInput: A caller's key is empty, too long or not printable ASCII.
    """
    return check_key(key) if isinstance(key, str) else f"{OURS}{key}"


def check_key(key: str) -> str:
    """The key itself, which a caller sent.

    Raises:
        InvalidInput: It is empty, too long or not printable ASCII.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidInput(
            f"An idempotency key has 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        )
    return key
