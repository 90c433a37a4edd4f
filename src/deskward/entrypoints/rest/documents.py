"""Uploading documents that answers are to come from, and webhooks that have sources read again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import ValidationError, WithJsonSchema
from starlette.responses import Response

from deskward.core.database import Connection, now
from deskward.core.errors import InvalidInput, Unauthenticated
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.tools import answer, render
from deskward.entrypoints.rest.uploads import BYTES, UNTYPED
from deskward.gate.context import Context
from deskward.knowledge import sourcing
from deskward.knowledge.facts import MOST_TAGS, Settings
from deskward.knowledge.formats.reading import FORMATS
from deskward.knowledge.source_models import UploadedDocument
from deskward.knowledge.syncing import Syncs
from deskward.security.hook_signatures import is_signed
from deskward.security.principals import Kind, Principal
from deskward.security.tenants import require_open

DOCUMENTS = "/api/v1/knowledge/documents"
HOOKS = "/hooks/knowledge/{source_id}"
HOOK_ROLE = "source-hook"
"""The role of whoever has signed a webhook of a source."""

BODY = {
    "content": {
        "multipart/form-data": {
            "encoding": {
                "file": {
                    "contentType": UNTYPED,
                    "headers": {
                        "Content-Disposition": {
                            "description": "Has the document's name, whose ending says its form: "
                            f"{', '.join(FORMATS)}.",
                            "schema": {"type": "string"},
                            "example": 'form-data; name="file"; filename="setup.md"',
                        }
                    },
                }
            }
        }
    }
}
"""What FastAPI does not say of the body."""

Word = Annotated[str, Form(max_length=100)]


def documents_router(callers: Callers, reader: Connection) -> APIRouter:
    """The endpoints of documents and of their sources' webhooks."""
    router = APIRouter(
        tags=["knowledge"],
        responses=error_responses(400, 401, 403, 405, 409, 413, 415, 429, 500, 503),
    )

    @router.post(DOCUMENTS, openapi_extra={"requestBody": BODY})
    async def upload_document(
        request: Request,
        file: Annotated[UploadFile, File(), WithJsonSchema(BYTES)],
        audience: Annotated[str, Form(pattern="^(customer|staff)?$")] = "",
        product: Word = "",
        versions: Word = "",
        category: Word = "",
        tags: Annotated[str, Form(max_length=1_000, description="Parted by commas.")] = "",
        language: Word = "",
    ) -> UploadedDocument:
        """Upload a document (`multipart/form-data`), instead of the one of its name.

        It is for staff alone, but where `audience` or its front matter say `customer`.
        """
        if len((await request.form()).getlist("file")) > 1:
            raise InvalidInput("Send one file at a time.")
        data = await file.read()
        told = {"product": product, "versions": versions, "category": category}
        named = [tag.strip()[:60] for tag in tags.split(",") if tag.strip()][:MOST_TAGS]
        settings = _settings(
            {**told, "language": language, "audience": audience or None, "tags": named}
        )
        arguments = {
            "path": (file.filename or "").replace("\\", "/").rpartition("/")[2],
            "sha256": hashlib.sha256(data).hexdigest(),
            "settings": settings,
        }
        principal: Principal = request.state.principal
        context = Context(principal, "rest", request.state.request_id, carried=data)
        stored = await callers.gate.act("upload_document", arguments, context)
        return UploadedDocument.model_validate(answer(stored))

    @router.post(HOOKS)
    async def sync_by_webhook(request: Request, source_id: str) -> Response:
        """Have a source read again, by a request that is signed with its secret.

        Signed as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`),
        or as Git hosts do (`X-Hub-Signature-256`). What the body says is not looked at.
        """
        body = await request.body()
        principal = await _hooked(callers, reader, source_id, plain_headers(request.scope), body)
        context = Context(principal, "rest", request.state.request_id)
        return render(await callers.gate.call("sync_source", {"source_id": source_id}, context))

    return router


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    try:
        return Settings.model_validate(values).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


async def _hooked(
    callers: Callers, reader: Connection, source_id: str, headers: Mapping[str, str], body: bytes
) -> Principal:
    """Who has signed a webhook.

    Raises:
        Unauthenticated: There is no such source, it has no webhook, or the signature is wrong. All
            of these read the same.
    """
    row = await sourcing.hooked(reader, source_id)
    if row is not None:
        secret = callers.gate.port(Syncs).vault.opened(row.id, row.hook_secret)
        if is_signed(secret, headers, body, int(now().timestamp())):
            await require_open(reader, row.tenant_id)
            return Principal(Kind.SERVICE, HOOK_ROLE, row.tenant_id, (HOOK_ROLE,))
    raise Unauthenticated("The request is not signed with the source's secret, or too long ago.")
