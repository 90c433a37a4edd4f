"""Rules and queries of files. A file belongs to who uploaded it, or had a tool make it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import InvalidInput, NotFound, QuotaExceeded
from deskward.files.models import StoredFile, files
from deskward.gate.context import new_id

TYPES = {
    ".csv": ("text/csv", b""),
    ".docx": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        b"PK\x03\x04",
    ),
    ".gif": ("image/gif", b"GIF8"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".json": ("application/json", b""),
    ".md": ("text/markdown", b""),
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".txt": ("text/plain", b""),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
}
"""Ending → type and first bytes. Nothing that a mail program would run."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Content:
    """A file as it is attached."""

    file_id: str
    name: str
    content_type: str
    data: bytes


async def store(
    db: Connection,
    tenant: str,
    owner: str,
    name: str,
    data: bytes,
    *,
    max_size: int,
    types: Mapping[str, tuple[str, bytes]] = TYPES,
) -> StoredFile:
    """Keep a file.

    Args:
        owner: The label of the principal that it belongs to.
        name: Its name; folders in it are dropped.
        max_size: Most bytes that it may have.
        types: Those that are taken.

    Raises:
        InvalidInput: Name, type or size are not allowed.
    """
    name = PurePath(name.replace("\\", "/")).name.strip()
    if not name or len(name) > 200 or _CONTROL.search(name):
        raise InvalidInput("A file needs a name of 1 to 200 printable characters.")
    found = types.get(PurePath(name).suffix.lower())
    if found is None:
        raise InvalidInput(f"Files of this type are not taken. Types: {', '.join(sorted(types))}.")
    content_type, beginning = found
    if not data or not data.startswith(beginning):
        raise InvalidInput(f"{name} is empty, or not what its ending says.")
    if len(data) > max_size:
        raise InvalidInput(f"{name} is over the limit of {max_size:,} bytes.")
    row = {
        "tenant_id": tenant,
        "id": new_id(),
        "owner": owner,
        "name": name,
        "content_type": content_type,
        "content": data,
        "created_at": now(),
    }
    await db.execute(files.insert(), row)
    return StoredFile(
        file_id=row["id"],
        name=name,
        content_type=content_type,
        size=len(data),
        created_at=row["created_at"],
    )


async def held(db: Connection, tenant: str, owner: str | None = None) -> int:
    """How many bytes the files of somebody have, or those of all of a tenant."""
    theirs = (files.c.tenant_id == tenant) & (True if owner is None else files.c.owner == owner)
    size = sa.func.coalesce(sa.func.sum(sa.func.length(files.c.content)), 0)
    row = await db.first(sa.select(size).where(theirs))
    return int(row[0]) if row else 0


async def listed(
    db: Connection, tenant: str, owner: str, limit: int, *, kept: timedelta
) -> list[StoredFile]:
    """Somebody's files, the newest first; those that are kept no longer are not there."""
    rows = await db.all(
        sa.select(
            *(files.c.id, files.c.name, files.c.content_type, files.c.created_at),
            sa.func.length(files.c.content).label("size"),
        )
        .where(
            files.c.tenant_id == tenant,
            files.c.owner == owner,
            files.c.created_at > now() - kept,
        )
        .order_by(files.c.created_at.desc(), files.c.id)
        .limit(limit)
    )
    return [
        StoredFile(
            file_id=row.id,
            name=row.name,
            content_type=row.content_type,
            size=row.size,
            created_at=row.created_at,
        )
        for row in rows
    ]


async def delete(db: Connection, tenant: str, owner: str, file_id: str) -> None:
    """Delete a file.

    Raises:
        NotFound: It does not exist, or belongs to somebody else.
    """
    theirs = (files.c.tenant_id == tenant) & (files.c.owner == owner) & (files.c.id == file_id)
    if (await db.execute(sa.delete(files).where(theirs))).rowcount == 0:
        raise NotFound("file", file_id)


async def delete_expired(db: Connection, tenant: str, kept: timedelta) -> None:
    """Delete a tenant's files that were kept for so long."""
    late = (files.c.tenant_id == tenant) & (files.c.created_at <= now() - kept)
    await db.execute(sa.delete(files).where(late))


async def check_room(
    db: Connection, tenant: str, owner: str, size: int, *, quota: int, tenant_quota: int
) -> None:
    """See that there is room for so many bytes more, in a transaction that has the tenant's turn.

    Args:
        quota: Most bytes that all files of the owner may have.
        tenant_quota: Most bytes that all files of the tenant may have.

    Raises:
        QuotaExceeded: There is not.
    """
    if await held(db, tenant, owner) + size > quota:
        raise QuotaExceeded(f"Your files would be over {quota:,} bytes. Delete some first.")
    if await held(db, tenant) + size > tenant_quota:
        raise QuotaExceeded("There is no room for more files at this desk now.")


async def check(db: Connection, tenant: str, owner: str, ids: Sequence[str]) -> None:
    """See that files are there, and their owner's.

    Raises:
        NotFound: One is not.
    """
    for file_id in ids:
        found = await db.first(
            sa.select(files.c.id).where(
                files.c.tenant_id == tenant, files.c.owner == owner, files.c.id == file_id
            )
        )
        if found is None:
            raise NotFound("file", file_id)


