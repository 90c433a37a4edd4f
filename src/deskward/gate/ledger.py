"""The ledger: what every call asked, what was decided, and what came of it.

Append-only and per tenant. The row `n` holds
`hash(n) = SHA-256(hash(n-1) ‖ tenant ‖ 0x00 ‖ n as decimal ‖ 0x00 ‖ body)`, so that a changed,
removed or moved row breaks the chain (the construction of Schneier and Kelsey's secure audit
logs, without their forward-secure keys). `ledger_heads` says where each chain ends.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from deskward.core.database import Connection, Database, Writer, insert_or_ignore, metadata

GENESIS = "0" * 64
"""What stands in for the hash before the first row."""

ledger_rows = sa.Table(
    "ledger",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

ledger_heads = sa.Table(
    "ledger_heads",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

_HEAD = (
    sa.select(ledger_heads.c.seq, ledger_heads.c.hash)
    .where(ledger_heads.c.tenant_id == sa.bindparam("tenant"))
    .with_for_update()
)
_MOVE_HEAD = (
    sa.update(ledger_heads)
    .where(ledger_heads.c.tenant_id == sa.bindparam("tenant"))
    .values(seq=sa.bindparam("new_seq"), hash=sa.bindparam("new_hash"))
)
_FIRST_HEAD = insert_or_ignore(ledger_heads, "tenant_id", "seq", "hash")


class Entry(NamedTuple):
    """One row to be chained: the tenant and the JSON text of the call."""

    tenant: str
    body: str


@dataclass(frozen=True)
class Finding:
    """A place where a chain is broken."""

    tenant: str
    seq: int
    problem: str


@dataclass
class Report:
    """The result of verifying the chains."""

    rows: int
    heads: dict[str, str]
    findings: list[Finding]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


async def write(connection: Writer, entries: list[Entry]) -> None:
    """Chain and insert the rows of all calls that commit together."""
    by_tenant: dict[str, list[str]] = defaultdict(list)
    for tenant, body in entries:
        by_tenant[tenant].append(body)
    rows = []
    for tenant in sorted(by_tenant):  # one order for every process, so that none deadlocks
        seq, digest = await _head(connection, tenant)
        for body in by_tenant[tenant]:
            seq += 1
            digest = chained(digest, tenant, seq, body.encode())
            rows.append((tenant, seq, body, digest))
        await connection.execute(_MOVE_HEAD, {"tenant": tenant, "new_seq": seq, "new_hash": digest})
    await connection.insert_rows(ledger_rows, rows)


def chained(previous: str, tenant: str, seq: int, body: bytes) -> str:
    """The hash of a row, in hexadecimal."""
    return hashlib.sha256(
        b"".join((previous.encode(), tenant.encode(), b"\0", b"%d" % seq, b"\0", body))
    ).hexdigest()


async def _head(connection: Connection, tenant: str) -> tuple[int, str]:
    row = await connection.first(_HEAD, tenant=tenant)
    if row is None:
        await connection.execute(_FIRST_HEAD, {"tenant_id": tenant, "seq": 0, "hash": GENESIS})
        row = await connection.first(_HEAD, tenant=tenant)
        assert row is not None
    return row.seq, row.hash


async def verify(database: Database) -> Report:
    """Walk every chain from its first row to its head, and say where it is broken.

    A chain that was cut at its end, and its head with it, is found only by comparing with a head
    that was noted elsewhere: `Report.heads` gives the heads to note.
    """
    report = Report(rows=0, heads={}, findings=[])
    try:
        heads = {row[0]: (row[1], row[2]) for row in await _raw(database, _HEADS)}
        tenants = {row[0] for row in await _raw(database, _TENANTS)}
    except SQLAlchemyError as error:
        report.findings.append(Finding("?", 0, f"the ledger cannot be read: {error}"))
        return report
    for tenant in sorted(tenants | heads.keys()):
        name = tenant.decode(errors="replace")
        head = heads.get(tenant, (0, GENESIS.encode()))
        try:
            seq, digest, at_head = await _walk(database, tenant, name, head[0], report)
            later = {row[0]: (row[1], row[2]) for row in await _raw(database, _HEADS)}
        except SQLAlchemyError as error:
            report.findings.append(Finding(name, 0, f"rows cannot be read: {error}"))
            continue
        # The desk may go on writing meanwhile: rows behind the head that we began with are sound
        # if the head has moved at least as far.
        now_at = later.get(tenant, (0, b""))
        ends_well = now_at[0] > seq if seq > head[0] else True
        if at_head != head[1].decode(errors="replace") or not (
            ends_well or now_at == (seq, digest.encode())
        ):
            report.findings.append(
                Finding(name, seq, "the chain does not end where its head says it does")
            )
        report.heads[name] = f"{seq}:{digest}"
    return report


# Everything is read as bytes: a damaged row may hold text that is not UTF-8.
_HEADS = "SELECT {tenant_id}, seq, {hash} FROM ledger_heads"
_TENANTS = "SELECT DISTINCT {tenant_id} FROM ledger"
_CHUNK = (
    "SELECT seq, {body}, {hash} FROM ledger WHERE {tenant_id} = :tenant"
    " ORDER BY seq LIMIT 1000 OFFSET :offset"
)


async def _raw(database: Database, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    as_bytes = "CAST({} AS BLOB)" if database.is_sqlite else "convert_to({}, 'UTF8')"
    columns = {name: as_bytes.format(name) for name in ("tenant_id", "body", "hash")}
    rows = await database.reader.all(sa.text(sql.format(**columns)), **parameters)
    return [tuple(row) for row in rows]


async def _walk(
    database: Database, tenant: bytes, name: str, head: int, report: Report
) -> tuple[int, str, str | None]:
    """Check one chain; gives the number and hash of its last row, and the hash of row `head`."""
    seq, digest, offset = 0, GENESIS, 0
    at_head = GENESIS if head == 0 else None
    while rows := await _raw(database, _CHUNK, tenant=tenant, offset=offset):
        offset += len(rows)
        report.rows += len(rows)
        for found_seq, body, found_hash in rows:
            if found_seq != seq + 1:
                problem = f"row {found_seq} stands where row {seq + 1} should"
                report.findings.append(Finding(name, seq + 1, problem))
                seq = found_seq - 1 if isinstance(found_seq, int) else seq
            seq += 1
            expected = chained(digest, name, seq, body)
            if found_hash != expected.encode():
                report.findings.append(Finding(name, seq, "the row does not fit its hash"))
            # Go on from the stored hash, so that one damaged row is one finding.
            digest = found_hash.decode(errors="replace")
            if seq == head:
                at_head = digest
    return seq, digest, at_head
