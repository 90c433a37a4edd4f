"""Documents that come one by one: uploads."""

from __future__ import annotations

import hashlib

from deskward.core.errors import Conflict, InvalidInput
from deskward.gate.context import Context
from deskward.knowledge import filing
from deskward.knowledge.documents import document_id
from deskward.knowledge.facts import Settings, facts_of
from deskward.knowledge.filing import Filed
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import FORMATS, format_of
from deskward.knowledge.parsing.pool import Parser
from deskward.knowledge.source_models import UploadedDocument


async def upload(
    ctx: Context, parser: Parser, source_id: str, path: str, data: bytes, settings: Settings
) -> UploadedDocument:
    """Read a document, and write it down instead of the one of its name.

    Raises:
        InvalidInput: Documents whose names end so are not read.
        Conflict: It cannot be read; says why. The one of its name stays as it is.
    """
    form = format_of(path)
    if form is None:
        raise InvalidInput(f"Documents of this type are not read. Types: {', '.join(FORMATS)}.")
    try:
        read = await parser.read(form, path, data)  # before the transaction begins
    except Broken as error:
        raise Conflict(f"{path} is not taken: {error}.") from None
    facts = facts_of(path, settings, read)
    filed = Filed(
        path=path,
        address=settings.address.replace("{path}", path),
        stamp=f"{settings.print}:{hashlib.sha256(data).hexdigest()}",
        size=len(data),
        form=form,
        facts=facts,
        chunks=read.chunks,
        reason="; ".join(facts.doubts) or None,
    )
    changed = await filing.put(ctx.db, ctx.tenant, source_id, [filed])
    return UploadedDocument(
        document_id=document_id(source_id, path),
        title=facts.title,
        format=form,
        language=facts.language,
        audience=facts.audience,
        passages=len(read.chunks),
        changed=changed > 0,
        doubts=list(facts.doubts),
    )
