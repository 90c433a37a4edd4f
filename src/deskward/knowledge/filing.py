"""Writing documents down: what of them is new, what is gone, and what the index has to look at."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.knowledge.documents import changes, digest, document_id, documents, passages
from deskward.knowledge.facts import Facts
from deskward.knowledge.formats.chunks import Chunk

READY, FAILED = "ready", "failed"
AT_ONCE = 500
"""Ids that one statement names."""

_KEPT = ("title", "product", "versions", "category", "tags", "language", "audience")
"""What of a document stands with each of its passages in the index."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A document as it is to be written down.

    Attributes:
        path: Its place in its source.
        stamp: What tells, without reading it, that it is unchanged; empty: it is to be read again.
        facts: What the desk knows of it; None where it could not be read.
        chunks: Its passages; None where those that it had are to stay.
        reason: Why it could not be read, or what of it was not understood.
    """

    path: str
    address: str
    stamp: str
    size: int
    form: str
    facts: Facts | None = None
    chunks: Sequence[Chunk] | None = ()
    reason: str | None = None
    commit: str | None = None

    @property
    def content_hash(self) -> str | None:
        """Changes with the words of the document."""
        if self.facts is None or self.chunks is None:
            return None
        hashed = hashlib.sha256()
        for chunk in self.chunks:
            hashed.update("\x1f".join([*chunk.headings, chunk.text, "\x1e"]).encode())
        return hashed.hexdigest()


async def put(db: Connection, tenant: str, source_id: str, filed: Sequence[Filed]) -> int:
    """Write documents down; gives how many passages the index has to look at.

    It may be repeated: a document that is written down already changes nothing.
    """
    ids = [document_id(source_id, one.path) for one in filed]
    present = {row.id: row for row in await _rows(db, tenant, documents, documents.c.id, ids)}
    had: dict[str, dict[str, Any]] = {one: {} for one in ids}
    for row in await _rows(db, tenant, passages, passages.c.document_id, ids):
        had[row.document_id][row.id] = row
    touched: list[str] = []
    gone: list[str] = []
    new: list[dict[str, Any]] = []
    for one_id, one in zip(ids, filed, strict=True):
        before = present.get(one_id)
        values = _values(one, before)
        await _write(db, tenant, source_id, one_id, values, before)
        if one.chunks is None:
            continue
        wanted = passages_of(one_id, one.chunks)
        old = had[one_id]
        gone += old.keys() - wanted.keys()
        for passage_id, (place, chunk) in wanted.items():
            if passage_id not in old:
                new.append(_passage(tenant, passage_id, one_id, place, chunk))
            elif old[passage_id].place != place:
                named = {"b_tenant": tenant, "b_id": passage_id, "b_place": place}
                await db.execute(_MOVE, named)
        if before is not None and any(getattr(before, name) != values[name] for name in _KEPT):
            touched += wanted.keys() & old.keys()
    await _delete(db, tenant, passages.c.id, gone)
    if new:
        await db.execute(passages.insert(), new)
    return await note(db, tenant, [*gone, *(one["id"] for one in new), *touched])


async def remove(db: Connection, tenant: str, ids: Sequence[str]) -> None:
    """Forget documents, and their passages."""
    rows = await _rows(db, tenant, passages, passages.c.document_id, ids)
    await _delete(db, tenant, passages.c.document_id, ids)
    await _delete(db, tenant, documents.c.id, ids)
    await note(db, tenant, [row.id for row in rows])


async def note(db: Connection, tenant: str, passage_ids: Sequence[str]) -> int:
    """Have the index look at some passages; gives how many."""
    rows = [{"tenant_id": tenant, "passage_id": one} for one in dict.fromkeys(passage_ids)]
    if rows:
        await db.execute(changes.insert(), rows)
    return len(rows)


def passages_of(one_id: str, chunks: Sequence[Chunk]) -> dict[str, tuple[int, Chunk]]:
    """Passages by their ids, each with its place; equal ones under one heading are numbered."""
    seen: Counter[str] = Counter()
    found = {}
    for place, chunk in enumerate(chunks):
        made = digest(one_id, *chunk.headings, "", chunk.text)
        seen[made] += 1
        passage_id = made if seen[made] == 1 else digest(made, str(seen[made]))
        found[passage_id] = (place, chunk)
    return found


_MOVE = (
    sa.update(passages)
    .where(passages.c.tenant_id == sa.bindparam("b_tenant"), passages.c.id == sa.bindparam("b_id"))
    .values(place=sa.bindparam("b_place"))
)


def _passage(tenant: str, passage_id: str, one_id: str, place: int, chunk: Chunk) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "id": passage_id,
        "document_id": one_id,
        "place": place,
        "headings": list(chunk.headings),
        "text": chunk.text,
    }


def _values(one: Filed, before: sa.Row[Any] | None) -> dict[str, Any]:
    """A document's row, without what says whose it is."""
    known: Mapping[str, Any] = {}
    if one.facts is not None:
        known = {name: getattr(one.facts, name) for name in _KEPT}
        known = {**known, "tags": list(one.facts.tags)}
    elif before is not None:
        known = {name: getattr(before, name) for name in _KEPT}
    else:
        blank = {"title": one.path.rpartition("/")[2][:300], "language": "und", "audience": "staff"}
        known = {"product": "", "versions": "", "category": "", "tags": [], **blank}
    keeps = one.chunks is None and before is not None
    return {
        **known,
        "path": one.path,
        "address": one.address[:2000],
        "commit_id": one.commit,
        "stamp": one.stamp,
        "content_hash": before.content_hash if keeps and before else one.content_hash,
        "size": one.size,
        "format": one.form,
        "state": FAILED if one.facts is None else READY,
        "reason": one.reason[:500] if one.reason else None,
        "passages": before.passages if keeps and before else len(one.chunks or ()),
    }


async def _write(
    db: Connection,
    tenant: str,
    source_id: str,
    one_id: str,
    values: dict[str, Any],
    before: sa.Row[Any] | None,
) -> None:
    moment = now()
    if before is None:
        named = {"tenant_id": tenant, "id": one_id, "source_id": source_id}
        row = {**named, **values, "added_at": moment, "changed_at": moment}
        await db.execute(documents.insert(), row)
        return
    words = ("content_hash", "state", *_KEPT)
    if any(getattr(before, name) != values[name] for name in words):
        values["changed_at"] = moment
    same = (documents.c.tenant_id == tenant) & (documents.c.id == one_id)
    await db.execute(sa.update(documents).where(same).values(**values))


async def _rows(
    db: Connection, tenant: str, table: sa.Table, column: sa.Column[Any], ids: Sequence[str]
) -> list[sa.Row[Any]]:
    found: list[sa.Row[Any]] = []
    for at in range(0, len(ids), AT_ONCE):
        some = column.in_(ids[at : at + AT_ONCE])
        found += await db.all(sa.select(table).where(table.c.tenant_id == tenant, some))
    return found


async def _delete(db: Connection, tenant: str, column: sa.Column[Any], ids: Sequence[str]) -> None:
    for at in range(0, len(ids), AT_ONCE):
        mine = column.table.c.tenant_id == tenant
        await db.execute(sa.delete(column.table).where(mine, column.in_(ids[at : at + AT_ONCE])))
