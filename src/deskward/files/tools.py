"""The tools of files, and what the door does that takes them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.errors import NotFound
from deskward.core.paging import Limit
from deskward.files import service
from deskward.files.models import FileId, StoredFile
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.security.principals import Kind

tools = ToolGroup("files")


@dataclass(frozen=True)
class FileRules:
    """What an operator sets.

    Attributes:
        largest: Most bytes of one file.
        quota: Most bytes of one caller's files.
        tenant_quota: Most bytes of all files of a tenant.
        kept: How long a file is kept.
    """

    largest: int
    quota: int
    tenant_quota: int
    kept: timedelta


class FileList(BaseModel):
    """The caller's files, the newest first."""

    files: list[StoredFile]
    size: int = Field(description="Of all of them, in bytes.")


class FileDeleted(BaseModel):
    """The receipt of a deletion."""

    file_id: FileId


@tools.tool(scope="files:write", risk=Risk.WRITE, rest=None, in_turn=True)
async def upload_file(
    ctx: Context,
    name: Annotated[str, Field(max_length=1000)],
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
) -> StoredFile:
    """Keep a file that the caller uploads.

    Args:
        name: Its name.
        sha256: The digest of its content.
    """
    rules = ctx.port(FileRules)
    await service.delete_expired(ctx.db, ctx.tenant, rules.kept)
    owner, data = ctx.principal.label, ctx.carried
    await service.check_room(
        *(ctx.db, ctx.tenant, owner, len(data)),
        quota=rules.quota,
        tenant_quota=rules.tenant_quota,
    )
    return await service.store(ctx.db, ctx.tenant, owner, name, data, max_size=rules.largest)


@tools.tool(scope="files:read", risk=Risk.READ, rest="GET /files")
async def list_files(ctx: Context, limit: Limit = 20) -> FileList:
    """List the files that you have uploaded, the newest first.

    Args:
        limit: How many to list at the most.
    """
    owner = ctx.principal.label
    kept = ctx.port(FileRules).kept
    found = await service.listed(ctx.db, ctx.tenant, owner, limit, kept=kept)
    return FileList(files=found, size=await service.held(ctx.db, ctx.tenant, owner))


@tools.tool(scope="files:read", risk=Risk.READ, rest=None)
async def download_file(ctx: Context, file_id: FileId) -> StoredFile:
    """Read a file of one's own, or, as a member of staff, one of a customer's.

    Args:
        file_id: The file.
    """
    kept = ctx.port(FileRules).kept
    own = partial(service.readable, ctx.db, ctx.tenant, file_id, kept=kept)
    if ctx.principal.kind is Kind.STAFF:
        with contextlib.suppress(NotFound):
            return await own(None)
    return await own(ctx.principal.label)


@tools.tool(scope="files:write", risk=Risk.DESTRUCTIVE, rest="DELETE /files/{file_id}")
async def delete_file(ctx: Context, file_id: FileId) -> FileDeleted:
    """Delete a file that you have uploaded.

    Args:
        file_id: The file.
    """
    await service.delete(ctx.db, ctx.tenant, ctx.principal.label, file_id)
    return FileDeleted(file_id=file_id)