async def load(
    db: Connection,
    tenant: str,
    owner: str,
    file_ids: list[str],
    *,
    kept: timedelta | None = None,
) -> list[Content]:
    """The files of these ids, in their order.

    Args:
        kept: How long a file is kept: an older one counts as gone, also where nobody has deleted
            it yet.

    Raises:
        NotFound: One does not exist, or belongs to somebody else.
    """
    theirs = (files.c.tenant_id == tenant) & (files.c.owner == owner) & files.c.id.in_(file_ids)
    if kept is not None:
        theirs &= files.c.created_at > now() - kept
    rows = await db.all(sa.select(files).where(theirs))
    found = {row.id: Content(row.id, row.name, row.content_type, row.content) for row in rows}
    for file_id in file_ids:
        if file_id not in found:
            raise NotFound("file", file_id)
    return [found[file_id] for file_id in file_ids]


async def sendable(
    db: Connection,
    tenant: str,
    file_ids: Sequence[str],
    *,
    readers: Collection[str],
    together: int,
    kept: timedelta,
) -> list[sa.Row[Any]]:
    """The files that may be sent, each once, in their order, with their owners; see `give`.

    Raises:
        NotFound: One does not exist, or is somebody else's.
        InvalidInput: They are too large together.
    """
    size = sa.func.length(files.c.content).label("size")
    named = list(dict.fromkeys(file_ids))
    rows = await db.all(
        sa.select(files.c.id, files.c.owner, size).where(
            files.c.tenant_id == tenant,
            files.c.id.in_(named),
            files.c.owner.in_(list(readers)),
            files.c.created_at > now() - kept,
        )
    )
    found = {row.id: row for row in rows}
    for file_id in named:
        if file_id not in found:
            raise NotFound("file", file_id)
    if sum(row.size for row in rows) > together:
        raise InvalidInput(f"The files of one answer may have {together:,} bytes together.")
    return [found[file_id] for file_id in named]


async def give(
    db: Connection,
    tenant: str,
    owner: str,
    file_ids: Sequence[str],
    *,
    readers: Collection[str],
    together: int,
    tenant_quota: int,
    kept: timedelta,
) -> list[str]:
    """Have somebody own files that are sent to them: they can read them, whoever deletes theirs.

    Args:
        owner: The label of whoever gets them.
        readers: The labels whose files may be sent.
        together: Most bytes that they may have together.
        tenant_quota: Most bytes that all files of the tenant may have.
        kept: How long files are kept.

    Returns:
        The ids of the files that are theirs now, in the same order; those that were theirs stay.

    Raises:
        NotFound: One does not exist, or is somebody else's.
        InvalidInput: They are too large together.
        QuotaExceeded: The tenant has no room.
    """
    rows = await sendable(db, tenant, file_ids, readers=readers, together=together, kept=kept)
    new = [row for row in rows if row.owner != owner]
    if new and await held(db, tenant) + sum(row.size for row in new) > tenant_quota:
        raise QuotaExceeded("There is no room for more files at this desk now.")
    copies = {row.id: await _copied(db, tenant, row.id, owner) for row in new}
    return [copies.get(row.id, row.id) for row in rows]


async def _copied(db: Connection, tenant: str, file_id: str, owner: str) -> str:
    """Copy a file within the database, for another owner; gives the copy's id."""
    new = new_id()
    columns = ("tenant_id", "id", "owner", "name", "content_type", "content", "created_at")
    moment = sa.literal(now(), files.c.created_at.type)
    source = sa.select(
        *(files.c.tenant_id, sa.literal(new), sa.literal(owner), files.c.name),
        *(files.c.content_type, files.c.content, moment),
    ).where(files.c.tenant_id == tenant, files.c.id == file_id)
    await db.execute(files.insert().from_select(columns, source))
    return new


async def readable(
    db: Connection, tenant: str, file_id: str, owner: str | None, *, kept: timedelta
) -> StoredFile:
    """A file that somebody may read, without its content.

    Args:
        owner: The label of whose it must be; None for a file of any customer.

    Raises:
        NotFound: It does not exist, belongs to somebody else, or is kept no longer.
    """
    whose = files.c.owner == owner if owner is not None else files.c.owner.startswith("customer:")
    this = (files.c.tenant_id == tenant) & (files.c.id == file_id)
    row = await db.first(
        sa.select(
            *(files.c.id, files.c.name, files.c.content_type, files.c.created_at),
            sa.func.length(files.c.content).label("size"),
        ).where(this, whose, files.c.created_at > now() - kept)
    )
    if row is None:
        raise NotFound("file", file_id)
    return StoredFile(
        file_id=row.id,
        name=row.name,
        content_type=row.content_type,
        size=row.size,
        created_at=row.created_at,
    )


async def content(db: Connection, tenant: str, file_id: str) -> bytes:
    """The bytes of a file that the caller may read, as `readable` has said.

    Raises:
        NotFound: It is gone.
    """
    this = (files.c.tenant_id == tenant) & (files.c.id == file_id)
    row = await db.first(sa.select(files.c.content).where(this))
    if row is None:
        raise NotFound("file", file_id)
    return bytes(row.content)


async def named(db: Connection, tenant: str, file_ids: Sequence[str]) -> dict[str, str]:
    """File → its name, of those that are there."""
    rows = await db.all(
        sa.select(files.c.id, files.c.name).where(
            files.c.tenant_id == tenant, files.c.id.in_(list(file_ids))
        )
    )
    return {row.id: row.name for row in rows}
