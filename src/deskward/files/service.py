"""Rules and queries of files. A file belongs to who uploaded it, or had a tool make it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import InvalidInput, NotFound
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
    db: Connection, tenant: str, owner: str, name: str, data: bytes, *, max_size: int
) -> StoredFile:
    """Keep a file.

    Args:
        owner: The label of the principal that it belongs to.
        name: Its name; folders in it are dropped.
        max_size: Most bytes that it may have.

    Raises:
        InvalidInput: Name, type or size are not allowed.
    """
    name = PurePath(name.replace("\\", "/")).name.strip()
    if not name or len(name) > 200 or _CONTROL.search(name):
        raise InvalidInput("A file needs a name of 1 to 200 printable characters.")
    found = TYPES.get(PurePath(name).suffix.lower())
    if found is None:
        raise InvalidInput(f"Files of this type are not taken. Types: {', '.join(sorted(TYPES))}.")
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


async def load(db: Connection, tenant: str, owner: str, file_ids: list[str]) -> list[Content]:
    """The files of these ids, in their order.

    Raises:
        NotFound: One does not exist, or belongs to somebody else.
    """
    rows = await db.all(
        sa.select(files).where(
            files.c.tenant_id == tenant, files.c.owner == owner, files.c.id.in_(file_ids)
        )
    )
    found = {row.id: Content(row.id, row.name, row.content_type, row.content) for row in rows}
    for file_id in file_ids:
        if file_id not in found:
            raise NotFound("file", file_id)
    return [found[file_id] for file_id in file_ids]
