"""The tools of sources and documents: staff say where answers come from, and see how that does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, TypedDict

from pydantic import Field

from deskward.core.database import now
from deskward.core.errors import InvalidInput
from deskward.core.paging import Limit, Offset
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk
from deskward.knowledge import sourcing
from deskward.knowledge.documents import UPLOADS
from deskward.knowledge.facts import Settings
from deskward.knowledge.origins import SourceKind
from deskward.knowledge.places import is_local, place_of
from deskward.knowledge.source_models import (
    AnySource,
    DocumentId,
    DocumentList,
    DocumentReceipt,
    DocumentState,
    HookSecret,
    KnowledgeDocument,
    KnowledgeSource,
    KnowledgeSources,
    Location,
    Minutes,
    SourceId,
    SourceName,
    SourceReceipt,
    SourceSecret,
    UploadedDocument,
)
from deskward.knowledge.syncing import Syncs
from deskward.knowledge.tools import tools
from deskward.knowledge.uploading import upload
from deskward.security.hook_signatures import secret_bytes


class SourceFacts(TypedDict):
    """What policies may know of the source that a call is about.

    Attributes:
        local: Whether it is on this machine: a folder, or a repository in one.
    """

    local: bool


async def place_facts(_ctx: Context, arguments: Mapping[str, Any]) -> SourceFacts:
    """The facts of a call about a source that is to be."""
    return {"local": is_local(arguments["kind"], arguments["location"])}


@tools.tool(
    scope="sources:write",
    risk=Risk.WRITE,
    rest="POST /knowledge/sources",
    facts=place_facts,
    keeps_secrets=False,
)
async def add_source(
    ctx: Context,
    name: SourceName,
    kind: SourceKind,
    location: Location,
    settings: Settings | None = None,
    every_minutes: Minutes | None = None,
    secret: SourceSecret | None = None,
) -> SourceReceipt:
    """Have the documents of a source be found: a folder, a repository, web addresses, a bucket.

    It is read at once, and again when it is synced. Its documents are for staff alone, but where
    the settings or their front matter say `customer`.

    Args:
        name: What it is called.
        kind: What it is.
        location: Where it is.
        settings: How it is read, and what is said of its documents.
        every_minutes: How often it is read by itself. Left out: when somebody asks.
        secret: What opens it, where something has to.
    """
    syncs = ctx.port(Syncs)
    place = place_of(kind, location, syncs.outside)
    source_id = new_id()
    opens = secret.get_secret_value().encode() if secret is not None else None
    await sourcing.add(
        ctx.db,
        ctx.tenant,
        {
            "id": source_id,
            "name": name,
            "kind": kind,
            "location": place,
            "settings": (settings or Settings()).model_dump(mode="json"),
            "every_minutes": every_minutes,
            "secrets": syncs.vault.sealed(source_id, opens) if opens else None,
            "added_by": ctx.principal.label,
        },
    )
    return SourceReceipt(source_id=source_id, message="It is read from now on.")


@tools.tool(
    scope="documents:read", risk=Risk.READ, rest="GET /knowledge/sources", keeps_secrets=False
)
async def list_sources(ctx: Context) -> KnowledgeSources:
    """List the sources of documents, and how they do."""
    return KnowledgeSources(sources=await sourcing.listed(ctx.db, ctx.tenant))


@tools.tool(
    scope="documents:read",
    risk=Risk.READ,
    rest="GET /knowledge/sources/{source_id}",
    keeps_secrets=False,
)
async def get_source(ctx: Context, source_id: SourceId) -> KnowledgeSource:
    """Show a source of documents, and how its sync gets on.

    Args:
        source_id: The source.
    """
    return await sourcing.get(ctx.db, ctx.tenant, source_id)


@tools.tool(
    scope="documents:sync",
    risk=Risk.WRITE,
    rest="POST /knowledge/sources/{source_id}/sync",
    keeps_secrets=False,
)
async def sync_source(ctx: Context, source_id: SourceId) -> SourceReceipt:
    """Read a source again: what changed in it since is found from then on, what is gone is not.

    Args:
        source_id: The source.
    """
    await sourcing.change(ctx.db, ctx.tenant, source_id, wanted_at=now())
    return SourceReceipt(source_id=source_id, message="It is read as soon as may be.")


@tools.tool(
    scope="sources:write",
    risk=Risk.WRITE,
    rest="PATCH /knowledge/sources/{source_id}",
    keeps_secrets=False,
    together={"anyOf": [{"required": [name]} for name in ("settings", "every_minutes", "secret")]},
)
async def change_source(
    ctx: Context,
    source_id: SourceId,
    settings: Settings | None = None,
    every_minutes: Annotated[int, Field(ge=0, le=43_200)] | None = None,
    secret: SourceSecret | None = None,
) -> SourceReceipt:
    """Change how a source is read, and what is said of its documents. It is read anew.

    Args:
        source_id: The source.
        settings: All of its settings, as they are to be.
        every_minutes: How often it is read by itself; 0 for never.
        secret: What opens it now.
    """
    if settings is None and every_minutes is None and secret is None:
        raise InvalidInput("Say what to change: `settings`, `every_minutes` or `secret`.")
    values: dict[str, Any] = {"wanted_at": now()}
    if settings is not None:
        values["settings"] = settings.model_dump(mode="json")
    if every_minutes is not None:
        values |= {"every_minutes": every_minutes or None, "next_at": None}
    if secret is not None:
        opens = secret.get_secret_value().encode()
        values["secrets"] = ctx.port(Syncs).vault.sealed(source_id, opens)
    await sourcing.change(ctx.db, ctx.tenant, source_id, **values)
    return SourceReceipt(source_id=source_id, message="It is read anew as soon as may be.")


@tools.tool(
    scope="sources:write",
    risk=Risk.WRITE,
    rest="POST /knowledge/sources/{source_id}/hook",
    keeps_secrets=False,
)
async def set_source_hook(ctx: Context, source_id: SourceId, secret: HookSecret) -> SourceReceipt:
    """Let whoever signs with a secret have a source read, at `POST /hooks/knowledge/{source_id}`.

    Args:
        source_id: The source.
        secret: What requests are signed with. It takes the place of one from before.
    """
    sealed = ctx.port(Syncs).vault.sealed(source_id, secret_bytes(secret.get_secret_value()))
    await sourcing.change(ctx.db, ctx.tenant, source_id, hook_secret=sealed)
    return SourceReceipt(source_id=source_id, message=f"/hooks/knowledge/{source_id} takes it.")


@tools.tool(
    scope="sources:write",
    risk=Risk.DESTRUCTIVE,
    rest="DELETE /knowledge/sources/{source_id}",
    keeps_secrets=False,
)
async def remove_source(ctx: Context, source_id: SourceId) -> SourceReceipt:
    """Forget a source, and find its documents no more.

    Args:
        source_id: The source.
    """
    count = await sourcing.remove(ctx.db, ctx.tenant, source_id)
    return SourceReceipt(
        source_id=source_id, message=f"It was removed. Documents forgotten: {count}."
    )


@tools.tool(
    scope="documents:read", risk=Risk.READ, rest="GET /knowledge/documents", keeps_secrets=False
)
async def list_documents(
    ctx: Context,
    source_id: AnySource | None = None,
    state: DocumentState | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> DocumentList:
    """List the documents that answers come from, the last changed first.

    Args:
        source_id: Only those of this source.
        state: `failed`: those that could not be read, each with its reason.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    page = {"limit": limit, "offset": offset}
    return await sourcing.listed_documents(ctx.db, ctx.tenant, source_id, state, **page)


