"""Rules and queries of sources and documents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.paging import newest
from deskward.knowledge import filing
from deskward.knowledge.documents import ARTICLES, UPLOADS, documents, passages, sources
from deskward.knowledge.facts import Settings, Unreadable, stored_settings
from deskward.knowledge.source_models import (
    DocumentLine,
    DocumentList,
    DocumentPassage,
    KnowledgeDocument,
    KnowledgeSource,
)
from deskward.knowledge.syncing import job_of

MOST = 200
"""Sources that one tenant may have."""


async def row_of(db: Connection, tenant: str, source_id: str) -> sa.Row[Any]:
    """The source's row.

    Raises:
        NotFound: The tenant has no such source.
    """
    mine = (sources.c.tenant_id == tenant) & (sources.c.id == source_id)
    row = await db.first(sa.select(sources).where(mine))
    if row is None:
        raise NotFound("source", source_id)
    return row


async def hooked(db: Connection, source_id: str) -> sa.Row[Any] | None:
    """The row of a source that a webhook names, of whichever tenant; None where none may."""
    named = (sources.c.id == source_id) & sources.c.hook_secret.is_not(None)
    return await db.first(sa.select(sources).where(named))


async def add(db: Connection, tenant: str, values: dict[str, Any]) -> None:
    """Add a source, whose first sync is wanted at once.

    Raises:
        Conflict: There is one of that name, or the tenant has as many as it may.
    """
    mine = sources.c.tenant_id == tenant
    count = await db.first(sa.select(sa.func.count()).select_from(sources).where(mine))
    if count is not None and count[0] >= MOST:
        raise Conflict(f"There are {MOST} sources already. Remove one first.")
    same = await db.first(sa.select(sources.c.id).where(mine, sources.c.name == values["name"]))
    if same is not None:
        raise Conflict(
            f"There is a source {values['name']!r} already. Sync it, or choose another name.",
            details={"source_id": same.id},
        )
    moment = now()
    begun = {"state": "new", "failures": 0, "done": 0, "wanted_at": moment, "created_at": moment}
    await db.execute(sources.insert(), {"tenant_id": tenant, **values, **begun})


async def change(db: Connection, tenant: str, source_id: str, **values: Any) -> None:
    """Change a source's row.

    Raises:
        NotFound: The tenant has no such source.
    """
    same = (sources.c.tenant_id == tenant) & (sources.c.id == source_id)
    done = await db.execute(sa.update(sources).where(same).values(**values))
    if done.rowcount != 1:
        raise NotFound("source", source_id)


async def remove(db: Connection, tenant: str, source_id: str) -> int:
    """Forget a source and its documents; gives how many they were.

    Raises:
        NotFound: The tenant has no such source.
    """
    await row_of(db, tenant, source_id)
    same = (sources.c.tenant_id == tenant) & (sources.c.id == source_id)
    await db.execute(sa.delete(sources).where(same))
    # A sync that runs holds its job at each step, and ends where it is gone.
    await db.execute(sa.delete(jobs.jobs).where(jobs.jobs.c.id == job_of(tenant, source_id)))
    mine = (documents.c.tenant_id == tenant) & (documents.c.source_id == source_id)
    ids = [row.id for row in await db.all(sa.select(documents.c.id).where(mine))]
    for at in range(0, len(ids), filing.AT_ONCE):
        await filing.remove(db, tenant, ids[at : at + filing.AT_ONCE])
    return len(ids)


async def listed(db: Connection, tenant: str) -> list[KnowledgeSource]:
    """The sources of a tenant, the oldest first."""
    mine = sources.c.tenant_id == tenant
    rows = await db.all(sa.select(sources).where(mine).order_by(sources.c.created_at))
    return [await _shown(db, row) for row in rows]


async def get(db: Connection, tenant: str, source_id: str) -> KnowledgeSource:
    """A source.

    Raises:
        NotFound: The tenant has no such source.
    """
    return await _shown(db, await row_of(db, tenant, source_id))


async def document_row(db: Connection, tenant: str, document_id: str) -> sa.Row[Any]:
    """The document's row.

    Raises:
        NotFound: The tenant has no such document.
    """
    mine = (documents.c.tenant_id == tenant) & (documents.c.id == document_id)
    row = await db.first(sa.select(documents).where(mine))
    if row is None:
        raise NotFound("document", document_id)
    return row


async def document(
    db: Connection, tenant: str, document_id: str, *, limit: int, offset: int
) -> KnowledgeDocument:
    """A document with some of its passages, in their order.

    Raises:
        NotFound: The tenant has no such document.
    """
    row = await document_row(db, tenant, document_id)
    rows = await db.all(
        sa.select(passages)
        .where(passages.c.tenant_id == tenant, passages.c.document_id == document_id)
        .order_by(passages.c.place)
        .limit(limit)
        .offset(offset)
    )
    parts = [
        DocumentPassage(passage_id=one.id, headings=one.headings, text=one.text) for one in rows
    ]
    line = _line(row).model_dump()
    return KnowledgeDocument(**line, address=row.address, commit=row.commit_id, parts=parts)


async def listed_documents(
    db: Connection,
    tenant: str,
    source_id: str | None,
    state: str | None,
    *,
    limit: int,
    offset: int,
) -> DocumentList:
    """One page of the documents, the last changed first."""
    where = [documents.c.tenant_id == tenant]
    if source_id is not None:
        if source_id not in (ARTICLES, UPLOADS):
            await row_of(db, tenant, source_id)
        where.append(documents.c.source_id == source_id)
    if state is not None:
        where.append(documents.c.state == state)
    page = {"limit": limit, "offset": offset}
    total, rows = await newest(db, documents, where, **page, by="changed_at")
    return DocumentList(total=total, **page, documents=[_line(row) for row in rows])


async def remove_upload(db: Connection, tenant: str, document_id: str) -> None:
    """Forget an uploaded document.

    Raises:
        NotFound: The tenant has no such document.
        Conflict: It is of a source, which would bring it back.
    """
    row = await document_row(db, tenant, document_id)
    if row.source_id == ARTICLES:
        raise Conflict("It is an article: unpublish it.", details={"article_id": row.path})
    if row.source_id != UPLOADS:
        raise Conflict(
            "It is of a source: remove it there, or leave its path out in the source's settings."
        )
    await filing.remove(db, tenant, [document_id])


def _line(row: sa.Row[Any]) -> DocumentLine:
    names = DocumentLine.model_fields.keys() - {"document_id"}
    return DocumentLine(document_id=row.id, **{name: getattr(row, name) for name in names})


async def _shown(db: Connection, row: sa.Row[Any]) -> KnowledgeSource:
    mine = (documents.c.tenant_id == row.tenant_id) & (documents.c.source_id == row.id)
    counts = await db.all(
        sa.select(
            documents.c.state,
            sa.func.count().label("many"),
            sa.func.coalesce(sa.func.sum(documents.c.passages), 0).label("passages"),
        )
        .where(mine)
        .group_by(documents.c.state)
    )
    by_state = {one.state: one.many for one in counts}
    settings: Settings | None = None
    reason = row.reason
    try:
        settings = stored_settings(row.settings)
    except Unreadable as error:
        reason = str(error)
    return KnowledgeSource(
        source_id=row.id,
        name=row.name,
        kind=row.kind,
        location=row.location,
        settings=settings,
        every_minutes=row.every_minutes,
        state=row.state,
        reason=reason,
        wanted=row.wanted_at is not None,
        done=row.done,
        total=row.total,
        ready=by_state.get(filing.READY, 0),
        failed=by_state.get(filing.FAILED, 0),
        passages=sum(int(one.passages) for one in counts),
        synced_at=row.synced_at,
        next_at=row.next_at,
        hook=row.hook_secret is not None,
        added_by=row.added_by,
        created_at=row.created_at,
    )
