"""Looking for changes in the ledger: every edit, deletion, reordering and truncation is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.exc import SQLAlchemyError

from deskward.core.database import Database
from deskward.gate.ledger.chain import GENESIS, chained
from deskward.gate.ledger.heads import Head


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


async def verify(
    database: Database, *, exported: Sequence[Head] = (), keys: Sequence[str] | None = None
) -> Report:
    """Walk every chain from its first row to its head, and say where it is broken.

    A chain that was cut at its end, and its head with it, or that was written anew as a whole, is
    found only by comparing with a head that was exported and kept elsewhere.

    Args:
        exported: Heads to compare with.
        keys: The public keys of which one must have signed each, Base64.
    """
    report = Report(rows=0, heads={}, findings=[])
    try:
        heads = {row[0]: (row[1], row[2]) for row in await _raw(database, _HEADS)}
        tenants = {row[0] for row in await _raw(database, _TENANTS)}
        [(hidden,)] = await _raw(database, _NOT_FOUND) if database.is_sqlite else [(0,)]
    except SQLAlchemyError as error:
        report.findings.append(Finding("?", 0, f"the ledger cannot be read: {error}"))
        return report
    if hidden:
        problem = f"the table and its index differ by {abs(hidden)} rows"
        report.findings.append(Finding("?", 0, problem))
    for one in exported:
        if keys is not None and not any(map(one.is_signed_by, keys)):
            problem = "the exported head is not signed by this desk"
            report.findings.append(Finding(one.tenant, one.seq, problem))
    known = {head.tenant.encode() for head in exported}
    for tenant in sorted(tenants | heads.keys() | known):
        name = tenant.decode(errors="replace")
        head = heads.get(tenant, (0, GENESIS.encode()))
        ends = {one.seq: one.hash for one in exported if one.tenant == name}
        try:
            seq, digest, found = await _walk(database, tenant, name, {head[0], *ends}, report)
            later = {row[0]: (row[1], row[2]) for row in await _raw(database, _HEADS)}
        except SQLAlchemyError as error:
            report.findings.append(Finding(name, 0, f"rows cannot be read: {error}"))
            continue
        # The desk may go on writing meanwhile: rows behind the head that we began with are sound
        # if the head has moved at least as far.
        now_at = later.get(tenant, (0, b""))
        ends_well = now_at[0] > seq if seq > head[0] else True
        if found.get(head[0]) != head[1].decode(errors="replace") or not (
            ends_well or now_at == (seq, digest.encode())
        ):
            report.findings.append(
                Finding(name, seq, "the chain does not end where its head says it does")
            )
        for end, expected in ends.items():
            if end > seq:
                problem = f"the chain had {end} rows when its head was exported, and has {seq}"
                report.findings.append(Finding(name, seq + 1, problem))
            elif found.get(end) != expected:
                problem = "the chain up to here is not the one whose head was exported"
                report.findings.append(Finding(name, end, problem))
        report.heads[name] = f"{seq}:{digest}"
    return report


# Everything is read as bytes: a damaged row may hold text that is not UTF-8.
_HEADS = "SELECT {tenant_id}, seq, {hash} FROM ledger_heads"
_TENANTS = "SELECT DISTINCT {tenant_id} FROM ledger"
_CHUNK = {
    # What SQLite has in an index it reads there: by its row id, a row is read as it stands itself.
    "sqlite": "SELECT found.seq, row.seq, {body}, {hash}, {conversation}, {tenant_id} FROM (SELECT"
    " rowid AS id, seq FROM ledger WHERE tenant_id = CAST(:tenant AS TEXT) {behind} ORDER BY seq"
    " LIMIT 1000) AS found JOIN ledger AS row NOT INDEXED ON row.rowid = found.id"
    " ORDER BY found.seq",
    "postgresql": "SELECT seq, seq, {body}, {hash}, {conversation}, {tenant_id} FROM ledger"
    " WHERE tenant_id = convert_from(:tenant, 'UTF8') {behind} ORDER BY seq LIMIT 1000",
}
"""Found by the primary key, so that a long chain is walked once."""
_NOT_FOUND = (
    "SELECT (SELECT count(*) FROM ledger NOT INDEXED) -"
    " (SELECT count(*) FROM ledger INDEXED BY sqlite_autoindex_ledger_1"
    " WHERE tenant_id >= '' AND tenant_id < x'')"
)
"""Of SQLite, how many rows no tenant's name finds: only texts are found by one."""


async def _raw(database: Database, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    as_bytes = "CAST({} AS BLOB)" if database.is_sqlite else "convert_to({}, 'UTF8')"
    columns = {
        name: as_bytes.format(name) for name in ("tenant_id", "body", "hash", "conversation")
    }
    behind = "AND seq > :after" if "after" in parameters else ""
    text = sa.text(sql.format(**columns, behind=behind))
    return [tuple(row) for row in await database.reader.all(text, **parameters)]


async def _walk(
    database: Database, tenant: bytes, name: str, ends: set[int], report: Report
) -> tuple[int, str, dict[int, str]]:
    """Check one chain; gives number and hash of its last row, and the hashes of the rows `ends`."""
    seq, digest = 0, GENESIS
    found = {0: GENESIS}
    after: dict[str, Any] = {}
    chunk = _CHUNK[database.reader.dialect]
    while rows := await _raw(database, chunk, tenant=tenant, **after):
        after = {"after": rows[-1][0]}
        report.rows += len(rows)
        for _, found_seq, body, found_hash, conversation, stands_in in rows:
            if found_seq != seq + 1:
                problem = f"row {found_seq} stands where row {seq + 1} should"
                report.findings.append(Finding(name, seq + 1, problem))
                seq = found_seq - 1 if isinstance(found_seq, int) else seq
            seq += 1
            if found_hash != chained(digest, name, seq, body).encode():
                report.findings.append(Finding(name, seq, "the row does not fit its hash"))
            elif stands_in != tenant:
                report.findings.append(Finding(name, seq, "the row names another tenant"))
            elif _conversation(body) != conversation:
                problem = "the row is filed under another conversation than its own"
                report.findings.append(Finding(name, seq, problem))
            # Go on from the stored hash, so that one damaged row is one finding.
            digest = found_hash.decode(errors="replace")
            if seq in ends:
                found[seq] = digest
    return seq, digest, found


def _conversation(body: bytes) -> bytes | None:
    name = from_json(body).get("conversation")
    return name.encode() if isinstance(name, str) else None