@tools.tool(
    scope="documents:read",
    risk=Risk.READ,
    rest="GET /knowledge/documents/{document_id}",
    keeps_secrets=False,
)
async def get_document(
    ctx: Context, document_id: DocumentId, limit: Limit = 20, offset: Offset = 0
) -> KnowledgeDocument:
    """Show a document and its passages, as they are found.

    Args:
        document_id: The document.
        limit: How many passages to show at the most.
        offset: How many to pass over.
    """
    page = {"limit": limit, "offset": offset}
    return await sourcing.document(ctx.db, ctx.tenant, document_id, **page)


@tools.tool(scope="documents:write", risk=Risk.WRITE, rest=None, keeps_secrets=False)
async def upload_document(
    ctx: Context,
    path: Annotated[str, Field(min_length=1, max_length=500)],
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
    settings: Settings,
) -> UploadedDocument:
    """Have an uploaded document be found, instead of the one that was uploaded under its name.

    Args:
        path: Its name.
        sha256: The digest of its content.
        settings: What is said of it.
    """
    data: bytes = ctx.carried
    assert hashlib.sha256(data).hexdigest() == sha256
    if ".." in PurePosixPath(path).parts or not path.isprintable():
        raise InvalidInput("A document needs a name of printable characters, without `..`.")
    return await upload(ctx, ctx.port(Syncs).parser, UPLOADS, path, data, settings)


@tools.tool(
    scope="documents:write",
    risk=Risk.DESTRUCTIVE,
    rest="DELETE /knowledge/documents/{document_id}",
    keeps_secrets=False,
)
async def remove_document(ctx: Context, document_id: DocumentId) -> DocumentReceipt:
    """Forget an uploaded document.

    Args:
        document_id: The document.
    """
    await sourcing.remove_upload(ctx.db, ctx.tenant, document_id)
    return DocumentReceipt(document_id=document_id, message="It is found no more.")
