"""The ledger: what every call asked, what was decided, and what came of it.

A row is JSON text: in the clear what was decided when about which tool, and `sealed` all that may
be personal (who, which arguments, what came of it), encrypted under the keys of the customers whom
it is about (`subject_keys.py`). Erasing a key erases that data and leaves the chain whole.

Append-only and per tenant. The row `n` holds
`hash(n) = SHA-256(hash(n-1) ‖ tenant ‖ 0x00 ‖ n as decimal ‖ 0x00 ‖ body)`, so that a changed,
removed or moved row breaks the chain (the construction of Schneier and Kelsey's secure audit
logs, without their forward-secure keys). `ledger_heads` says where each chain ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from pydantic_core import from_json, to_json

from deskward.core.database import Connection, Writer, insert_or_ignore, metadata
from deskward.core.errors import Unavailable
from deskward.core.fixed import fixed
from deskward.core.lazily import lazily
from deskward.core.personal import IMPERSONAL
from deskward.gate.ledger.subject_keys import (
    EVERYBODY,
    GENERATION,
    SubjectKey,
    SubjectKeys,
    derived,
    seal,
    unseal,
)
from deskward.gate.provenance import Record

Beside = tuple[sa.Table, Mapping[str, Any]]
"""A row of another table."""
GENESIS = "0" * 64
"""What stands in for the hash before the first row."""

ledger_rows = sa.Table(
    "ledger",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("hash", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("conversation", sa.String(32), info=IMPERSONAL),
    sa.Index(
        "ix_ledger_conversation",
        "tenant_id",
        "conversation",
        # On PostgreSQL as well, by its migration: to say it here imports all of that dialect.
        sqlite_where=sa.text("conversation IS NOT NULL"),
    ),
)
"""`conversation` repeats what the body says, to be found by."""

ledger_heads = sa.Table(
    "ledger_heads",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, info=IMPERSONAL),
)

_HEAD = fixed(
    sa.select(
        ledger_heads.c.seq,
        ledger_heads.c.hash,
        sa.func.coalesce(GENERATION.scalar_subquery(), 0).label("secret"),
    )
    .where(ledger_heads.c.tenant_id == sa.bindparam("tenant"))
    .with_for_update(of=ledger_heads)
)
_MOVE_HEAD = fixed(
    sa.update(ledger_heads)
    .where(ledger_heads.c.tenant_id == sa.bindparam("tenant"))
    .values(seq=sa.bindparam("new_seq"), hash=sa.bindparam("new_hash"))
)
_SUBJECT = re.compile(rb'"(?:customer_id|user_id)":("(?:[^"\\]|\\.){1,400}")')
LONGEST_SUBJECT = 64
"""Characters of the longest id of a customer; what is longer names none."""
_FIRST_HEAD = fixed(insert_or_ignore(ledger_heads, "tenant_id", "seq", "hash"))


@dataclass(frozen=True)
class Entry:
    """One row to be chained.

    Attributes:
        tenant: Whose chain.
        clear: What everybody who holds the ledger may read; begins with `at` and `kind`. Nothing
            that a caller can word stands in it, not even an id that they have given.
        private: JSON text of an object, to be sealed.
        subjects: The customers whom it is about, besides those that `private` names.
        read: Who has read what for the first time: it is kept with the row (`gate/readings.py`).
        beside: Rows of other tables that are written by the same commit.
    """

    tenant: str
    clear: Mapping[str, Any]
    private: bytes
    subjects: frozenset[str] = field(default_factory=frozenset)
    read: tuple[Record, frozenset[str]] | None = None
    beside: Sequence[Beside] = ()

    @lazily
    def all_subjects(self) -> list[str]:
        """Everybody whom the row is about."""
        found = {str(from_json(match)) for match in _SUBJECT.findall(self.private)}
        named = {name for name in found if len(name) <= LONGEST_SUBJECT}
        return sorted(self.subjects | named) or [EVERYBODY]


class Row(NamedTuple):
    """A row as it is stored."""

    seq: int
    body: str
    hash: str


MOST_NAMES = 2_000
"""Conversations whose names are remembered."""


class Ledger:
    """Writes rows, and reads what is sealed in them."""

    def __init__(self, secret: bytes, names: bytes | None = None, *, generation: int = 0) -> None:
        """Make one.

        Args:
            secret: The desk's secret key.
            names: What names are made with, where that is another one by now.
            generation: Which secret key of the desk this is: with an old one nothing is written.
        """
        self.keys = SubjectKeys(secret, names)
        self._generation = generation
        naming = derived(names or secret, "names of conversations")
        self._naming = hmac.new(naming, digestmod=hashlib.sha256)
        # A turn has several rows.
        self.conversation = lru_cache(maxsize=MOST_NAMES)(self._conversation)

    def _conversation(self, tenant: str, owner: str, session_id: str) -> str:
        """The name of a conversation in the ledger: without the secret it tells nothing."""
        whole = "\0".join((tenant, owner, session_id)).encode()
        named = self._naming.copy()
        named.update(whole)
        return named.hexdigest()[:32]

    async def write(self, connection: Writer, entries: list[Entry]) -> None:
        """Seal, chain and insert the rows of all calls that commit together."""
        by_tenant: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_tenant[entry.tenant].append(entry)
        rows = []
        for tenant in sorted(by_tenant):  # one order for every process, so that none deadlocks
            seq, digest = await self._head(connection, tenant)
            keys = await self._keys(connection, tenant, by_tenant[tenant])
            for entry in by_tenant[tenant]:
                seq += 1
                body = _body(entry, [keys[subject] for subject in entry.all_subjects])
                digest = chained(digest, tenant, seq, body.encode())
                rows.append((tenant, seq, body, digest, entry.clear.get("conversation")))
            moved = {"tenant": tenant, "new_seq": seq, "new_hash": digest}
            await connection.change(_MOVE_HEAD, moved)
        await connection.insert_rows(ledger_rows, rows)

    async def _head(self, connection: Connection, tenant: str) -> tuple[int, str]:
        """Where a chain ends, locked.

        Raises:
            Unavailable: The desk's secret key was changed since this process began.
        """
        row = await connection.first(_HEAD, tenant=tenant)
        if row is None:
            await connection.change(_FIRST_HEAD, {"tenant_id": tenant, "seq": 0, "hash": GENESIS})
            row = await connection.first(_HEAD, tenant=tenant)
            assert row is not None
        if row.secret != self._generation:
            raise Unavailable(
                "The desk's secret key was changed. Start this process again, with the new one."
            )
        return row.seq, row.hash

    async def _keys(
        self, connection: Connection, tenant: str, entries: Iterable[Entry]
    ) -> dict[str, SubjectKey]:
        subjects = sorted({subject for entry in entries for subject in entry.all_subjects})
        return {subject: await self.keys.of(connection, tenant, subject) for subject in subjects}

    async def read(self, db: Connection, tenant: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows with what is sealed in them, and their `seq`; `erased` where no key is left.

        Raises:
            ValueError: They were sealed under another secret key.
        """
        bodies = [from_json(row.body) for row in rows]
        ids = {name for body in bodies for name in body.get("subjects", ())}
        keys = await self.keys.by_ids(db, ids) if ids else {}
        return [
            {"seq": row.seq, **_opened(body, tenant, keys)}
            for row, body in zip(rows, bodies, strict=True)
        ]


