"""Uploading files, to be attached to mails and answers, and having them."""

from __future__ import annotations

import hashlib
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Request, Response, UploadFile
from pydantic import WithJsonSchema
from starlette.types import Scope

from deskward.core.database import Connection
from deskward.core.errors import Forbidden, InvalidInput
from deskward.entrypoints.guard import Admit
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.tools import answer
from deskward.files import service as files
from deskward.files.models import FileId, StoredFile
from deskward.gate.context import Context
from deskward.security.principals import Principal

UPLOADS = "/api/v1/files"

UNTYPED = "application/octet-stream"

BODY = {
    "content": {
        "multipart/form-data": {
            "encoding": {
                "file": {
                    "contentType": UNTYPED,
                    "headers": {
                        "Content-Disposition": {
                            "description": "Has the file's name, whose ending says its type: "
                            f"{', '.join(sorted(files.TYPES))}.",
                            "schema": {"type": "string"},
                            "example": 'form-data; name="file"; filename="notes.txt"',
                        }
                    },
                }
            }
        }
    }
}
"""What FastAPI does not say of an upload's body."""


BYTES = {"type": "string", "format": "binary", "contentMediaType": UNTYPED, "minLength": 1}
"""The schema of a file. Only `format` tells older readers that it is bytes, and no text of JSON."""


NEVER_SHOWN = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}
"""What keeps a browser from running a file."""


def uploads_router(callers: Callers, reader: Connection) -> APIRouter:
    """The endpoints of uploads, and of what was uploaded."""
    router = APIRouter(
        tags=["files"],
        responses=error_responses(400, 401, 403, 405, 413, 415, 429, 500, 503),
    )

    @router.post(UPLOADS, openapi_extra={"requestBody": BODY})
    async def upload_file(
        request: Request, file: Annotated[UploadFile, File(), WithJsonSchema(BYTES)]
    ) -> StoredFile:
        """Upload a file (`multipart/form-data`). Only who uploaded it can use it."""
        if len((await request.form()).getlist("file")) > 1:
            raise InvalidInput("Send one file at a time.")
        data = await file.read()
        arguments = {"name": file.filename or "", "sha256": hashlib.sha256(data).hexdigest()}
        principal: Principal = request.state.principal
        context = Context(principal, "rest", request.state.request_id, carried=data)
        stored = await callers.gate.act("upload_file", arguments, context)
        return StoredFile.model_validate(answer(stored))

    @router.get(
        f"{UPLOADS}/{{file_id}}",
        response_class=Response,
        responses={200: {"content": {UNTYPED: {"schema": BYTES}}}, **error_responses(404)},
    )
    async def download_file(request: Request, file_id: FileId) -> Response:
        """Have a file: of one's own, such as came with an answer, or as staff one of a customer's.

        It is to be kept, and never shown in place: whoever sent it may have made anything of it.
        """
        principal = await callers.identify(plain_headers(request.scope))
        context = Context(principal, "rest", request.state.request_id)
        told = answer(await callers.gate.act("download_file", {"file_id": file_id}, context))
        found = StoredFile.model_validate(told)
        data = await files.content(reader, principal.tenant, found.file_id)
        named = f"attachment; filename*=utf-8''{quote(found.name, safe='')}"
        headers = {"Content-Disposition": named, **NEVER_SHOWN}
        return Response(data, media_type=UNTYPED, headers=headers)

    return router


def admit(callers: Callers, tool: str) -> Admit:
    """What sees whether who uploads may use a tool, before anything of the file is read."""

    async def see(scope: Scope) -> None:
        principal = await callers.identify(plain_headers(scope))
        if not callers.gate.policy.may_use(callers.gate.tools[tool], principal):
            raise Forbidden("Your key does not allow uploads here.")
        scope["state"]["principal"] = principal

    return see