async def rows_of(
    db: Connection, tenant: str, *, conversation: str | None = None, after: int = 0, limit: int
) -> list[Row]:
    """One page of a tenant's rows, the first one first.

    Args:
        conversation: Only those of this conversation, by its name in the ledger.
        after: Only those behind this number.
    """
    statement, seq = _rows(tenant, conversation)
    page = await db.all(statement.where(seq > after).order_by(seq).limit(limit))
    return [Row(row.seq, row.body, row.hash) for row in page]


async def latest_rows(
    db: Connection,
    tenant: str,
    *,
    conversation: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[Row]:
    """One page of a tenant's rows, the latest first.

    Args:
        conversation: See `rows_of`.
        before: Only those before this number.
    """
    statement, seq = _rows(tenant, conversation)
    if before is not None:
        statement = statement.where(seq < before)
    page = await db.all(statement.order_by(seq.desc()).limit(limit))
    return [Row(row.seq, row.body, row.hash) for row in page]


def _rows(tenant: str, conversation: str | None) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """The rows of a tenant or a conversation, and what to order them by."""
    columns = ledger_rows.c
    statement = sa.select(columns.seq, columns.body, columns.hash).where(
        columns.tenant_id == tenant
    )
    if conversation is None:
        return statement, columns.seq
    # Ordered by the bare number, a database walks the tenant's whole chain for a few rows.
    return statement.where(columns.conversation == conversation), columns.seq + 0


def chained(previous: str, tenant: str, seq: int, body: bytes) -> str:
    """The hash of a row, in hexadecimal."""
    return hashlib.sha256(
        b"".join((previous.encode(), tenant.encode(), b"\0", b"%d" % seq, b"\0", body))
    ).hexdigest()


def _body(entry: Entry, keys: list[SubjectKey]) -> str:
    sealed = base64.b64encode(seal(keys, entry.private, entry.tenant.encode())).decode()
    clear = {name: value for name, value in entry.clear.items() if value is not None}
    head = to_json({**clear, "subjects": [key.id for key in keys]}).decode()
    return f'{head[:-1]},"sealed":"{sealed}"}}'


def _opened(body: dict[str, Any], tenant: str, keys: Mapping[str, SubjectKey]) -> dict[str, Any]:
    sealed = body.pop("sealed", None)
    subjects = body.pop("subjects", [])
    if sealed is None:
        return body
    if any(name not in keys for name in subjects):
        return {**body, "erased": True}
    try:
        plain = unseal([keys[name] for name in subjects], base64.b64decode(sealed), tenant.encode())
    except (InvalidTag, ValueError):
        return {**body, "damaged": True}
    return {**body, **from_json(plain)}
